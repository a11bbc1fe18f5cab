import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { expTail, expm1Tail } from "./coefficients.js";
import { atLeast, atMost, log2High, log2Low, nearestInteger, polynomial, powerOfTwo, scaled, withSignOf } from "./common.js";

const log2e = Math.fround(Math.LOG2E);

/** x = n log 2 + r with |r| ≤ ½ log 2 (Cody and Waite 1980). */
function reduced(k: KernelBuilder, x: KernelExpr): { readonly n: { readonly real: KernelExpr; readonly integer: KernelExpr }; readonly r: KernelExpr } {
  const n = nearestInteger(k, k.multiply(x, log2e));
  const r = k.bind(k.subtract(k.subtract(x, k.multiply(n.real, log2High)), k.multiply(n.real, log2Low)));
  return { n, r };
}

/** e^r for |r| ≤ ½ log 2, r bound. */
export function expReduced(k: KernelBuilder, r: KernelExpr): KernelExpr {
  const tail = k.multiply(k.multiply(r, r), polynomial(k, r, expTail));
  return k.add(k.add(tail, r), 1);
}

/** e^x: 0 and ∞ beyond the range, subnormal results rounded as they should be. */
export function exp(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const bounded = k.bind(atLeast(k, k.bind(atMost(k, x, 89)), -104));
  const { n, r } = reduced(k, bounded);
  return k.bind(scaled(k, k.bind(expReduced(k, r)), n.integer));
}

/** e^x − 1 = 2^n (e^r − 1) + (2^n − 1), with relative accuracy near 0. */
export function expm1(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  // Below −18 the result is −1; n − 1 instead of n, and a factor 2 at the end, let 2^128 overflow where the result does.
  const bounded = k.bind(atLeast(k, k.bind(atMost(k, x, 89)), -18));
  const { n, r } = reduced(k, bounded);
  const q = k.bind(k.add(r, k.multiply(k.multiply(r, r), polynomial(k, r, expm1Tail))));
  const half = k.bind(powerOfTwo(k, k.subtract(n.integer, 1)));
  const sum = k.add(k.multiply(half, q), k.subtract(half, 0.5));
  return k.bind(k.select(k.equal(n.integer, 0), q, k.add(sum, sum)));
}

/** 1 / (1 + e^−x), from e^−|x| so that nothing overflows. */
export function sigmoid(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const e = k.bind(exp(k, k.unary("negate", k.unary("abs", x))));
  return k.bind(k.divide(k.select(k.less(x, 0), e, 1), k.add(e, 1)));
}

/** tanh x = −t / (t + 2) with t = e^(−2|x|) − 1, and the sign of x. */
export function tanh(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const t = k.bind(expm1(k, k.multiply(k.unary("abs", x), -2)));
  return k.bind(withSignOf(k, k.divide(t, k.add(t, 2)), x));
}
