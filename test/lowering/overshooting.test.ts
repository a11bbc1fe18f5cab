import { describe, expect, it } from "vitest";
import { gradient, lowerText, run } from "../support/lowered.js";

/** A chain with a guide that is independent of the steps before, so that what is predicted can be written down. */
const text = (options: string): string => `
  const T = 5
  param a: real = 0.8
  param q: real = 0.3
  model m(x: real[T]) {
    z[1]: real ~ Normal(0, 1)
    chain t in 2..T { z[t] ~ Normal(a * z[t - 1], 0.6) }
    each t in 1..T { x[t] ~ Normal(z[t], 1) }
  }
  guide m { each t in 1..T { z[t] ~ Normal(q * x[t], 0.5) } }
  train m { maximize elbo(${options}) batch = 4 }
`;
const [a, q, prior, scale] = [0.8, 0.3, 0.6, 0.5];
const x = [0.4, -1.2, 0.9, 1.5, -0.3];
const rows = 4000;
const data = Array.from({ length: rows }, () => x).flat();
const inputs = { a, q, x: data, anneal: 1 };

/**
 * E KL(q(z_t) ‖ p(z_t | z_{t−d})) where the prior has come d − 1 steps by its own draws from z_{t−d} ~ Normal(q x_{t−d}, scale²): its mean a ẑ_{t−1} is normal with mean
 * a^d q x_{t−d} and variance a^{2d} scale² + Σ_{k=1..d−1} a^{2k} prior².
 */
function expectedKl(t: number, d: number): number {
  const mean = a ** d * q * x[t - d]!;
  let variance = a ** (2 * d) * scale ** 2;
  for (let k = 1; k < d; k++) variance += a ** (2 * k) * prior ** 2;
  return Math.log(prior / scale) + (scale ** 2 + (q * x[t]! - mean) ** 2 + variance) / (2 * prior ** 2) - 0.5;
}

describe("latent overshooting", () => {
  // Guards equation 7 of PlaNet: each distance counts 1/D, predictions begin where there are steps enough. 4,000 rows of the same data: the mean of the term has a
  // standard error below 0.02 (the sum of six KLs, each of standard deviation below 1), so 0.12 is six of them: false alarm below 1e-8; a wrong weight (1/3 of 3.5 nats) or a
  // step too many (0.4 nats) would be missed with a probability below 1e-8.
  it("is the mean of KLs of predictions over 1 to D steps", () => {
    const lowered = lowerText(text("overshooting = 3"));
    const out = run(lowered.programs.train, inputs, { rows, seed: 3 });
    const sum = (d: number): number => Array.from({ length: 5 - d }, (_, i) => expectedKl(i + d, d)).reduce((total, each) => total + each, 0);
    expect(Math.abs(-out["term.overshooting.z"]!.values[0]! - (sum(2) + sum(3)))).toBeLessThan(0.12);
    const start = Math.log(1 / scale) + (scale ** 2 + (q * x[0]!) ** 2) / 2 - 0.5;
    expect(Math.abs(-out["term.kl.z"]!.values[0]! - (start + sum(1)))).toBeLessThan(0.12);
    const weights = lowered.training.terms.map(({ name, weight }) => [name, weight.factor]);
    expect(weights).toEqual([["reconstruction.x", 1], ["kl.z", 1 / 3], ["overshooting.z", 1 / 3]]);
    expect(out["loss"]!.values[0]).toBeCloseTo(-(out["term.reconstruction.x"]!.values[0]! + (out["term.kl.z"]!.values[0]! + out["term.overshooting.z"]!.values[0]!) / 3), 9);
  });

  // Guards that predictions teach the prior alone: the guide's parameter has no gradient from them.
  it("gives the guide no gradient", () => {
    const { programs } = lowerText(text("overshooting = 3"));
    const small = { ...inputs, x: x };
    expect(gradient(programs.train, "term.overshooting.z", "q", small, { rows: 1, seed: 5 })[0]).toBe(0);
    expect(Math.abs(gradient(programs.train, "term.overshooting.z", "a", small, { rows: 1, seed: 5 })[0]!)).toBeGreaterThan(1e-3);
  });

  // Guards evaluation: the bound itself, whatever training adds.
  it("is no part of the evaluation", () => {
    const { evaluation } = lowerText(text("overshooting = 3"));
    expect(evaluation.terms.map(({ name, weight }) => [name, weight.factor])).toEqual([["reconstruction.x", 1], ["kl.z", 1]]);
  });
});

describe("KL balancing", () => {
  const small = { ...inputs, x };
  const options = { rows: 1, seed: 5 };

  // Guards that the value stays a KL, and that its gradient is shared: α for the prior, 1 − α for the guide's own density. The prior's mean reads the draw before, which the
  // guide's parameter moves too; with α = 1 that way alone is left, with α = 0 the other alone, and a balance between is their mean.
  it("keeps the value and shares the gradient", () => {
    const terms = (balance: string) => lowerText(text(balance)).programs.train;
    const value = (balance: string): number => run(terms(balance), small, options)["term.kl.z"]!.values[0]!;
    expect(value("balance = 0.8")).toBeCloseTo(value(""), 12);
    const of = (balance: string, parameter: string): number => gradient(terms(balance), "term.kl.z", parameter, small, options)[0]!;
    for (const parameter of ["a", "q"]) {
      expect(of("balance = 0.8", parameter)).toBeCloseTo(0.8 * of("balance = 1", parameter) + 0.2 * of("balance = 0", parameter), 8);
      expect(of("", parameter)).toBeCloseTo(of("balance = 1", parameter) + of("balance = 0", parameter), 8);
    }
    expect(of("balance = 0", "a")).toBe(0);
  });
});
