import { describe, expect, it } from "vitest";
import { withSampler } from "../../src/driver/with-sampler.js";
import { compile } from "../../src/driver/compile.js";
import { samplerNames } from "../../src/lowering/diffusion/sampler-plan.js";
import { quadratic } from "./support/gaussian.js";
import { type RandomSource } from "../../src/ir/tensor/evaluate.js";
import { run } from "../support/lowered.js";
import { none, startedAt } from "./support/sampled.js";

/**
 * Data Normal(0, Σ) of the plane, both variances 1 and the correlation 0.8, with the optimal denoiser: along the sum variance 1.8, along the difference 0.2. Given one coordinate the other
 * is Normal(0.8 times it, 0.36).
 */
const schedule = quadratic(9);
const correlation = 0.8;
const text = `const T = 100
const SUM = [[0.5, 0.5], [0.5, 0.5]]
const DIFFERENCE = [[0.5, -0.5], [-0.5, 0.5]]
model plane(x[0]: real[2]) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 {
    k = ${schedule.text("t")}
    along = ${1 + correlation} / (k * ${1 + correlation} + 1 - k)
    across = ${1 - correlation} / (k * ${1 - correlation} + 1 - k)
    x[t-1] ~ guide(x[t-1] | x[t], x[0] = sqrt(k) * (along * (SUM @ x[t]) + across * (DIFFERENCE @ x[t])), variance = large)
  }
}
guide plane { chain t in 1..T { x[t] ~ Normal(sqrt(${schedule.text("t")} / (${schedule.text("t - 1")})) * x[t-1], variance = 1 - ${schedule.text("t")} / (${schedule.text("t - 1")})) } }
`;

const { value } = compile({ path: "plane.lvm", text });
if (!value) throw new Error("it does not compile");
const known = { "known.x": [1.5, -9, -0.7, 0, 0, 2], "mask.x": [1, 0, 1, 0, 0, 1] };

function drawn(options: Parameters<typeof withSampler>[1], random: RandomSource, inputs: Parameters<typeof run>[1] = known, rows = 3): readonly number[] {
  const { lowered } = withSampler(value!, { ...options, known: true })!;
  return [...run(lowered.programs.sample, inputs, { rows, random })["x"]!.values];
}

describe("a datum of which a part is known", () => {
  // Guards that what is known is exactly what it was, whatever the sampler and the noise.
  it.each(samplerNames)("%s keeps it", (sampler) => {
    const noisy: RandomSource = { uniform: none, normal: (_, count) => Float64Array.from({ length: count }, (_, at) => Math.sin(at + 1) * 1.3), logGamma: none };
    const values = drawn({ sampler, steps: 20, repeats: 2 }, noisy);
    expect([values[0], values[2], values[5]]).toEqual([1.5, -0.7, 2]);
    expect([values[1], values[3], values[4]].every((each) => Math.abs(each!) < 10)).toBe(true);
  });

  // Guards the inputs: an element that is not known is never read.
  it("does not depend on what stands in the unknown part", () => {
    expect(drawn({}, startedAt([0, 0, 0, 0, 0, 0]))).toEqual(drawn({}, startedAt([0, 0, 0, 0, 0, 0]), { ...known, "known.x": [1.5, NaN, -0.7, 77, Infinity, 2] }));
  });

  // Guards the method (Lugmayr et al. 2022): the draw is linear in its noise, so without noise it is the mean of all draws; as steps are repeated it goes to the conditional mean.
  it("comes to the conditional mean as steps are repeated", () => {
    const exact = [1.5 * correlation, -0.7 * correlation, 2 * correlation];
    const errors = [1, 4, 16].map((repeats) => {
      const values = drawn({ repeats }, startedAt([0, 0, 0, 0, 0, 0]));
      return Math.max(...[values[1]!, values[3]!, values[4]!].map((each, at) => Math.abs(each - exact[at]!)));
    });
    expect(errors[0]!).toBeGreaterThan(0.2);
    for (const [at, error] of errors.slice(1).entries()) expect(error).toBeLessThan(0.35 * errors[at]!);
    expect(errors[2]!).toBeLessThan(0.05);
  });
});
