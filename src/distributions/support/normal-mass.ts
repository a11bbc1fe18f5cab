import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { halfLogTwoPi, logOneMinusExp } from "./numerics.js";

/** log Φ(x), accurate in the left tail. */
export const logNormalCdf = (b: TensorBuilder, x: TensorNode): TensorNode => b.unary("log_normal_cdf", x);

/**
 * log(Φ(β) − Φ(α)) without cancellation, for `width` = β − α > 0 (given, since the difference may have lost it). A narrow interval by its midpoint m,
 *
 *   φ(m) w (1 + (m² − 1) w²/24 + (m⁴ − 6m² + 3) w⁴/1920),   which lacks (wm)⁶/322,560 of it, 3·10⁻¹²;
 *
 * any other, turned so that m ≤ 0 by the symmetry of Φ, by log Φ of its ends, log Φ(β) + log(1 − exp(log Φ(α) − log Φ(β))). Far out the difference of these drowns in their rounding;
 * it is at most βw there, since the hazard φ/Φ is above −β. Finite up to |α|, |β| = 10¹⁸.
 */
export function logNormalMass(b: TensorBuilder, alpha: TensorNode, beta: TensorNode, width: TensorNode): TensorNode {
  const middle = b.multiply(0.5, b.add(alpha, beta));
  const narrow = b.less(b.multiply(width, b.maximum(b.abs(middle), 1)), 0.1);
  const m2 = b.square(b.select(narrow, middle, 0));
  const w = b.select(narrow, width, 0.1);
  const w2 = b.square(w);
  const second = b.multiply(b.subtract(m2, 1), b.multiply(w2, 1 / 24));
  const fourth = b.multiply(b.add(b.multiply(m2, b.subtract(m2, 6)), 3), b.multiply(b.square(w2), 1 / 1920));
  const inNarrow = b.addAll([b.multiply(-0.5, m2), -halfLogTwoPi, b.log(w), b.log1p(b.add(second, fourth))]);
  // The double-where: a narrow interval would make log 0 of the other branch.
  const right = b.greater(middle, 0);
  const near = b.select(narrow, -1, b.select(right, b.negate(alpha), beta));
  const far = b.select(narrow, -2, b.select(right, b.negate(beta), alpha));
  const ofNear = logNormalCdf(b, near);
  const apart = b.minimum(b.subtract(logNormalCdf(b, far), ofNear), b.multiply(b.select(narrow, 0.5, width), b.minimum(near, 0)));
  return b.select(narrow, inNarrow, b.add(ofNear, logOneMinusExp(b, apart)));
}
