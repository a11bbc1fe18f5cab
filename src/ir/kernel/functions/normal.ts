import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { erfInverseCentre, erfInverseTail, erfSmall, logErfc, millsRatio, normalCentre, normalFar, normalTail } from "./coefficients.js";
import { atMost, chosenPolynomial, log2High, log2Low, nearestInteger, polynomial, scaled, split, withSignOf } from "./common.js";
import { exp, expReduced } from "./exponential.js";
import { log, log1pSmall, logOfNormal } from "./logarithm.js";

/** erf x: x + x P(x²) up to 1, beyond it 1 − e^Q(x). */
export function erf(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const size = k.bind(k.unary("abs", x));
  const square = k.bind(k.multiply(x, x));
  const small = k.add(size, k.multiply(size, polynomial(k, square, erfSmall)));
  const tail = exp(k, polynomial(k, k.bind(k.subtract(atMost(k, size, 4), 2)), logErfc));
  return k.bind(withSignOf(k, k.select(k.greater(size, 1), k.subtract(1, tail), small), x));
}

/** A quotient erf⁻¹(y)/y up to w = 20, w = −log(1 − y²) bound: one polynomial in w up to 6, one in √w beyond. */
function ratioNear(k: KernelBuilder, w: KernelExpr, centre: readonly number[], tail: readonly number[]): KernelExpr {
  const inner = k.bind(k.less(w, 6));
  return chosenPolynomial(k, inner, k.bind(k.select(inner, k.subtract(w, 3), k.subtract(k.unary("sqrt", w), 3.5))), centre, tail);
}

/** x with erf x = y: ±∞ at ±1, NaN outside. */
export function erfInverse(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const y = k.bind(argument);
  const w = k.bind(k.unary("negate", log(k, k.multiply(k.subtract(1, y), k.add(y, 1)))));
  const usual = k.multiply(y, ratioNear(k, w, erfInverseCentre, erfInverseTail));
  const size = k.bind(k.unary("abs", y));
  return k.bind(k.select(k.less(size, 1), usual, k.select(k.equal(size, 1), k.multiply(y, Infinity), k.constant(NaN))));
}

/** x with Φ(x) = p: ∓∞ at 0 and 1, NaN outside. √2 erf⁻¹(2p − 1) with 1 − (2p − 1)² = 4p (1 − p), which keeps what tiny p are. */
export function normalQuantile(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const p = k.bind(argument);
  const w = k.bind(k.unary("negate", log(k, k.multiply(k.multiply(p, 4), k.subtract(1, p)))));
  const far = polynomial(k, k.bind(k.subtract(k.unary("sqrt", w), 7)), normalFar);
  const usual = k.multiply(k.subtract(p, 0.5), k.select(k.less(w, 20), ratioNear(k, w, normalCentre, normalTail), far));
  const inside = k.binary("and", k.greater(p, 0), k.less(p, 1));
  const edge = k.select(k.equal(p, 0), k.constant(-Infinity), k.select(k.equal(p, 1), k.constant(Infinity), k.constant(NaN)));
  return k.bind(k.select(inside, usual, edge));
}

/** The same for p that are uniforms of the random numbers, between 2⁻²⁴ and 1 − 2⁻²⁴: the same bits for less. */
export function normalQuantileOfUniform(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const p = k.bind(argument);
  const w = k.bind(k.unary("negate", logOfNormal(k, k.multiply(k.multiply(p, 4), k.subtract(1, p)))));
  return k.bind(k.multiply(k.subtract(p, 0.5), ratioNear(k, w, normalCentre, normalTail)));
}

/** e^−(a²/2) without the rounding of a²: the square of a's leading bits is exact. a bound, at most 18. */
function gaussian(k: KernelBuilder, a: KernelExpr): KernelExpr {
  const { high, low } = split(k, a);
  const main = k.bind(k.multiply(k.multiply(high, high), -0.5));
  const rest = k.bind(k.multiply(k.multiply(low, k.add(a, high)), -0.5));
  const n = nearestInteger(k, k.multiply(k.add(main, rest), Math.fround(Math.LOG2E)));
  const r = k.bind(k.add(k.subtract(k.subtract(main, k.multiply(n.real, log2High)), k.multiply(n.real, log2Low)), rest));
  return scaled(k, k.bind(expReduced(k, r)), n.integer);
}

/**
 * log Φ(x): with M(a) = ½ erfcx(a/√2) it is log M(−x) − x²/2 on the left and log(1 − M(x) e^(−x²/2)) on the right, both without cancellation.
 */
export function logNormalCdf(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const size = k.bind(k.unary("abs", x));
  const a = k.bind(atMost(k, size, 1e18));
  const u = k.bind(k.divide(k.subtract(a, 3), k.add(a, 3)));
  const mills = k.bind(k.divide(polynomial(k, u, millsRatio), k.add(a, 1)));
  const left = k.subtract(logOfNormal(k, mills), k.multiply(k.multiply(size, 0.5), size));
  const upper = k.bind(k.unary("negate", k.multiply(mills, gaussian(k, k.bind(atMost(k, size, 18))))));
  return k.bind(k.select(k.greater(x, 0), log1pSmall(k, upper), left));
}
