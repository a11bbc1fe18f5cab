import { halfLogTwoPi } from "./constants.js";
import { deviance } from "./deviance.js";
import { stirlingError } from "./stirling-error.js";

/** x^a y^b / B(a, b) with y = 1 − x, by Loader's deviances about the mean. */
function prefactor(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  const correction = stirlingError(n) - stirlingError(a) - stirlingError(b);
  return Math.exp(correction - deviance(a, n * x) - deviance(b, n * y) - halfLogTwoPi) * Math.sqrt(a * (b / n));
}

/** The continued fraction of I_x(a, b) (DLMF 8.17.22) by the modified Lentz algorithm; quick for x < (a+1)/(a+b+2). */
function fraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  const guard = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / guard(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m < 1e6; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + even * d);
    c = guard(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + odd * d);
    c = guard(1 + odd / c);
    h *= d * c;
    if (Math.abs(d * c - 1) < 2e-16) break;
  }
  return h;
}

/** I_x(a, b), the distribution function of Beta(a, b); a, b > 0, 0 ≤ x ≤ 1. `y` = 1 − x may be given where it is known better. */
export function betaI(a: number, b: number, x: number, y = 1 - x): number {
  if (!(a > 0) || !(b > 0) || !(x >= 0 && x <= 1)) return NaN;
  if (x === 0) return 0;
  if (y === 0) return 1;
  if (x <= (a + 1) / (a + b + 2)) return (prefactor(a, b, x, y) * fraction(a, b, x)) / a;
  return 1 - (prefactor(a, b, x, y) * fraction(b, a, y)) / b;
}
