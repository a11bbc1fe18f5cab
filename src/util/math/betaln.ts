import { halfLogTwoPi } from "./constants.js";
import { lgamma } from "./lgamma.js";
import { stirlingError } from "./stirling-error.js";

/** log B(a, b) for a, b ≥ 0; with large arguments by Stirling's errors, so that log Γ(b) − log Γ(a + b) does not cancel. ∞ at 0, NaN below. */
export function betaln(a: number, b: number): number {
  const [small, large] = a < b ? [a, b] : [b, a];
  if (!(small >= 0) || Number.isNaN(large)) return NaN;
  if (small === 0) return Infinity;
  if (large === Infinity) return -Infinity;
  const sum = small + large;
  if (small >= 10) {
    const correction = stirlingError(small) + stirlingError(large) - stirlingError(sum);
    return correction + halfLogTwoPi - 0.5 * Math.log(large) + (small - 0.5) * Math.log(small / sum) - large * Math.log1p(small / large);
  }
  if (large >= 10) {
    const correction = stirlingError(large) - stirlingError(sum);
    return lgamma(small) + correction + small - small * Math.log(sum) - (large - 0.5) * Math.log1p(small / large);
  }
  return lgamma(small) + (lgamma(large) - lgamma(sum));
}
