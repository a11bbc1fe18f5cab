import { bernoulli } from "./zeta.js";

/** Σ B₂ⱼ / (2j (2j−1) x^(2j−1)), the tail of Stirling's series; to rounding from x = 10 on. */
function stirlingTail(x: number): number {
  const inverseSquare = 1 / (x * x);
  let sum = 0;
  for (let j = 10; j >= 1; j--) sum = sum * inverseSquare + bernoulli[j - 1]! / (2 * j * (2 * j - 1));
  return sum / x;
}

/** (x + ½) log(1 + 1/x) − 1 = atanh(u)/u − 1 with u = 1/(2x + 1): what the error loses from x to x + 1. */
function stirlingStep(x: number): number {
  if (x < 0.5) return (x + 0.5) * (Math.log1p(x) - Math.log(x)) - 1;
  const square = 1 / ((2 * x + 1) * (2 * x + 1));
  let power = square;
  let sum = 0;
  for (let j = 3; power > 1e-18; j += 2) {
    sum += power / j;
    power *= square;
  }
  return sum;
}

/**
 * δ(x) = log Γ(x + 1) − (x + ½) log x + x − ½ log 2π for x ≥ 0, without cancellation: δ(0) = ∞, NaN below zero.
 * C. Loader, Fast and accurate computation of binomial probabilities, 2000; here for all real x, by δ(x) − δ(x+1) = atanh(u)/u − 1.
 */
export function stirlingError(x: number): number {
  if (!(x >= 0)) return NaN;
  if (x === 0) return Infinity;
  let sum = 0;
  let at = x;
  for (; at < 10; at++) sum += stirlingStep(at);
  return sum + stirlingTail(at);
}
