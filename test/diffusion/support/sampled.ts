import type { LoweredModel } from "../../../src/ir/lowered-model.js";
import { type RandomSource, seededRandom } from "../../../src/ir/tensor/evaluate.js";
import { lowerDiffusionSample, type SamplerOptions } from "../../../src/lowering/diffusion/sample.js";
import { type Inputs, run } from "../../support/lowered.js";

export const none = (): never => {
  throw new Error("only normals are drawn");
};

/** A source that draws these for x_T, and no noise after. */
export const startedAt = (starts: readonly number[]): RandomSource => ({
  uniform: none,
  normal: (_, count) => (count === starts.length ? Float64Array.from(starts) : new Float64Array(count)),
  logGamma: none,
});

/** What a sampler makes of the rows in float64: the output `x`, or another one. */
export function sampled({ program }: LoweredModel, options: SamplerOptions, inputs: Inputs, rows: number, random: RandomSource = seededRandom(3), output = "x"): readonly number[] {
  return [...run(lowerDiffusionSample(program, program.diffusion!, options), inputs, { rows, random })[output]!.values];
}
