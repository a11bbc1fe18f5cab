import { afterAll, describe, expect, it } from "vitest";
import { spawnSync } from "node:child_process";
import { lowerText } from "../support/lowered.js";
import { patterns, tinyVae, trainAll } from "../training/support.js";
import { emitted, inProcess, loadModule } from "./support.js";

/** Guards that the C of an emitted module, in vectors of 8 numbers, compiles and runs on machines without such vectors: compilers make two of 4 of them. */

const hasCompiler = spawnSync("cc", ["--version"]).status === 0;
const isX64 = process.arch === "x64";
const why = !hasCompiler ? " (skipped: no C compiler)" : !isX64 ? " (skipped: not x64)" : "";
const before = process.env["CC"];

describe.skipIf(why !== "")(`an emitted module's C${why}`, () => {
  afterAll(() => {
    if (before === undefined) delete process.env["CC"];
    else process.env["CC"] = before;
  });

  it.each([["without AVX and FMA", "cc -mno-avx"], ["without AVX2", "cc -mno-avx2 -mno-avx512f"], ["as it is", "cc"]])("%s trains as WebAssembly does", async (_, compiler) => {
    const source = { path: "tiny.lvm", text: tinyVae };
    const lowered = lowerText(tinyVae);
    const data = patterns(64, 12);
    const options = { steps: 30, epochs: 100, metricsEvery: 1 };
    const reference = await inProcess(lowered, source, { device: "wasm", seed: 2 });
    const expected = await trainAll(reference, data, options);
    process.env["CC"] = compiler;
    const model = await loadModule(await emitted(lowered, source))({ device: "native", seed: 2 });
    const found = await trainAll(model, data, options);
    expect(model.device).toBe("native");
    // Sums are in another order, and multiply-adds are rounded once or twice.
    found.steps.forEach(({ metrics }, at) => expect(Math.abs(metrics.elbo - expected.steps[at]!.metrics.elbo), `step ${at + 1}`).toBeLessThan(1e-3));
    expect((await model.sample(300))["x"]).toMatchObject({ rows: 300 });
    model.dispose();
    reference.dispose();
  });
});
