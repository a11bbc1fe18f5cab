import { erf, erfc, erfcx } from "./erf.js";
import { halfLogTwoPi, twoOverSqrtPi } from "./constants.js";

/** Φ(x), with relative accuracy in the left tail. */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2);
}

/** log Φ(x), accurate at any distance in the left tail: log(½ erfcx(−x/√2)) − x²/2 there. */
export function logNormalCdf(x: number): number {
  if (x === -Infinity) return -Infinity;
  if (x > 0) return Math.log1p(-0.5 * erfc(x * Math.SQRT1_2));
  if (x > -2.5) return Math.log(0.5 * erfc(-x * Math.SQRT1_2));
  return Math.log(0.5 * erfcx(-x * Math.SQRT1_2)) - 0.5 * x * x;
}

/** x with erf x = y; ±∞ at ±1, NaN outside. */
export function erfInverse(y: number): number {
  if (!(Math.abs(y) <= 1)) return NaN;
  if (Math.abs(y) > 0.5) return Math.sign(y) * -Math.SQRT1_2 * lowerQuantile((1 - Math.abs(y)) / 2);
  // A start within 2e-3 (Winitzki 2008), then Halley's steps on erf x − y, whose second derivative is −2x times the first.
  const a = 0.147;
  const logarithm = Math.log1p(-y * y);
  const middle = 2 / (Math.PI * a) + logarithm / 2;
  let x = Math.sign(y) * Math.sqrt(Math.max(0, -logarithm / a / (middle + Math.sqrt(middle * middle - logarithm / a))));
  if (Math.abs(y) < 1e-8) return y / twoOverSqrtPi;
  for (let step = 0; step < 3; step++) {
    const error = (erf(x) - y) / (twoOverSqrtPi * Math.exp(-x * x));
    x -= error / (1 + x * error);
  }
  return x;
}

/** The p-quantile for p ≤ ¼, by Newton's steps on log Φ(x) − log p from Abramowitz and Stegun 26.2.23 (within 4.5e-4). */
function lowerQuantile(p: number): number {
  if (p === 0) return -Infinity;
  const logP = Math.log(p);
  const t = Math.sqrt(-2 * logP);
  let x = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (let step = 0; step < 3; step++) {
    const logCdf = logNormalCdf(x);
    const hazard = Math.exp(-0.5 * x * x - halfLogTwoPi - logCdf); // φ/Φ
    const error = (logCdf - logP) / hazard;
    x -= error / (1 - 0.5 * error * (x + hazard)); // second over first derivative is −(x + φ/Φ)
    if (Math.abs(error) < 1e-9 * Math.abs(x)) break;
  }
  return x;
}

/** x with Φ(x) = p; ±∞ at 0 and 1, NaN outside. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  if (p < 0.25) return lowerQuantile(p);
  if (p > 0.75) return -lowerQuantile(1 - p);
  return Math.SQRT2 * erfInverse(2 * (p - 0.5));
}
