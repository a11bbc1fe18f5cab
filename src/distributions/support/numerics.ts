import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";

/** ½ log 2π */
export const halfLogTwoPi = 0.91893853320467274178;

/** Smallest positive normal float32: a draw of a positive variable stays at or above it. */
export const tiny = 1.1754943508222875e-38;
/** Largest float32 below 1. */
export const belowOne = 1 - 2 ** -24;

/** `value` inside the support and −∞ outside; no test where the type of x promises the support. */
export function within(b: TensorBuilder, inside: TensorNode, value: TensorNode, trusted: boolean | undefined): TensorNode {
  return trusted ? value : b.select(inside, value, -Infinity);
}

/**
 * x inside the support and a harmless `fallback` outside: the first half of the double-where, without which the branch that is not taken
 * puts NaN into the gradient.
 */
export function safely(b: TensorBuilder, inside: TensorNode, x: TensorNode, fallback: number, trusted?: boolean): TensorNode {
  return trusted ? x : b.select(inside, x, fallback);
}

/** All conditions at once. */
export function allOf(b: TensorBuilder, ...conditions: readonly TensorNode[]): TensorNode {
  const [first, ...rest] = conditions;
  if (!first) throw new InternalError("no condition");
  return rest.reduce((all, condition) => b.and(all, condition), first);
}

/** Whether x is 0, 1, 2 … */
export function isCount(b: TensorBuilder, x: TensorNode): TensorNode {
  return allOf(b, b.greaterEqual(x, 0), b.equal(x, b.floor(x)), b.less(x, 3.4e38));
}

/** log(1 − e^x) for x < 0, exact at both ends (Mächler 2012). */
export function logOneMinusExp(b: TensorBuilder, x: TensorNode): TensorNode {
  const near = b.greater(x, -Math.LN2);
  const inNear = b.log(b.negate(b.expm1(b.select(near, x, -0.5))));
  const inFar = b.log1p(b.negate(b.exp(b.select(near, -1, x))));
  return b.select(near, inNear, inFar);
}

/** log(eˣ + eʸ); one of them may be −∞. */
export function logAddExp(b: TensorBuilder, x: TensorNode, y: TensorNode): TensorNode {
  return b.add(b.maximum(x, y), b.log1p(b.exp(b.negate(b.abs(b.subtract(x, y))))));
}

/** log(1 + t²) also where t² overflows. */
export function logOnePlusSquare(b: TensorBuilder, t: TensorNode): TensorNode {
  const far = b.greater(b.abs(t), 1e9);
  return b.select(far, b.multiply(2, b.log(b.select(far, b.abs(t), 1))), b.log1p(b.square(b.select(far, 0, t))));
}

/** log of the Poisson mass at a real x > 0: −½ log 2πx − δ(x) − D(x, m), without cancellation (Loader 2000). */
export function poissonTerm(b: TensorBuilder, x: TensorNode, m: TensorNode): TensorNode {
  return b.negate(b.addAll([halfLogTwoPi, b.multiply(0.5, b.log(x)), b.unary("stirling_error", x), b.binary("deviance", x, m)]));
}

/**
 * log of x p(x) of a Gamma of shape α at βx = m: log α + poissonTerm(α, m) = ½ log(α/2π) − δ(α) − D(α, m), with one rounding less.
 */
export function gammaTerm(b: TensorBuilder, alpha: TensorNode, m: TensorNode): TensorNode {
  const root = b.multiply(0.5, b.log(b.multiply(1 / (2 * Math.PI), alpha)));
  return b.subtract(root, b.add(b.unary("stirling_error", alpha), b.binary("deviance", alpha, m)));
}

/**
 * log of the binomial mass at real 0 < x < n, by its successes x and failures y = n − x (Loader 2000):
 * δ(n) − δ(x) − δ(y) − D(x, np) − D(y, nq) + ½ log(n / 2πxy).
 */
export function binomialTerm(b: TensorBuilder, x: TensorNode, y: TensorNode, n: TensorNode, p: TensorNode, q: TensorNode): TensorNode {
  const root = b.multiply(0.5, b.subtract(b.subtract(b.log(n), b.log(x)), b.log(y)));
  return b.addAll([root, binomialCore(b, x, y, n, p, q), -halfLogTwoPi]);
}

/** The binomial term without its ½ log(n / 2πxy). */
export function binomialCore(b: TensorBuilder, x: TensorNode, y: TensorNode, n: TensorNode, p: TensorNode, q: TensorNode): TensorNode {
  const errors = b.subtract(b.subtract(b.unary("stirling_error", n), b.unary("stirling_error", x)), b.unary("stirling_error", y));
  const deviances = b.add(b.binary("deviance", x, b.multiply(n, p)), b.binary("deviance", y, b.multiply(n, q)));
  return b.subtract(errors, deviances);
}

/** log B(α, β) of Euler's beta function by Stirling's errors, so that large arguments do not cancel. */
export function logBeta(b: TensorBuilder, alpha: TensorNode, beta: TensorNode): TensorNode {
  const n = b.add(alpha, beta);
  const errors = b.subtract(b.add(b.unary("stirling_error", alpha), b.unary("stirling_error", beta)), b.unary("stirling_error", n));
  const powers = b.add(b.multiply(alpha, b.log(b.divide(alpha, n))), b.multiply(beta, b.log(b.divide(beta, n))));
  return b.addAll([powers, errors, b.multiply(-0.5, b.subtract(b.add(b.log(alpha), b.log(beta)), b.log(n))), halfLogTwoPi]);
}

/** A matrix of booleans [n, n]: where `compare` holds between row and column. */
export function matrixWhere(b: TensorBuilder, n: number, compare: "equal" | "greater_equal"): TensorNode {
  return b.compare(compare, b.expandDims(b.iota(n), [1]), b.expandDims(b.iota(n), [0]));
}

/** The diagonal of [..., n, n]. */
export function diagonalOf(b: TensorBuilder, matrix: TensorNode, n: number): TensorNode {
  return b.sumLast(b.select(matrixWhere(b, n, "equal"), matrix, 0), 1);
}
