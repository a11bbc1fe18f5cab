/**
 * D(x, m) = x log(x/m) + m − x for x ≥ 0, m > 0, without cancellation near x = m: with v = (x − m)/(x + m) it is
 * (x − m) v + 2x Σ_{j≥1} v^(2j+1) / (2j+1). C. Loader, Fast and accurate computation of binomial probabilities, 2000.
 */
export function deviance(x: number, m: number): number {
  if (!(x >= 0) || !(m >= 0)) return NaN;
  if (x === 0) return m;
  if (m === 0) return Infinity;
  if (x === Infinity || m === Infinity) return x === m ? NaN : Infinity;
  const difference = x - m;
  if (Math.abs(difference) >= 0.1 * (x + m)) return x * logRatio(x, m) - difference;
  const v = difference / (x + m);
  let sum = difference * v;
  let power = 2 * x * v;
  for (let j = 3; ; j += 2) {
    power *= v * v;
    const next = sum + power / j;
    if (next === sum) return sum;
    sum = next;
  }
}

function logRatio(x: number, m: number): number {
  const ratio = x / m;
  return ratio > 1e-300 && ratio < 1e300 ? Math.log(ratio) : Math.log(x) - Math.log(m);
}
