import { describe, expect, it } from "vitest";
import { emitKernelModule } from "../../src/driver/kernel-programs.js";
import { lowerText } from "../support/lowered.js";
import { patterns, tinyVae, trainAll } from "../training/support.js";
import { loadModule } from "./support.js";

const emit = (device?: "native" | "wasm"): Promise<string> => emitKernelModule(lowerText(tinyVae), { source: tinyVae, sourcePath: "tiny.lvm", docComment: [] }, { device });

/** Guards modules for one device: for a page the C is dead weight. */
describe("a module for one device", () => {
  it("holds that device's kernels alone", async () => {
    const [both, wasm, native] = [await emit(), await emit("wasm"), await emit("native")];
    for (const text of [both, native]) expect(text).toContain("#define LANES 8");
    for (const text of [both, wasm]) expect(text).toContain("module: `");
    expect(wasm).not.toContain("#define");
    expect(native).not.toContain("module: `");
    expect(wasm.length).toBeLessThan(0.4 * both.length);
  });

  it("of WebAssembly runs as if there were no C compiler, with a note", async () => {
    const create = loadModule(await emit("wasm"));
    const notes: string[] = [];
    const [model, named] = [await create({ seed: 1, onNote: (note) => notes.push(note) }), await loadModule(await emit())({ seed: 1, device: "wasm" })];
    const options = { steps: 8, epochs: 100, metricsEvery: 1 };
    expect(await trainAll(model, patterns(48, 12), options)).toEqual(await trainAll(named, patterns(48, 12), options));
    expect(model.device).toBe("wasm");
    expect(notes).toHaveLength(1);
    await expect(trainAll(await create({ device: "native" }), patterns(48, 12), options)).rejects.toMatchObject({ code: "LVM7160" });
  });

  it("of C refuses WebAssembly", async () => {
    const model = await loadModule(await emit("native"))({ device: "wasm" });
    await expect(trainAll(model, patterns(48, 12), {})).rejects.toMatchObject({ code: "LVM7150" });
  });
});
