import { gammaP, gammaQ } from "./incomplete-gamma.js";
import { lgamma, lgammaOfOnePlus } from "./lgamma.js";
import { normalQuantile } from "./normal.js";

/**
 * log z with P(α, z) = u, for α > 0 and 0 < u < 1: Newton's steps in log z on log P (or on log Q in the upper half), kept within a
 * bracket. In logarithms, so that a tiny α does not underflow: there z^α = u Γ(α + 1).
 */
export function gammaQuantileLog(alpha: number, u: number): number {
  if (!(alpha > 0) || !(u >= 0 && u <= 1)) return NaN;
  if (u === 0) return -Infinity;
  if (u === 1) return Infinity;
  const smallest = (Math.log(u) + lgammaOfOnePlus(alpha)) / alpha; // log z from the first term of P's series: exact as z → 0
  if (smallest < -40) return smallest;
  // Wilson and Hilferty 1931 for the start where α is not small.
  const cube = 1 - 1 / (9 * alpha) + normalQuantile(u) / (3 * Math.sqrt(alpha));
  let y = alpha > 0.5 && cube > 0.1 ? Math.log(alpha) + 3 * Math.log(cube) : Math.min(smallest, Math.log(alpha + 30));
  let [low, high] = [-Infinity, Infinity];
  for (let step = 0; step < 200; step++) {
    const z = Math.exp(y);
    const upper = u > 0.5;
    const tail = upper ? gammaQ(alpha, z) : gammaP(alpha, z);
    const error = upper ? Math.log1p(-u) - Math.log(tail) : Math.log(tail) - Math.log(u); // rises with y
    if (error > 0) high = y;
    else low = y;
    const density = Math.exp(alpha * y - z - lgamma(alpha)); // z p(z)
    let next = y - (error * tail) / density;
    if (!(next > low && next < high)) next = Number.isFinite(low) && Number.isFinite(high) ? (low + high) / 2 : error > 0 ? y - 1 : y + 1;
    if (Math.abs(next - y) <= 4e-16 * Math.max(1, Math.abs(y))) return next;
    y = next;
  }
  return y;
}
