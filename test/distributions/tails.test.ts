import { describe, expect, it } from "vitest";
import { logNormalCdf } from "../../src/util/math/normal.js";
import type { DistributionName } from "../../src/distributions/names.js";
import { draws, logDensities, type ArgumentValues } from "./harness.js";
import { reference } from "./references.js";

/** Far from the middle and at extreme arguments, where a naive formula overflows or cancels. [distribution, arguments, points, truth where the textbook's form holds in float64] */
const extremes: readonly (readonly [DistributionName, ArgumentValues, readonly number[], ((x: number) => number)?])[] = [
  ["Normal", { mean: 0, scale: 1 }, [1e4, -1e9, 1e15], (x) => reference.normal(x, 0, 1)],
  ["Normal", { mean: 16384, scale: 0.125 }, [16384.5, 16383], (x) => reference.normal(x, 16384, 0.125)],
  ["StudentT", { degrees: 2 }, [1e5, -1e12, 1e30], (x) => reference.t(x, 2, 0, 1)],
  ["StudentT", { degrees: 1e6 }, [0.5, -8, 100], undefined],
  ["Cauchy", { location: 0, scale: 1 }, [1e25, -1e30], (x) => -Math.log(Math.PI) - 2 * Math.log(Math.abs(x))],
  ["HalfCauchy", { scale: 2 ** -20 }, [1e25], (x) => Math.log((2 / Math.PI) * 2 ** -20) - 2 * Math.log(x)],
  ["Logistic", { mean: 0, scale: 1 }, [-90, 90, 1e4], (x) => -Math.abs(x)],
  ["Gamma", { shape: 2 ** -10, rate: 1 }, [1e-30, 1e-3, 50], (x) => reference.gamma(x, 2 ** -10, 1)],
  ["Gamma", { shape: 16384, rate: 1 }, [16000, 16384, 17000], (x) => reference.gamma(x, 16384, 1)],
  ["InverseGamma", { shape: 3, scale: 2 }, [1e-20, 1e20], (x) => 3 * Math.log(2) - Math.log(2) - 4 * Math.log(x) - 2 / x],
  ["Beta", { alpha: 4096, beta: 4096 }, [0.5, 0.515625, 0.25], (x) => reference.beta(x, 4096, 4096)],
  ["Beta", { alpha: 2 ** -10, beta: 0.5 }, [1e-30, 0.5], (x) => reference.beta(x, 2 ** -10, 0.5)],
  ["Bernoulli", { logits: 50 }, [0, 1], (x) => (x === 0 ? -50 : -Math.exp(-50))],
  ["Bernoulli", { probs: 2 ** -40 }, [0, 1], (x) => (x === 0 ? -(2 ** -40) : -40 * Math.LN2)],
  ["ContinuousBernoulli", { logits: 80 }, [0, 0.5, 1], (x) => 80 * (x - 1) + Math.log(80)],
  ["ContinuousBernoulli", { logits: -80 }, [0, 0.5, 1], (x) => -80 * x + Math.log(80)],
  ["Binomial", { total: 2 ** 20, probs: 0.25 }, [2 ** 18, 2 ** 18 + 3000, 0, 2 ** 20], (x) => reference.binomial(x, 2 ** 20, 0.25)],
  ["Poisson", { rate: 2 ** 20 }, [2 ** 20, 2 ** 20 + 5000, 2 ** 20 - 5000, 0], (x) => reference.poisson(x, 2 ** 20)],
  ["Poisson", { rate: 2 ** -30 }, [0, 1, 5], (x) => reference.poisson(x, 2 ** -30)],
  ["NegativeBinomial", { mean: 16384, dispersion: 2 ** -12 }, [16384, 15000, 0], (x) => reference.negativeBinomial(x, 4096, 0.2)],
  ["NegativeBinomial", { mean: 16, dispersion: 2 ** -20 }, [16, 0, 40], undefined],
  ["Geometric", { logits: -30 }, [0, 1e6], (x) => -30 - x * Math.exp(-30)],
  ["DiscretizedLogistic", { mean: 0.75, scale: 2 ** -9 }, [0, 10, 255], undefined],
  ["TruncatedNormal", { mean: 0, scale: 1, low: 20, high: 21 }, [20, 20.5, 21], (x) => reference.normal(x, 0, 1) - logNormalCdf(-20) - Math.log1p(-Math.exp(logNormalCdf(-21) - logNormalCdf(-20)))],
  ["TruncatedNormal", { mean: 0, scale: 1, low: -31, high: -30 }, [-30, -30.5], (x) => reference.normal(x, 0, 1) - logNormalCdf(-30) - Math.log1p(-Math.exp(logNormalCdf(-31) - logNormalCdf(-30)))],
  ["TruncatedNormal", { mean: 0, scale: 4, low: 1, high: 1.0009765625 }, [1.0004], () => Math.log(1024)],
];

describe.each(extremes.map(([name, args, xs, truth]) => [`${name} ${JSON.stringify(args)}`, name, args, xs, truth] as const))("%s", (_, name, args, xs, truth) => {
  it("is right to 1e-5 relative in float32", () => {
    const at = xs.map(Math.fround);
    const float64 = logDensities(name, args, at);
    logDensities(name, args, at, "f32").forEach((found, i) => {
      if (truth) expect(Math.abs(float64[i]! - truth(at[i]!))).toBeLessThan(1e-6 * Math.abs(truth(at[i]!)));
      if (!(Math.abs(found - float64[i]!) <= 1e-5 * Math.abs(float64[i]!))) expect.fail(`at ${at[i]}: ${found}, not ${float64[i]}`);
    });
  });
});

describe("draws at extreme arguments, in float32", () => {
  it("a Normal truncated to its far tail stays inside, and leaves the bound exponentially", () => {
    for (const [low, high] of [[20, 21], [5, 50]] as const) {
      const z = draws("TruncatedNormal", { mean: 0, scale: 1, low, high }, 20_000, 1, { precision: "f32" });
      expect(Math.min(...z)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...z)).toBeLessThanOrEqual(high);
      // E(z − low) = hazard − low; its standard error is about 1/(low √n): 6 of them, false alarm 2e-9.
      const hazard = Math.exp(reference.normal(low, 0, 1) - logNormalCdf(-low));
      const mean = z.reduce((sum, value) => sum + value - low, 0) / z.length;
      expect(Math.abs(mean - (hazard - low))).toBeLessThan(6 / low / Math.sqrt(z.length));
    }
    const left = draws("TruncatedNormal", { mean: 0, scale: 1, low: -21, high: -20 }, 1000, 1, { precision: "f32" });
    expect(Math.max(...left)).toBeLessThanOrEqual(-20);
    expect(Math.min(...left)).toBeGreaterThan(-21);
  });

  it("tiny shapes give draws inside the support", () => {
    for (const args of [{ shape: 1e-4, rate: 1 }, { shape: 1e-4, rate: 1e6 }]) expect(draws("Gamma", args, 1000, 1, { precision: "f32" }).every((z) => z > 0 && Number.isFinite(z))).toBe(true);
    expect(draws("InverseGamma", { shape: 1e-3, scale: 1 }, 1000, 1, { precision: "f32" }).every((z) => z > 0 && Number.isFinite(z))).toBe(true);
    expect(draws("Beta", { alpha: 1e-3, beta: 1e-3 }, 1000, 1, { precision: "f32" }).every((z) => z > 0 && z < 1)).toBe(true);
  });

  // Mean and variance by z-scores; beyond 6 with probability 2e-9 each.
  it.each([
    ["Poisson", { rate: 1e6 }, 1e6, 1e6],
    ["Poisson", { rate: 40 }, 40, 40],
    ["Binomial", { total: 1_000_000, probs: 0.3 }, 3e5, 2.1e5],
    ["NegativeBinomial", { mean: 1000, dispersion: 0.01 }, 1000, 11_000],
  ] as const)("%s %j has its mean and variance (false alarm 4e-9)", (name, args, mean, variance) => {
    const n = 1500;
    const z = draws(name, args, n, 11, { precision: "f32" });
    expect(z.every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
    const average = z.reduce((sum, value) => sum + value, 0) / n;
    const spread = z.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
    expect(Math.abs(average - mean) / Math.sqrt(variance / n)).toBeLessThan(6);
    expect(Math.abs(spread / variance - 1) / Math.sqrt(2.1 / n)).toBeLessThan(6);
  });
});
