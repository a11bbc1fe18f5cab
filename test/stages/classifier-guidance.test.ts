import { describe, expect, it } from "vitest";
import { withSampler } from "../../src/driver/with-sampler.js";
import { seededRandom } from "../../src/ir/tensor/evaluate.js";
import { samplerNames } from "../../src/lowering/diffusion/sampler-plan.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { maxError, run } from "../support/lowered.js";
import { compileModel, logNormal, sum } from "./support/linear.js";
import { classifierText, mixture, mixtureText } from "./support/mixture.js";

const rows = 64;
const y = Array.from({ length: rows }, (_, row) => row % 2);

describe.each(["x[0]", "noise"] as const)("guided by the exact classifier of a mixture, predicting %s", (prediction) => {
  const T = 40;
  const points = compileModel(mixtureText(T, false, prediction) + classifierText, "points");
  const classifier = compileModel(mixtureText(T, false, prediction) + classifierText, "side");
  const told = compileModel(mixtureText(T, true, prediction), "points");
  const drawn = (sampler: (typeof samplerNames)[number], steps: number, strength: number) => run(withSampler(points, { sampler, steps, ...(sampler === "ddim" ? { eta: 0.4 } : {}), classifier: { compiled: classifier, strength } })!.lowered.programs.sample, { y }, { rows })["x"]!.values;

  // Guards the gradient, its factor and its place in every sampler: E[x_0 | x_t, y] = E[x_0 | x_t] + σ² / s ∇ log p(y | x_t), so at strength 1 each draw is that of the diffusion of the class alone
  // (Tweedie's formula; the class's denoiser is written out), and at strength 0 that of all points.
  it.each(samplerNames)("%s draws as the diffusion of the class does", (sampler) => {
    const alone = (compiled: typeof told, inputs: Record<string, number[]>) => run(withSampler(compiled, { sampler, steps: 13, ...(sampler === "ddim" ? { eta: 0.4 } : {}) })!.lowered.programs.sample, inputs, { rows })["x"]!.values;
    expect(maxError(drawn(sampler, 13, 1), alone(told, { y }))).toBeLessThan(1e-9);
    expect(maxError(drawn(sampler, 13, 0), alone(points, {}))).toBeLessThan(1e-12);
    expect(maxError(drawn(sampler, 13, 1), drawn(sampler, 13, 2))).toBeGreaterThan(0.05);
  });
});

describe("samples at strength 1", () => {
  // Guards that they follow the class. Statistical, of 4,000 draws of each class: a mean has the standard error 0.0087, a variance 0.0067; the sampler's own error with 200 steps is below 0.01. Five standard errors and
  // that are allowed (false alarm below 1e-4); without guidance half of the draws would be off by 2.9.
  it("have the mean and the variance of their class", async () => {
    const text = mixtureText(200, false) + classifierText;
    const compiled = withSampler(compileModel(text, "points"), { sampler: "ancestral", classifier: { compiled: compileModel(text, "side"), strength: 1 } })!;
    const many = 8000;
    const model = await kernelModel(compiled.lowered, "wasm", { seed: 5 });
    const { values } = (await model.sample(many, { inputs: { y: { rows: 2, shape: [], values: Int32Array.of(0, 1) } } }))["x"]!;
    model.dispose();
    for (const label of [0, 1]) for (const element of [0, 1]) {
      const own = Array.from({ length: many / 2 }, (_, at) => values[2 * (2 * at + label) + element]!);
      const mean = sum(own) / own.length;
      expect(Math.abs(mean - mixture.centers[label]![element]!), `mean ${label} ${element}`).toBeLessThan(0.055);
      expect(Math.abs(sum(own.map((each) => (each - mean) ** 2)) / own.length - mixture.variance), `variance ${label} ${element}`).toBeLessThan(0.045);
    }
  }, 60_000);
});

describe("a model of the datum with noise", () => {
  const T = 7;
  const { lowered, program, training } = compileModel(mixtureText(T, false) + classifierText, "side");
  const x = Array.from({ length: 2 * rows }, (_, at) => Math.sin(3 * at));
  const signal = (t: number): number => Math.exp((-2.5 * t * t) / (T * T));

  it("reads the diffusion's data, not its steps", () => {
    expect(program.columns.map(({ name, role }) => [name, role])).toEqual([["x", "input"], ["y", "observed"]]);
    expect(training.steps[0]!.rule).toContain("drawn evenly at each visit");
  });

  // Guards the noise: x_t = s_t x_0 + σ_t ε with t = 1 + ⌊7 u⌋ of the row's own draws, told to the classifier with its step, in training and evaluation.
  it.each([["train", "", (outputs: Record<string, { values: ArrayLike<number> }>) => [outputs["elbo"]!.values[0]! * rows]], ["evaluate", "evaluate.", (outputs: Record<string, { values: ArrayLike<number> }>) => [sum([...Array.from(outputs["elbo"]!.values)])]]] as const)("is told the noise that it sees (%s)", (which, prefix, total) => {
    const found = run(lowered.programs[which], { x, y }, { rows });
    const shares = seededRandom(1).uniform(`${prefix}points.step`, rows);
    const noise = seededRandom(1).normal(`${prefix}points.noise`, 2 * rows);
    const expected = y.map((label, row) => {
      const t = 1 + Math.floor(7 * shares[row]!);
      const s = signal(t);
      const variance = s * s * mixture.variance + 1 - s * s;
      const state = [0, 1].map((i) => s * x[2 * row + i]! + Math.sqrt(1 - s * s) * noise[2 * row + i]!);
      const densities = mixture.centers.map((center) => sum(state.map((value, i) => logNormal(value, s * center[i]!, Math.sqrt(variance)))));
      return densities[label]! - Math.log(Math.exp(densities[0]!) + Math.exp(densities[1]!));
    });
    expect(maxError(total(found), [sum(expected)])).toBeLessThan(1e-10);
    // All steps are there.
    expect(new Set([...shares].map((share) => Math.floor(7 * share))).size).toBe(T);
  });
});
