import { InternalError } from "../util/internal-error.js";
import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { BinaryFunction, TensorNode } from "../ir/tensor/nodes.js";

/** The gradient of one operand before it is summed to the operand's shape, given that of z = f(x, y). */
type BinaryRule = (b: TensorBuilder, g: TensorNode, x: TensorNode, y: TensorNode, z: TensorNode) => TensorNode;

/** ∂f/∂x and ∂f/∂y for each function. Total. */
export const binaryRules: { readonly [F in BinaryFunction]: readonly [left: BinaryRule, right: BinaryRule] } = {
  // 1, 1
  add: [(_, g) => g, (_, g) => g],
  // 1, −1
  subtract: [(_, g) => g, (b, g) => b.negate(g)],
  // y, x
  multiply: [(b, g, _, y) => b.multiply(g, y), (b, g, x) => b.multiply(g, x)],
  // 1/y, −z/y (z/y first: g/y may overflow where z is 0)
  divide: [(b, g, _, y) => b.divide(g, y), (b, g, _, y, z) => b.multiply(b.negate(g), b.divide(z, y))],
  // y x^(y−1), 0 where y = 0 also at x = 0; z log x, 0 where x ≤ 0 (at x = 0 the limit; left of it there is no derivative)
  power: [powerOfBase, (b, g, x, _, z) => b.multiply(g, b.multiply(z, b.log(b.select(b.greater(x, 0), x, 1))))],
  // at a tie the left operand takes the gradient, as in TensorFlow
  maximum: [(b, g, x, y) => b.select(b.greaterEqual(x, y), g, 0), (b, g, x, y) => b.select(b.greaterEqual(x, y), 0, g)],
  minimum: [(b, g, x, y) => b.select(b.lessEqual(x, y), g, 0), (b, g, x, y) => b.select(b.lessEqual(x, y), 0, g)],
  // 1, −⌊x/y⌋
  modulo: [(_, g) => g, (b, g, x, y) => b.multiply(b.negate(g), b.floor(b.divide(x, y)))],
  // y/(x² + y²), −x/(x² + y²); 0 at the origin
  atan2: [(b, g, x, y) => b.multiply(g, inverted(b, y, x)), (b, g, x, y) => b.multiply(b.negate(g), inverted(b, x, y))],
  // log(x/m), 1 − x/m
  deviance: [(b, g, x, m) => b.multiply(g, logRatio(b, x, m)), (b, g, x, m) => b.multiply(g, b.divide(b.subtract(m, x), m))],
  gamma_derivative: [secondGammaDerivative, secondGammaDerivative],
};

function powerOfBase(b: TensorBuilder, g: TensorNode, x: TensorNode, y: TensorNode): TensorNode {
  const slope = b.multiply(y, b.power(x, b.subtract(y, 1)));
  const fixed = y.op.kind === "constant" && y.op.values.every((value) => value !== 0);
  return b.multiply(g, fixed ? slope : b.select(b.equal(y, 0), 0, slope));
}

/** u/(u² + v²), both divided by the larger first, so that nothing overflows or underflows on the way; 0 at the origin. */
function inverted(b: TensorBuilder, u: TensorNode, v: TensorNode): TensorNode {
  const larger = b.maximum(b.abs(u), b.abs(v));
  const scale = b.select(b.greater(larger, 0), larger, 1);
  const [p, q] = [b.divide(u, scale), b.divide(v, scale)];
  const norm = b.select(b.greater(larger, 0), b.add(b.square(p), b.square(q)), 1);
  return b.divide(b.divide(p, norm), scale);
}

/** log(x/m) with relative accuracy near x = m; −∞ at x = 0, where the deviance is infinitely steep. */
function logRatio(b: TensorBuilder, x: TensorNode, m: TensorNode): TensorNode {
  const relative = b.divide(b.subtract(x, m), m);
  return b.select(b.less(b.abs(relative), 0.5), b.log1p(relative), b.log(b.divide(x, m)));
}

/** It is a derivative itself, by implicit differentiation; nothing that lvmc derives needs the next one. */
function secondGammaDerivative(): never {
  throw new InternalError("no second derivative: gamma_derivative, the slope of a Gamma draw, cannot be differentiated again");
}
