import { describe, expect, it } from "vitest";
import { seededRandom, type RandomSource } from "../../src/ir/tensor/evaluate.js";
import { derivedGradient, lowerText, maxError, run } from "../support/lowered.js";
import { inverse, logNormal, type Matrix } from "../support/linear-algebra.js";

const T = 4;
const [a, noise, jitter] = [0.8, 0.6, 0.5];
const x = [0.7, -0.4, 1.1, 0.2];

/** A linear-Gaussian chain with a guide that is a chain too: q(z_t | z_{t−1}) = Normal(gain_t z_{t−1} + offset_t, exp(spread_t)). */
const text = (options: string): string => `
  const T = ${T}
  param a: real = 0
  param gain: real[T] = 0
  param offset: real[T] = 0
  param spread: real[T] = 0
  model m(x: real[T]) {
    z[1]: real ~ Normal(0, 1)
    chain t in 2..T { z[t] ~ Normal(a * z[t - 1], ${noise}) }
    each t in 1..T { x[t] ~ Normal(z[t], ${jitter}) }
  }
  guide m {
    z[1] ~ Normal(offset[1], exp(spread[1]))
    chain t in 2..T { z[t] ~ Normal(gain[t] * z[t - 1] + offset[t], exp(spread[t])) }
  }
  train m { maximize elbo(${options}) batch = 1 }
`;

/** The smoother from the joint Gaussian of states and data, and log p(x). */
const exact = (() => {
  const prior: Matrix = [];
  for (let t = 0; t < T; t++) {
    const row = Array.from({ length: t }, (_, s) => a * prior[t - 1]![s]!);
    const variance = t === 0 ? 1 : a * a * prior[t - 1]![t - 1]! + noise ** 2;
    for (const [s, value] of row.entries()) prior[s]!.push(value);
    prior.push([...row, variance]);
  }
  const data = prior.map((row, i) => row.map((value, j) => value + (i === j ? jitter ** 2 : 0)));
  const precision = inverse(data).inverse;
  const gains = prior.map((row) => precision.map((_, k) => row.reduce((sum, value, l) => sum + value * precision[l]![k]!, 0)));
  const mean = gains.map((row) => row.reduce((sum, gain, k) => sum + gain * x[k]!, 0));
  const covariance = prior.map((row, i) => row.map((value, j) => value - gains[i]!.reduce((sum, gain, k) => sum + gain * prior[k]![j]!, 0)));
  const gain = mean.map((_, t) => (t === 0 ? 0 : covariance[t]![t - 1]! / covariance[t - 1]![t - 1]!));
  const offset = mean.map((value, t) => value - (t === 0 ? 0 : gain[t]! * mean[t - 1]!));
  const spread = mean.map((_, t) => 0.5 * Math.log(covariance[t]![t]! - (t === 0 ? 0 : gain[t]! * covariance[t]![t - 1]!)));
  return { inputs: { a, gain, offset, spread, x }, evidence: logNormal(x, x.map(() => 0), data) };
})();
const guideParameters = ["gain", "offset", "spread"] as const;

describe("gradient = path", () => {
  const path = lowerText(text("gradient = path"));

  // Guards the landing (Roeder, Wu & Duvenaud 2017): with the exact smoother as guide the bound is log p(x) at every draw, and no draw moves the guide: the variance of its
  // gradient is 0. The total gradient has the same mean, 0, and does not vanish.
  it("is the evidence, and its gradient 0, at every draw from the exact smoother", () => {
    const total = lowerText(text("gradient = total"));
    for (const seed of [1, 2, 3, 4, 5]) {
      expect(Math.abs(run(path.programs.train, exact.inputs, { rows: 1, seed })["elbo"]!.values[0]! - exact.evidence)).toBeLessThan(1e-9);
      for (const name of guideParameters) {
        expect(maxError(derivedGradient(path.programs.train, "loss", name, exact.inputs, { rows: 1, seed }), new Array<number>(T).fill(0))).toBeLessThan(1e-9);
        expect(Math.max(...derivedGradient(total.programs.train, "loss", name, exact.inputs, { rows: 1, seed }).map(Math.abs))).toBeGreaterThan(1e-3);
      }
    }
  });

  // Guards the gradient away from there: central differences of log p(x, z(φ)) − log q(z(φ); φ₀) written out, with the draws' noise held. The step before, z_{t−1}, belongs to
  // the path; holding the guide's whole mean would miss it.
  it("goes through the draws, and the steps before, alone", () => {
    const inputs = { a: 0.5, gain: [0, 0.3, -0.2, 0.6], offset: [0.1, -0.3, 0.2, 0.4], spread: [-0.2, 0.1, -0.5, 0.3], x };
    const drawn: number[] = [];
    const source = seededRandom(11);
    const random: RandomSource = { ...source, normal: (stream, count) => { const values = source.normal(stream, count); drawn.push(...values); return values; } };
    run(path.programs.train, inputs, { rows: 1, random });
    expect(drawn).toHaveLength(T);
    type Guide = Record<(typeof guideParameters)[number], readonly number[]>;
    const logDensity = (value: number, mean: number, scale: number): number => -0.5 * ((value - mean) / scale) ** 2 - Math.log(scale) - 0.5 * Math.log(2 * Math.PI);
    const bound = (moving: Guide): number => {
      const mean = (of: Guide, t: number): number => of.offset[t]! + (t === 0 ? 0 : of.gain[t]! * z[t - 1]!);
      const z: number[] = [];
      for (let t = 0; t < T; t++) z.push(mean(moving, t) + Math.exp(moving.spread[t]!) * drawn[t]!);
      return z.reduce((sum, value, t) => sum + logDensity(value, t === 0 ? 0 : inputs.a * z[t - 1]!, t === 0 ? 1 : noise) + logDensity(x[t]!, value, jitter) - logDensity(value, mean(inputs, t), Math.exp(inputs.spread[t]!)), 0);
    };
    for (const name of guideParameters) {
      const expected = inputs[name].map((value, at) => {
        const moved = (by: number): number => bound({ ...inputs, [name]: inputs[name].map((each, i) => (i === at ? value + by : each)) });
        return (moved(1e-5) - moved(-1e-5)) / 2e-5;
      });
      expect(maxError(derivedGradient(path.programs.train, "loss", name, inputs, { rows: 1, seed: 11 }).map((value) => -value), expected)).toBeLessThan(1e-8);
    }
  });

  // Guards recurrent, amortized guides: values as with the total gradient, and the model's own parameters keep the gradient that they had at these draws.
  it("holds the guide's networks, not the model's", () => {
    const recurrent = (options: string): string => `
      const T = 3
      network memory(h: real[2], x: real) -> (next: real[2]) { next = gru(h, reshape(x, 1)) }
      network head(h: real[2], z: real) -> (mean: real, scale: positive) {
        both = concat(h, reshape(z, 1))
        mean = both |> dense(1) |> sum
        scale = both |> dense(1) |> sum |> softplus
      }
      param a: real = 0
      model m(x: real[T]) {
        z[1]: real ~ Logistic(0, 1)
        chain t in 2..T { z[t] ~ Logistic(a * z[t - 1], 1) } // no closed divergence from a Normal: both stand at the draw
        each t in 1..T { x[t] ~ Laplace(z[t], 1) }
      }
      guide m {
        h[0] = zeros[2]
        chain t in 1..T { h[t] = memory(h[t - 1], x[t]) }
        first = head(h[1], 0)
        z[1] ~ Normal(first.mean, first.scale)
        chain t in 2..T {
          q = head(h[t], z[t - 1])
          z[t] ~ Normal(q.mean, q.scale)
        }
      }
      train m { maximize elbo(${options}) batch = 2 }
    `;
    const [held, total] = [lowerText(recurrent("gradient = path")), lowerText(recurrent(""))];
    const inputs: Record<string, number | readonly number[]> = { a: 0.4, x: [0.3, -0.8, 1.2, -0.1, 0.6, 0.9] };
    for (const { name, shape } of total.parameters) inputs[name] ??= Array.from({ length: shape.reduce<number>((product, dim) => product * Number(dim), 1) }, (_, i) => 0.4 * Math.sin(1.7 * i + name.length));
    const options = { rows: 2, seed: 4 };
    expect(run(held.programs.train, inputs, options)["elbo"]!.values[0]).toBeCloseTo(run(total.programs.train, inputs, options)["elbo"]!.values[0]!, 12);
    expect(derivedGradient(held.programs.train, "loss", "a", inputs, options)[0]).toBeCloseTo(derivedGradient(total.programs.train, "loss", "a", inputs, options)[0]!, 12);
    const ofGuide = total.parameters.map(({ name }) => name).filter((name) => name !== "a");
    const differ = ofGuide.filter((name) => maxError(derivedGradient(held.programs.train, "loss", name, inputs, options), derivedGradient(total.programs.train, "loss", name, inputs, options)) > 1e-4);
    expect(differ.length).toBeGreaterThan(0);
  });
});
