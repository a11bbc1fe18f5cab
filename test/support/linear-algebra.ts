/** Dense linear algebra for oracles: small matrices as arrays of rows, written independently of src. */
export type Matrix = number[][];

export const matmul = (a: Matrix, b: Matrix): Matrix => a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
export const transpose = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
export const identity = (n: number, scale = 1): Matrix => Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? scale : 0)));
export const plus = (a: Matrix, b: Matrix): Matrix => a.map((row, i) => row.map((value, j) => value + b[i]![j]!));

/** Inverse and log determinant by Gauss–Jordan elimination with partial pivoting. */
export function inverse(a: Matrix): { inverse: Matrix; logDet: number } {
  const n = a.length;
  const work = a.map((row, i) => [...row, ...identity(n)[i]!]);
  let logDet = 0;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) if (Math.abs(work[row]![column]!) > Math.abs(work[pivot]![column]!)) pivot = row;
    [work[column], work[pivot]] = [work[pivot]!, work[column]!];
    const lead = work[column]![column]!;
    logDet += Math.log(Math.abs(lead));
    work[column] = work[column]!.map((value) => value / lead);
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = work[row]![column]!;
      work[row] = work[row]!.map((value, j) => value - factor * work[column]![j]!);
    }
  }
  return { inverse: work.map((row) => row.slice(n)), logDet };
}

/** log Normal(x; mean, covariance). */
export function logNormal(x: readonly number[], mean: readonly number[], covariance: Matrix): number {
  const { inverse: precision, logDet } = inverse(covariance);
  const d = x.map((value, i) => value - mean[i]!);
  const quadratic = d.reduce((sum, di, i) => sum + di * precision[i]!.reduce((inner, p, j) => inner + p * d[j]!, 0), 0);
  return -0.5 * (quadratic + logDet + x.length * Math.log(2 * Math.PI));
}

/** Lower Cholesky factor. */
export function cholesky(a: Matrix): Matrix {
  const l = a.map((row) => row.map(() => 0));
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = a[i]![j]! - l[i]!.slice(0, j).reduce((sum, value, k) => sum + value * l[j]![k]!, 0);
      l[i]![j] = i === j ? Math.sqrt(rest) : rest / l[j]![j]!;
    }
  }
  return l;
}

export const logSumExp = (values: readonly number[]): number => {
  const top = Math.max(...values);
  return top === -Infinity ? top : top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
};
