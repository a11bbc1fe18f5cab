import * as tf from "@tensorflow/tfjs-core";
import { differentiable } from "./differentiable.js";

/**
 * Matrix product over the last two axes, leading axes broadcast. `tf.matMul` multiplies them as well, but its gradient does not sum over
 * the axes that were broadcast.
 */
export function batchMatMul(left: tf.Tensor, right: tf.Tensor): tf.Tensor {
  if (left.rank === 2 && right.rank === 2) return tf.matMul(left, right);
  const [m, n] = [left.shape[left.rank - 2] ?? 1, right.shape[right.rank - 1] ?? 1];
  const k = left.shape[left.rank - 1] ?? 1;
  if (right.rank === 2) {
    // One product over all the leading axes at once.
    return tf.reshape(tf.matMul(tf.reshape(left, [-1, k]), right), [...left.shape.slice(0, -1), n] as tf.ShapeMap[tf.Rank]);
  }
  const lead = tf.broadcast_util.assertAndGetBroadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const spread = (x: tf.Tensor): tf.Tensor3D => {
    const shape = [...lead, ...x.shape.slice(-2)];
    const full = tf.util.arraysEqual(x.shape, shape) ? x : tf.broadcastTo(x, shape as tf.ShapeMap[tf.Rank]);
    return tf.reshape(full, [-1, ...x.shape.slice(-2)] as [number, number, number]);
  };
  return tf.reshape(tf.matMul(spread(left), spread(right)), [...lead, m, n] as tf.ShapeMap[tf.Rank]);
}

/** Swaps the last two axes. */
export function transposeLast(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, x.shape.map((_, axis) => (axis === x.rank - 1 ? x.rank - 2 : axis === x.rank - 2 ? x.rank - 1 : axis)));
}

/**
 * The lower triangular L with L Lᵀ = A, for symmetric positive definite A [..., n, n]; NaN where A is not. Computed on the host in float64: the
 * matrices of models are small, and column by column it would be n² kernels. Gradient: Ā = sym(L⁻ᵀ Φ(Lᵀ L̄) L⁻¹) (Murray 2016).
 */
export function cholesky(a: tf.Tensor): tf.Tensor {
  const n = a.shape[a.rank - 1] ?? 0;
  return differentiable([a], (given = a) => eachMatrix([given], n * n, ([A = empty], L) => factor(A, L, n), given.shape), (dy, _, value) =>
    eachMatrix([value, dy], n * n, ([L = empty, dL = empty], dA) => factorGradient(L, dL, dA, n), a.shape),
  );
}

/** x with L x = b, or Lᵀ x = b, for lower triangular L [..., n, n] and b [..., n, k]; leading axes broadcast. On the host in float64. */
export function triangularSolve(lower: tf.Tensor, b: tf.Tensor, transpose: boolean): tf.Tensor {
  const lead = tf.broadcast_util.assertAndGetBroadcastShape(lower.shape.slice(0, -2), b.shape.slice(0, -2));
  const [n, k] = [b.shape[b.rank - 2] ?? 1, b.shape[b.rank - 1] ?? 1];
  const spread = (x: tf.Tensor): tf.Tensor => {
    const shape = [...lead, ...x.shape.slice(-2)];
    return tf.util.arraysEqual(x.shape, shape) ? x : tf.broadcastTo(x, shape as tf.ShapeMap[tf.Rank]);
  };
  const solveAll = (L: tf.Tensor, rhs: tf.Tensor, way: boolean): tf.Tensor => eachMatrix([L, rhs], n * k, ([l = empty, r = empty], x) => solve(l, r, x, n, k, way), rhs.shape);
  return differentiable([spread(lower), spread(b)], (L = lower, rhs = b) => solveAll(L, rhs, transpose), (dy, [L = lower], x) => {
    // b̄ = L⁻ᵀ x̄; L̄ = −tril(b̄ xᵀ), with the factors exchanged for the transposed system.
    const db = solveAll(L, dy, !transpose);
    const dL = eachMatrix([transpose ? x : db, transpose ? db : x], n * n, ([u = empty, v = empty], out) => minusLowerProduct(u, v, out, n, k), L.shape);
    return [dL, db];
  });
}

type Matrix = Float64Array;
const empty = new Float64Array(0);

/** Runs `each` over matching matrices of the inputs, which have the same leading axes; its result has `size` elements. */
function eachMatrix(inputs: readonly tf.Tensor[], size: number, each: (matrices: readonly Matrix[], out: Matrix) => void, shape: readonly number[]): tf.Tensor {
  const data = inputs.map((x) => ({ values: x.dataSync(), size: (x.shape[x.rank - 1] ?? 1) * (x.shape[x.rank - 2] ?? 1) }));
  const total = shape.reduce((product, dim) => product * dim, 1);
  const result = new Float32Array(total);
  const out = new Float64Array(size);
  for (let at = 0; at * size < total; at++) {
    out.fill(0);
    each(data.map((input) => Float64Array.from(input.values.subarray(at * input.size, (at + 1) * input.size))), out);
    result.set(out, at * size);
  }
  return tf.tensor(result, [...shape] as tf.ShapeMap[tf.Rank], "float32");
}

function factor(A: Matrix, L: Matrix, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = A[i * n + j] ?? NaN;
      for (let k = 0; k < j; k++) sum -= (L[i * n + k] ?? 0) * (L[j * n + k] ?? 0);
      L[i * n + j] = i === j ? Math.sqrt(sum) : sum / (L[j * n + j] ?? NaN);
    }
  }
}

function solve(L: Matrix, b: Matrix, x: Matrix, n: number, k: number, transpose: boolean): void {
  for (let column = 0; column < k; column++) {
    for (let step = 0; step < n; step++) {
      const i = transpose ? n - 1 - step : step;
      let sum = b[i * k + column] ?? NaN;
      for (let done = 0; done < step; done++) {
        const j = transpose ? n - 1 - done : done;
        sum -= (L[transpose ? j * n + i : i * n + j] ?? 0) * (x[j * k + column] ?? 0);
      }
      x[i * k + column] = sum / (L[i * n + i] ?? NaN);
    }
  }
}

function minusLowerProduct(u: Matrix, v: Matrix, out: Matrix, n: number, k: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let c = 0; c < k; c++) sum += (u[i * k + c] ?? 0) * (v[j * k + c] ?? 0);
      out[i * n + j] = -sum;
    }
  }
}

function factorGradient(L: Matrix, dL: Matrix, dA: Matrix, n: number): void {
  // Φ takes the lower triangle with the diagonal halved.
  const inner = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += (L[k * n + i] ?? 0) * (dL[k * n + j] ?? 0);
      inner[i * n + j] = i === j ? sum / 2 : sum;
    }
  }
  const half = new Float64Array(n * n);
  solve(L, inner, half, n, n, true); // L⁻ᵀ Φ
  const flipped = transposed(half, n);
  const whole = new Float64Array(n * n);
  solve(L, flipped, whole, n, n, true); // L⁻ᵀ (L⁻ᵀ Φ)ᵀ = (L⁻ᵀ Φ L⁻¹)ᵀ
  // Only the lower triangle of A is read: off the diagonal it takes both halves of the symmetric gradient.
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const both = (whole[i * n + j] ?? 0) + (whole[j * n + i] ?? 0);
      dA[i * n + j] = i === j ? both / 2 : both;
    }
  }
}

function transposed(x: Matrix, n: number): Matrix {
  return x.map((_, at) => x[(at % n) * n + Math.floor(at / n)] ?? 0);
}
