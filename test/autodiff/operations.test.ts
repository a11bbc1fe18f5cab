import { describe, expect, it } from "vitest";
import { binaryRules } from "../../src/autodiff/binary-rules.js";
import { reduceRules } from "../../src/autodiff/reduce-rules.js";
import { unaryRules } from "../../src/autodiff/unary-rules.js";
import { vjpRules } from "../../src/autodiff/vjp-rules.js";
import type { TensorBuilder } from "../../src/ir/tensor/builder.js";
import type { BinaryFunction, Conv2dAttributes, ReduceFunction, TensorNode, TensorOpKind, UnaryFunction } from "../../src/ir/tensor/nodes.js";
import { numbers, operationCases } from "../codegen/support/operation-cases.js";
import { expectGradients, gradientsAt, type GradientCase } from "./support/slopes.js";

/** Guards every rule against central differences of `evaluate` in float64, to 1e-6, at ordinary and at awkward points. */

type Inputs = Readonly<Record<string, TensorNode>>;
const of = (build: (b: TensorBuilder, x: TensorNode, y: TensorNode) => TensorNode) => (b: TensorBuilder, { x, y }: Inputs): TensorNode => build(b, x!, y!);

/** Where each function is checked; a missing one is a failure of the type and of the first test. */
const unaryPoints: Readonly<Record<UnaryFunction, readonly number[]>> = {
  negate: [-2, 0, 3], exp: [-30, -1, 0, 5], log: [1e-8, 0.5, 1, 7e10], log1p: [-0.9, -1e-6, 1e-6, 3], expm1: [-20, -1e-6, 1e-6, 3], sqrt: [1e-8, 0.3, 9e6],
  reciprocal: [-3, 1e-5, 5e4], square: [-3, 0, 2e5], abs: [-3, 2, 1e-9], sign: [-3, 2], floor: [-1.4, 2.7], round: [-1.3, 2.4], sin: [-3, 0, 2], cos: [-3, 0.1, 2], tan: [-1, 0, 1.2],
  atan: [-50, 0, 2], tanh: [-7, -1e-3, 0, 2], relu: [-3, 2, 1e-9, -1e-9], sigmoid: [-30, -3, 0, 3, 12], softplus: [-30, -15, -3, 0, 3, 50], erf: [-2, -1e-4, 0, 0.3, 1.5],
  erf_inverse: [-0.99, -1e-3, 0, 0.7], lgamma: [1e-3, 0.5, 1.3, 2.001, 7, 1e4, -0.4, -7.3], digamma: [1e-2, 0.5, 1.46, 7, 1e4, -0.4, -7.3], trigamma: [1e-2, 0.5, 1.46, 7, 100, -0.4, -7.3],
  log_normal_cdf: [-300, -30, -6, -5.5, -4.5, -1, 0, 3], normal_quantile: [1e-9, 1e-3, 0.1, 0.5, 0.9], stirling_error: [0.1, 1, 4.5, 5.6, 9, 40, 1e4], not: [0, 1], is_finite: [-1, 2],
};

const binaryPoints: Readonly<Record<BinaryFunction, { readonly x: readonly number[]; readonly y: readonly number[] } | "none">> = {
  add: { x: [1, -2, 3], y: [4, 5, -6] }, subtract: { x: [1, -2, 3], y: [4, 5, -6] }, multiply: { x: [1, -2, 0], y: [4, 0, -6] }, divide: { x: [1, -2, 0], y: [4, 5e-3, -6] },
  power: { x: [1.5, 2, 0.5, 1e-3], y: [2.5, -1, 3, 0.2] }, maximum: { x: [1, -2, 3], y: [4, -5, -6] }, minimum: { x: [1, -2, 3], y: [4, -5, -6] },
  modulo: { x: [5.5, -2.5, 3], y: [2, 2, -1.75] }, atan2: { x: [1, -2, 3, 1e-3, 0], y: [4, 5, -6, -7, 2] },
  deviance: { x: [1, 100, 3, 2, 1e-6], y: [4, 100.5, 0.5, 2, 5] }, gamma_derivative: "none",
};

const reduceSmooth: Readonly<Record<ReduceFunction, boolean>> = { sum: true, product: true, max: true, min: true, logsumexp: true, all: false, any: false };
const flat = <T extends string>(table: Readonly<Record<T, unknown>>): T[] => (Object.keys(table) as T[]).filter((name) => table[name] === "none");

describe("the tables", () => {
  it("have a case for every operation and function, and no derivative exactly where there is none", () => {
    expect(Object.keys(operationCases).sort()).toEqual(Object.keys(vjpRules).sort());
    expect(Object.keys(unaryPoints)).toEqual(Object.keys(unaryRules));
    expect(Object.keys(binaryPoints)).toEqual(Object.keys(binaryRules));
    expect(Object.keys(reduceSmooth).sort()).toEqual(Object.keys(reduceRules).sort());
    expect(flat(vjpRules)).toEqual(["input", "constant", "size", "iota", "random", "compare", "cast", "stop-gradient", "arg-reduce"]);
    expect(flat(unaryRules)).toEqual(["sign", "floor", "round", "not", "is_finite"]);
    expect(flat(reduceRules)).toEqual(["all", "any"]);
  });
});

describe("unary functions", () => {
  for (const [name, points] of Object.entries(unaryPoints) as [UnaryFunction, readonly number[]][]) {
    if (name === "not" || name === "is_finite") continue;
    it(name, () => {
      for (const at of points) expectGradients({ inputs: { x: { values: [at], shape: [1] } }, build: of((b, x) => b.unary(name, x)), differentiable: ["x"] }, { label: name });
    });
  }
});

describe("binary functions", () => {
  for (const [name, points] of Object.entries(binaryPoints) as [BinaryFunction, (typeof binaryPoints)[BinaryFunction]][]) {
    if (points === "none") continue;
    it(name, () => {
      points.x.forEach((x, i) => {
        expectGradients({ inputs: { x: { values: [x], shape: [] }, y: { values: [points.y[i]!], shape: [] } }, build: of((b, left, right) => b.binary(name, left, right)), differentiable: ["x", "y"] }, { label: name });
      });
    });
    it(`${name}, both broadcast, and one of them twice`, () => {
      const [x, y] = [points.x.slice(0, 2).map(Math.abs).map((value) => value + 0.3), [...points.y.slice(0, 3)].map((value) => Math.abs(value) + 0.1)];
      expectGradients({ inputs: { x: { values: x, shape: [2, 1] }, y: { values: y, shape: [3] } }, build: of((b, left, right) => b.binary(name, left, right)), differentiable: ["x", "y"] }, { label: name, skipKinks: name === "modulo" });
      expectGradients({ inputs: { x: { values: x, shape: ["rows"] }, y: { values: y, shape: [3, 1] } }, build: of((b, left, right) => b.add(b.binary(name, left, right), b.multiply(left, left))), differentiable: ["x", "y"] }, { label: name, skipKinks: name === "modulo" });
    });
  }
});

/** Beyond those that the code generators share. */
const window: Conv2dAttributes = { strides: [2, 1], padding: [[1, 0], [1, 1]], dilation: [1, 2] };
const moreCases: Readonly<Partial<Record<TensorOpKind, readonly (GradientCase & { readonly name: string })[]>>> = {
  "random-log-gamma": [
    { name: "implicit", inputs: { x: { values: [0.3, 1, 2.5, 30], shape: [4] } }, build: of((b, x) => b.randomLogGamma("g", x)), differentiable: ["x"] },
    { name: "tiny shapes, whose draws underflow", inputs: { x: { values: [1e-3, 5e-3], shape: [2] } }, build: of((b, x) => b.randomLogGamma("g", x)), differentiable: ["x"] },
  ],
  pad: [
    { name: "cut", inputs: { x: { values: numbers(12), shape: [3, 4] } }, build: of((b, x) => b.square(b.pad(x, [1, -1], [-1, 0], 2))), differentiable: ["x"] },
    { name: "rows", inputs: { x: { values: numbers(6), shape: ["rows", 2] } }, build: of((b, x) => b.square(b.pad(x, [0, 1], [0, 2], 2))), differentiable: ["x"] },
  ],
  concatenate: [{ name: "beside numbers, one part twice", inputs: { x: { values: numbers(6), shape: ["rows", 2] }, y: { values: numbers(3), shape: ["rows", 1] } }, build: of((b, x, y) => b.exp(b.concatenate([x, y, x], 1))), differentiable: ["x", "y"] }],
  gather: [
    { name: "table of rows beside batches and many", inputs: { x: { values: numbers(24), shape: [2, 3, 4] }, k: { values: [2, 0, 1, 1, 9, -3, 0, 0], shape: [2, 2, 2], dtype: "i32" } }, build: (b, { x, k }) => b.square(b.gather(x!, k!, 1)), differentiable: ["x"] },
    { name: "from the data set", inputs: { x: { values: numbers(8), shape: ["dataset", 2] }, k: { values: [3, 0, 3], shape: ["rows"], dtype: "i32" } }, build: (b, { x, k }) => b.square(b.gather(x!, k!)), dataset: 4, differentiable: ["x"] },
  ],
  "scatter-add": [{ name: "with batch axes", inputs: { x: { values: numbers(12), shape: ["rows", 2, 2] }, k: { values: [2, 0, 2, 2, 9, 1], shape: ["rows", 2], dtype: "i32" } }, build: (b, { x, k }) => b.square(b.scatterAdd(k!, x!, 3, 1)), differentiable: ["x"] }],
  reduce: [
    ...(["sum", "product", "max", "min", "logsumexp"] as const).flatMap((name) => [
      { name: `${name} over rows`, inputs: { x: { values: numbers(12), shape: ["rows", 4] as const } }, build: of((b, x) => b.square(b.reduce(name, x, [0]))), differentiable: ["x"] },
      { name: `${name} over rows, kept`, inputs: { x: { values: numbers(12), shape: ["rows", 4] as const } }, build: of((b, x) => b.multiply(x, b.reduce(name, x, [0], true))), differentiable: ["x"] },
      { name: `${name} of all, not weighted`, inputs: { x: { values: numbers(12), shape: ["rows", 4] as const } }, build: of((b, x) => b.reduce(name, x)), differentiable: ["x"] },
    ]),
    { name: "product with one 0 and with two", inputs: { x: { values: [2, 0, 3, 0, 5, 0, 1, 2, 3], shape: [3, 3] } }, build: of((b, x) => b.reduce("product", x, [1])), differentiable: ["x"] },
    { name: "logsumexp of far apart numbers", inputs: { x: { values: [-700, 0, 700, 699, 1, 2], shape: [2, 3] } }, build: of((b, x) => b.logsumexp(x, [1])), differentiable: ["x"] },
  ],
  "cumulative-sum": [{ name: "along the first axis", inputs: { x: { values: numbers(6), shape: [3, 2] } }, build: of((b, x) => b.square(b.cumulativeSum(x, 0, true, true))), differentiable: ["x"] }],
  dot: [false, true].flatMap((tl) =>
    [false, true].flatMap((tr) => {
      const shapes = (lead: readonly (number | "rows")[], rows: number, m: number | "rows" = 2): GradientCase["inputs"] => {
        const x = [...lead, ...(tl ? [3, m] : [m, 3])];
        return { x: { values: numbers(x.reduce<number>((n, dim) => n * (dim === "rows" ? rows : dim), 1)), shape: x }, y: { values: numbers(12, -1, 1, 4), shape: tr ? [4, 3] : [3, 4] } };
      };
      const build = of((b, x, y) => b.square(b.dot(x, y, tl, tr)));
      const name = `${tl ? "Aᵀ" : "A"}${tr ? "Bᵀ" : "B"}`;
      const differentiable = ["x", "y"];
      return [
        { name: `${name} of matrices`, inputs: shapes([], 0), build, differentiable },
        { name: `${name}, one for all of two axes`, inputs: shapes([2, 3], 0), build, differentiable },
        { name: `${name}, one for all rows`, inputs: shapes(["rows"], 3), build, differentiable },
        { name: `${name}, one for all samples of rows`, inputs: shapes([3], 2, "rows"), build, differentiable },
        { name: `${name}, one for all rows of samples`, inputs: shapes([2, "rows", 2], 2), build, differentiable },
        { name: `${name}, with a leading 1`, inputs: { ...shapes(["rows"], 3), y: { values: numbers(12), shape: tr ? [1, 4, 3] : [1, 3, 4] } }, build, differentiable },
        { name: `${name}, the left for all`, inputs: { x: { values: numbers(6), shape: tl ? [3, 2] : [2, 3] }, y: { values: numbers(36), shape: tr ? ["rows", 4, 3] as const : ["rows", 3, 4] as const } }, build, differentiable },
        { name: `${name}, crossed axes`, inputs: { x: { values: numbers(12), shape: tl ? [2, 1, 3, 2] : [2, 1, 2, 3] }, y: { values: numbers(36), shape: tr ? [3, 4, 3] : [3, 3, 4] } }, build, differentiable },
      ];
    }),
  ),
  conv2d: [{ name: "all attributes", inputs: { x: { values: numbers(2 * 5 * 6 * 2), shape: [2, 5, 6, 2] }, y: { values: numbers(3 * 2 * 2 * 3), shape: [3, 2, 2, 3] } }, build: of((b, x, y) => b.square(b.conv2d(x, y, window))), differentiable: ["x", "y"] }],
  "conv2d-input-gradient": [{ name: "all attributes", inputs: { x: { values: numbers(2 * 2 * 6 * 3), shape: [2, 2, 6, 3] }, y: { values: numbers(3 * 2 * 2 * 3), shape: [3, 2, 2, 3] } }, build: of((b, x, y) => b.square(b.conv2dInputGradient(x, y, [5, 6], window))), differentiable: ["x", "y"] }],
  "conv2d-filter-gradient": [{ name: "all attributes", inputs: { x: { values: numbers(2 * 5 * 6 * 2), shape: [2, 5, 6, 2] }, y: { values: numbers(2 * 2 * 6 * 3), shape: [2, 2, 6, 3] } }, build: of((b, x, y) => b.square(b.conv2dFilterGradient(x, y, [3, 2], window))), differentiable: ["x", "y"] }],
  "pool2d-gradient": [{ name: "mean", inputs: { x: { values: numbers(50), shape: ["rows", 5, 5, 1] }, y: { values: numbers(18), shape: ["rows", 3, 3, 1] } }, build: of((b, x, y) => b.square(b.pool2dGradient("mean", x, y, [2, 2], [2, 2], [[1, 0], [1, 0]]))), differentiable: ["y"] }],
  cholesky: [{ name: "of rows, in a composition", inputs: { x: { values: numbers(18), shape: ["rows", 3, 3] } }, build: of((b, x) => b.cholesky(b.add(b.dot(x, x, false, true), b.select(b.equal(b.expandDims(b.iota(3), [1]), b.iota(3)), 1, 0)))), differentiable: ["x"] }],
  "triangular-solve": [false, true].map((transpose) => ({
    name: `a factor for each row, a right side for all${transpose ? ", transposed" : ""}`,
    inputs: { x: { values: numbers(18).map((value) => value + 3), shape: ["rows", 3, 3] as const }, y: { values: numbers(6), shape: [3, 2] } },
    build: of((b, x, y) => b.square(b.triangularSolve(x, y, transpose))),
    differentiable: ["x", "y"],
  })),
};

/** Inputs of i32 and comparisons have none; a mean pool's gradient does not depend on x. */
describe("operations", () => {
  // Guards gradients that are the same along an axis and kept small: repeated operands must count how often they were repeated.
  const [column, row, matrix] = [{ values: numbers(2), shape: ["rows", 1] as const }, { values: numbers(3), shape: [3] }, { values: numbers(6), shape: ["rows", 3] as const }];
  const sums: Readonly<Record<string, GradientCase["build"]>> = {
    "add of a column and a row": of((b, x, y) => b.sum(b.add(x, y))),
    "subtract, summed over one axis": of((b, x, y) => b.sum(b.subtract(x, y), [1])),
    "subtract, summed over the other axis": of((b, x, y) => b.square(b.sum(b.subtract(x, y), [0], true))),
    multiply: of((b, x, y) => b.sum(b.multiply(x, y))),
    select: of((b, x, y) => b.sum(b.select(b.constant([1, 0, 1], [3], "bool"), x, y))),
    broadcast: of((b, x, y) => b.add(b.sum(b.broadcast(x, [4, "rows", 5])), b.sum(b.broadcast(y, [2, "rows", 3]), [0, 2]))),
    "reshape, transpose, reverse, concatenate, slice and pad": of((b, x, y) => {
      const both = b.concatenate([b.transpose(b.add(x, y), [1, 0]), b.reshape(b.add(x, y), [3, "rows"])], 0);
      return b.add(b.sum(b.reverse(b.pad(both, [1, 0], [0, 0]), 0)), b.sum(b.sliceAxis(both, 0, 1, 3)));
    }),
    "log-softmax and cumulative-sum": of((b, x, y) => b.add(b.sum(b.logSoftmax(b.add(x, y)), [1]), b.sum(b.cumulativeSum(b.add(x, y), 1), [1]))),
    "dot and gather": of((b, x, y) => b.add(b.sum(b.dot(x, b.expandDims(y, [0]))), b.sum(b.gather(y, b.constant([2, 2, 0], [3], "i32"))))),
    "reductions of a sum": of((b, x, y) => b.addAll((["max", "min", "product", "logsumexp", "sum"] as const).map((name) => b.sum(b.reduce(name, b.add(x, y), [1]))))),
  };
  for (const [name, build] of Object.entries(sums)) {
    it(`plain sums: ${name}`, () => {
      expectGradients({ inputs: { x: column, y: row }, build: (b, at) => b.sum(build(b, at)), differentiable: ["x", "y"] });
      expectGradients({ inputs: { x: column, y: row }, build, differentiable: ["x", "y"] });
      expectGradients({ inputs: { x: column, y: row, z: matrix }, build: (b, at) => b.sum(b.multiply(b.sum(build(b, at)), at["z"]!)), differentiable: ["x", "y", "z"] });
    });
  }

  for (const kind of Object.keys(vjpRules) as TensorOpKind[]) {
    for (const each of [...operationCases[kind], ...(moreCases[kind] ?? [])]) {
      if ((each.differentiable ?? []).length === 0) continue;
      it(`${kind}: ${each.name}`, () => {
        const { checked } = expectGradients(each, { label: each.name });
        expect(checked).toBeGreaterThan(0);
      });
    }
    it(`${kind} has a checked gradient, or none at all`, () => {
      const differentiable = [...operationCases[kind], ...(moreCases[kind] ?? [])].some((each) => (each.differentiable ?? []).length > 0);
      // `input`, `constant` … are differentiated around, not through.
      expect(differentiable || vjpRules[kind] === "none").toBe(true);
    });
  }

  // Truth by reasoning: comparisons, casts, steps and stops have derivative 0 wherever they have one.
  it("what has no gradient gives 0", () => {
    const x = { values: [0.3, -1.2, 2], shape: [3] };
    const builds: ((b: TensorBuilder, x: TensorNode) => TensorNode)[] = [
      (b, at) => b.cast(b.less(at, 1), "f32"), (b, at) => b.cast(b.cast(at, "i32"), "f32"), (b, at) => b.floor(at), (b, at) => b.sign(at), (b, at) => b.unary("round", at),
      (b, at) => b.stopGradient(b.exp(at)), (b, at) => b.cast(b.unary("is_finite", at), "f32"), (b, at) => b.cast(b.argMax(at, 0), "f32"), (b) => b.normal("z", [3]),
    ];
    for (const build of builds) expect(gradientsAt({ inputs: { x }, build: of(build), differentiable: ["x"] })["x"]).toEqual([0, 0, 0]);
  });
});
