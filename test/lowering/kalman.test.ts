import { describe, expect, it } from "vitest";
import { constrain } from "../../src/distributions/bijectors.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import { cholesky as choleskySupport } from "../../src/types/support.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { inverse, logNormal, type Matrix } from "../support/linear-algebra.js";
import { derivedGradient, gradient, lowerText, maxError, run } from "../support/lowered.js";

const normals = (count: number, seed: number): number[] => {
  let state = seed;
  const uniform = (): number => ((state = (state * 1103515245 + 12345) % 2147483648) + 0.5) / 2147483648;
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
};

/** As the bijection of `cholesky` stores it. */
const storedCholesky: Matrix = (() => {
  const b = new TensorBuilder();
  const { values } = evaluate(b.program("value", { value: constrain(b, b.constant([0.3, -0.2, 0.1], [3]), choleskySupport) }), { inputs: {} })["value"]!;
  return [[values[0]!, values[1]!], [values[2]!, values[3]!]];
})();

/** Jointly Gaussian numbers, each a constant plus multiples of earlier ones plus noise: their whole mean and covariance. */
class Joint {
  readonly mean: number[] = [];
  readonly covariance: Matrix = [];

  add(constant: number, terms: readonly (readonly [number, number])[], variance: number): number {
    const at = this.mean.length;
    this.mean.push(constant + terms.reduce((total, [other, factor]) => total + factor * this.mean[other]!, 0));
    const row = Array.from({ length: at }, (_, other) => terms.reduce((total, [each, factor]) => total + factor * this.covariance[each]![other]!, 0));
    for (const [other, value] of row.entries()) this.covariance[other]!.push(value);
    this.covariance.push([...row, variance + terms.reduce((total, [each, factor]) => total + factor * row[each]!, 0)]);
    return at;
  }

  /** log p of some of them, and mean and covariance of all given these. */
  given(seen: readonly number[], values: readonly number[]): { logDensity: number; mean: number[]; covariance: Matrix } {
    const S = seen.map((i) => seen.map((j) => this.covariance[i]![j]!));
    const precision = inverse(S).inverse;
    const gains = this.mean.map((_, i) => seen.map((_, k) => seen.reduce((total, j, l) => total + this.covariance[i]![j]! * precision[l]![k]!, 0)));
    return {
      logDensity: logNormal(values, seen.map((i) => this.mean[i]!), S),
      mean: this.mean.map((each, i) => each + gains[i]!.reduce((total, gain, k) => total + gain * (values[k]! - this.mean[seen[k]!]!), 0)),
      covariance: this.covariance.map((row, i) => row.map((each, j) => each - gains[i]!.reduce((total, gain, k) => total + gain * this.covariance[seen[k]!]![j]!, 0))),
    };
  }
}

interface Case {
  readonly name: string;
  readonly text: string;
  readonly rows: number;
  readonly inputs: Record<string, readonly number[]>;
  /** Of a row: what is seen with its values, and each chain's elements in the order of the outputs. */
  readonly joint: (row: number) => { readonly joint: Joint; readonly seen: readonly number[]; readonly values: readonly number[]; readonly states: Readonly<Record<string, readonly number[]>> };
  readonly gradients?: readonly string[];
  /** Terms of the bound beside the evidence. */
  readonly more?: number;
}

const x = normals(20, 4);
const [A, C, u] = [normals(4, 2).map((each) => 0.5 * each), normals(6, 3), normals(12, 5)];

const cases: readonly Case[] = [
  {
    name: "one number",
    text: `param a: real = 0
param s: real = 0
model test(x: real[4]) {
  z[1]: real ~ Normal(0.5, 2)
  chain t in 2..4 { z[t] ~ Normal(a * z[t-1] + 0.1, exp(s)) }
  each t in 1..4 { x[t] ~ Normal(2 * z[t] - a, 0.7) }
}
guide test { marginalize z }`,
    rows: 2, inputs: { a: [0.8], s: [-0.4], x: x.slice(0, 8) }, gradients: ["a", "s"],
    joint: (row) => {
      const joint = new Joint();
      const z = [joint.add(0.5, [], 4)];
      for (let t = 1; t < 4; t++) z.push(joint.add(0.1, [[z[t - 1]!, 0.8]], Math.exp(-0.8)));
      const seen = z.map((each) => joint.add(-0.8, [[each, 2]], 0.49));
      return { joint, seen, values: x.slice(4 * row, 4 * row + 4), states: { z } };
    },
  },
  {
    name: "vectors with inputs, correlated noise, scales that change, and a network",
    text: `param A: real[2, 2] = 0
param root: cholesky[2] = identity
network emission(z: real[2]) -> (mean: real[3]) { mean = z |> dense(3) }
model test(x: real[3, 3], u: real[3, 2]) {
  z[0]: real[2] ~ MultivariateNormal(zeros[2], cholesky = root)
  chain t in 1..3 { z[t] ~ MultivariateNormal(A @ z[t-1] + u[t], cholesky = root) }
  each t in 1..3 { x[t] ~ Normal(emission(z[t]), 0.5 + 0.1 * t) }
}
guide test { marginalize z }`,
    rows: 2, inputs: { A, u, x: x.slice(0, 18), root: [0.3, -0.2, 0.1], "emission.dense_1.kernel": C, "emission.dense_1.bias": [0.1, -0.4, 0.2] }, gradients: ["A", "emission.dense_1.kernel", "root"],
    joint: (row) => {
      const joint = new Joint();
      // cholesky: softplus or exp of the diagonal is a matter of the bijection; its value is asked for below.
      const L = storedCholesky;
      const first = [joint.add(0, [], 1), joint.add(0, [], 1)];
      let z = [0, 1].map((i) => joint.add(0, [[first[0]!, L[i]![0]!], [first[1]!, L[i]![1]!]], 0));
      const states = [...z];
      const seen: number[] = [];
      for (let t = 0; t < 3; t++) {
        const noise = [joint.add(0, [], 1), joint.add(0, [], 1)];
        z = [0, 1].map((i) => joint.add(u[row * 6 + t * 2 + i]!, [[z[0]!, A[2 * i]!], [z[1]!, A[2 * i + 1]!], [noise[0]!, L[i]![0]!], [noise[1]!, L[i]![1]!]], 0));
        states.push(...z);
        for (let i = 0; i < 3; i++) seen.push(joint.add([0.1, -0.4, 0.2][i]!, [[z[0]!, C[i]!], [z[1]!, C[3 + i]!]], (0.5 + 0.1 * (t + 1)) ** 2));
      }
      return { joint, seen, values: x.slice(9 * row, 9 * row + 9), states: { z: states } };
    },
  },
  {
    name: "two chains that look back twice and at each other, with a reader of two steps and one of the last",
    text: `model test(x: real[4], y: real[3]) {
  v[0]: real ~ Normal(0, 0.5)
  p[0]: real ~ Normal(1, 2)
  p[1] ~ Normal(p[0] + v[0], 0.3)
  chain t in 1..4 { v[t] ~ Normal(0.9 * v[t-1], 0.4) }
  chain t in 2..4 { p[t] ~ Normal(p[t-1] + 0.5 * v[t] - 0.2 * p[t-2], 0.3) }
  each t in 1..4 { x[t] ~ Normal(p[t] - p[t-1], 0.6) }
  y ~ Normal(stack(v[4], p[4], p[3]), 1)
}
guide test { marginalize v, p }`,
    rows: 2, inputs: { x: x.slice(0, 8), y: x.slice(8, 14) },
    joint: (row) => {
      const joint = new Joint();
      const v = [joint.add(0, [], 0.25)];
      const p = [joint.add(1, [], 4)];
      p.push(joint.add(0, [[p[0]!, 1], [v[0]!, 1]], 0.09));
      for (let t = 1; t <= 4; t++) v.push(joint.add(0, [[v[t - 1]!, 0.9]], 0.16));
      for (let t = 2; t <= 4; t++) p.push(joint.add(0, [[p[t - 1]!, 1], [v[t]!, 0.5], [p[t - 2]!, -0.2]], 0.09));
      const seen = [1, 2, 3, 4].map((t) => joint.add(0, [[p[t]!, 1], [p[t - 1]!, -1]], 0.36));
      for (let i = 0; i < 3; i++) seen.push(joint.add(0, [[[v[4]!, p[4]!, p[3]!][i]!, 1]], 1));
      return { joint, seen, values: [...x.slice(4 * row, 4 * row + 4), ...x.slice(8 + 3 * row, 11 + 3 * row)], states: { v, p } };
    },
  },
  {
    name: "rows of their own lengths",
    text: `model test(x: real[5]) where length(x) <= 5 {
  z[1]: real ~ Normal(0, 1)
  chain t in 2..5 { z[t] ~ Normal(0.7 * z[t-1], 0.5) }
  each t in 1..5 { x[t] ~ Normal(z[t] + 2, 0.5) }
}
guide test { marginalize z }`,
    rows: 2, inputs: { x: x.slice(0, 10), "length(x)": [5, 3] },
    joint: (row) => {
      const joint = new Joint();
      const length = [5, 3][row]!;
      const z = [joint.add(0, [], 1)];
      for (let t = 1; t < 5; t++) z.push(t < length ? joint.add(0, [[z[t - 1]!, 0.7]], 0.25) : joint.add(0, [[z[t - 1]!, 1]], 0));
      const seen = z.slice(0, length).map((each) => joint.add(2, [[each, 1]], 0.25));
      return { joint, seen, values: x.slice(5 * row, 5 * row + length), states: { z } };
    },
  },
  {
    name: "several readers at a step, in loops of their own, and a number of the row that the guide has drawn",
    text: `model test(x: real[3], w: real[2, 3]) {
  g: real ~ Normal(0, 1)
  z[1]: real[2] ~ Normal(g, 1)
  chain t in 2..3 { z[t] ~ Normal(0.8 * z[t-1] + g, 0.5) }
  each t in 1..3 { x[t] ~ Normal(sum(z[t]), 0.5) }
  each i in 1..2 { each s in 1..3 { w[i, s] ~ Normal(i * z[s, 1] + g, i) } }
}
guide test { g ~ Delta(0.3)  marginalize z }`,
    rows: 2, inputs: { x: x.slice(0, 6), w: x.slice(6, 18) }, more: logNormal([0.3], [0], [[1]]),
    joint: (row) => {
      const joint = new Joint();
      let z = [joint.add(0.3, [], 1), joint.add(0.3, [], 1)];
      const states = [...z];
      const steps = [z];
      for (let t = 1; t < 3; t++) {
        z = z.map((each) => joint.add(0.3, [[each, 0.8]], 0.25));
        states.push(...z);
        steps.push(z);
      }
      const seen = steps.map(([first, second]) => joint.add(0, [[first!, 1], [second!, 1]], 0.25));
      for (let i = 1; i <= 2; i++) for (const [first] of steps) seen.push(joint.add(0.3, [[first!, i]], i * i));
      return { joint, seen, values: [...x.slice(3 * row, 3 * row + 3), ...x.slice(6 + 6 * row, 12 + 6 * row)], states: { z: states } };
    },
  },
  {
    name: "chains in a plate, downwards",
    text: `model test(x: real[2, 3]) {
  each i in 1..2 {
    z[i, 4]: real ~ Normal(0, i)
    chain t in 3..1 { z[i, t] ~ Normal(0.7 * z[i, t+1], 0.5) }
  }
  each n in 1..2 { each t in 1..3 { x[n, t] ~ Normal(z[n, t] + n, 0.5) } }
}
guide test { marginalize z }`,
    rows: 2, inputs: { x: x.slice(0, 12) },
    joint: (row) => {
      const joint = new Joint();
      const z = [0, 1].map((i) => {
        const own = [joint.add(0, [], (i + 1) ** 2)];
        for (let t = 3; t >= 1; t--) own.unshift(joint.add(0, [[own[0]!, 0.7]], 0.25));
        return own;
      });
      const seen = z.flatMap((own, i) => own.slice(0, 3).map((each) => joint.add(i + 1, [[each, 1]], 0.25)));
      return { joint, seen, values: x.slice(6 * row, 6 * row + 6), states: { z: z.flat() } };
    },
  },
];

for (const { name, text, rows, inputs, joint, gradients, more = 0 } of cases) {
  describe(name, () => {
    const lowered = lowerText(text);
    const truth = Array.from({ length: rows }, (_, row) => {
      const made = joint(row);
      return { ...made, posterior: made.joint.given(made.seen, made.values) };
    });

    it("has the evidence of the joint Gaussian", () => {
      expect(maxError(run(lowered.programs.evaluate, inputs, { rows }).elbo!.values, truth.map(({ posterior }) => posterior.logDensity + more))).toBeLessThan(1e-9);
    });

    it("has its means and covariances", () => {
      const inferred = run(lowered.programs.infer!, inputs, { rows });
      for (const [site, ids] of Object.entries(truth[0]!.states)) {
        const each = (of: (row: number, id: number) => number): number[] => truth.flatMap(({ states }, row) => states[site]!.map((id) => of(row, id)));
        expect(ids.length * rows).toBe(inferred[`mean.${site}`]!.values.length);
        expect(maxError(inferred[`mean.${site}`]!.values, each((row, id) => truth[row]!.posterior.mean[id]!))).toBeLessThan(1e-8);
        expect(maxError(inferred[`scale.${site}`]!.values, each((row, id) => Math.sqrt(Math.max(0, truth[row]!.posterior.covariance[id]![id]!))))).toBeLessThan(1e-7);
        const covariance = inferred[`covariance.${site}`];
        if (covariance) {
          const width = covariance.shape.at(-1)!;
          const blocks = truth.flatMap(({ states, posterior }) => states[site]!.flatMap((id, at) => Array.from({ length: width }, (_, j) => posterior.covariance[id]![states[site]![at - (at % width) + j]!]!)));
          expect(maxError(covariance.values, blocks)).toBeLessThan(1e-8);
        }
      }
    });

    for (const parameter of gradients ?? []) {
      it(`has the slope of the evidence as its gradient to ${parameter}`, () => {
        const slopes = gradient(lowered.programs.train, "loss", parameter, inputs, { rows });
        expect(slopes.some((each) => Math.abs(each) > 1e-3)).toBe(true);
        expect(maxError(derivedGradient(lowered.programs.train, "loss", parameter, inputs, { rows }), slopes)).toBeLessThan(1e-7);
      });
    }
  });
}

describe("a chain of 500 steps in float32", () => {
  const T = 500;
  const rows = 2;
  const data = Float32Array.from(normals(rows * T, 11).map((each, i) => 3 * Math.sin(i / 20) + each));
  // The prior is wide and the noise small beside it, so that covariances fall by a factor of 10⁸ at the first step.
  const texts = {
    "Kalman filter": `param a: real = 0.95
model test(x: real[${T}]) {
  p[1]: real ~ Normal(0, 1000)
  v[1]: real ~ Normal(0, 10)
  chain t in 2..${T} { p[t] ~ Normal(p[t-1] + v[t-1], 0.05)  v[t] ~ Normal(a * v[t-1], 0.1) }
  each t in 1..${T} { x[t] ~ Normal(p[t], 0.1) }
}
guide test { marginalize p, v }`,
    "forward algorithm": `param A: real[3, 3] = 0.5
param m: real[3] = 0.1
model test(x: real[${T}]) {
  k[1]: index(3) ~ Categorical(logits = 0)
  chain t in 2..${T} { k[t] ~ Categorical(logits = A[k[t-1]]) }
  each t in 1..${T} { x[t] ~ Normal(m[k[t]], 0.5) }
}`,
  };
  for (const [name, text] of Object.entries(texts)) {
    it(`has the evidence of the ${name} to 6 digits`, async () => {
      const lowered = lowerText(text);
      const model = await kernelModel(lowered, "wasm", { seed: 1 });
      const { elbo } = await model.evaluate({ x: { values: data, rows, shape: [T] } });
      model.dispose();
      const inputs = { a: [0.95], A: new Array<number>(9).fill(0.5), m: new Array<number>(3).fill(0.1), x: [...data] };
      const exact = run(lowered.programs.evaluate, inputs, { rows }).elbo!.values;
      expect(Math.abs(elbo / (exact.reduce((total, each) => total + each, 0) / rows) - 1)).toBeLessThan(2e-6);
    });
  }
});

describe("draws of a whole chain from its posterior", () => {
  // 4000 rows of the same data. Each mean's error is normal with standard deviation scale/√4000; of 4 means and 10 products the largest passes 4.5 of them with probability
  // below 1e-4 (fixed seed). Draws without the correlation of neighbours (0.3 here) would be off by more than 15.
  it("have its means and covariances", () => {
    const { text, inputs, joint } = cases[0]!;
    const rows = 4000;
    const made = joint(0);
    const { mean, covariance } = made.joint.given(made.seen, made.values);
    const x = Array.from({ length: rows }, () => made.values).flat();
    const draws = run(lowerText(text).programs.infer!, { ...inputs, x }, { rows })["z"]!.values;
    const z = made.states["z"]!;
    for (const [i, id] of z.entries()) {
      const center = Array.from({ length: rows }, (_, row) => draws[row * 4 + i]! - mean[id]!);
      expect(Math.abs(center.reduce((total, each) => total + each, 0) / rows)).toBeLessThan(4.5 * Math.sqrt(covariance[id]![id]! / rows));
      for (const [j, other] of z.slice(0, i + 1).entries()) {
        const products = center.map((each, row) => each * (draws[row * 4 + j]! - mean[other]!));
        const spread = Math.sqrt((covariance[id]![id]! * covariance[other]![other]! + covariance[id]![other]! ** 2) / rows);
        expect(Math.abs(products.reduce((total, each) => total + each, 0) / rows - covariance[id]![other]!)).toBeLessThan(4.5 * spread);
      }
    }
  });
});

describe("a guide that is the exact posterior, written as a chain", () => {
  // q(z_t | z_{t-1}) of a Gaussian Markov chain given the data, from its dense joint covariance: every importance weight is the evidence, whatever the draw.
  it("weighs every draw by the evidence", () => {
    const { joint } = cases[0]!;
    const made = joint(0);
    const { mean, covariance, logDensity } = made.joint.given(made.seen, made.values);
    const z = made.states["z"]!;
    const gain = z.map((id, t) => (t === 0 ? 0 : covariance[id]![z[t - 1]!]! / covariance[z[t - 1]!]![z[t - 1]!]!));
    const offset = z.map((id, t) => mean[id]! - (t === 0 ? 0 : gain[t]! * mean[z[t - 1]!]!));
    const scale = z.map((id, t) => 0.5 * Math.log(covariance[id]![id]! - (t === 0 ? 0 : gain[t]! * covariance[id]![z[t - 1]!]!)));
    const lowered = lowerText(cases[0]!.text.replace("guide test { marginalize z }", `param gain: real[4] = 0
param offset: real[4] = 0
param scale: real[4] = 0
guide test {
  z[1] ~ Normal(offset[1], exp(scale[1]))
  chain t in 2..4 { z[t] ~ Normal(gain[t] * z[t-1] + offset[t], exp(scale[t])) }
}`));
    const { log_weight } = run(lowered.programs.importance!, { a: 0.8, s: -0.4, gain, offset, scale, x: made.values }, { rows: 1 });
    expect(log_weight!.values.length).toBe(lowered.programs.importance!.outputs["log_weight"]!.shape[0]);
    expect(maxError(log_weight!.values, Array.from(log_weight!.values, () => logDensity))).toBeLessThan(1e-9);
  });
});
