import { bernoulli } from "./zeta.js";

/** 1.4616…, the positive zero of digamma, in two parts. */
const rootHigh = 1.4616321449683622;
const rootLow = 9.549995429965697e-17;

/** π cot πx with relative accuracy near the poles. */
function piCotPi(x: number): number {
  const reduced = x - Math.round(x);
  return Math.abs(reduced) === 0.5 ? 0 : Math.PI / Math.tan(Math.PI * reduced);
}

/**
 * ψ(x) = d log Γ(x) / dx: NaN at 0, −1, −2, … (−∞ from the right at 0 is not taken: the pole has two sides).
 * Upward recurrence to x ≥ 10, then log x − 1/2x − Σ B₂ⱼ / (2j x^2j); near its zero the recurrence of differences keeps relative accuracy.
 */
export function digamma(x: number): number {
  if (Number.isNaN(x) || x === -Infinity) return NaN;
  if (x === Infinity) return Infinity;
  if (x <= 0) {
    if (Number.isInteger(x)) return NaN;
    return digamma(1 - x) - piCotPi(x);
  }
  if (Math.abs(x - rootHigh) < 1e-2) return digammaNearRoot(x);
  let sum = 0;
  let at = x;
  for (; at < 10; at++) sum -= 1 / at;
  const inverseSquare = 1 / (at * at);
  let tail = 0;
  for (let j = 10; j >= 1; j--) tail = (tail + bernoulli[j - 1]! / (2 * j)) * inverseSquare;
  return sum + (Math.log(at) - 0.5 / at - tail);
}

/** ψ(x₀ + d) = Σ_n d / ((n + x₀)(n + x₀ + d)), the sum of differences; its tail from n = N on by Euler–Maclaurin. */
function digammaNearRoot(x: number): number {
  const d = x - rootHigh - rootLow;
  const n = 20;
  let sum = 0;
  for (let i = n - 1; i >= 0; i--) sum += d / ((i + rootHigh) * (i + x));
  const [a, b] = [n + rootHigh, n + x];
  sum += Math.log1p(d / a); // ∫ from N
  sum += d / (2 * a * b);
  sum += derivativeTerms(a, b, d);
  return sum;
}

/** Σ B₂ⱼ / 2j · (a^−2j − b^−2j), the differences factored by d = b − a. */
function derivativeTerms(a: number, b: number, d: number): number {
  let sum = 0;
  const [u, v] = [1 / (a * a), 1 / (b * b)];
  const difference = (d * (a + b)) * u * v; // u − v
  let [powerDifference, powerU] = [difference, u]; // u^j − v^j, u^j
  for (let j = 1; j <= 6; j++) {
    sum += (bernoulli[j - 1]! / (2 * j)) * powerDifference;
    powerDifference = powerDifference * v + powerU * difference;
    powerU *= u;
  }
  return sum;
}
