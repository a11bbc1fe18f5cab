import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode, UnaryFunction } from "../ir/tensor/nodes.js";
import { halfLogTwoPi, twoOverSqrtPi } from "../util/math/constants.js";
import { normalHazard, stirlingErrorSlope, tetragamma } from "./special-derivatives.js";
import type { NoGradient } from "./vjp-rule.js";

/** The gradient of x, given that of y = f(x); g stands in front of every product, where it is often a number. */
type UnaryRule = (b: TensorBuilder, g: TensorNode, x: TensorNode, y: TensorNode) => TensorNode;

/** f'(x) for each function. Rules use y instead of x where they can: then x need not be kept. Total. */
export const unaryRules: { readonly [F in UnaryFunction]: UnaryRule | NoGradient } = {
  // −1
  negate: (b, g) => b.negate(g),
  // y
  exp: (b, g, _, y) => b.multiply(g, y),
  // 1/x
  log: (b, g, x) => b.divide(g, x),
  // 1/(1 + x)
  log1p: (b, g, x) => b.divide(g, b.add(1, x)),
  // eˣ, not y + 1, which is 0 where eˣ is small
  expm1: (b, g, x) => b.multiply(g, b.exp(x)),
  // 1/2y: infinite at 0, as the function's slope is
  sqrt: (b, g, _, y) => b.divide(b.multiply(0.5, g), y),
  // −y²
  reciprocal: (b, g, _, y) => b.multiply(b.negate(g), b.square(y)),
  // 2x
  square: (b, g, x) => b.multiply(b.multiply(2, g), x),
  // sign x, 0 at 0
  abs: (b, g, x) => b.multiply(g, b.sign(x)),
  sign: "none",
  floor: "none",
  round: "none",
  // cos x
  sin: (b, g, x) => b.multiply(g, b.unary("cos", x)),
  // −sin x
  cos: (b, g, x) => b.multiply(b.negate(g), b.unary("sin", x)),
  // 1 + y²
  tan: (b, g, _, y) => b.multiply(g, b.add(1, b.square(y))),
  // 1/(1 + x²)
  atan: (b, g, x) => b.divide(g, b.add(1, b.square(x))),
  // 1 − y²
  tanh: (b, g, _, y) => b.multiply(g, b.subtract(1, b.square(y))),
  // 1 where x > 0, 0 at 0; selected, so that an infinite gradient of the other side does no harm
  relu: (b, g, _, y) => b.select(b.greater(y, 0), g, 0),
  // y (1 − y)
  sigmoid: (b, g, _, y) => b.multiply(g, b.multiply(y, b.subtract(1, y))),
  // sigmoid x
  softplus: (b, g, x) => b.multiply(g, b.sigmoid(x)),
  // 2/√π · exp(−x²)
  erf: (b, g, x) => b.multiply(b.multiply(twoOverSqrtPi, g), b.exp(b.negate(b.square(x)))),
  // √π/2 · exp(y²)
  erf_inverse: (b, g, _, y) => b.multiply(b.multiply(1 / twoOverSqrtPi, g), b.exp(b.square(y))),
  // ψ(x)
  lgamma: (b, g, x) => b.multiply(g, b.digamma(x)),
  // ψ₁(x)
  digamma: (b, g, x) => b.multiply(g, b.unary("trigamma", x)),
  // ψ₂(x)
  trigamma: (b, g, x) => b.multiply(g, tetragamma(b, x)),
  // φ(x)/Φ(x)
  log_normal_cdf: (b, g, x, y) => b.multiply(g, normalHazard(b, x, y)),
  // 1/φ(y) = √2π · exp(y²/2)
  normal_quantile: (b, g, _, y) => b.multiply(g, b.exp(b.add(b.multiply(0.5, b.square(y)), halfLogTwoPi))),
  // ψ(x + 1) − log x − 1/2x
  stirling_error: (b, g, x) => b.multiply(g, stirlingErrorSlope(b, x)),
  not: "none",
  is_finite: "none",
};
