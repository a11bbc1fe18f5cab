import type { ColumnSupport } from "../data/index.js";

/**
 * Stored values of a parameter on the scale of the model file: what src/distributions/bijectors.ts says of tensors, for plain numbers (Stan reference
 * manual, chapter 10). Leading axes are passed through.
 * @returns the values in float32 and their shape: simplex [..., K − 1] → [..., K], matrices [..., n(n + 1)/2] → [..., n, n]
 */
export function constrainValues(stored: ArrayLike<number>, shape: readonly number[], support: ColumnSupport | undefined): { readonly values: Float32Array; readonly shape: readonly number[] } {
  const last = shape.at(-1) ?? 1;
  const lead = shape.slice(0, -1);
  switch (support?.kind) {
    case "positive":
    case "nonnegative":
      return { values: Float32Array.from(stored, Math.exp), shape };
    case "unit":
      return { values: Float32Array.from(stored, sigmoid), shape };
    case "interval":
    case "angle": {
      const [low, high] = support.kind === "interval" ? [support.low, support.high] : [-Math.PI, Math.PI];
      return { values: Float32Array.from(stored, (u) => low + (high - low) * sigmoid(u)), shape };
    }
    case "ordered":
      return { values: byVector(stored, last, last, ordered), shape };
    case "simplex":
      return { values: byVector(stored, last, last + 1, simplex), shape: [...lead, last + 1] };
    case "cholesky":
    case "covariance": {
      const n = Math.round((Math.sqrt(8 * last + 1) - 1) / 2);
      const { kind } = support;
      return { values: byVector(stored, last, n * n, (u) => (kind === "cholesky" ? triangle(u, n) : product(triangle(u, n), n))), shape: [...lead, n, n] };
    }
    default:
      return { values: Float32Array.from(stored), shape };
  }
}

function sigmoid(u: number): number {
  return 1 / (1 + Math.exp(-u));
}

function byVector(stored: ArrayLike<number>, size: number, wide: number, map: (u: readonly number[]) => readonly number[]): Float32Array {
  const count = stored.length / size;
  const values = new Float32Array(count * wide);
  for (let at = 0; at < count; at++) values.set(map(Array.from({ length: size }, (_, i) => stored[at * size + i] ?? NaN)), at * wide);
  return values;
}

function ordered(u: readonly number[]): number[] {
  let sum = 0;
  return u.map((each, at) => (sum += at === 0 ? each : Math.exp(each)));
}

/** Stick-breaking, with log(K − k) taken off each, so that u = 0 is the centre. */
function simplex(u: readonly number[]): number[] {
  let left = 1;
  const parts = u.map((each, k) => {
    const part = left * sigmoid(each - Math.log(u.length - k));
    left -= part;
    return part;
  });
  return [...parts, left];
}

/** The lower triangle of [n, n] from the vector: its numbers from the n-th on, then all of them reversed; exp on the diagonal. */
function triangle(u: readonly number[], n: number): number[] {
  const all = n === 1 ? u : [...u.slice(n), ...[...u].reverse()];
  return Array.from({ length: n * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    const value = all[at] ?? NaN;
    return row === column ? Math.exp(value) : row > column ? value : 0;
  });
}

/** L Lᵀ. */
function product(lower: readonly number[], n: number): number[] {
  return Array.from({ length: n * n }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += (lower[Math.floor(at / n) * n + k] ?? NaN) * (lower[(at % n) * n + k] ?? NaN);
    return sum;
  });
}
