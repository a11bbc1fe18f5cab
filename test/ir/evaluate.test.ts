import { describe, expect, it } from "vitest";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { differentiate, evaluate, evaluateNodes, evaluateRules, seededRandom } from "../../src/ir/tensor/evaluate.js";
import type { BinaryFunction, ComparisonFunction, DType, ReduceFunction, TensorNode, TensorOpKind, UnaryFunction } from "../../src/ir/tensor/nodes.js";
import { unaryFunctions, binaryFunctions, comparisonFunctions } from "../../src/ir/tensor/nodes.js";
import { print } from "../../src/ir/tensor/print.js";
import { verify } from "../../src/ir/tensor/verify.js";

interface Case {
  readonly of: (b: TensorBuilder) => TensorNode;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const plain = { strides: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] } as const;
const bindings = {
  inputs: {
    x: { values: [1, 2, 3, 4, 5, 6], shape: [2, 3] },
    beta: 0.5,
  },
  dataset: 7,
  random: { uniform: () => Float64Array.of(0.25, 0.75), normal: () => Float64Array.of(-1, 1), logGamma: (_: string, alphas: ArrayLike<number>) => Float64Array.from(alphas).map(Math.log) },
};
const c = (b: TensorBuilder, values: number[], shape = [values.length], dtype: DType = "f32"): TensorNode => b.constant(values, shape, dtype);
const grid = (b: TensorBuilder): TensorNode => c(b, [1, 2, 3, 4, 5, 6], [2, 3]);
const image = (b: TensorBuilder): TensorNode => c(b, [1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3, 1]);
const kernel = (b: TensorBuilder): TensorNode => c(b, [1, 10, 100, 1000], [2, 2, 1, 1]);

/** One case or more by hand for each operation; the type makes a forgotten one a compile error. */
const cases: { readonly [K in TensorOpKind]: readonly Case[] } = {
  input: [
    { of: (b) => b.input("column", "x", ["rows", 3]), shape: [2, 3], values: [1, 2, 3, 4, 5, 6] },
    { of: (b) => b.input("scalar", "beta", []), shape: [], values: [0.5] },
  ],
  constant: [{ of: (b) => c(b, [1, -2]), shape: [2], values: [1, -2] }],
  size: [
    { of: (b) => b.add(b.size("rows"), b.multiply(0, b.sum(b.input("column", "x", ["rows", 3])))), shape: [], values: [2] },
    { of: (b) => b.size("dataset"), shape: [], values: [7] },
  ],
  iota: [{ of: (b) => b.iota(3), shape: [3], values: [0, 1, 2] }],
  random: [
    { of: (b) => b.uniform("u", [2]), shape: [2], values: [0.25, 0.75] },
    { of: (b) => b.normal("e", [2]), shape: [2], values: [-1, 1] },
  ],
  "random-log-gamma": [{ of: (b) => b.randomLogGamma("g", c(b, [1, 2])), shape: [2], values: [0, Math.log(2)] }],
  unary: [{ of: (b) => b.negate(c(b, [1, -2])), shape: [2], values: [-1, 2] }],
  binary: [
    { of: (b) => b.add(c(b, [1, 2], [2, 1]), c(b, [10, 20, 30])), shape: [2, 3], values: [11, 21, 31, 12, 22, 32] },
    { of: (b) => b.multiply(c(b, [65537], [1], "i32"), c(b, [65537], [1], "i32")), shape: [1], values: [131073] }, // wraps at 32 bits
  ],
  compare: [{ of: (b) => b.less(c(b, [1, 2, NaN]), 2), shape: [3], values: [1, 0, 0] }],
  select: [
    { of: (b) => b.select(b.greater(c(b, [-1, 2]), 0), c(b, [NaN, 1]), c(b, [5, NaN])), shape: [2], values: [5, 1] },
    { of: (b) => b.select(c(b, [1, 0], [2, 1], "bool"), c(b, [1, 2]), 9), shape: [2, 2], values: [1, 2, 9, 9] },
  ],
  cast: [
    { of: (b) => b.cast(b.add(c(b, [-1.7, 1.7]), 0.1), "i32"), shape: [2], values: [-1, 1] },
    { of: (b) => b.cast(c(b, [0, -3, NaN]), "bool"), shape: [3], values: [0, 1, 1] },
    { of: (b) => b.cast(b.equal(b.iota(2), 1), "f32"), shape: [2], values: [0, 1] },
  ],
  reshape: [{ of: (b) => b.reshape(grid(b), [3, 2]), shape: [3, 2], values: [1, 2, 3, 4, 5, 6] }],
  transpose: [
    { of: (b) => b.transpose(grid(b), [1, 0]), shape: [3, 2], values: [1, 4, 2, 5, 3, 6] },
    { of: (b) => b.transpose(c(b, [1, 2, 3, 4, 5, 6], [1, 2, 3]), [2, 0, 1]), shape: [3, 1, 2], values: [1, 4, 2, 5, 3, 6] },
  ],
  broadcast: [{ of: (b) => b.broadcast(c(b, [1, 2], [2, 1]), [2, 2, 3]), shape: [2, 2, 3], values: [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2] }],
  slice: [{ of: (b) => b.slice(grid(b), [1, 0], [1, 2]), shape: [1, 2], values: [4, 5] }],
  pad: [
    { of: (b) => b.pad(c(b, [1, 2]), [1], [2], -Infinity), shape: [5], values: [-Infinity, 1, 2, -Infinity, -Infinity] },
    { of: (b) => b.pad(c(b, [1, 2, 3, 4], [2, 2]), [0, -1], [1, 1]), shape: [3, 2], values: [2, 0, 4, 0, 0, 0] },
  ],
  concatenate: [
    { of: (b) => b.concatenate([c(b, [1, 2], [2, 1]), c(b, [3, 4, 5, 6], [2, 2])], 1), shape: [2, 3], values: [1, 3, 4, 2, 5, 6] },
    { of: (b) => b.concatenate([c(b, [1]), c(b, [2, 3])], 0), shape: [3], values: [1, 2, 3] },
  ],
  reverse: [
    { of: (b) => b.reverse(grid(b), 1), shape: [2, 3], values: [3, 2, 1, 6, 5, 4] },
    { of: (b) => b.reverse(grid(b), 0), shape: [2, 3], values: [4, 5, 6, 1, 2, 3] },
  ],
  gather: [
    { of: (b) => b.gather(grid(b), c(b, [1, 0, 9, -9], [4], "i32")), shape: [4, 3], values: [4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3] }, // clamped
    { of: (b) => b.gather(grid(b), c(b, [2, 0, 1, 1], [2, 2], "i32"), 1), shape: [2, 2], values: [3, 1, 5, 5] },
    { of: (b) => b.gather(c(b, [1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]), c(b, [1, 0], [2], "i32"), 1), shape: [2, 2], values: [3, 4, 5, 6] },
  ],
  "scatter-add": [
    { of: (b) => b.scatterAdd(c(b, [2, 0, 2], [3], "i32"), c(b, [1, 2, 3, 4, 5, 6], [3, 2]), 3), shape: [3, 2], values: [3, 4, 0, 0, 6, 8] },
    { of: (b) => b.scatterAdd(c(b, [1, -1, 1, 5], [2, 2], "i32"), c(b, [1, 2, 3, 4], [2, 2]), 3), shape: [3], values: [2, 4, 4] },
    { of: (b) => b.scatterAdd(c(b, [1, 1, 0, 9], [2, 2], "i32"), c(b, [1, 2, 3, 4], [2, 2]), 3, 1), shape: [2, 3], values: [0, 3, 0, 3, 0, 4] },
    { of: (b) => b.scatterAdd(c(b, [1, 0], [2], "i32"), c(b, [1, 2, 3, 4], [2, 2]), 2, 1), shape: [2, 2, 2], values: [0, 0, 1, 2, 3, 4, 0, 0] },
  ],
  reduce: [
    { of: (b) => b.sum(grid(b), [0]), shape: [3], values: [5, 7, 9] },
    { of: (b) => b.sum(grid(b), [1], true), shape: [2, 1], values: [6, 15] },
    { of: (b) => b.sum(c(b, [1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]), [0, 2]), shape: [2], values: [14, 22] },
  ],
  "arg-reduce": [
    { of: (b) => b.argMax(c(b, [1, 3, 3, 9, -1, NaN], [2, 3]), 1), shape: [2], values: [1, 2] },
    { of: (b) => b.make({ kind: "arg-reduce", function: "min", axis: 0 }, [grid(b)], "i32"), shape: [3], values: [0, 0, 0] },
  ],
  "cumulative-sum": [
    { of: (b) => b.cumulativeSum(grid(b), 1), shape: [2, 3], values: [1, 3, 6, 4, 9, 15] },
    { of: (b) => b.cumulativeSum(grid(b), 1, true), shape: [2, 3], values: [0, 1, 3, 0, 4, 9] },
    { of: (b) => b.cumulativeSum(grid(b), 1, false, true), shape: [2, 3], values: [6, 5, 3, 15, 11, 6] },
    { of: (b) => b.cumulativeSum(grid(b), 1, true, true), shape: [2, 3], values: [5, 3, 0, 11, 6, 0] },
    { of: (b) => b.cumulativeSum(grid(b), 0), shape: [2, 3], values: [1, 2, 3, 5, 7, 9] },
  ],
  softmax: [
    { of: (b) => b.softmax(c(b, [1000, 1000 + Math.log(3)])), shape: [2], values: [0.25, 0.75] },
    { of: (b) => b.softmax(c(b, [0, 0, -1e9, Math.log(4)], [2, 2]), 0), shape: [2, 2], values: [1, 0.2, 0, 0.8] },
  ],
  "log-softmax": [{ of: (b) => b.logSoftmax(c(b, [-1000, -1000, -Infinity])), shape: [3], values: [-Math.LN2, -Math.LN2, -Infinity] }],
  dot: [
    { of: (b) => b.dot(grid(b), c(b, [1, 0, 0, 1, 1, 1], [3, 2])), shape: [2, 2], values: [4, 5, 10, 11] },
    { of: (b) => b.dot(grid(b), grid(b), true, false), shape: [3, 3], values: [17, 22, 27, 22, 29, 36, 27, 36, 45] },
    { of: (b) => b.dot(grid(b), grid(b), false, true), shape: [2, 2], values: [14, 32, 32, 77] },
    { of: (b) => b.dot(c(b, [1, 2], [2, 1, 1]), c(b, [1, 10], [1, 2])), shape: [2, 1, 2], values: [1, 10, 2, 20] },
    { of: (b) => b.dot(c(b, [NaN, 1], [1, 2]), c(b, [0, 1], [2, 1])), shape: [1, 1], values: [NaN] },
  ],
  conv2d: [{ of: (b) => b.conv2d(image(b), kernel(b), plain), shape: [2, 2, 1], values: [5421, 6532, 8754, 9865] }],
  "conv2d-input-gradient": [
    { of: (b) => b.conv2dInputGradient(c(b, [1, 2, 3, 4], [2, 2, 1]), kernel(b), [3, 3], plain), shape: [3, 3, 1], values: [1, 12, 20, 103, 1234, 2040, 300, 3400, 4000] },
  ],
  "conv2d-filter-gradient": [
    { of: (b) => b.conv2dFilterGradient(image(b), c(b, [1, 10, 100, 1000], [2, 2, 1]), [2, 2], plain), shape: [2, 2, 1, 1], values: [5421, 6532, 8754, 9865] },
  ],
  pool2d: [
    { of: (b) => b.pool2d("max", image(b), [2, 2], [1, 1], [[0, 0], [0, 0]]), shape: [2, 2, 1], values: [5, 6, 8, 9] },
    { of: (b) => b.pool2d("max", b.negate(image(b)), [2, 2], [2, 2], [[0, 1], [0, 1]]), shape: [2, 2, 1], values: [-1, -3, -7, -9] },
    { of: (b) => b.pool2d("mean", image(b), [2, 2], [2, 2], [[0, 1], [0, 1]]), shape: [2, 2, 1], values: [3, 4.5, 7.5, 9] },
  ],
  "pool2d-gradient": [
    { of: (b) => b.pool2dGradient("max", image(b), c(b, [1, 2, 3, 4], [2, 2, 1]), [2, 2], [1, 1], [[0, 0], [0, 0]]), shape: [3, 3, 1], values: [0, 0, 0, 0, 1, 2, 0, 3, 4] },
    { of: (b) => b.pool2dGradient("max", c(b, [5, 5, 5, 5], [2, 2, 1]), c(b, [7], [1, 1, 1]), [2, 2], [1, 1], [[0, 0], [0, 0]]), shape: [2, 2, 1], values: [7, 0, 0, 0] }, // the first of equals
    { of: (b) => b.pool2dGradient("mean", image(b), c(b, [4, 2, 6, 1], [2, 2, 1]), [2, 2], [2, 2], [[0, 1], [0, 1]]), shape: [3, 3, 1], values: [1, 1, 1, 1, 1, 1, 3, 3, 1] },
  ],
  cholesky: [
    { of: (b) => b.cholesky(c(b, [4, 99, 2, 10], [2, 2])), shape: [2, 2], values: [2, 0, 1, 3] }, // the upper triangle is not read
    { of: (b) => b.cholesky(c(b, [-1], [1, 1])), shape: [1, 1], values: [NaN] },
  ],
  "triangular-solve": [
    { of: (b) => b.triangularSolve(c(b, [2, 99, 1, 3], [2, 2]), c(b, [2, 4, 7, 5], [2, 2])), shape: [2, 2], values: [1, 2, 2, 1] },
    { of: (b) => b.triangularSolve(c(b, [2, 99, 1, 3], [2, 2]), c(b, [4, 6], [2, 1]), true), shape: [2, 1], values: [1, 2] },
  ],
  "stop-gradient": [{ of: (b) => b.stopGradient(c(b, [1, 2])), shape: [2], values: [1, 2] }],
  loop: [{ of: (b) => horner(b, false).carries[0]!, shape: [], values: [123] }, { of: (b) => horner(b, true).carries[0]!, shape: [], values: [321] }],
  "loop-result": [
    { of: (b) => horner(b, false).stacks[0]!, shape: [3], values: [1, 12, 123] }, { of: (b) => horner(b, true).stacks[0]!, shape: [3], values: [321, 32, 3] },
    { of: (b) => horner(b, false).histories[0]!, shape: [3], values: [0, 1, 12] }, { of: (b) => horner(b, true).histories[0]!, shape: [3], values: [32, 3, 0] },
    { of: (b) => b.loop({ steps: 3, reverse: true, body: (_, { index }) => ({ stacks: [index] }) }).stacks[0]!, shape: [3], values: [0, 1, 2] },
    { of: (b) => b.loop({ steps: 2, body: (inner) => ({ stacks: [inner.uniform("u", [])] }) }).stacks[0]!, shape: [2], values: [0.25, 0.75] },
  ],
};

/** c ← 10 c + x over 1, 2, 3. */
const horner = (b: TensorBuilder, reverse: boolean) =>
  b.loop({
    steps: 3, reverse, carries: [b.scalar(0)], scans: [c(b, [1, 2, 3])],
    body: (inner, { carries, scans }) => {
      const next = inner.add(inner.multiply(10, carries[0]!), scans[0]!);
      return { carries: [next], stacks: [next] };
    },
  });

const run = (of: Case["of"]) => {
  const b = new TensorBuilder();
  const program = b.program("case", { y: of(b) });
  verify(program);
  return evaluate(program, bindings).y!;
};

describe("evaluate, each operation by hand", () => {
  it("every operation has a case", () => {
    for (const kind of Object.keys(evaluateRules)) expect(cases[kind as TensorOpKind]?.length, kind).toBeGreaterThan(0);
  });
  for (const [kind, list] of Object.entries(cases)) {
    it(kind, () => {
      for (const { of, shape, values } of list) {
        const got = run(of);
        expect(got.shape).toEqual(shape);
        expect(got.values.length).toBe(values.length);
        got.values.forEach((value, i) => {
          if (Number.isFinite(values[i]!)) expect(value).toBeCloseTo(values[i]!, 12);
          else expect(value).toBe(values[i]!);
        });
      }
    });
  }
});

const { PI, E, SQRT2, LN2 } = Math;
/** Arguments and results; those of the special functions that need digits stand in special-functions.test.ts. */
const unaryCases: Readonly<Record<UnaryFunction, readonly (readonly [number, number])[]>> = {
  negate: [[2, -2]], exp: [[1, E], [-Infinity, 0]], log: [[E, 1], [0, -Infinity], [-1, NaN]], log1p: [[1e-20, 1e-20]], expm1: [[1e-20, 1e-20]],
  sqrt: [[2, SQRT2], [-1, NaN]], reciprocal: [[4, 0.25], [0, Infinity]], square: [[-3, 9]], abs: [[-3, 3]], sign: [[-3, -1], [0, 0], [2, 1], [NaN, NaN]],
  floor: [[-1.5, -2], [1.5, 1]], round: [[0.5, 0], [1.5, 2], [2.5, 2], [-0.5, 0], [-1.5, -2], [0.49999999999999994, 0], [7.2, 7], [-7.6, -8]],
  sin: [[PI / 6, 0.5]], cos: [[PI / 3, 0.5]], tan: [[PI / 4, 1]], atan: [[1, PI / 4]], tanh: [[0, 0], [1000, 1], [-1000, -1]],
  relu: [[-1, 0], [2, 2], [NaN, NaN]], sigmoid: [[0, 0.5], [-1000, 0], [1000, 1], [Math.log(3), 0.75]], softplus: [[0, LN2], [1000, 1000], [-1000, 0], [-Infinity, 0], [Infinity, Infinity], [NaN, NaN]],
  erf: [[0, 0], [Infinity, 1]], erf_inverse: [[0, 0], [1, Infinity]], lgamma: [[5, Math.log(24)], [0.5, Math.log(PI) / 2]],
  digamma: [[1, -0.5772156649015329]], trigamma: [[1, (PI * PI) / 6]], log_normal_cdf: [[0, -LN2]], normal_quantile: [[0.5, 0], [0, -Infinity]],
  stirling_error: [[1, 1 - Math.log(2 * PI) / 2]], not: [[0, 1], [1, 0]], is_finite: [[1, 1], [Infinity, 0], [NaN, 0]],
};
const binaryCases: Readonly<Record<BinaryFunction, readonly (readonly [number, number, number])[]>> = {
  add: [[1, 2, 3]], subtract: [[1, 2, -1]], multiply: [[2, 3, 6], [0, Infinity, NaN]], divide: [[1, 4, 0.25], [1, 0, Infinity], [0, 0, NaN]],
  power: [[2, 10, 1024], [-2, 3, -8], [-2, 0.5, NaN], [NaN, 0, 1], [0, 0, 1], [0, -1, Infinity]],
  maximum: [[1, 2, 2], [NaN, 1, NaN], [1, NaN, NaN]], minimum: [[1, 2, 1], [NaN, 1, NaN]],
  modulo: [[7, 3, 1], [-7, 3, 2], [7, -3, -2], [-7, -3, -1], [5.5, 2, 1.5], [6, 3, 0], [-6, 3, 0], [1, 0, NaN]], atan2: [[1, 1, PI / 4], [1, -1, (3 * PI) / 4]],
  deviance: [[0, 2, 2], [2, 2, 0], [2, 1, 2 * LN2 - 1]],
  gamma_derivative: [[1, 0, 0], [0.5, 0.2, 0.7940505663308434]],
};
const comparisonCases: Readonly<Record<ComparisonFunction, readonly (readonly [number, number, number])[]>> = {
  less: [[1, 2, 1], [2, 2, 0], [NaN, 1, 0]], less_equal: [[2, 2, 1], [3, 2, 0]], greater: [[3, 2, 1], [2, 2, 0]], greater_equal: [[2, 2, 1], [NaN, NaN, 0]],
  equal: [[2, 2, 1], [NaN, NaN, 0]], not_equal: [[2, 2, 0], [NaN, NaN, 1]], and: [[1, 1, 1], [1, 0, 0]], or: [[0, 1, 1], [0, 0, 0]],
};
const reduceCases: Readonly<Record<ReduceFunction, readonly (readonly [readonly number[], number])[]>> = {
  sum: [[[1, 2, 3], 6], [[], 0], [[1, NaN], NaN]], product: [[[2, 3, 4], 24], [[], 1]], max: [[[1, 3, 2], 3], [[NaN, 1], NaN], [[], -Infinity]], min: [[[3, 1, 2], 1], [[1, NaN], NaN], [[], Infinity]],
  logsumexp: [[[1000, 1000], 1000 + LN2], [[-Infinity, -Infinity], -Infinity], [[-Infinity, 2], 2], [[Infinity, 1], Infinity], [[NaN, 1], NaN], [[], -Infinity]],
  all: [[[1, 1], 1], [[1, 0], 0], [[], 1]], any: [[[0, 1], 1], [[0, 0], 0], [[], 0]],
};

function expectNear(got: number, expected: number, label: string): void {
  if (Number.isFinite(expected)) expect(Math.abs(got - expected), `${label} is ${got}`).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(expected)));
  else expect(got, label).toBe(expected);
}

describe("evaluate, each function", () => {
  for (const name of unaryFunctions) {
    it(name, () => {
      for (const [x, y] of unaryCases[name]) expectNear(run((b) => b.unary(name, c(b, [x], [1], name === "not" ? "bool" : "f32"))).values[0]!, y, `${name}(${x})`);
    });
  }
  for (const name of binaryFunctions) {
    it(name, () => {
      for (const [x, y, z] of binaryCases[name]) expectNear(run((b) => b.binary(name, c(b, [x]), c(b, [y]))).values[0]!, z, `${name}(${x}, ${y})`);
    });
  }
  for (const name of comparisonFunctions) {
    const dtype = name === "and" || name === "or" ? "bool" : "f32";
    it(name, () => {
      for (const [x, y, z] of comparisonCases[name]) expect(run((b) => b.compare(name, c(b, [x], [1], dtype), c(b, [y], [1], dtype))).values[0], `${name}(${x}, ${y})`).toBe(z);
    });
  }
  for (const [name, list] of Object.entries(reduceCases)) {
    it(`reduce ${name}`, () => {
      for (const [x, y] of list) expectNear(run((b) => b.reduce(name as ReduceFunction, c(b, [...x], [x.length], name === "all" || name === "any" ? "bool" : "f32"), [0])).values[0]!, y, `${name} [${x.join(", ")}]`);
    });
  }
});

describe("evaluate, precision and bindings", () => {
  it("f32 rounds after every step, so a large sum loses what float32 loses", () => {
    const b = new TensorBuilder();
    const program = b.program("p", { sum: b.sum(b.constant([2 ** 24, 1, 1], [3])), third: b.divide(b.input("scalar", "one", []), 3) });
    const inputs = { one: 1 };
    expect(evaluate(program, { inputs }).sum!.values[0]).toBe(2 ** 24 + 2);
    expect(evaluate(program, { inputs, precision: "f32" }).sum!.values[0]).toBe(2 ** 24);
    expect(evaluate(program, { inputs, precision: "f32" }).third!.values[0]).toBe(Math.fround(1 / 3));
  });
  it("a uniform stays below 1 in float32", () => {
    const b = new TensorBuilder();
    const random = { ...seededRandom(1), uniform: () => Float64Array.of(1 - 2 ** -52) };
    expect(evaluate(b.program("p", { u: b.uniform("u", [1]) }), { inputs: {}, random, precision: "f32" }).u!.values[0]).toBe(1 - 2 ** -24);
  });
  it("a missing or misshapen binding is named", () => {
    const b = new TensorBuilder();
    const program = b.program("p", { y: b.input("column", "x", ["rows", 2]) });
    expect(() => evaluate(program, { inputs: {} })).toThrow(/rows is not bound/);
    expect(() => evaluate(program, { rows: 1, inputs: {} })).toThrow(/input x is not bound/);
    expect(() => evaluate(program, { rows: 1, inputs: { x: { values: [1, 2, 3], shape: [1, 3] } } })).toThrow(/input x has shape \[1, 3\], not \[1, 2\]/);
    expect(() => evaluate(b.program("p", { z: b.normal("e", [1]) }), { inputs: {} })).toThrow(/random source is not bound/);
  });
  it("central differences: d/dw Σ tanh(x w) = Σ x (1 − tanh²)", () => {
    const b = new TensorBuilder();
    const [x, w] = [b.input("column", "x", ["rows"]), b.input("parameter", "w", [])];
    const got = differentiate(b.program("p", { y: b.sum(b.tanh(b.multiply(x, w))) }), { inputs: { x: { values: [0.3, -1, 2], shape: [3] }, w: 0.7 } }, "y", "w");
    const expected = [0.3, -1, 2].reduce((sum, at) => sum + at * (1 - Math.tanh(at * 0.7) ** 2), 0);
    expect(got.shape).toEqual([]);
    expect(got.values[0]).toBeCloseTo(expected, 8);
  });
});

describe("the seeded random source", () => {
  it("repeats, and streams differ", () => {
    expect(seededRandom(3).uniform("a", 5)).toEqual(seededRandom(3).uniform("a", 5));
    expect(seededRandom(3).uniform("a", 5)).not.toEqual(seededRandom(3).uniform("b", 5));
    expect(seededRandom(3).uniform("a", 5)).not.toEqual(seededRandom(4).uniform("a", 5));
  });
  // Fixed seeds: no false alarm can occur later. Bounds at 5 standard errors; a mean off by 10 standard errors would be missed with p < 1e-6.
  it("uniforms, normals and gammas have their moments", () => {
    const n = 20000;
    const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / n;
    const u = seededRandom(1).uniform("u", n);
    expect(Math.abs(mean(u) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.min(...u)).toBeGreaterThan(0);
    const z = seededRandom(1).normal("z", n);
    expect(Math.abs(mean(z))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(mean(z.map((x) => x * x)) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    // E log z = ψ(α), Var log z = ψ₁(α); closed values at ½ and 3, and α² E log² … left to the derivative tests.
    for (const gamma of ["rejection", "inverse"] as const) {
      for (const [alpha, psi, psi1] of [[0.5, -1.9635100260214235, (PI * PI) / 2], [3, 0.9227843350984671, (PI * PI) / 6 - 1.25]] as const) {
        const logs = seededRandom(2, { gamma }).logGamma("g", new Array<number>(n).fill(alpha));
        expect(Math.abs(mean(logs) - psi), `${gamma} ${alpha}`).toBeLessThan(5 * Math.sqrt(psi1 / n));
        expect(mean(logs.map((x) => (x - psi) ** 2)) / psi1, `${gamma} ${alpha}`).toBeCloseTo(1, 0);
      }
    }
    expect(seededRandom(1).logGamma("g", [1e-5])[0]).toBeLessThan(-100); // no underflow to −∞ for tiny α
    expect(Number.isFinite(seededRandom(1).logGamma("g", [1e-5])[0])).toBe(true);
  });
  it("with inverse gammas a central difference in α is gamma_derivative(α, z) / z", () => {
    const b = new TensorBuilder();
    const alpha = b.input("parameter", "alpha", [3]);
    const logZ = b.randomLogGamma("g", alpha);
    const program = b.program("p", { logZ, implicit: b.divide(b.binary("gamma_derivative", alpha, b.exp(logZ)), b.exp(logZ)) });
    const bindings = { inputs: { alpha: { values: [0.4, 2, 30], shape: [3] } }, random: seededRandom(5, { gamma: "inverse" }) };
    const slopes = differentiate(program, bindings, "logZ", "alpha");
    evaluate(program, bindings).implicit!.values.forEach((value, i) => expect(slopes.values[i]! / value).toBeCloseTo(1, 6));
  });
});

describe("constants that JSON cannot tell apart", () => {
  it("∞, −∞, NaN and −0 stay different nodes", () => {
    const b = new TensorBuilder();
    const nodes = [Infinity, -Infinity, NaN, 0, -0].map((value) => b.scalar(value));
    expect(new Set(nodes).size).toBe(5);
  });
});

describe("print", () => {
  it("one line per node, scalars at their uses, names, scopes and origins", () => {
    const source = { path: "models/vae.lvm", text: "a\nb\nc = relu(x @ w + 0.5)\n" };
    const b = new TensorBuilder();
    const x = b.input("column", "x", ["rows", 3]);
    const layer = (call: number) =>
      b.at({ source, start: 4, end: 9 }, () => b.inScope({ network: "encoder", call }, () => b.named(b.relu(b.add(b.dot(x, b.input("parameter", `w${call}`, [3, 2])), 0.5)), "h")));
    const program = b.program("loss", { a: b.sum(layer(4), [1]), b: b.argMax(layer(9), 1), half: b.scalar(0.5), conv: b.reduce("max", b.cumulativeSum(x, 1, true), [0, 1], true) });
    verify(program);
    expect(print(program)).toMatchInlineSnapshot(`
      "program loss
        %0: f32[rows, 3] = input column "x"
        %1: f32[3, 2] = input parameter "w4"    // vae.lvm:3
        %2 encoder#1: f32[rows, 2] = dot %0, %1    // vae.lvm:3
        %4 encoder#1: f32[rows, 2] = add %2, 0.5    // vae.lvm:3
        %5 encoder#1.h: f32[rows, 2] = relu %4    // vae.lvm:3
        %6: f32[rows] = sum %5 over [1]
        %7: f32[3, 2] = input parameter "w9"    // vae.lvm:3
        %8 encoder#2: f32[rows, 2] = dot %0, %7    // vae.lvm:3
        %9 encoder#2: f32[rows, 2] = add %8, 0.5    // vae.lvm:3
        %10 encoder#2.h: f32[rows, 2] = relu %9    // vae.lvm:3
        %11: i32[rows] = arg-max %10 axis 1
        %12: f32[rows, 3] = cumulative-sum %0 axis 1 exclusive
        %13: f32[1, 1] = max %12 over [0, 1] keep
        output a = %6
        output b = %11
        output half = 0.5
        output conv = %13
      "
    `);
  });
});

describe("evaluateNodes", () => {
  it("shows every node", () => {
    const b = new TensorBuilder();
    const inner = b.exp(b.input("scalar", "x", []));
    expect(evaluateNodes(b.program("p", { y: b.negate(inner) }), { inputs: { x: 0 } }).get(inner)!.values[0]).toBe(1);
  });
});
