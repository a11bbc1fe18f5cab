import { type LoopParts, TensorBuilder } from "../../../src/ir/tensor/builder.js";
import type { BinaryFunction, Conv2dAttributes, DType, Shape, TensorNode, TensorOpKind, UnaryFunction } from "../../../src/ir/tensor/nodes.js";

export interface OperationCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, { readonly values: readonly number[]; readonly shape: Shape; readonly dtype?: DType }>>;
  readonly build: (b: TensorBuilder, inputs: Readonly<Record<string, TensorNode>>) => TensorNode;
  /** Inputs whose gradient is checked against central differences of the reference. */
  readonly differentiable?: readonly string[];
  /** Relative tolerance where float32 arithmetic is worse than 2e-5. */
  readonly tolerance?: number;
  readonly rows?: number;
  readonly dataset?: number;
}

/** Numbers without a pattern, from a linear congruence. */
export function numbers(count: number, low = -2, high = 2, seed = 1): number[] {
  let state = seed * 2654435761;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround(low + ((high - low) * state) / 2 ** 32);
  });
}

const unaryPoints: Readonly<Record<UnaryFunction, { readonly at: readonly number[]; readonly smooth: boolean; readonly tolerance?: number }>> = {
  negate: { at: [-2, 0, 3], smooth: true },
  exp: { at: [-80, -1, 0, 3, 80], smooth: true },
  log: { at: [0.02, 0.5, 1, 7e20], smooth: true },
  log1p: { at: [-0.9, -1e-6, 1e-6, 3], smooth: true },
  expm1: { at: [-10, -1e-6, 1e-6, 3], smooth: true },
  sqrt: { at: [0.01, 0.3, 9], smooth: true },
  reciprocal: { at: [-3, 0.01, 5], smooth: true },
  square: { at: [-3, 0, 2], smooth: true },
  abs: { at: [-3, 2], smooth: true },
  sign: { at: [-3, 0, 2], smooth: false },
  floor: { at: [-1.5, 0, 2.7], smooth: false },
  round: { at: [-1.5, 0.5, 1.5, 2.4], smooth: false },
  sin: { at: [-3, 0, 2], smooth: true },
  cos: { at: [-3, 0, 2], smooth: true },
  tan: { at: [-1, 0, 1.2], smooth: true },
  atan: { at: [-5, 0, 2], smooth: true },
  tanh: { at: [-9, -1e-3, 0, 2], smooth: true },
  relu: { at: [-3, 2], smooth: true },
  sigmoid: { at: [-80, -3, 0, 3, 80], smooth: true },
  softplus: { at: [-80, -15, -3, 0, 3, 80], smooth: true },
  erf: { at: [-3, -1e-4, 0, 0.3, 1.5], smooth: true },
  erf_inverse: { at: [-0.99, -1e-3, 0, 0.7], smooth: true },
  lgamma: { at: [1e-3, 0.5, 1, 1.5, 2, 2.001, 7, 1e4], smooth: true },
  digamma: { at: [1e-2, 0.5, 1.46, 7, 1e4], smooth: true },
  trigamma: { at: [1e-2, 0.5, 1.46, 7, 1e3], smooth: true },
  log_normal_cdf: { at: [-30, -5, -1, 0, 3], smooth: true },
  normal_quantile: { at: [1e-3, 0.1, 0.5, 0.9], smooth: true },
  stirling_error: { at: [0.1, 1, 9, 40, 1e4], smooth: true },
  not: { at: [0, 1], smooth: false },
  is_finite: { at: [-Infinity, 0, Infinity, NaN], smooth: false },
};

const binaryPoints: Readonly<Record<BinaryFunction, { readonly a: readonly number[]; readonly b: readonly number[]; readonly smooth: boolean }>> = {
  add: { a: [1, -2, 3], b: [4, 5, -6], smooth: true },
  subtract: { a: [1, -2, 3], b: [4, 5, -6], smooth: true },
  multiply: { a: [1, -2, 3], b: [4, 5, -6], smooth: true },
  divide: { a: [1, -2, 3], b: [4, 5, -6], smooth: true },
  power: { a: [1.5, 2, 0.5], b: [2.5, -1, 3], smooth: true },
  maximum: { a: [1, -2, 3], b: [4, -5, -6], smooth: true },
  minimum: { a: [1, -2, 3], b: [4, -5, -6], smooth: true },
  modulo: { a: [5.5, -2.5, 3], b: [2, 2, -1.75], smooth: true },
  atan2: { a: [1, -2, 3], b: [4, 5, -6], smooth: true },
  deviance: { a: [1, 100, 3], b: [4, 100.5, 0.5], smooth: true },
  gamma_derivative: { a: [0.3, 2, 30], b: [0.5, 3, 25], smooth: false },
};

const plain: Conv2dAttributes = { strides: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] };
const strided: Conv2dAttributes = { strides: [2, 2], padding: [[0, 1], [1, 1]], dilation: [1, 1] };
const dilated: Conv2dAttributes = { strides: [1, 1], padding: [[1, 1], [1, 1]], dilation: [2, 2] };
const x22 = { values: numbers(6), shape: [2, 3] as const };
const images = { values: numbers(2 * 5 * 6 * 2), shape: [2, 5, 6, 2] as const };
const filter = { values: numbers(3 * 2 * 2 * 3, -1, 1, 5), shape: [3, 2, 2, 3] as const };

function positiveDefinite(n: number): number[] {
  const root = numbers(n * n, -1, 1, 9);
  return Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = i === j ? n : 0;
    for (let k = 0; k < n; k++) sum += root[i * n + k]! * root[j * n + k]!;
    return Math.fround(sum);
  });
}

const lower3 = [2, 0, 0, 0.5, 1.5, 0, -1, 0.3, 1.2];

/** At least one case for each kind of operation: what every target must agree on. */
export const operationCases: Readonly<Record<TensorOpKind, readonly OperationCase[]>> = {
  input: [{ name: "returned as it is", inputs: { x: x22 }, build: (_, { x }) => x!, differentiable: ["x"] }],
  constant: [
    { name: "short", inputs: {}, build: (b) => b.constant([1, 2.5, -3], [3]) },
    { name: "long, hoisted", inputs: { x: { values: numbers(10), shape: [10] } }, build: (b, { x }) => b.multiply(x!, b.constant(numbers(10, 0, 1, 3), [10])), differentiable: ["x"] },
    { name: "i32 beside i32", inputs: { k: { values: [3, 4], shape: [2], dtype: "i32" } }, build: (b, { k }) => b.cast(b.add(k!, 2), "f32") },
  ],
  size: [
    { name: "rows", inputs: { x: { values: numbers(3), shape: ["rows"] } }, build: (b, { x }) => b.divide(b.sum(x!), b.size("rows")), differentiable: ["x"] },
    { name: "dataset", inputs: { x: { values: numbers(3), shape: ["rows"] } }, build: (b, { x }) => b.divide(b.sum(x!), b.log(b.size("dataset"))), dataset: 50, differentiable: ["x"] },
  ],
  iota: [{ name: "cast", inputs: {}, build: (b) => b.cast(b.iota(5), "f32") }],
  random: [],
  "random-log-gamma": [],
  unary: (Object.entries(unaryPoints) as [UnaryFunction, (typeof unaryPoints)[UnaryFunction]][]).map(([name, { at, smooth }]) => ({
    name,
    inputs: { x: { values: at.map(Math.fround), shape: [at.length], dtype: name === "not" ? "bool" : "f32" } },
    build: (b, { x }) => (name === "not" || name === "is_finite" ? b.cast(b.unary(name, x!), "f32") : b.unary(name, x!)),
    differentiable: smooth ? ["x"] : [],
  })),
  binary: [
    ...(Object.entries(binaryPoints) as [BinaryFunction, (typeof binaryPoints)[BinaryFunction]][]).flatMap(([name, { a, b: right, smooth }]): OperationCase[] => [
      { name, inputs: { a: { values: a.map(Math.fround), shape: [3] }, b: { values: right.map(Math.fround), shape: [3] } }, build: (b, { a: left, b: other }) => b.binary(name, left!, other!), differentiable: smooth ? ["a", "b"] : [] },
      { name: `${name}, broadcast both ways`, inputs: { a: { values: a.slice(0, 2), shape: [2, 1] }, b: { values: right.map(Math.abs).map(Math.fround), shape: [3] } }, build: (b, { a: left, b: other }) => b.binary(name, b.abs(left!), other!), differentiable: smooth && name !== "modulo" ? ["a", "b"] : [] },
    ]),
    { name: "power with exponent 0 at 0", inputs: { a: { values: [0, 2], shape: [2] } }, build: (b, { a }) => b.power(a!, b.constant([0, 3], [2])), differentiable: ["a"] },
    {
      name: "operands used several times",
      inputs: { a: { values: [1, 2], shape: [2] }, b: { values: [3, 5], shape: [2] } },
      build: (b, { a, b: other }) => {
        const sum = b.add(a!, other!);
        return b.add(b.add(b.add(sum, a!), b.subtract(sum, other!)), b.multiply(b.add(a!, a!), sum));
      },
      differentiable: ["a", "b"],
    },
    { name: "numbers on the left", inputs: { a: { values: [1, 2], shape: [2] } }, build: (b, { a }) => b.subtract(1, b.divide(2, a!)), differentiable: ["a"] },
    { name: "deviance with a number", inputs: { a: { values: [1, 2], shape: [2] } }, build: (b, { a }) => b.binary("deviance", 3, a!), differentiable: ["a"] },
    { name: "i32 maximum", inputs: { k: { values: [3, -4], shape: [2], dtype: "i32" } }, build: (b, { k }) => b.cast(b.maximum(b.multiply(k!, 3), 0), "f32") },
  ],
  compare: (["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"] as const).flatMap((name): OperationCase[] => [
    { name, inputs: { a: { values: [1, 2, 3], shape: [3] } }, build: (b, { a }) => b.cast(b.compare(name, a!, 2), "f32") },
    { name: `${name} of i32`, inputs: { k: { values: [1, 2, 3], shape: [3], dtype: "i32" } }, build: (b, { k }) => b.cast(b.compare(name, k!, b.iota(3)), "f32") },
  ]).concat([
    { name: "and, or", inputs: { a: { values: [1, 2, 3], shape: [3] } }, build: (b, { a }) => b.cast(b.or(b.and(b.greater(a!, 1), b.less(a!, 3)), b.equal(a!, 1)), "f32") },
  ]),
  select: [
    { name: "of two tensors", inputs: { a: { values: [1, -2, 3], shape: [3] }, b: { values: [4, 5, 6], shape: [3] } }, build: (b, { a, b: other }) => b.select(b.greater(a!, 0), b.square(a!), b.multiply(a!, other!)), differentiable: ["a", "b"] },
    { name: "broadcast", inputs: { a: { values: [1, -2, 3], shape: [3] }, b: { values: [4, 5], shape: [2, 1] } }, build: (b, { a, b: other }) => b.select(b.greater(a!, 0), other!, -1), differentiable: ["b"] },
    { name: "no NaN from the branch not taken", inputs: { a: { values: [-1, 4], shape: [2] } }, build: (b, { a }) => b.select(b.greater(a!, 0), b.log(b.select(b.greater(a!, 0), a!, 1)), 0), differentiable: ["a"] },
    { name: "of i32", inputs: { k: { values: [1, 2, 3], shape: [3], dtype: "i32" } }, build: (b, { k }) => b.cast(b.select(b.greater(k!, 1), k!, 7), "f32") },
  ],
  cast: [
    { name: "to i32 towards zero", inputs: { x: { values: [-1.7, 0.3, 2.9], shape: [3] } }, build: (b, { x }) => b.cast(b.cast(x!, "i32"), "f32") },
    { name: "to bool", inputs: { x: { values: [-1.7, 0, 2.9], shape: [3] } }, build: (b, { x }) => b.cast(b.cast(x!, "bool"), "f32") },
  ],
  reshape: [
    { name: "with rows", inputs: { x: { values: numbers(12), shape: ["rows", 2, 3] } }, build: (b, { x }) => b.reshape(x!, ["rows", 6]), differentiable: ["x"] },
    { name: "squeeze", inputs: { x: { values: numbers(6), shape: [1, 2, 1, 3] } }, build: (b, { x }) => b.reshape(x!, [2, 3]), differentiable: ["x"] },
    { name: "to a number", inputs: { x: { values: [3], shape: [1, 1] } }, build: (b, { x }) => b.reshape(x!, []), differentiable: ["x"] },
    { name: "axes in between", inputs: { x: x22 }, build: (b, { x }) => b.multiply(b.expandDims(x!, [1]), b.constant([1, 2], [2, 1])), differentiable: ["x"] },
  ],
  transpose: [
    { name: "matrix", inputs: { x: x22 }, build: (b, { x }) => b.transpose(x!, [1, 0]), differentiable: ["x"] },
    { name: "three axes", inputs: { x: { values: numbers(24), shape: [2, 3, 4] } }, build: (b, { x }) => b.transpose(x!, [2, 0, 1]), differentiable: ["x"] },
  ],
  broadcast: [
    { name: "in front", inputs: { x: { values: [1, 2, 3], shape: [3] } }, build: (b, { x }) => b.broadcast(x!, [4, 2, 3]), differentiable: ["x"] },
    { name: "inside", inputs: { x: { values: [1, 2], shape: [2, 1] } }, build: (b, { x }) => b.broadcast(x!, [2, 3]), differentiable: ["x"] },
    { name: "a number", inputs: {}, build: (b) => b.full(2.5, [2, 3]) },
    { name: "to rows", inputs: { x: { values: [1, 2], shape: ["rows"] }, y: { values: [5, 6, 7], shape: [3] } }, build: (b, { x, y }) => b.concatenate([b.broadcast(y!, ["rows", 3]), b.expandDims(x!, [1])], 1), differentiable: ["x", "y"] },
  ],
  slice: [
    { name: "inside", inputs: { x: { values: numbers(24), shape: [2, 3, 4] } }, build: (b, { x }) => b.slice(x!, [1, 0, 1], [1, 2, 3]), differentiable: ["x"] },
    { name: "rows whole", inputs: { x: { values: numbers(8), shape: ["rows", 4] } }, build: (b, { x }) => b.sliceAxis(x!, 1, 1, 2), differentiable: ["x"] },
  ],
  pad: [{ name: "both sides, with a value", inputs: { x: x22 }, build: (b, { x }) => b.pad(x!, [1, 0], [0, 2], -1.5), differentiable: ["x"] }],
  concatenate: [{ name: "three parts", inputs: { x: x22, y: { values: numbers(4), shape: [2, 2] } }, build: (b, { x, y }) => b.concatenate([x!, y!, x!], 1), differentiable: ["x", "y"] }],
  reverse: [{ name: "an axis", inputs: { x: x22 }, build: (b, { x }) => b.reverse(x!, 1), differentiable: ["x"] }],
  gather: [
    { name: "rows of a table, clamped, repeated", inputs: { x: { values: numbers(8), shape: [4, 2] }, k: { values: [3, 0, 3, 9, -1], shape: [5], dtype: "i32" } }, build: (b, { x, k }) => b.gather(x!, k!), differentiable: ["x"] },
    { name: "with batch axes", inputs: { x: { values: numbers(24), shape: ["rows", 4, 2] }, k: { values: [3, 0, 3, 1, 2, 2], shape: ["rows", 2], dtype: "i32" } }, build: (b, { x, k }) => b.gather(x!, k!, 1), differentiable: ["x"] },
    { name: "one label a row", inputs: { x: { values: numbers(12), shape: ["rows", 4] }, k: { values: [3, 0, 1], shape: ["rows"], dtype: "i32" } }, build: (b, { x, k }) => b.gather(x!, k!, 1), differentiable: ["x"] },
    { name: "numbers by a matrix of labels", inputs: { x: { values: numbers(4), shape: [4] }, k: { values: [3, 0, 1, 1, 2, 2], shape: [2, 3], dtype: "i32" } }, build: (b, { x, k }) => b.gather(x!, k!), differentiable: ["x"] },
  ],
  "scatter-add": [
    { name: "with repetition", inputs: { x: { values: numbers(8), shape: [4, 2] }, k: { values: [2, 0, 2, 1], shape: [4], dtype: "i32" } }, build: (b, { x, k }) => b.scatterAdd(k!, x!, 3), differentiable: ["x"] },
    { name: "with batch axes", inputs: { x: { values: numbers(12), shape: ["rows", 2, 2] }, k: { values: [2, 0, 2, 2, 9, 1], shape: ["rows", 2], dtype: "i32" } }, build: (b, { x, k }) => b.scatterAdd(k!, x!, 3, 1), differentiable: ["x"] },
    { name: "numbers into the data set", inputs: { x: { values: numbers(4), shape: ["rows"] }, k: { values: [2, 0, 2, 1], shape: ["rows"], dtype: "i32" } }, build: (b, { x, k }) => b.scatterAdd(k!, x!, "dataset"), dataset: 6, differentiable: ["x"] },
  ],
  reduce: [
    ...(["sum", "max", "min", "product", "logsumexp"] as const).flatMap((name): OperationCase[] => [
      { name: `${name} of all`, inputs: { x: x22 }, build: (b, { x }) => b.reduce(name, x!), differentiable: ["x"] },
      { name: `${name} over the first and last axis`, inputs: { x: { values: numbers(24), shape: [2, 3, 4] } }, build: (b, { x }) => b.reduce(name, x!, [0, 2]), differentiable: ["x"] },
      { name: `${name}, axes kept`, inputs: { x: x22 }, build: (b, { x }) => b.reduce(name, x!, [1], true), differentiable: ["x"] },
    ]),
    { name: "product with a zero", inputs: { x: { values: [2, 0, 3], shape: [3] } }, build: (b, { x }) => b.reduce("product", x!), differentiable: ["x"] },
    { name: "logsumexp of −∞", inputs: { x: { values: [-Infinity, -Infinity, -Infinity, 2, 1, -Infinity], shape: [2, 3] } }, build: (b, { x }) => b.logsumexp(x!, [1]) },
    { name: "mean over rows", inputs: { x: { values: numbers(6), shape: ["rows", 2] } }, build: (b, { x }) => b.mean(b.square(x!), [0]), differentiable: ["x"] },
    { name: "all, any", inputs: { x: x22 }, build: (b, { x }) => b.add(b.cast(b.reduce("all", b.greater(x!, -1), [1]), "f32"), b.cast(b.reduce("any", b.greater(x!, 1), [1]), "f32")) },
  ],
  "arg-reduce": [
    { name: "the first of equals", inputs: { x: { values: [1, 3, 3, 2, 2, 0], shape: [2, 3] } }, build: (b, { x }) => b.cast(b.argMax(x!, 1), "f32") },
    { name: "least along the first axis", inputs: { x: x22 }, build: (b, { x }) => b.cast(b.make({ kind: "arg-reduce", function: "min", axis: 0 }, [x!], "i32"), "f32") },
  ],
  "cumulative-sum": ([[false, false], [true, false], [false, true], [true, true]] as const).map(([exclusive, reverse]) => ({
    name: `${exclusive ? "exclusive" : "inclusive"}${reverse ? ", from the end" : ""}`,
    inputs: { x: { values: numbers(24), shape: [2, 3, 4] } },
    build: (b: TensorBuilder, { x }: Readonly<Record<string, TensorNode>>) => b.cumulativeSum(x!, 1, exclusive, reverse),
    differentiable: ["x"],
  })),
  softmax: [
    { name: "last axis", inputs: { x: x22 }, build: (b, { x }) => b.softmax(x!), differentiable: ["x"] },
    { name: "first axis", inputs: { x: x22 }, build: (b, { x }) => b.softmax(x!, 0), differentiable: ["x"] },
  ],
  "log-softmax": [
    { name: "last axis, far apart", inputs: { x: { values: [-90, 0, 90, 1, 2, 3], shape: [2, 3] } }, build: (b, { x }) => b.logSoftmax(x!), differentiable: ["x"] },
    { name: "middle axis", inputs: { x: { values: numbers(24), shape: [2, 3, 4] } }, build: (b, { x }) => b.logSoftmax(x!, 1), differentiable: ["x"] },
  ],
  dot: [
    { name: "matrices", inputs: { x: x22, y: { values: numbers(12), shape: [3, 4] } }, build: (b, { x, y }) => b.dot(x!, y!), differentiable: ["x", "y"] },
    { name: "transposed left", inputs: { x: x22, y: { values: numbers(8), shape: [2, 4] } }, build: (b, { x, y }) => b.dot(x!, y!, true), differentiable: ["x", "y"] },
    { name: "transposed right", inputs: { x: x22, y: { values: numbers(12), shape: [4, 3] } }, build: (b, { x, y }) => b.dot(x!, y!, false, true), differentiable: ["x", "y"] },
    { name: "transposed both", inputs: { x: x22, y: { values: numbers(8), shape: [4, 2] } }, build: (b, { x, y }) => b.dot(x!, y!, true, true), differentiable: ["x", "y"] },
    { name: "a matrix for all rows", inputs: { x: { values: numbers(24), shape: ["rows", 2, 3] }, y: { values: numbers(12), shape: [3, 4] } }, build: (b, { x, y }) => b.dot(x!, y!), differentiable: ["x", "y"] },
    { name: "batches", inputs: { x: { values: numbers(24), shape: ["rows", 2, 3] }, y: { values: numbers(48), shape: ["rows", 3, 4] } }, build: (b, { x, y }) => b.dot(x!, y!), differentiable: ["x", "y"] },
    { name: "batches broadcast, transposed", inputs: { x: { values: numbers(6), shape: [2, 3] }, y: { values: numbers(48), shape: [2, 2, 4, 3] } }, build: (b, { x, y }) => b.dot(x!, y!, false, true), differentiable: ["x", "y"] },
  ],
  conv2d: [
    { name: "plain", inputs: { x: images, filter }, build: (b, { x, filter: f }) => b.conv2d(x!, f!, plain), differentiable: ["x", "filter"] },
    { name: "strides, asymmetric padding", inputs: { x: images, filter }, build: (b, { x, filter: f }) => b.conv2d(x!, f!, strided), differentiable: ["x", "filter"] },
    { name: "dilated", inputs: { x: images, filter }, build: (b, { x, filter: f }) => b.conv2d(x!, f!, dilated), differentiable: ["x", "filter"] },
    { name: "more axes in front", inputs: { x: { values: images.values, shape: [2, 1, 5, 6, 2] }, filter }, build: (b, { x, filter: f }) => b.conv2d(x!, f!, plain), differentiable: ["x", "filter"] },
  ],
  "conv2d-input-gradient": [
    { name: "plain", inputs: { y: { values: numbers(2 * 3 * 5 * 3), shape: [2, 3, 5, 3] }, filter }, build: (b, { y, filter: f }) => b.conv2dInputGradient(y!, f!, [5, 6], plain), differentiable: ["y", "filter"] },
    { name: "strides, asymmetric padding", inputs: { y: { values: numbers(2 * 2 * 4 * 3), shape: [2, 2, 4, 3] }, filter }, build: (b, { y, filter: f }) => b.conv2dInputGradient(y!, f!, [5, 6], strided), differentiable: ["y", "filter"] },
  ],
  "conv2d-filter-gradient": [
    { name: "strides, asymmetric padding", inputs: { x: images, y: { values: numbers(2 * 2 * 4 * 3), shape: [2, 2, 4, 3] } }, build: (b, { x, y }) => b.conv2dFilterGradient(x!, y!, [3, 2], strided) },
    { name: "dilated", inputs: { x: images, y: { values: numbers(2 * 3 * 6 * 3), shape: [2, 3, 6, 3] } }, build: (b, { x, y }) => b.conv2dFilterGradient(x!, y!, [3, 2], { ...dilated, padding: [[1, 1], [1, 1]] }) },
  ],
  pool2d: (["max", "mean"] as const).flatMap((name): OperationCase[] => [
    { name: `${name}, plain`, inputs: { x: images }, build: (b, { x }) => b.pool2d(name, x!, [2, 2], [2, 2], [[0, 0], [0, 0]]), differentiable: ["x"] },
    { name: `${name}, overlapping, asymmetric padding`, inputs: { x: images }, build: (b, { x }) => b.pool2d(name, x!, [3, 2], [2, 1], [[1, 1], [0, 1]]), differentiable: ["x"] },
  ]),
  "pool2d-gradient": (["max", "mean"] as const).flatMap((name): OperationCase[] => [
    { name: `${name}, plain`, inputs: { x: images, y: { values: numbers(2 * 2 * 3 * 2), shape: [2, 2, 3, 2] } }, build: (b, { x, y }) => b.pool2dGradient(name, x!, y!, [2, 2], [2, 2], [[0, 0], [0, 0]]) },
    { name: `${name}, overlapping, asymmetric padding`, inputs: { x: images, y: { values: numbers(2 * 3 * 6 * 2), shape: [2, 3, 6, 2] } }, build: (b, { x, y }) => b.pool2dGradient(name, x!, y!, [3, 2], [2, 1], [[1, 1], [0, 1]]) },
  ]),
  cholesky: [
    { name: "4 × 4", inputs: { a: { values: positiveDefinite(4), shape: [4, 4] } }, build: (b, { a }) => b.cholesky(a!), differentiable: ["a"] },
    { name: "a batch", inputs: { a: { values: [...positiveDefinite(3), ...positiveDefinite(3).map((v) => 2 * v)], shape: [2, 3, 3] } }, build: (b, { a }) => b.cholesky(a!), differentiable: ["a"] },
  ],
  "triangular-solve": [
    { name: "forward", inputs: { l: { values: lower3, shape: [3, 3] }, b: { values: numbers(6), shape: [3, 2] } }, build: (b, { l, b: right }) => b.triangularSolve(l!, right!), differentiable: ["l", "b"] },
    { name: "transposed", inputs: { l: { values: lower3, shape: [3, 3] }, b: { values: numbers(6), shape: [3, 2] } }, build: (b, { l, b: right }) => b.triangularSolve(l!, right!, true), differentiable: ["l", "b"] },
    { name: "one factor for all rows", inputs: { l: { values: lower3, shape: [3, 3] }, b: { values: numbers(12), shape: ["rows", 3, 1] } }, build: (b, { l, b: right }) => b.triangularSolve(l!, right!), differentiable: ["l", "b"] },
  ],
  "stop-gradient": [{ name: "value without gradient", inputs: { x: x22 }, build: (b, { x }) => b.stopGradient(b.square(x!)) }],
  loop: [
    { name: "a recurrence with a weight, for each row", inputs: { x: { values: numbers(12), shape: [4, "rows"] }, c: { values: numbers(3), shape: ["rows"] }, w: { values: [0.7], shape: [] } }, build: (b, { x, c, w }) => b.loop(recurrence(x!, c!, w!)).carries[0]!, differentiable: ["x", "c", "w"] },
    { name: "backwards", inputs: { x: { values: numbers(12), shape: [4, "rows"] }, c: { values: numbers(3), shape: ["rows"] }, w: { values: [0.7], shape: [] } }, build: (b, { x, c, w }) => b.loop({ ...recurrence(x!, c!, w!), reverse: true }).carries[0]!, differentiable: ["x", "c", "w"] },
    { name: "no carries", inputs: { x: { values: numbers(6), shape: [3, 2] } }, build: (b, { x }) => b.loop({ steps: 3, scans: [x!], body: (inner, { scans, index }) => ({ stacks: [inner.multiply(inner.tanh(scans[0]!), inner.cast(index, "f32"))] }) }).stacks[0]!, differentiable: ["x"] },
    {
      name: "within a loop", inputs: { x: { values: numbers(6), shape: [2, 3] }, c: { values: [0.4], shape: [] } },
      build: (b, { x, c }) => b.loop({
        steps: 2, carries: [c!], scans: [x!], body: (outer, { carries, scans }) => ({
          carries: [outer.loop({ steps: 3, carries: [carries[0]!], invariants: [scans[0]!], body: (inner, step) => ({ carries: [inner.add(inner.unary("sin", step.carries[0]!), inner.sum(inner.multiply(inner.tanh(step.carries[0]!), step.invariants[0]!)))] }) }).carries[0]!],
        }),
      }).carries[0]!, differentiable: ["x", "c"], tolerance: 2e-3, // sums of order 1 that end near 0
    },
  ],
  "loop-result": [
    { name: "a stack", inputs: { x: { values: numbers(12), shape: [4, "rows"] }, c: { values: numbers(3), shape: ["rows"] }, w: { values: [0.7], shape: [] } }, build: (b, { x, c, w }) => b.loop(recurrence(x!, c!, w!)).stacks[0]!, differentiable: ["x", "c", "w"] },
    { name: "a history", inputs: { x: { values: numbers(12), shape: [4, "rows"] }, c: { values: numbers(3), shape: ["rows"] }, w: { values: [0.7], shape: [] } }, build: (b, { x, c, w }) => b.loop(recurrence(x!, c!, w!)).histories[0]!, differentiable: ["x", "c", "w"] },
    {
      name: "the second of two carries, the first an integer", inputs: { x: { values: numbers(5), shape: [5] }, c: { values: [0.3], shape: [] } },
      build: (b, { x, c }) => b.loop({
        steps: 5, carries: [b.scalar(0, "i32"), c!], invariants: [x!],
        body: (inner, { carries: [k, value], invariants: [all] }) => ({ carries: [inner.binary("modulo", inner.add(k!, 2), inner.scalar(5, "i32")), inner.add(inner.multiply(value!, 0.8), inner.multiply(inner.cast(k!, "f32"), inner.mean(all!)))] }),
      }).carries[1]!, differentiable: ["x", "c"],
    },
  ],
};

/** c ← tanh(w c + x), which is the carry and its square the stack. */
function recurrence(x: TensorNode, c: TensorNode, w: TensorNode): LoopParts {
  return {
    steps: 4, carries: [c], invariants: [w], scans: [x],
    body: (b, { carries, invariants, scans }) => {
      const next = b.tanh(b.add(b.multiply(invariants[0]!, carries[0]!), scans[0]!));
      return { carries: [next], stacks: [b.square(next)] };
    },
  };
}
