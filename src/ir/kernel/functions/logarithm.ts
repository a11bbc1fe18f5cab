import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { atanhTail, logTail } from "./coefficients.js";
import { log2High, log2Low, polynomial } from "./common.js";
import { exp } from "./exponential.js";

/** x = m 2^e with √½ ≤ m < √2, for a positive normal x: e as i32, and the bits of m. */
export function exponentOf(k: KernelBuilder, x: KernelExpr): { readonly exponent: KernelExpr; readonly mantissa: KernelExpr } {
  const half = 0x3f3504f3; // the bits of √½
  const bits = k.bind(k.subtract(k.bitcast(x, "i32"), half));
  const exponent = k.bind(k.shiftRight(bits, 23));
  return { exponent, mantissa: k.bind(k.bitcast(k.add(k.binary("and", bits, 0x7fffff), half), "f32")) };
}

/** log(1 + f) + e log 2 for √½ − 1 ≤ f ≤ √2 − 1; e is an f32 integer. Both bound. */
export function logReduced(k: KernelBuilder, f: KernelExpr, e: KernelExpr): KernelExpr {
  const square = k.bind(k.multiply(f, f));
  const tail = k.add(k.multiply(k.multiply(square, f), polynomial(k, f, logTail)), k.multiply(e, log2Low));
  return k.add(k.add(k.subtract(tail, k.multiply(square, 0.5)), f), k.multiply(e, log2High));
}

/** log x for a positive, normal, finite x. */
export function logOfNormal(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const { exponent, mantissa } = exponentOf(k, k.bind(argument));
  return k.bind(logReduced(k, k.bind(k.subtract(mantissa, 1)), k.bind(k.convert(exponent, "f32"))));
}

/** log x: −∞ at ±0, NaN below, subnormal numbers as they are. */
export function log(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const small = k.bind(k.less(x, 1.1754943508222875e-38));
  const { exponent, mantissa } = exponentOf(k, k.bind(k.select(small, k.multiply(x, 8388608), x)));
  const e = k.bind(k.convert(k.subtract(exponent, k.select(small, k.integer(23), k.integer(0))), "f32"));
  const result = logReduced(k, k.bind(k.subtract(mantissa, 1)), e);
  // ∞ and NaN come back as they are, what is not positive gives −∞ or NaN.
  const usual = k.select(k.less(x, Infinity), result, x);
  return k.bind(k.select(k.greater(x, 0), usual, k.select(k.equal(x, 0), -Infinity, k.constant(NaN))));
}

/** log(1 + x) with relative accuracy near 0: the rounding of 1 + x is added to the reduced argument. */
export function log1p(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const u = k.bind(k.add(x, 1));
  const lost = k.select(k.less(x, 1), k.subtract(x, k.subtract(u, 1)), k.subtract(1, k.subtract(u, x)));
  const { exponent, mantissa } = exponentOf(k, u);
  // 2^−e; where that is not normal what was lost is nothing anyway.
  const scale = k.bitcast(k.shiftLeft(k.max(k.subtract(127, exponent), 1), 23), "f32");
  const f = k.bind(k.add(k.subtract(mantissa, 1), k.multiply(lost, scale)));
  const result = logReduced(k, f, k.bind(k.convert(exponent, "f32")));
  const usual = k.select(k.less(x, Infinity), result, x);
  return k.bind(k.select(k.greater(x, -1), usual, k.select(k.equal(x, -1), -Infinity, k.constant(NaN))));
}

/** log(1 + e) for −½ ≤ e ≤ 1, e bound: 2 atanh(e / (2 + e)). */
export function log1pSmall(k: KernelBuilder, e: KernelExpr): KernelExpr {
  const v = k.bind(k.divide(e, k.add(e, 2)));
  const square = k.bind(k.multiply(v, v));
  const half = k.bind(k.add(k.multiply(k.multiply(square, v), polynomial(k, square, atanhTail)), v));
  return k.add(half, half);
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^−|x|). */
export function softplus(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const e = k.bind(exp(k, k.unary("negate", k.unary("abs", x))));
  return k.bind(k.add(log1pSmall(k, e), k.select(k.greater(x, 0), x, 0)));
}
