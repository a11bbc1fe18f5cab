import { describe, expect, it } from "vitest";
import { emitKernelModule } from "../../src/driver/kernel-programs.js";
import type { KernelDevice } from "../../src/runtime/devices.js";
import { lowerText } from "../support/lowered.js";
import { patterns, tinyVae, trainAll } from "../training/support.js";
import { missing } from "../webgpu/support.js";
import { inProcess, loadModule } from "./support.js";

const emit = (...devices: KernelDevice[]): Promise<string> => emitKernelModule(lowerText(tinyVae), { source: tinyVae, sourcePath: "tiny.lvm", docComment: [] }, devices.length === 0 ? {} : { devices });

const options = { steps: 8, epochs: 100, metricsEvery: 1 };

/** Guards modules for some devices: they hold what these need, since for a page the C is dead weight, and say what others are told. */
describe("a module for some devices", () => {
  it("holds the kernels of these alone", async () => {
    const [both, wasm, native, page] = [await emit(), await emit("wasm"), await emit("native"), await emit("webgpu", "wasm")];
    for (const text of [both, native]) expect(text).toContain("#define LANES 8");
    for (const text of [both, wasm, page]) expect(text).toContain("module: `");
    for (const text of [wasm, page]) expect(text).not.toContain("#define");
    for (const text of [both, wasm, native]) expect(text).not.toContain("@compute");
    expect(native).not.toContain("module: `");
    expect(page).toContain('devices: ["wasm", "webgpu"],');
    // A shader for each kernel of the step and of the five programs over rows, as text that people can read.
    expect([...page.matchAll(/^fn main\(/gm)].length).toBe([...page.matchAll(/^ {4}wgsl: \[\n[^]*?^ {4}\],/gm)].reduce((sum, [text]) => sum + text.split("@compute").length - 1, 0));
    expect(/^ *`\\\n\/\/ .+\n\/\/ \S+:\d+/m.test(page)).toBe(true);
    expect(wasm.length).toBeLessThan(0.4 * both.length);
  });

  it("of WebAssembly runs in Node as when it is asked for", async () => {
    const create = loadModule(await emit("wasm"));
    const notes: string[] = [];
    const [model, named] = [await create({ seed: 1, onNote: (note) => notes.push(note) }), await loadModule(await emit())({ seed: 1, device: "wasm" })];
    expect(await trainAll(model, patterns(48, 12), options)).toEqual(await trainAll(named, patterns(48, 12), options));
    expect(model.device).toBe("wasm");
    // Nothing was passed over.
    expect(notes).toEqual([]);
  });

  it("refuses others, with the command that compiles for them", async () => {
    const refused = { code: "LVM7150", exitCode: 5 };
    await expect(loadModule(await emit("wasm"))({ device: "native" })).rejects.toMatchObject({ ...refused, help: expect.stringContaining("--device native,wasm") });
    await expect(loadModule(await emit("native"))({ device: "wasm" })).rejects.toMatchObject(refused);
    await expect(loadModule(await emit())({ device: "webgpu" })).rejects.toMatchObject({ ...refused, message: expect.stringContaining("compiled for native, wasm, not for the device webgpu"), help: expect.stringContaining("--device native,wasm,webgpu") });
  });

  it.skipIf(missing !== undefined)(`of WebGPU computes the bits of the compiler's own programs${missing === undefined ? "" : ` (skipped: ${missing})`}`, async () => {
    const figures = async (model: Awaited<ReturnType<typeof inProcess>>) => {
      expect(model.device).toBe("webgpu");
      const data = patterns(48, 12);
      const { steps, result } = await trainAll(model, data, options);
      const all = { steps, result, parameters: await model.parameters(), evaluation: await model.evaluate(data), sample: await model.sample(5), inference: await model.infer(data) };
      model.dispose();
      return all;
    };
    const expected = await figures(await inProcess(lowerText(tinyVae), { path: "tiny.lvm", text: tinyVae }, { device: "webgpu", seed: 1 }));
    const found = await figures(await loadModule(await emit("webgpu"))({ seed: 1 }));
    expect(found).toEqual(expected);
    expect(found.result.step).toBe(8);
  }, 300_000);
});
