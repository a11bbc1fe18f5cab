import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { ReduceFunction, TensorNode } from "../ir/tensor/nodes.js";
import type { NoGradient } from "./vjp-rule.js";

/** The gradient of x, given those of the result; `g` and the result `y` have the reduced axes back with size 1. */
type ReduceRule = (b: TensorBuilder, g: TensorNode, x: TensorNode, y: () => TensorNode, axes: readonly number[]) => TensorNode;

/** Total. */
export const reduceRules: { readonly [F in ReduceFunction]: ReduceRule | NoGradient } = {
  // 1
  sum: (_, g) => g,
  max: extremum,
  min: extremum,
  product: productOfOthers,
  // exp(x − y), where y is finite; where all are −∞ exp(x) is 0 and −∞ − (−∞) is not taken
  logsumexp: (b, g, x, y) => b.multiply(g, b.exp(b.subtract(x, b.select(b.unary("is_finite", y()), y(), 0)))),
  all: "none",
  any: "none",
};

/** 1/k for each of the k elements that equal the extremum: equals share, so that the result stays a subgradient. */
function extremum(b: TensorBuilder, g: TensorNode, x: TensorNode, y: () => TensorNode, axes: readonly number[]): TensorNode {
  const attained = b.equal(x, y());
  const count = b.sum(b.cast(attained, "f32"), axes, true);
  return b.select(attained, b.divide(g, count), 0);
}

/** Π of the others, without a division by zero: y/x where no factor is 0; beside exactly one 0, that one gets the product of the rest. */
function productOfOthers(b: TensorBuilder, g: TensorNode, x: TensorNode, _: unknown, axes: readonly number[]): TensorNode {
  const zero = b.equal(x, 0);
  const zeros = b.sum(b.cast(zero, "f32"), axes, true);
  const factors = b.select(zero, 1, x);
  const rest = b.reduce("product", factors, axes, true);
  const ofZero = b.select(b.equal(zeros, 1), rest, 0);
  const ofOther = b.select(b.equal(zeros, 0), b.divide(rest, factors), 0);
  return b.multiply(g, b.select(zero, ofZero, ofOther));
}
