import { halfLogTwoPi } from "./constants.js";
import { deviance } from "./deviance.js";
import { lgammaOfOnePlus } from "./lgamma.js";
import { stirlingError } from "./stirling-error.js";

/** x^α e^−x / Γ(α + 1): by Loader's deviance for α ≥ 1, so that large α does not cancel. */
function prefactor(alpha: number, x: number): number {
  if (alpha < 1) return Math.exp(alpha * Math.log(x) - x - lgammaOfOnePlus(alpha));
  return Math.exp(-deviance(alpha, x) - stirlingError(alpha) - halfLogTwoPi) / Math.sqrt(alpha);
}

/** P = x^α e^−x / Γ(α+1) · Σ xⁿ / ((α+1) … (α+n)) */
function lowerSeries(alpha: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= x / (alpha + n);
    sum += term;
  }
  return prefactor(alpha, x) * sum;
}

/** Q by its continued fraction 1/(x+1−α− 1(1−α)/(x+3−α− 2(2−α)/(…))) times x^α e^−x / Γ(α), evaluated by the modified Lentz algorithm. */
function upperFraction(alpha: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - alpha;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 1e6; i++) {
    const a = -i * (i - alpha);
    b += 2;
    d = a * d + b;
    c = b + a / c;
    if (Math.abs(d) < tiny) d = tiny;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    h *= d * c;
    if (Math.abs(d * c - 1) < 2e-16) break;
  }
  return prefactor(alpha, x) * alpha * h;
}

/** Q for α ≤ 1 and x ≤ 1.5, where 1 − P cancels: −u − (1+u) α Σ_{n≥1} (−x)ⁿ / (n! (α+n)) with 1 + u = x^α / Γ(1+α). */
function upperSmall(alpha: number, x: number): number {
  const u = Math.expm1(alpha * Math.log(x) - lgammaOfOnePlus(alpha));
  let power = 1;
  let sum = 0;
  for (let n = 1; n < 60; n++) {
    power *= -x / n;
    sum += power / (alpha + n);
    if (Math.abs(power) < 1e-18 * Math.abs(sum)) break;
  }
  return -u - (1 + u) * alpha * sum;
}

/** P(α, x) = γ(α, x)/Γ(α), the distribution function of Gamma(α, 1); α > 0, x ≥ 0. */
export function gammaP(alpha: number, x: number): number {
  if (!(alpha > 0) || !(x >= 0)) return NaN;
  if (x === 0) return 0;
  if (x === Infinity) return 1;
  if (x <= alpha + 1) return alpha <= 1 && x > 0.5 ? 1 - upperSmall(alpha, x) : lowerSeries(alpha, x);
  return 1 - gammaQ(alpha, x);
}

/** Q(α, x) = 1 − P(α, x), with relative accuracy in the right tail. */
export function gammaQ(alpha: number, x: number): number {
  if (!(alpha > 0) || !(x >= 0)) return NaN;
  if (x === 0) return 1;
  if (x === Infinity) return 0;
  if (alpha <= 1 && x <= 1.5) return upperSmall(alpha, x);
  return x <= alpha + 1 ? 1 - lowerSeries(alpha, x) : upperFraction(alpha, x);
}
