/** log of ∫ φ from `low` to `high` (either may be infinite) by Simpson's rule on e^(−(z² − c²)/2), where c is the place in the interval nearest to 0: relative accuracy at any distance. */
export function logNormalMassByQuadrature(low: number, high: number): number {
  if (low + high > 0) return logNormalMassByQuadrature(-high, -low);
  // The nearest end is on the right; e^(−z²/2) falls from there, over 40 / |c| or 40 by e⁻⁴⁰ or more.
  if (low < 0 && high > 0) {
    const [left, right] = [Math.max(low, -40), Math.min(high, 40)];
    return Math.log(simpson((z) => Math.exp(-0.5 * z * z), left, right)) - 0.5 * Math.log(2 * Math.PI);
  }
  const reach = Math.max(low, high - 40 / Math.max(1, -high));
  return Math.log(simpson((z) => Math.exp(-0.5 * (z - high) * (z + high)), reach, high)) - 0.5 * high * high - 0.5 * Math.log(2 * Math.PI);
}

function simpson(of: (x: number) => number, from: number, to: number, halves = 20_000): number {
  const h = (to - from) / (2 * halves);
  let sum = of(from) + of(to);
  for (let at = 1; at < 2 * halves; at++) sum += of(from + at * h) * (at % 2 === 1 ? 4 : 2);
  return (sum * h) / 3;
}
