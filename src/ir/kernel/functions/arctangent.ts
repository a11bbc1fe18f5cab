import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { atanTail } from "./coefficients.js";
import { polynomial, withSignOf } from "./common.js";

const halfPi = Math.fround(Math.PI / 2);
const pi = Math.fround(Math.PI);
/** What π/2 and π lost in rounding. */
const halfPiLow = Math.fround(Math.PI / 2 - halfPi);
const piLow = Math.fround(Math.PI - pi);

/** atan t for 0 ≤ t ≤ 1, t bound. */
function atanReduced(k: KernelBuilder, t: KernelExpr): KernelExpr {
  const square = k.bind(k.multiply(t, t));
  return k.add(t, k.multiply(k.multiply(t, square), polynomial(k, square, atanTail)));
}

export function atan(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const size = k.bind(k.unary("abs", x));
  const inverted = k.bind(k.greater(size, 1));
  const angle = k.bind(atanReduced(k, k.bind(k.select(inverted, k.divide(1, size), size))));
  return k.bind(withSignOf(k, k.select(inverted, k.add(k.subtract(halfPi, angle), halfPiLow), angle), x));
}

/** The angle of the point (x, y), with every sign of zero and infinity as IEEE 754 has it. */
export function atan2(k: KernelBuilder, left: KernelExpr, right: KernelExpr): KernelExpr {
  const [y, x] = [k.bind(left), k.bind(right)];
  const [height, width] = [k.bind(k.unary("abs", y)), k.bind(k.unary("abs", x))];
  const steep = k.bind(k.greater(height, width));
  const [small, large] = [k.bind(k.select(steep, width, height)), k.bind(k.select(steep, height, width))];
  // Equal sizes, ∞ and 0 too, are the diagonal, but for 0 / 0, which is the angle 0.
  const ratio = k.select(k.equal(small, large), k.select(k.equal(large, 0), k.constant(0), k.constant(1)), k.divide(small, large));
  const angle = k.bind(atanReduced(k, k.bind(ratio)));
  const quarter = k.bind(k.select(steep, k.add(k.subtract(halfPi, angle), halfPiLow), angle));
  const backwards = k.less(k.bitcast(x, "i32"), 0);
  const half = k.select(backwards, k.add(k.subtract(pi, quarter), piLow), quarter);
  return k.bind(withSignOf(k, half, y));
}
