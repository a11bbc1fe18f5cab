import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { exp2, logTwoTail } from "./coefficients.js";
import { atLeast, atMost, fastTwoSum, nearestInteger, polynomial, scaled, twoProduct, withSignOf, type Double } from "./common.js";
import { exponentOf } from "./logarithm.js";

/** (a + b) times (c + d), to about 2⁻⁴⁵. */
function doubleProduct(k: KernelBuilder, a: Double, b: Double): Double {
  const main = twoProduct(k, a.high, b.high);
  return fastTwoSum(k, main.high, k.bind(k.add(main.low, k.add(k.multiply(a.high, b.low), k.multiply(a.low, b.high)))));
}

const constantDouble = (k: KernelBuilder, x: number, width: KernelExpr["width"]): Double => ({
  high: k.widened(k.constant(Math.fround(x)), width),
  low: k.widened(k.constant(Math.fround(x - Math.fround(x))), width),
});

/** log₂ m in two floats for √½ ≤ m < √2: 2/log 2 · (s + s³ P(s²)), s = (m − 1)/(m + 1). Relative error about 2⁻³¹, so that 128 times it is
 * about an ulp of the power. */
function log2OfMantissa(k: KernelBuilder, m: KernelExpr): Double {
  const top = k.bind(k.subtract(m, 1));
  const bottom = fastTwoSum(k, k.bind(k.select(k.less(m, 1), k.constant(1), m)), k.bind(k.select(k.less(m, 1), m, 1)));
  const quotient = k.bind(k.divide(top, bottom.high));
  const back = twoProduct(k, quotient, bottom.high);
  const rest = k.subtract(k.subtract(k.subtract(top, back.high), back.low), k.multiply(quotient, bottom.low));
  const s = fastTwoSum(k, quotient, k.bind(k.divide(rest, bottom.high)));
  const square = k.bind(k.multiply(s.high, s.high));
  const factor = fastTwoSum(k, k.widened(k.constant(1), m.width), k.bind(k.multiply(square, polynomial(k, square, logTwoTail))));
  const series = doubleProduct(k, s, factor);
  return doubleProduct(k, series, constantDouble(k, 2 / Math.LN2, m.width));
}

/** |x|^y for x > 0: 2^(y log₂ x) with the exponent in two floats. */
function powerOfPositive(k: KernelBuilder, x: KernelExpr, y: KernelExpr): KernelExpr {
  const small = k.bind(k.less(x, 1.1754943508222875e-38));
  const { exponent, mantissa } = exponentOf(k, k.bind(k.select(small, k.multiply(x, 8388608), x)));
  const e = k.bind(k.convert(k.subtract(exponent, k.select(small, k.integer(23), k.integer(0))), "f32"));
  const part = log2OfMantissa(k, mantissa);
  const sum = fastTwoSum(k, k.bind(k.select(k.equal(e, 0), part.high, e)), k.bind(k.select(k.equal(e, 0), 0, part.high)));
  const logarithm = fastTwoSum(k, sum.high, k.bind(k.add(sum.low, part.low)));
  // A larger exponent gives 0, 1 or ∞ all the same, and does not overflow on the way.
  const bounded = k.bind(atLeast(k, k.bind(atMost(k, y, 2 ** 34)), -(2 ** 34)));
  const product = twoProduct(k, bounded, logarithm.high);
  const high = k.bind(atLeast(k, k.bind(atMost(k, product.high, 200)), -200));
  const inRange = k.equal(high, product.high);
  const low = k.select(inRange, k.add(product.low, k.multiply(bounded, logarithm.low)), 0);
  const n = nearestInteger(k, high);
  const fraction = k.bind(k.add(k.subtract(high, n.real), low));
  return scaled(k, k.bind(polynomial(k, fraction, exp2)), n.integer);
}

/** x^y: x^0 = 1 for every x; a negative x with a fractional y is NaN. */
export function power(k: KernelBuilder, left: KernelExpr, right: KernelExpr): KernelExpr {
  const [x, y] = [k.bind(left), k.bind(right)];
  const size = k.bind(k.unary("abs", x));
  const edge = k.bind(k.binary("or", k.equal(size, 0), k.equal(size, Infinity)));
  const magnitude = k.bind(powerOfPositive(k, k.bind(k.select(edge, k.constant(1), size)), y));
  // 0^y and ∞^y are 0 or ∞ by y's sign.
  const vanishes = k.equal(k.less(y, 0), k.equal(size, Infinity));
  const value = k.bind(k.select(edge, k.select(vanishes, k.constant(0), k.constant(Infinity)), magnitude));
  const integer = k.equal(k.unary("floor", y), y);
  const halfY = k.bind(k.multiply(y, 0.5));
  const odd = k.binary("and", k.equal(k.unary("floor", y), y), k.compare("not_equal", k.unary("floor", halfY), halfY));
  const signed = k.select(odd, withSignOf(k, value, x), value);
  const negative = k.binary("and", k.less(x, 0), k.less(size, Infinity));
  const real = k.select(k.binary("and", negative, k.unary("not", integer)), k.constant(NaN), signed);
  // NaN in either, but for y = 0.
  const known = k.binary("and", k.equal(x, x), k.equal(y, y));
  return k.bind(k.select(k.equal(y, 0), 1, k.select(known, real, k.constant(NaN))));
}
