import type { TensorBuilder } from "../../../src/ir/tensor/builder.js";
import type { Dim, TensorNode } from "../../../src/ir/tensor/nodes.js";
import { randomGenerator } from "../../../src/util/random-generator.js";
import { numbers } from "../../codegen/support/operation-cases.js";
import { randomLoop } from "../../support/random-loop.js";
import type { GradientCase } from "./slopes.js";

const ROWS = 2;
type Build = (b: TensorBuilder, x: TensorNode) => TensorNode;

/** Bounded away from poles and steep places, so that central differences can judge. */
const unary: readonly Build[] = [
  (b, x) => b.negate(x), (b, x) => b.unary("sin", x), (b, x) => b.unary("cos", x), (b, x) => b.tanh(x), (b, x) => b.sigmoid(x), (b, x) => b.softplus(x), (b, x) => b.erf(x),
  (b, x) => b.unary("atan", x), (b, x) => b.exp(b.tanh(x)), (b, x) => b.log(positive(b, x)), (b, x) => b.sqrt(positive(b, x)), (b, x) => b.reciprocal(positive(b, x)),
  (b, x) => b.unary("log1p", b.square(x)), (b, x) => b.unary("expm1", b.tanh(x)), (b, x) => b.relu(x), (b, x) => b.abs(x), (b, x) => b.square(b.tanh(x)), (b, x) => b.unary("tan", b.tanh(x)),
  (b, x) => b.lgamma(positive(b, x)), (b, x) => b.digamma(positive(b, x)), (b, x) => b.unary("trigamma", positive(b, x)), (b, x) => b.unary("stirling_error", positive(b, x)),
  (b, x) => b.unary("log_normal_cdf", x), (b, x) => b.unary("normal_quantile", b.add(0.01, b.multiply(0.98, b.sigmoid(x)))), (b, x) => b.unary("erf_inverse", b.multiply(0.9, b.tanh(x))),
  (b, x) => b.add(x, b.floor(b.multiply(3, x))), (b, x) => b.multiply(x, b.stopGradient(b.tanh(x))), (b, x) => b.multiply(x, b.normal(`noise ${x.id}`, x.shape)),
];

const binary: readonly ((b: TensorBuilder, x: TensorNode, y: TensorNode) => TensorNode)[] = [
  (b, x, y) => b.add(x, y), (b, x, y) => b.subtract(x, y), (b, x, y) => b.multiply(x, y), (b, x, y) => b.divide(x, positive(b, y)), (b, x, y) => b.maximum(x, y), (b, x, y) => b.minimum(x, y),
  (b, x, y) => b.binary("atan2", x, positive(b, y)), (b, x, y) => b.power(positive(b, x), b.tanh(y)), (b, x, y) => b.binary("deviance", positive(b, x), positive(b, y)), (b, x, y) => b.binary("modulo", x, positive(b, y)),
  (b, x, y) => b.select(b.less(x, y), b.square(b.tanh(x)), y), (b, x, y) => b.select(b.greater(b.stopGradient(x), 0), x, b.multiply(2, y)),
];

function positive(b: TensorBuilder, x: TensorNode): TensorNode {
  return b.add(0.3, b.softplus(x));
}

/** All fixed axes in one, behind that of the rows where there is one. */
function flattened(b: TensorBuilder, x: TensorNode): TensorNode {
  const symbols = x.shape.filter((dim) => typeof dim === "string");
  return b.reshape(x, [...symbols, countOf(x.shape.filter((dim) => typeof dim === "number"))]);
}

function countOf(shape: readonly Dim[]): number {
  return shape.reduce<number>((n, dim) => n * (typeof dim === "number" ? dim : ROWS), 1);
}

/**
 * A random program of every differentiable kind of operation over rows, parameters, images and tables; the same for the same seed and size.
 *
 * @param size how many operations are tried, and of how many of the last values the result is made
 */
export function randomDifferentiable(seed: number, size = { steps: 14, roots: 5 }): GradientCase {
  const inputs: GradientCase["inputs"] = {
    x: { values: numbers(ROWS * 3, -1.5, 1.5, seed + 1), shape: ["rows", 3] },
    w: { values: numbers(12, -1, 1, seed + 2), shape: [3, 4] },
    v: { values: numbers(4, -1, 1, seed + 3), shape: [4] },
    s: { values: numbers(1, -1, 1, seed + 4), shape: [] },
    image: { values: numbers(ROWS * 16, -1, 1, seed + 5), shape: ["rows", 4, 4, 1] },
    filter: { values: numbers(8, -1, 1, seed + 6), shape: [2, 2, 1, 2] },
    k: { values: [seed % 3, (seed * 7) % 4], shape: ["rows"], dtype: "i32" },
  };
  return { inputs, build: (b, nodes) => buildRandom(b, nodes, seed, size), differentiable: ["x", "w", "v", "s", "image", "filter"] };
}

function buildRandom(b: TensorBuilder, inputs: Readonly<Record<string, TensorNode>>, seed: number, { steps, roots }: { readonly steps: number; readonly roots: number }): TensorNode {
  const next = randomGenerator(`differentiable ${seed}`);
  const below = (n: number): number => Math.floor(next() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const { k, filter } = inputs as Record<"k" | "filter", TensorNode>;
  const made: TensorNode[] = Object.values(inputs).filter((node) => node.dtype === "f32" && node !== filter);
  const fixedAxes = (x: TensorNode): number[] => x.shape.flatMap((dim, axis) => (typeof dim === "number" && dim > 0 ? [axis] : []));

  const step: readonly (() => TensorNode | undefined)[] = [
    () => pick(unary)(b, pick(made)),
    () => pick(unary)(b, pick(made)),
    () => broadcastPair(pick(made), pick(made), (x, y) => pick(binary)(b, x, y)),
    () => broadcastPair(pick(made), pick(made), (x, y) => pick(binary)(b, x, y)),
    // Movement
    () => {
      const x = pick(made);
      const order = x.shape.map((_, axis) => axis).sort(() => next() - 0.5);
      return b.transpose(x, order);
    },
    () => {
      const x = pick(made);
      const axes = fixedAxes(x);
      if (axes.length === 0) return undefined;
      const axis = pick(axes);
      const size = x.shape[axis] as number;
      const start = below(size);
      const zeros = x.shape.map(() => 0);
      const one = (amount: number): number[] => x.shape.map((_, at) => (at === axis ? amount : 0));
      return pick([
        () => b.sliceAxis(x, axis, start, 1 + below(size - start)), () => b.pad(x, one(1), one(2), 0.5), () => (size > 1 ? b.pad(x, one(-1), zeros, 0) : x), () => b.reverse(x, axis),
        () => b.concatenate([x, b.negate(x), x], axis), () => b.gather(b.transpose(x, swap(x, 0, axis)), b.constant([size - 1, 0, size + 3, 0], [2, 2], "i32")),
        () => b.scatterAdd(b.constant(Array.from({ length: size }, (_, i) => (i * 2) % 3), [size], "i32"), b.transpose(x, swap(x, 0, axis)), 3),
        () => b.cumulativeSum(x, axis, next() < 0.5, next() < 0.5), () => b.softmax(x, axis), () => b.logSoftmax(x, axis),
      ] as (() => TensorNode)[])();
    },
    () => {
      const x = pick(made);
      return pick([() => b.broadcast(x, [2, ...x.shape]), () => b.expandDims(x, [below(x.shape.length + 1)]), () => flattened(b, x)])();
    },
    () => {
      const x = pick(made);
      if (x.shape[0] !== "rows" || typeof x.shape[1] !== "number") return undefined;
      return next() < 0.5 ? b.gather(x, k, 1) : b.scatterAdd(b.expandDims(k, [1]), b.sliceAxis(x, 1, 0, 1), 4, 1);
    },
    // Loops
    () => {
      const x = pick(made);
      return x.shape.length > 3 ? undefined : pick(randomLoop(b, next, x, pick(made), `loop ${made.length}`));
    },
    // Reductions
    () => {
      const x = pick(made);
      if (x.shape.length === 0) return undefined;
      const axes = x.shape.map((_, axis) => axis).filter(() => next() < 0.6);
      return b.reduce(pick(["sum", "max", "min", "product", "logsumexp"]), x, axes.length > 0 ? axes : [0], next() < 0.5);
    },
    // Products
    () => {
      const x = pick(made.filter(({ shape }) => shape.length >= 2));
      const last = x.shape.at(-1)!;
      const right = pick<TensorNode | undefined>(made.filter(({ shape }) => shape.length === 2 && shape.includes(last)));
      if (!right) return undefined;
      return b.dot(x, right, false, right.shape[0] !== last);
    },
    () => {
      const x = pick(made.filter(({ shape }) => shape.length >= 2));
      const over = next() < 0.5;
      return b.multiply(0.3, b.dot(x, x, over, !over));
    },
    () => {
      const x = pick<TensorNode | undefined>(made.filter(({ shape }) => shape.length >= 2 && typeof shape.at(-2) === "number" && (shape.at(-2) as number) <= 4));
      if (!x) return undefined;
      const n = x.shape.at(-2) as number;
      const eye = b.select(b.equal(b.expandDims(b.iota(n), [1]), b.iota(n)), 1.5, 0);
      const lower = b.cholesky(b.add(b.dot(x, x, false, true), eye));
      return pick([() => lower, () => b.triangularSolve(lower, x, next() < 0.5)])();
    },
    // Images
    () => {
      const x = pick<TensorNode | undefined>(made.filter(({ shape }) => shape.length >= 4 && shape.at(-1) === 1 && shape.slice(-3).every((dim) => typeof dim === "number") && (shape.at(-2) as number) >= 2 && (shape.at(-3) as number) >= 2));
      if (!x) return undefined;
      const attributes = { strides: [1 + below(2), 1], padding: [[below(2), 0], [0, 1]], dilation: [1, 1] } as const;
      const y = b.conv2d(x, filter, attributes);
      return pick([
        () => y, () => b.conv2dInputGradient(b.tanh(y), filter, [x.shape.at(-3) as number, x.shape.at(-2) as number], attributes), () => b.conv2dFilterGradient(b.tanh(x), y, [2, 2], attributes),
        () => b.pool2d(pick(["max", "mean"]), x, [2, 2], [1, 2], [[1, 0], [0, 0]]),
      ])();
    },
  ];

  for (let at = 0; at < steps; at++) {
    const node = pick(step)();
    if (!node || countOf(node.shape) > 150 || countOf(node.shape) === 0 || node.shape.length > 6) continue;
    made.push(next() < 0.3 ? b.tanh(node) : node);
  }
  // Plain sums give gradients that are one number; weighted ones give one for each element.
  const weighted = (node: TensorNode): TensorNode => b.multiply(b.unary("atan", node), b.add(0.7, b.multiply(0.2, b.sigmoid(b.stopGradient(node)))));
  return b.addAll(made.slice(-roots).map((node) => (next() < 0.5 ? b.multiply(0.2, b.sum(node)) : b.sum(weighted(node)))));

  function broadcastPair(x: TensorNode, y: TensorNode, make: (x: TensorNode, y: TensorNode) => TensorNode): TensorNode | undefined {
    const rank = Math.min(x.shape.length, y.shape.length);
    for (let axis = 1; axis <= rank; axis++) {
      const [p, q] = [x.shape.at(-axis)!, y.shape.at(-axis)!];
      if (p !== q && p !== 1 && q !== 1) return undefined;
    }
    return make(x, y);
  }
}

/** The permutation that brings `axis` to `to`. */
function swap(x: TensorNode, to: number, axis: number): number[] {
  const order = x.shape.map((_, at) => at);
  [order[to], order[axis]] = [axis, to];
  return order;
}
