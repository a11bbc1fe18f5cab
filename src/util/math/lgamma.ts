import { eulerGamma, halfLogTwoPi } from "./constants.js";
import { stirlingError } from "./stirling-error.js";
import { zetaMinusOne } from "./zeta.js";

/** (−1)^k (ζ(k) − 1) / k for k = 2 … 31 */
const coefficients: readonly number[] = Array.from({ length: 30 }, (_, i) => ((i % 2 === 0 ? 1 : -1) * zetaMinusOne(i + 2)) / (i + 2));

/** log Γ(2 + z) for |z| ≤ ½: (1 − γ) z + Σ (−1)^k (ζ(k) − 1) z^k / k, with all relative accuracy at the zero z = 0. */
function logGammaAboutTwo(z: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * z + coefficients[i]!;
  return z * (1 - eulerGamma + z * sum);
}

/** sin πx for finite x, with relative accuracy near its zeros. */
export function sinPi(x: number): number {
  const nearest = Math.round(x);
  const sine = Math.sin(Math.PI * (x - nearest));
  return nearest % 2 === 0 ? sine : -sine;
}

/** log |Γ(x)| for every real x: ∞ at 0, −1, −2, …; about 1e-15 relative for x > 0, absolute near the zeros below zero. */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (!Number.isFinite(x)) return Infinity;
  if (x <= 0) {
    if (Number.isInteger(x)) return Infinity;
    return -Math.log(Math.abs(sinPi(x) / Math.PI)) - lgamma(1 - x);
  }
  if (x < 0.5) return lgammaOfOnePlus(x) - Math.log(x);
  if (x < 1.5) return logGammaAboutTwo(x - 1) - Math.log1p(x - 1);
  if (x <= 2.5) return logGammaAboutTwo(x - 2);
  if (x < 10) {
    let product = 1;
    let at = x;
    while (at > 2.5) product *= --at;
    return Math.log(product) + logGammaAboutTwo(at - 2);
  }
  return (x - 0.5) * (Math.log(x) - 1) - 0.5 + halfLogTwoPi + stirlingError(x);
}

/** log Γ(1 + z) for z > −1, with relative accuracy at the zero z = 0. */
export function lgammaOfOnePlus(z: number): number {
  return Math.abs(z) <= 0.5 ? logGammaAboutTwo(z) - Math.log1p(z) : lgamma(1 + z);
}
