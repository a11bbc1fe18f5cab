import { describe, expect, it } from "vitest";
import { closedFormKl, klTable } from "../../src/distributions/kl.js";
import { distributionNames, type DistributionName } from "../../src/distributions/names.js";
import { distributions } from "../../src/distributions/registry.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, type InputValue } from "../../src/ir/tensor/evaluate.js";
import { hasClosedFormKl } from "../../src/objectives/families.js";
import { bindArguments, counts, expectation, logDensities, pieces, quadrature, type ArgumentValues } from "./harness.js";

function divergence(q: DistributionName, qArgs: ArgumentValues, p: DistributionName, pArgs: ArgumentValues, size?: number, precision: "f64" | "f32" = "f64"): number {
  const rule = closedFormKl(q, p);
  if (!rule) throw new Error(`${q}, ${p}`);
  const b = new TensorBuilder();
  const inputs: Record<string, InputValue> = {};
  const node = rule(b, bindArguments(b, inputs, qArgs, "q.", distributions[q]), bindArguments(b, inputs, pArgs, "p.", distributions[p]), size === undefined ? [1] : [1, size]);
  expect(node.shape).toEqual([1]);
  return evaluate(b.program("kl", { node }), { inputs, precision })["node"]!.values[0]!;
}

/** Arguments to try, in two parameterizations where there are two, and where to integrate. */
const settings: Partial<Record<DistributionName, { args: readonly ArgumentValues[]; range: readonly number[] | number }>> = {
  Normal: { args: [{ mean: 0.5, scale: 1.3 }, { mean: -1, variance: 0.5 }, { mean: 0, log_scale: 0.4 }, { mean: 0.2, precision: 3 }], range: [-Infinity, -1, 0, 0.5, Infinity] },
  LogNormal: { args: [{ mean: 0.3, scale: 0.5 }, { mean: -0.2, scale: 0.8 }], range: [0, 1, Infinity] },
  HalfNormal: { args: [{ scale: 0.7 }, { scale: 2 }], range: [0, 1, Infinity] },
  Cauchy: { args: [{ location: 0.5, scale: 2 }, { location: -1, scale: 0.5 }], range: [-Infinity, -1, 0.5, Infinity] },
  Laplace: { args: [{ mean: 0.5, scale: 2 }, { mean: -1, scale: 0.5 }], range: [-Infinity, -1, 0, 0.2, 0.5, Infinity] },
  Uniform: { args: [{ low: -1, high: 2 }, { low: -1, high: 2 }], range: [-1, 2] },
  Exponential: { args: [{ rate: 2 }, { scale: 3 }, { mean: 0.4 }], range: [0, 1, Infinity] },
  Gamma: { args: [{ shape: 2.5, rate: 1.5 }, { shape: 1.3, scale: 2 }, { shape: 6, mean: 2 }], range: [0, 1, Infinity] },
  InverseGamma: { args: [{ shape: 6, scale: 3 }, { shape: 2.5, scale: 1 }], range: [0, 1, Infinity] },
  Beta: { args: [{ alpha: 2.5, beta: 1.5 }, { mean: 0.3, concentration: 8 }], range: [0, 0.5, 1] },
  Bernoulli: { args: [{ probs: 0.3 }, { logits: 2 }, { probs: 0.99 }], range: 2 },
  ContinuousBernoulli: { args: [{ probs: 0.3 }, { logits: 3 }, { logits: 0.1 }], range: [0, 0.5, 1] },
  Categorical: { args: [{ probs: [0.2, 0.5, 0.3] }, { logits: [1, 0, -1] }], range: 3 },
  Poisson: { args: [{ rate: 3 }, { log_rate: 0.2 }], range: 60 },
  Geometric: { args: [{ probs: 0.3 }, { logits: 0.5 }], range: 250 },
};

const joint = new Set<string>(["MultivariateNormal", "Dirichlet"]);
const scalarPairs = klTable.filter(([q, p]) => !joint.has(q) && !joint.has(p));

describe.each(scalarPairs)("KL(%s ‖ %s)", (q, p) => {
  const [own, other] = [settings[q]!, settings[p]!];

  it("is E_q[log q − log p], by quadrature or summation", () => {
    for (const qArgs of own.args) {
      for (const pArgs of other.args) {
        const kinks = typeof own.range === "number" || typeof other.range === "number" ? [] : [...new Set([...own.range, ...other.range.filter((x) => x > (own.range as number[])[0]! && x < (own.range as number[]).at(-1)!)])].sort((a, b) => a - b);
        const nodes = typeof own.range === "number" ? counts(own.range) : pieces(kinks);
        const [logQ, logP] = [logDensities(q, qArgs, nodes.x), logDensities(p, pArgs, nodes.x)];
        const truth = expectation(nodes, logQ, (_, i) => logQ[i]! - logP[i]!);
        expect(divergence(q, qArgs, p, pArgs)).toBeCloseTo(truth, 6);
        expect(Math.abs(divergence(q, qArgs, p, pArgs, undefined, "f32") - truth)).toBeLessThan(3e-6 * Math.max(1, truth));
      }
    }
  });

  it("is 0 of a distribution with itself", () => {
    if (q !== p) return;
    for (const args of own.args) {
      expect(Math.abs(divergence(q, args, p, args))).toBeLessThan(1e-14);
      expect(Math.abs(divergence(q, args, p, args, undefined, "f32"))).toBeLessThan(1e-6);
    }
  });
});

describe("KL where nothing may be lost", () => {
  it("a Uniform that reaches outside has an infinite divergence", () => {
    expect(divergence("Uniform", { low: 0, high: 2 }, "Uniform", { low: 0, high: 1 })).toBe(Infinity);
    expect(divergence("Uniform", { low: 0, high: 1 }, "Uniform", { low: -1, high: 3 })).toBeCloseTo(Math.log(4), 12);
  });

  it("probabilities of 0 and 1 are no NaN", () => {
    expect(divergence("Bernoulli", { probs: 0 }, "Bernoulli", { probs: 0.5 })).toBeCloseTo(Math.LN2, 12);
    expect(divergence("Bernoulli", { probs: 1 }, "Bernoulli", { probs: 1 })).toBe(0);
    expect(divergence("Categorical", { probs: [0, 0.5, 0.5] }, "Categorical", { logits: [0, 0, 0] })).toBeCloseTo(Math.log(1.5), 12);
    expect(divergence("Categorical", { probs: [0.2, 0.8] }, "Categorical", { probs: [0, 1] })).toBe(Infinity);
  });

  it("is in the table wherever the derivation counts on it", () => {
    for (const q of distributionNames) for (const p of distributionNames) if (hasClosedFormKl(q, p)) expect([q, p, closedFormKl(q, p) !== undefined]).toEqual([q, p, true]);
  });
});

describe("KL on vectors", () => {
  const lower = [[1.2, 0], [-0.4, 0.8]];
  const normals: readonly (readonly [DistributionName, ArgumentValues])[] = [
    ["MultivariateNormal", { mean: [0.5, -1], scale: [0.5, 2] }],
    ["MultivariateNormal", { mean: [0, 0.3], cholesky: lower }],
    ["MultivariateNormal", { mean: [0, 0.3], covariance: [[1.44, -0.48], [-0.48, 0.8]] }],
    ["MultivariateNormal", { mean: [1, 0], factor: [[0.9], [-0.5]], diagonal: [0.3, 0.6] }],
    ["Normal", { mean: [0.2, 0.1], scale: [1.5, 0.7] }],
    ["Normal", { mean: [0], variance: [1] }],
  ];

  /** log density on the plane; a Normal's coordinates are independent. */
  function planeDensity([name, args]: readonly [DistributionName, ArgumentValues], xs: readonly (readonly number[])[]): number[] {
    if (name === "MultivariateNormal") return logDensities(name, args, xs);
    const at = (values: ArgumentValues, i: number): ArgumentValues => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, (value as number[])[i] ?? (value as number[])[0]!]));
    const [first, second] = [0, 1].map((i) => logDensities(name, at(args, i), xs.map((x) => x[i]!)));
    return first!.map((value, i) => value + second![i]!);
  }

  // The trapezoidal rule, whose error on Normals falls as exp(−2π²σ²/h²).
  const line = { x: Array.from({ length: 181 }, (_, i) => (i - 90) * 0.16), weight: new Array<number>(181).fill(0.16) };
  const xs = line.x.flatMap((x) => line.x.map((y) => [x, y]));
  const weight = line.weight.flatMap((w) => line.weight.map((v) => w * v));

  it("of every pair of parameterizations is the integral over the plane", () => {
    for (const q of normals) {
      const logQ = planeDensity(q, xs);
      for (const p of normals) {
        if (q[0] === "Normal" && p[0] === "Normal") continue;
        const logP = planeDensity(p, xs);
        const truth = xs.reduce((sum, _, i) => sum + Math.exp(logQ[i]!) * weight[i]! * (logQ[i]! - logP[i]!), 0);
        const found = divergence(q[0], q[1], p[0], p[1], 2);
        if (!(Math.abs(found - truth) < 1e-5)) expect.fail(`${JSON.stringify(q)} ‖ ${JSON.stringify(p)}: ${found}, not ${truth}`);
        if (q === p) expect(Math.abs(found)).toBeLessThan(1e-14);
      }
    }
  });

  it("of Dirichlets is a Beta's for two coordinates, and 0 with itself", () => {
    const found = divergence("Dirichlet", { concentration: [2.5, 1.5] }, "Dirichlet", { concentration: [0.7, 3] }, 2);
    expect(found).toBeCloseTo(divergence("Beta", { alpha: 2.5, beta: 1.5 }, "Beta", { alpha: 0.7, beta: 3 }), 10);
    expect(Math.abs(divergence("Dirichlet", { concentration: [1, 2, 3] }, "Dirichlet", { concentration: [1, 2, 3] }, 3))).toBeLessThan(1e-14);
    // By the integral over the triangle, for three.
    const side = quadrature(0, 1, 1 / 10);
    const at = side.x.flatMap((x) => side.x.map((v) => [x, (1 - x) * v, (1 - x) * (1 - v)]));
    const area = side.x.flatMap((x, i) => side.x.map((_, j) => side.weight[i]! * side.weight[j]! * (1 - x)));
    const [q, p] = [{ concentration: [2, 1.5, 3] }, { concentration: [1, 1, 0.5] }];
    const [logQ, logP] = [logDensities("Dirichlet", q, at), logDensities("Dirichlet", p, at)];
    const truth = at.reduce((sum, _, i) => (Number.isFinite(logQ[i]!) && Number.isFinite(logP[i]!) ? sum + Math.exp(logQ[i]!) * area[i]! * (logQ[i]! - logP[i]!) : sum), 0);
    expect(divergence("Dirichlet", q, "Dirichlet", p, 3)).toBeCloseTo(truth, 5);
  });
});
