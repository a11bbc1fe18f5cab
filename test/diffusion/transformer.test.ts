import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { makeBuiltinData } from "../../src/runtime/builtin-data/index.js";
import { readModel } from "../codegen/support/type-check.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { trainAll } from "../training/support.js";

describe("models/ddpm_transformer.lvm", () => {
  // Guards that patches, modulated blocks and their way back to an image learn: at the start all says 0 (the last layer begins there), and after 150 steps of a narrow, shallow one the weighted
  // error of digits is below half of what it was. The mean of 20 steps of 16 rows varies by less than a tenth.
  it("learns digits", async () => {
    const { value } = compile(readModel("ddpm_transformer"), { set: { WIDTH: "32", DEPTH: "1", T: "50" } });
    if (!value) throw new Error("it does not compile");
    const model = await kernelModel(value.lowered, "wasm", { seed: 1 });
    const [images] = makeBuiltinData("digits", [256], 1);
    const { steps } = await trainAll(model, { x: { rows: 256, shape: [28, 28, 1], values: images!.values } }, { steps: 150, epochs: 100, batch: 16, metricsEvery: 1 });
    const losses = steps.map(({ metrics }) => metrics.loss);
    const mean = (from: number, to: number): number => losses.slice(from, to).reduce((sum, loss) => sum + loss, 0) / (to - from);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(mean(130, 150)).toBeLessThan(0.5 * mean(0, 5));
    model.dispose();
  }, 300_000);
});
