import { describe, expect, it } from "vitest";
import { decideDevice, type Surroundings } from "../../src/cli/devices/decide-device.js";
import { LvmError } from "../../src/runtime/error.js";
import { createHost } from "../../src/runtime/kernels/host.js";
import type { WebGpu, WebGpuAdapter } from "../../src/runtime/webgpu/index.js";

const adapter: WebGpuAdapter = { vendor: "nvidia", architecture: "hopper", device: "NVIDIA H200", description: "", software: false, features: [], limits: {} as WebGpuAdapter["limits"] };
const work = () => ({ flops: 433e6, bytes: 29e6, kernels: 14 });
const rates = { native: { gflops: 100, gbytes: 50, dispatchMicroseconds: 1 }, wasm: { gflops: 20, gbytes: 30, dispatchMicroseconds: 2 }, webgpu: { gflops: 20_000, gbytes: 1000, dispatchMicroseconds: 5 } };

/** A machine in a test, and what was asked of it. */
function machine(parts: Partial<Surroundings> & { readonly software?: boolean } = {}) {
  const log: string[] = [];
  const surroundings: Surroundings = {
    noGpu: () => undefined,
    openGpu: async () => {
      log.push("open");
      return { adapter: { ...adapter, software: parts.software ?? false }, dispose: () => void log.push("dispose") } as unknown as WebGpu;
    },
    measure: async (device) => {
      log.push(device);
      return { ...rates[device], cached: false };
    },
    ...parts,
  };
  return { log, surroundings };
}

describe("which device a model gets where none is named", () => {
  it("a GPU that gains, open for the model", async () => {
    const { log, surroundings } = machine();
    const decision = await decideDevice(work, surroundings);
    expect(decision).toMatchObject({ device: "webgpu", adapter: "NVIDIA H200 (nvidia hopper)", measured: { webgpu: rates.webgpu, native: rates.native } });
    expect(decision.gpu).toBeDefined();
    expect(log).toEqual(["open", "webgpu", "native"]);
  });

  // Machines without a GPU and models that are too small must not pay for the question.
  it("nothing is opened where there is no GPU, or the model is tiny", async () => {
    const none = machine({ noGpu: () => "the package webgpu is not installed" });
    expect(await decideDevice(() => expect.fail("not even the work is estimated"), none.surroundings)).toMatchObject({ reason: "no GPU: the package webgpu is not installed" });
    const tiny = machine();
    expect((await decideDevice(() => ({ flops: 1e5, bytes: 1e5, kernels: 3 }), tiny.surroundings)).reason).toContain("too small");
    expect([...none.log, ...tiny.log]).toEqual([]);
  });

  it("a software adapter never counts: it is closed, and not measured", async () => {
    const { log, surroundings } = machine({ software: true });
    expect(await decideDevice(work, surroundings)).toMatchObject({ reason: expect.stringContaining("a CPU that plays one") });
    expect(log).toEqual(["open", "dispose"]);
  });

  it("what fails is a reason to take the processor, not an error", async () => {
    const refused = machine({ openGpu: async () => Promise.reject(new LvmError("LVM7161", "no WebGPU device: refused\nmore", { exitCode: 5 })) });
    expect(await decideDevice(work, refused.surroundings)).toMatchObject({ reason: "no GPU: no WebGPU device: refused" });
    const broken = machine({ measure: async () => Promise.reject(new Error("lost")) });
    expect((await decideDevice(work, broken.surroundings)).device).toBeUndefined();
    expect(broken.log).toEqual(["open", "dispose"]);
  });

  it("without a C compiler the other is WebAssembly", async () => {
    const { surroundings } = machine({ measure: async (device) => (device === "native" ? Promise.reject(new LvmError("LVM7160", "no compiler")) : { ...rates[device], cached: true }) });
    expect((await decideDevice(work, surroundings)).reason).toContain("on wasm");
  });
});

describe("a GPU that the rule chose", () => {
  const refusal = new LvmError("LVM7161", "no WebGPU device: the adapter refuses", { exitCode: 5, facts: { reason: "adapter-refused" } });
  const small = { adapter, device: { limits: { maxStorageBufferBindingSize: 64, maxBufferSize: 64 } }, failure: undefined, dispose: () => undefined } as unknown as WebGpu;
  const artifact = { words: 1024, inputs: {}, outputs: {}, constants: [], kernels: [{ name: "k", title: "", lines: [], groups: 1, flops: 0, bytes: 0 }], wgsl: [""] };

  // Nobody asked for it: the run must go on.
  it("is passed over with a note where it refuses to start, or has no memory", async () => {
    const notes: string[] = [];
    const refused = createHost({ first: "webgpu", openGpu: async () => Promise.reject(refusal), onNote: (note) => notes.push(note) });
    await refused.prepare();
    expect(refused.device).not.toBe("webgpu");
    expect(notes[0]).toMatch(/the adapter refuses; going on with (native kernels|WebAssembly)/);
    const full = createHost({ first: "webgpu", openGpu: async () => small, onNote: (note) => notes.push(note) });
    await full.prepare();
    expect(full.device).toBe("webgpu");
    // What comes after is no matter here: there are no other kernels.
    await expect(full.open(() => artifact)).rejects.toMatchObject({ message: expect.stringContaining("without WebAssembly kernels") });
    expect(notes[1]).toMatch(/the arena has 1 MiB.*going on with/);
  });

  it("ends the command where it was named", async () => {
    const named = createHost({ device: "webgpu", openGpu: async () => Promise.reject(refusal) });
    await expect(named.prepare()).rejects.toMatchObject({ code: "LVM7161", exitCode: 5 });
  });
});
