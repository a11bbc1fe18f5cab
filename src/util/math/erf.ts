import { twoOverSqrtPi } from "./constants.js";

/** exp(−x²) with the square split, so that its rounding is not amplified for large x. */
function expMinusSquare(x: number): number {
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp(-(x - high) * (x + high));
}

/** erf x for |x| ≤ 2 or so: (2/√π) exp(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, all terms of one sign. */
function erfSeries(x: number): number {
  const square = x * x;
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * square) / (2 * n + 1);
    sum += term;
  }
  return twoOverSqrtPi * Math.exp(-square) * sum;
}

/** exp(x²) erfc(x) for x ≥ 2: the continued fraction 1/(√π (x + ½/(x + 1/(x + 3/2/(x + …))))), from the back. */
function erfcxFraction(x: number): number {
  const terms = Math.ceil(8 + 400 / (x * x));
  let tail = x;
  for (let n = terms; n >= 1; n--) tail = x + n / 2 / tail;
  return twoOverSqrtPi / 2 / tail;
}

export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) <= 2) return erfSeries(x);
  if (Math.abs(x) > 6) return Math.sign(x);
  return Math.sign(x) * (1 - erfc(Math.abs(x)));
}

/** 1 − erf x with relative accuracy for large x (about 3e-14). */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x < 2) return 1 - erf(x);
  return x > 28 ? 0 : expMinusSquare(x) * erfcxFraction(x);
}

/** exp(x²) erfc(x), x ≥ −26. */
export function erfcx(x: number): number {
  if (x >= 2) return x === Infinity ? 0 : erfcxFraction(x);
  return erfc(x) / expMinusSquare(x);
}
