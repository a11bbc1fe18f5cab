import { expand, permuted, sizeOf } from "./strided.js";
import type { EvaluateRule, Tensor } from "./types.js";

/** The last two axes swapped. */
function swapped(x: Tensor): Tensor {
  const rank = x.shape.length;
  const permutation = x.shape.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis));
  return { ...x, shape: permutation.map((axis) => x.shape[axis]!), values: permuted(x.values, x.shape, permutation) };
}

/** For each matrix of a result, which of the operand's matrices it reads. */
function matrixIndices(operand: Tensor, lead: readonly number[]): Float64Array {
  const own = operand.shape.slice(0, -2);
  return expand(Float64Array.from({ length: sizeOf(own) }, (_, i) => i), own, lead);
}

export const evaluateDot: EvaluateRule<"dot"> = (op, [left, right], { shape, count, round, bindings }) => {
  const a = op.transposeLeft ? swapped(left!) : left!;
  const b = op.transposeRight ? swapped(right!) : right!;
  const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!];
  const lead = shape.slice(0, -2);
  const [leftAt, rightAt] = [matrixIndices(a, lead), matrixIndices(b, lead)];
  const result = new Float64Array(count);
  const exact = bindings.precision !== "f32";
  for (let batch = 0; batch < leftAt.length; batch++) {
    const [from, with_, to] = [leftAt[batch]! * m * k, rightAt[batch]! * k * n, batch * m * n];
    for (let i = 0; i < m; i++) {
      const row = to + i * n;
      for (let p = 0; p < k; p++) {
        const factor = a.values[from + i * k + p]!;
        const line = with_ + p * n;
        if (exact) for (let j = 0; j < n; j++) result[row + j]! += factor * b.values[line + j]!;
        else for (let j = 0; j < n; j++) result[row + j] = round(result[row + j]! + round(factor * b.values[line + j]!));
      }
    }
  }
  return result;
};

/** Row by row; only the lower triangle of A is read. NaN where A is not positive definite. */
export const evaluateCholesky: EvaluateRule<"cholesky"> = (_, [a], { count, round }) => {
  const n = a!.shape.at(-1)!;
  const lower = new Float64Array(count);
  for (let base = 0; base < count; base += n * n) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = a!.values[base + i * n + j]!;
        for (let k = 0; k < j; k++) sum = round(sum - round(lower[base + i * n + k]! * lower[base + j * n + k]!));
        lower[base + i * n + j] = i === j ? round(Math.sqrt(sum)) : round(sum / lower[base + j * n + j]!);
      }
    }
  }
  return lower;
};

/** Forward (or, transposed, backward) substitution; only the lower triangle of L is read. */
export const evaluateTriangularSolve: EvaluateRule<"triangular-solve"> = (op, [lower, b], { shape, count, round }) => {
  const [n, k] = [shape.at(-2)!, shape.at(-1)!];
  const lead = shape.slice(0, -2);
  const [lowerAt, bAt] = [matrixIndices(lower!, lead), matrixIndices(b!, lead)];
  const x = new Float64Array(count);
  for (let batch = 0; batch < lowerAt.length; batch++) {
    const base = lowerAt[batch]! * n * n;
    const to = batch * n * k;
    const element = (i: number, j: number): number => lower!.values[base + (op.transpose ? j * n + i : i * n + j)]!;
    for (let column = 0; column < k; column++) {
      for (let step = 0; step < n; step++) {
        const i = op.transpose ? n - 1 - step : step;
        let sum = b!.values[bAt[batch]! * n * k + i * k + column]!;
        for (let done = 0; done < step; done++) {
          const j = op.transpose ? n - 1 - done : done;
          sum = round(sum - round(element(i, j) * x[to + j * k + column]!));
        }
        x[to + i * k + column] = round(sum / element(i, i));
      }
    }
  }
  return x;
};
