import { describe, expect, it } from "vitest";
import { datumOf, type ForwardChain, marginalsOf, posteriorsOf, type Prediction } from "../../src/ir/diffusion/coefficients.js";
import { inverse, matmul, type Matrix } from "../support/linear-algebra.js";

/** A chain that neither preserves nor explodes variance: nothing may rest on a² + b² = 1. */
const chain: ForwardChain = { step: [1, 0.95, 0.9, 0.97, 0.6, 0.8], noise: [0, 0.2, 0.35, 0.5, 0.7, 0.4] };
const T = chain.step.length - 1;
const marginals = marginalsOf(chain);

describe("the forward chain of a diffusion", () => {
  // Guards the closed-form marginal: mean and variance of t simulated steps, moments carried exactly.
  it("has the marginals of its steps", () => {
    let [mean, variance] = [1, 0];
    for (let t = 1; t <= T; t++) {
      mean *= chain.step[t]!;
      variance = chain.step[t]! ** 2 * variance + chain.noise[t]! ** 2;
      expect(marginals.signal[t]).toBeCloseTo(mean, 12);
      expect(marginals.deviation[t]! ** 2).toBeCloseTo(variance, 12);
    }
  });

  // Guards the posterior: conditioning the joint Gaussian of (x_{t−1}, x_t) given x_0 by a matrix inverse, 1e-9.
  it("has the posteriors of Bayes' rule on the joint Gaussian", () => {
    const posteriors = posteriorsOf(chain, marginals);
    for (let t = 2; t <= T; t++) {
      const before = marginals.deviation[t - 1]! ** 2;
      const a = chain.step[t]!;
      // Precision of x_{t−1} given x_t and x_0, from the information form of its prior and of the step.
      const joint: Matrix = [[before, a * before], [a * before, a * a * before + chain.noise[t]! ** 2]];
      const { inverse: precision } = inverse(joint);
      const variance = 1 / precision[0]![0]!;
      const [x0, xt] = [1.3, -0.4];
      const means = [marginals.signal[t - 1]! * x0, marginals.signal[t]! * x0];
      const mean = means[0]! - (precision[0]![1]! / precision[0]![0]!) * (xt - means[1]!);
      expect(Math.abs(posteriors.ofData[t]! * x0 + posteriors.ofState[t]! * xt - mean)).toBeLessThan(1e-9);
      expect(Math.abs(posteriors.deviation[t]! ** 2 - variance)).toBeLessThan(1e-9);
      expect(matmul(joint, precision)[0]![0]).toBeCloseTo(1, 9);
    }
    // Given x_0 itself nothing is left to be random at the last step.
    expect([posteriors.ofData[1], posteriors.ofState[1], posteriors.deviation[1]]).toEqual([1, 0, 0]);
  });

  // Guards the three predictions: each gives back the datum from its own target.
  it.each(["data", "noise", "velocity"] as const)("takes the datum from a prediction of %s", (prediction: Prediction) => {
    const { ofState, ofOutput } = datumOf(prediction, marginals);
    const [x0, noise] = [0.7, -1.1];
    for (let t = 1; t <= T; t++) {
      const [s, d] = [marginals.signal[t]!, marginals.deviation[t]!];
      const target = { data: x0, noise, velocity: (s * noise - d * x0) / Math.hypot(s, d) }[prediction];
      expect(ofState[t]! * (s * x0 + d * noise) + ofOutput[t]! * target).toBeCloseTo(x0, 12);
    }
  });

  // Guards the weight of the bound: KL between Gaussians of the posterior's variance with means that differ by ofData (x_0 − x̂_0) is ½ (snr_{t−1} − snr_t) (x_0 − x̂_0)² (Kingma et al. 2021).
  it("has divergences of half the loss of signal-to-noise ratio", () => {
    const posteriors = posteriorsOf(chain, marginals);
    for (let t = 2; t <= T; t++) expect(posteriors.ofData[t]! ** 2 / (2 * posteriors.deviation[t]! ** 2)).toBeCloseTo((marginals.snr[t - 1]! - marginals.snr[t]!) / 2, 9);
  });
});
