import { describe, expect, it } from "vitest";
import { derivedGradient, lowerText } from "../support/lowered.js";

const sigmoid = (u: number): number => 1 / (1 + Math.exp(-u));
const x = [2, -1, 0.5];
const start = [0.3, -0.4, 0.2];

/** The bound by a sum over all 8 paths: z_1 ~ Bernoulli(0.3), z_t ~ Bernoulli(0.2 + 0.5 z_{t−1}), x_t ~ Normal(z_t, 1), q(z_t) = sigmoid(g_t + carry · z_{t−1}). */
function bound(g: readonly number[], carry: number): number {
  let total = 0;
  for (let path = 0; path < 8; path++) {
    const z = g.map((_, t) => (path >> t) & 1);
    let [q, logRatio] = [1, 0];
    for (const [t, each] of z.entries()) {
      const before = t === 0 ? 0 : z[t - 1]!;
      const guide = sigmoid(g[t]! + carry * before);
      const prior = t === 0 ? 0.3 : 0.2 + 0.5 * before;
      q *= each ? guide : 1 - guide;
      logRatio += Math.log(each ? prior : 1 - prior) - Math.log(each ? guide : 1 - guide) - 0.5 * (x[t]! - each) ** 2 - 0.5 * Math.log(2 * Math.PI);
    }
    total += q * logRatio;
  }
  return total;
}

/** The compiler's gradient of the bound for `rows` equal rows, by blocks, so that its standard error is known. */
function estimated(guide: string, blocks: number, rows: number): { readonly mean: readonly number[]; readonly error: readonly number[] } {
  const lowered = lowerText(`param g: real[3] = 0
model m(x: real[3]) {
  z[1]: binary ~ Bernoulli(probs = 0.3)
  chain t in 2..3 { z[t] ~ Bernoulli(probs = 0.2 + 0.5 * z[t-1]) }
  each t in 1..3 { x[t] ~ Normal(z[t], 1) }
}
guide m { ${guide} }
`);
  expect(lowered.training.latents.map(({ estimator }) => estimator)).toEqual(["score-function"]);
  const data = Array.from({ length: rows }, () => x).flat();
  const found = Array.from({ length: blocks }, (_, seed) => derivedGradient(lowered.programs.train!, "loss", "g", { g: start, x: data, anneal: 1 }, { rows, seed: seed + 1 }).map((value) => -value));
  const mean = start.map((_, at) => found.reduce((sum, each) => sum + each[at]!, 0) / blocks);
  return { mean, error: mean.map((center, at) => Math.sqrt(found.reduce((sum, each) => sum + (each[at]! - center) ** 2, 0) / (blocks - 1) / blocks)) };
}

/**
 * A draw of a chain has a part in the terms of the steps behind it: pairing the score of z_t with the terms of step t alone leaves out KL(q(z_{t+1}) ‖ p(z_{t+1} | z_t)), which at these numbers is
 * 0.02 and more of the gradient, 11 or more standard errors. Per test three means with 39 degrees of freedom within 5 standard errors: false alarm 1e-5, and the seeds are fixed.
 */
describe("score-function gradients of a chain of labels", () => {
  it.each([
    ["a guide whose steps are independent", 0, "each t in 1..3 { z[t] ~ Bernoulli(logits = g[t]) by score(samples = 4) }"],
    ["a guide that is a chain", 0.7, "z[1] ~ Bernoulli(logits = g[1])\n  chain t in 2..3 { z[t] ~ Bernoulli(logits = g[t] + 0.7 * z[t-1]) by score(samples = 4) }"],
  ])("%s: unbiased, against the sum over all paths", (_name, carry, guide) => {
    const step = 1e-5;
    const exact = start.map((_, at) => {
      const moved = (by: number): number => bound(start.map((value, other) => (other === at ? value + by : value)), carry);
      return (moved(step) - moved(-step)) / (2 * step);
    });
    const { mean, error } = estimated(guide, 40, 500);
    for (const [at, value] of exact.entries()) {
      expect(error[at]!, "the estimate is precise enough to tell").toBeLessThan(0.012);
      expect(Math.abs(mean[at]! - value), `g[${at + 1}]: ${mean[at]} ± ${error[at]} for ${value}`).toBeLessThan(5 * error[at]!);
    }
  });
});
