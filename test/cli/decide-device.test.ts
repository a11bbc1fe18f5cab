import { describe, expect, it } from "vitest";
import { decideDevice, type Surroundings } from "../../src/cli/devices/decide-device.js";
import { LvmError } from "../../src/runtime/error.js";
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
