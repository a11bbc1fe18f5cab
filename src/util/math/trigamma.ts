import { sinPi } from "./lgamma.js";
import { bernoulli } from "./zeta.js";

/** ψ₁(x) = d² log Γ(x) / dx²: ∞ at 0, −1, −2, …. Upward recurrence to x ≥ 10, then 1/x + 1/2x² + Σ B₂ⱼ / x^(2j+1). */
export function trigamma(x: number): number {
  if (Number.isNaN(x) || x === -Infinity) return NaN;
  if (x === Infinity) return 0;
  if (x <= 0) {
    if (Number.isInteger(x)) return Infinity;
    const ratio = Math.PI / sinPi(x);
    return ratio * ratio - trigamma(1 - x);
  }
  let sum = 0;
  let at = x;
  for (; at < 10; at++) sum += 1 / (at * at);
  const inverse = 1 / at;
  const inverseSquare = inverse * inverse;
  let tail = 0;
  for (let j = 10; j >= 1; j--) tail = (tail + bernoulli[j - 1]!) * inverseSquare;
  return sum + inverse * (1 + 0.5 * inverse + tail);
}
