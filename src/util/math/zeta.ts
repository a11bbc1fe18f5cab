/** B₂, B₄, … B₂₀: the Bernoulli numbers of the Euler–Maclaurin sums and of every asymptotic series here. */
export const bernoulli: readonly number[] = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330];

/** ζ(k) − 1 for k ≥ 2, by Euler–Maclaurin summation from n = 16 on; exact to rounding. */
export function zetaMinusOne(k: number): number {
  const n = 16;
  let tail = n ** (1 - k) / (k - 1) + n ** -k / 2;
  let term = k * n ** (-k - 1); // k (k+1) … (k+2j−2) n^(−k−2j+1) B₂ⱼ / (2j)!
  let factorial = 2;
  for (let j = 1; j <= 6; j++) {
    tail += (bernoulli[j - 1]! * term) / factorial;
    term *= ((k + 2 * j - 1) * (k + 2 * j)) / (n * n);
    factorial *= (2 * j + 1) * (2 * j + 2);
  }
  let sum = tail;
  for (let i = n - 1; i >= 2; i--) sum += i ** -k;
  return sum;
}
