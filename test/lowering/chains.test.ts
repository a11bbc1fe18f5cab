import { describe, expect, it } from "vitest";
import type { LoopOp, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { logNormal } from "../support/linear-algebra.js";
import { lowerText, maxError, run, someParameters } from "../support/lowered.js";

const logDensity = (x: number, mean: number, scale: number): number => -0.5 * ((x - mean) / scale) ** 2 - Math.log(scale) - 0.5 * Math.log(2 * Math.PI);
const loopsOf = (program: TensorProgram): LoopOp[] => program.nodes.flatMap(({ op }) => (op.kind === "loop" ? [op, ...loopsOf(op.body)] : []));
const count = (program: TensorProgram, kind: string): number => program.nodes.filter(({ op }) => op.kind === kind).length;
const wave = (length: number, at = 0): number[] => Array.from({ length }, (_, i) => Math.sin(1.7 * i + at));

describe("chains of observed columns", () => {
  // Guards look-back of any depth, starts that read starts, and that data needs no loop: the log likelihood of an autoregression, written out.
  it("is the likelihood of an autoregression of order 2", () => {
    const lowered = lowerText(`const T = 7  const LAG = 2
      model m(x: real[T]) { x[1] ~ Normal(0, 2)  x[2] ~ Normal(0.3 * x[1], 1.5)  chain t in 3..T { x[t] ~ Normal(0.5 * x[t - 1] - 0.2 * x[t - LAG], 0.8) } }`);
    const rows = [wave(7), wave(7, 2)];
    const { elbo } = run(lowered.programs.evaluate, { x: rows.flat() }, { rows: 2 });
    const expected = rows.map((x) => x.reduce((sum, value, t) => sum + (t === 0 ? logDensity(value, 0, 2) : t === 1 ? logDensity(value, 0.3 * x[0]!, 1.5) : logDensity(value, 0.5 * x[t - 1]! - 0.2 * x[t - 2]!, 0.8)), 0));
    expect(maxError(elbo!.values, expected)).toBeLessThan(1e-12);
    expect(loopsOf(lowered.programs.evaluate)).toEqual([]);
  });

  // Guards ancestral sampling step by step: covariances of a stationary AR(1). 20,000 rows; a covariance has a standard error below 0.012, and six of them are allowed
  // (false alarm below 1e-7 over 16 entries); a step that read another one would be wrong by at least 0.1.
  it("samples step after step", () => {
    const lowered = lowerText("model m(x: real[4]) { x[1] ~ Normal(0, 1)  chain t in 2..4 { x[t] ~ Normal(0.6 * x[t - 1], 0.8) } }");
    const n = 20_000;
    const { x } = run(lowered.programs.sample, {}, { rows: n, seed: 11 });
    for (let s = 0; s < 4; s++) {
      for (let t = 0; t < 4; t++) {
        let sum = 0;
        for (let row = 0; row < n; row++) sum += x!.values[4 * row + s]! * x!.values[4 * row + t]!;
        expect(Math.abs(sum / n - 0.6 ** Math.abs(s - t))).toBeLessThan(0.075);
      }
    }
    expect(loopsOf(lowered.programs.sample)).toHaveLength(1);
  });
});

describe("deterministic states", () => {
  // Guards a recurrence of several states that read each other, upwards and downwards, through starts at their side: the same in plain loops.
  it("are what loops by hand compute", () => {
    const lowered = lowerText(`const T = 6
      param a: real = 0.7
      param c: real = -0.4
      model m(x: real[T], u: real[T]) {
        f[0] = 0.5
        g[0] = -1
        chain t in 1..T {
          f[t] = tanh(a * f[t - 1] + c * g[t - 1] + u[t])
          g[t] = g[t - 1] + 0.1 * f[t] * u[t - 1]
        }
        b[T + 1] = 1
        chain t in T..1 { b[t] = 0.5 * b[t + 1] + c * f[t] }
        each t in 1..T { x[t] ~ Normal(f[t] + b[t], 1 + square(g[t])) }
      }`);
    const [x, u, a, c] = [wave(6), wave(6, 1), 0.7, -0.4];
    const [f, g, b] = [[0.5], [-1], new Array<number>(8).fill(0)];
    for (let t = 1; t <= 6; t++) {
      f[t] = Math.tanh(a * f[t - 1]! + c * g[t - 1]! + u[t - 1]!);
      g[t] = g[t - 1]! + 0.1 * f[t]! * (u[t - 2] ?? 0);
    }
    b[7] = 1;
    for (let t = 6; t >= 1; t--) b[t] = 0.5 * b[t + 1]! + c * f[t]!;
    const expected = x.reduce((sum, value, i) => sum + logDensity(value, f[i + 1]! + b[i + 1]!, 1 + g[i + 1]! ** 2), 0);
    const { elbo } = run(lowered.programs.evaluate, { x, u, a, c }, { rows: 1 });
    expect(elbo!.values[0]).toBeCloseTo(expected, 12);
  });

  // Guards chains within chains: the outer one carries a state into each inner one.
  it("nest", () => {
    const lowered = lowerText(`const S = 3  const T = 4
      model m(x: real[S, T], u: real[S, T]) {
        w[0] = 1
        chain s in 1..S {
          h[s, 0] = w[s - 1]
          chain t in 1..T { h[s, t] = 0.9 * h[s, t - 1] + 0.1 * u[s, t - 1] }
          w[s] = h[s, T] + w[s - 1]
          each t in 1..T { x[s, t] ~ Normal(h[s, t], 1) }
        }
      }`);
    const [x, u] = [wave(12), wave(12, 1)];
    let [w, expected] = [1, 0];
    for (let s = 0; s < 3; s++) {
      let h = w;
      for (let t = 0; t < 4; t++) {
        h = 0.9 * h + 0.1 * (t === 0 ? 0 : u[4 * s + t - 1]!);
        expected += logDensity(x[4 * s + t]!, h, 1);
      }
      w = h + w;
    }
    expect(run(lowered.programs.evaluate, { x, u }, { rows: 1 }).elbo!.values[0]).toBeCloseTo(expected, 12);
  });
});

describe("guides that draw along a chain", () => {
  const T = 5;
  const text = `const T = ${T}
    param a: real = 0.4
    model m(x: real[T]) { z[1]: real ~ Normal(0, 1)  chain t in 2..T { z[t] ~ Normal(0.8 * z[t - 1], 0.6) }  each t in 1..T { x[t] ~ Normal(z[t], 0.5) } }
    guide m { z[1] ~ Normal(a * x[1], 0.3)  chain t in 2..T { z[t] ~ Normal(0.5 * z[t - 1] + a * x[t], 0.3) } }`;

  // Guards that draws, their densities and the model's fit together: E_q[p(x, z) / q(z)] = p(x), the density of a joint Gaussian. 50 draws × 400 rows of one x; the relative
  // standard error of the mean weight is estimated from them, and six of them allowed: false alarm below 1e-8.
  it("weigh to the evidence", () => {
    const lowered = lowerText(text);
    const x = [0.3, -0.2, 0.4, 0.1, 0.5];
    // Covariances of z: var_1 = 1, var_t = 0.64 var_{t−1} + 0.36 = 1, cov(s, t) = 0.8^|s − t|.
    const covariance = x.map((_, s) => x.map((_, t) => 0.8 ** Math.abs(s - t) + (s === t ? 0.25 : 0)));
    const evidence = logNormal(x, new Array<number>(T).fill(0), covariance);
    const rows = 400;
    const { log_weight } = run(lowered.programs.importance!, { a: 0.4, x: Array.from({ length: rows }, () => x).flat() }, { rows, seed: 2 });
    const weights = Array.from(log_weight!.values, (value) => Math.exp(value - evidence));
    const mean = weights.reduce((sum, value) => sum + value, 0) / weights.length;
    const error = Math.sqrt(weights.reduce((sum, value) => sum + (value - mean) ** 2, 0) / weights.length / weights.length);
    expect(error).toBeLessThan(0.05);
    expect(Math.abs(mean - 1)).toBeLessThan(6 * error);
  });

  // Guards the guide's plates: a loop of its own, over the same steps as the model's, is the same axis, whatever its letter.
  it("may stand in loops of other letters", () => {
    const lowered = lowerText(`const T = 3
      model m(x: real[T]) { each t in 1..T { z[t]: real ~ Normal(0, 1)  x[t] ~ Normal(z[t], 1) } }
      guide m { each s in 1..T { z[s] ~ Normal(x[s], 0.5) } }`);
    const x = [0.2, -0.4, 1];
    const { "coordinates.z": kl } = run(lowered.programs.evaluate, { x }, { rows: 1 });
    expect(maxError(kl!.values, x.map((mean) => 0.5 * (mean ** 2 + 0.25 - 1) - Math.log(0.5)))).toBeLessThan(1e-12);
  });

  // Guards what stands in the loop: the encoder, the decoder, the transition of the bound and the head of the guide are products over all steps; in the loop are the products
  // of the state alone, and the text does not grow with T.
  it("keep in the loop only what reads the step before", () => {
    const model = (steps: number) => `const T = ${steps}
      network transition(z: real[3], a: real[2]) -> (mean: real[3]) { mean = concat(z, a) |> dense(8) |> relu |> dense(3) }
      network decode(z: real[3]) -> (logits: real[7]) { logits = z |> dense(9) |> relu |> dense(7) }
      network memory(h: real[5], x: binary[7], a: real[2]) -> (next: real[5]) { next = gru(h, concat(x |> dense(6) |> relu, a)) }
      network head(h: real[5]) -> (mean: real[3]) { mean = h |> dense(3) }
      model m(x: binary[T, 7], a: real[T, 2]) {
        z[1]: real[3] ~ Normal(0, 1)
        chain t in 2..T { z[t] ~ Normal(transition(z[t - 1], a[t - 1]), 0.5) }
        each t in 1..T { x[t] ~ Bernoulli(logits = decode(z[t])) }
      }
      guide m { h[0] = zeros[5]  chain t in 1..T { h[t] = memory(h[t - 1], x[t], a[t - 1])  z[t] ~ Normal(head(h[t]), 0.3) } }`;
    const small = lowerText(model(4)).programs.train;
    const large = lowerText(model(1000)).programs.train;
    const [loop, ...others] = loopsOf(small);
    expect(others).toEqual([]);
    // The gru's two products; that of its input leaves the loop in src/passes/split-loops.ts.
    expect(count(loop!.body, "dot")).toBeLessThanOrEqual(3);
    expect(count(small, "dot")).toBeGreaterThanOrEqual(5);
    expect(large.nodes.length).toBe(small.nodes.length);
    expect(loopsOf(large)[0]!.body.nodes.length).toBe(loop!.body.nodes.length);
  });

  // Guards imagination: with noise-free transitions the future from the guide's belief is the recurrence by hand; rewards of step 1 are the present's.
  it("imagine a future from a belief", () => {
    const lowered = lowerText(`const T = 5
      param b: real = 0.5
      model m(x: real[T], r: real[T], a: real[T]) {
        z[1]: real ~ Normal(0, 1)
        chain t in 2..T { z[t] ~ Normal(0.9 * z[t - 1] + b * a[t - 1], 0.000001) }
        each t in 1..T { x[t] ~ Normal(z[t], 0.1)  r[t] ~ Normal(-square(z[t]), 0.1) }
      }
      guide m { each t in 1..T { z[t] ~ Normal(x[t], 0.000001) } }`);
    const { belief, rollout, imagine } = lowered.programs;
    const [x, a] = [wave(5), wave(5, 3)];
    const states = run(belief!, { x, r: wave(5), a, present: [3] }, { rows: 1 });
    expect(states["state.z"]!.shape).toEqual([1, 1]);
    expect(states["state.z"]!.values[0]).toBeCloseTo(x[2]!, 4);
    const z = [x[2]!];
    for (let t = 1; t < 5; t++) z[t] = 0.9 * z[t - 1]! + 0.5 * a[t - 1]!;
    const inputs = { "state.z": [x[2]!], a, b: 0.5 };
    expect(maxError(run(rollout!, inputs, { rows: 1 })["mean.r"]!.values, z.map((value) => -(value ** 2)))).toBeLessThan(1e-4);
    expect(maxError(run(imagine!, inputs, { rows: 1 })["mean.x"]!.values, z)).toBeLessThan(1e-4);
  });

  // Guards that every program of a model with states drawn, computed, static and observed before has a meaning, in all shapes of chains.
  it("have all programs", () => {
    const lowered = lowerText(`const T = 4
      network cell(h: real[3], z: real[2], x: real[2]) -> (next: real[3]) { next = gru(h, concat(z, x)) }
      network head(h: real[3], c: real) -> (mean: real[2], scale: positive[2]) { g = concat(h, reshape(c, 1))  mean = g |> dense(2)  scale = g |> dense(2) |> softplus }
      model m(x: real[T, 2], a: real[T]) {
        c: real ~ Normal(0, 1)
        h[1] = zeros[3]
        z[1]: real[2] ~ Normal(c, 1)
        chain t in 2..T { h[t] = cell(h[t - 1], z[t - 1], x[t - 1])  p = head(h[t], c)  z[t] ~ Normal(p.mean + a[t - 1], p.scale)  x[t] ~ Normal(z[t], 0.5) }
        x[1] ~ Normal(z[1], 0.5)
      }
      guide m { c ~ Normal(mean(x), 0.5)  z[1] ~ Normal(x[1], 1)  chain t in 2..T { z[t] ~ Normal(x[t] + 0.1 * z[t - 1], 0.7) } }`.replace("x[1] ~ Normal(z[1], 0.5)\n      }", "}").replace("z[1]: real[2] ~ Normal(c, 1)", "z[1]: real[2] ~ Normal(c, 1)\n        x[1] ~ Normal(z[1], 0.5)"));
    const inputs = { ...someParameters(lowered, 2), x: wave(16), a: wave(8), anneal: 1, present: [2, 3] };
    for (const program of ["train", "evaluate", "sample", "infer", "reconstruct", "importance", "belief"] as const) {
      const out = run(lowered.programs[program]!, inputs, { rows: 2 });
      for (const { values } of Object.values(out)) expect(Array.from(values).every(Number.isFinite)).toBe(true);
    }
    const states = run(lowered.programs.belief!, inputs, { rows: 2 });
    expect(Object.fromEntries(Object.entries(states).map(([name, { shape }]) => [name, shape]))).toEqual({ "state.z": [2, 1, 2], "state.h": [2, 1, 3], "state.x": [2, 1, 2], "state.c": [2] });
    const given = Object.fromEntries(Object.entries(states).map(([name, { values }]) => [name, [...values]]));
    expect(run(lowered.programs.imagine!, { ...inputs, ...given }, { rows: 2 })["mean.x"]!.shape).toEqual([2, 4, 2]);
  });
});
