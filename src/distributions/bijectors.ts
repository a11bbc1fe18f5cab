import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { printSupport, type Support } from "../types/support.js";
import { InternalError } from "../util/internal-error.js";
import { lastSizeOf } from "./support/arguments.js";
import { diagonalOf, matrixWhere } from "./support/numerics.js";

/**
 * For each support the bijection from all of ℝⁿ: how parameters are stored, and how guides reach constrained sites. Positive by exp, intervals by
 * the sigmoid, `simplex` by stick-breaking, `ordered` by sums of exp, `cholesky` by exp on the diagonal, `covariance` as L Lᵀ (Stan reference manual,
 * chapter 10). Discrete supports have none.
 */

const triangle = (n: number): number => (n * (n + 1)) / 2;
const sideOf = (m: number): number => Math.round((Math.sqrt(8 * m + 1) - 1) / 2);

function none(support: Support): never {
  throw new InternalError(`${printSupport(support)} is not the image of ℝⁿ`);
}

/** Ends of the supports that are intervals. */
function ends(support: Support): readonly [number, number] {
  if (support.kind === "interval") return [support.low, support.high];
  return support.kind === "angle" ? [-Math.PI, Math.PI] : [0, 1];
}

/** Shape of the unconstrained vector for a value of the given shape: simplex [..., K] → [..., K − 1], matrices [..., n, n] → [..., n(n + 1)/2]. */
export function unconstrainedShape(support: Support, shape: readonly number[]): number[] {
  const last = shape.at(-1) ?? 1;
  if (support.kind === "simplex") return [...shape.slice(0, -1), last - 1];
  if (support.kind === "cholesky" || support.kind === "covariance") return [...shape.slice(0, -2), triangle(last)];
  return [...shape];
}

/** The constrained value of u. */
export function constrain(b: TensorBuilder, u: TensorNode, support: Support): TensorNode {
  switch (support.kind) {
    case "real":
      return u;
    case "positive":
    case "nonnegative":
      return b.exp(u);
    case "unit":
      return b.sigmoid(u);
    case "interval":
    case "angle": {
      const [low, high] = ends(support);
      return b.add(low, b.multiply(high - low, b.sigmoid(u)));
    }
    case "simplex": {
      const v = breaks(b, u);
      // x_k = σ(v_k) Π_{j<k} (1 − σ(v_j)), in logarithms; the last takes what is left.
      const left = b.negate(b.cumulativeSum(b.softplus(v), -1));
      const before = b.negate(b.cumulativeSum(b.softplus(v), -1, true));
      const logX = b.subtract(before, b.softplus(b.negate(v)));
      return b.exp(b.concatenate([logX, b.sliceAxis(left, -1, lastSizeOf(u.shape) - 1, 1)], -1));
    }
    case "ordered": {
      const n = lastSizeOf(u.shape);
      if (n === 1) return u;
      return b.cumulativeSum(b.concatenate([b.sliceAxis(u, -1, 0, 1), b.exp(b.sliceAxis(u, -1, 1, n - 1))], -1), -1);
    }
    case "cholesky":
      return lowerTriangular(b, u);
    case "covariance": {
      const lower = lowerTriangular(b, u);
      return b.dot(lower, lower, false, true);
    }
    default:
      return none(support);
  }
}

/** The inverse of `constrain`. */
export function unconstrain(b: TensorBuilder, x: TensorNode, support: Support): TensorNode {
  switch (support.kind) {
    case "real":
      return x;
    case "positive":
    case "nonnegative":
      return b.log(x);
    case "unit":
      return b.subtract(b.log(x), b.log1p(b.negate(x)));
    case "interval":
    case "angle": {
      const [low, high] = ends(support);
      return b.subtract(b.log(b.subtract(x, low)), b.log(b.subtract(high, x)));
    }
    case "simplex": {
      const size = lastSizeOf(x.shape);
      const head = b.sliceAxis(x, -1, 0, size - 1);
      const rest = b.sliceAxis(b.cumulativeSum(x, -1, true, true), -1, 0, size - 1);
      return b.add(b.subtract(b.log(head), b.log(rest)), centre(b, size - 1));
    }
    case "ordered": {
      const n = lastSizeOf(x.shape);
      if (n === 1) return x;
      const gaps = b.subtract(b.sliceAxis(x, -1, 1, n - 1), b.sliceAxis(x, -1, 0, n - 1));
      return b.concatenate([b.sliceAxis(x, -1, 0, 1), b.log(gaps)], -1);
    }
    case "cholesky":
      return fromLowerTriangular(b, x);
    case "covariance":
      return fromLowerTriangular(b, b.cholesky(x));
    default:
      return none(support);
  }
}

/**
 * log |det ∂x/∂u|: elementwise for scalar supports, over the joint axis for vectors and matrices ([...lead]). Coordinates of a simplex are its first
 * K − 1, of a covariance its lower triangle.
 */
export function logAbsDetJacobian(b: TensorBuilder, u: TensorNode, support: Support): TensorNode {
  switch (support.kind) {
    case "real":
      return b.full(0, u.shape);
    case "positive":
    case "nonnegative":
      return u;
    case "unit":
    case "interval":
    case "angle": {
      const [low, high] = ends(support);
      return b.subtract(Math.log(high - low), b.add(b.softplus(u), b.softplus(b.negate(u))));
    }
    case "simplex": {
      const v = breaks(b, u);
      const before = b.negate(b.cumulativeSum(b.softplus(v), -1, true));
      return b.sumLast(b.subtract(before, b.add(b.softplus(v), b.softplus(b.negate(v)))), 1);
    }
    case "ordered": {
      const n = lastSizeOf(u.shape);
      return n === 1 ? b.full(0, u.shape.slice(0, -1)) : b.sumLast(b.sliceAxis(u, -1, 1, n - 1), 1);
    }
    case "cholesky": {
      const n = sideOf(lastSizeOf(u.shape));
      return b.sumLast(diagonalOf(b, filled(b, u, n), n), 1);
    }
    case "covariance": {
      // |∂LLᵀ/∂L| = 2ⁿ Π L_ii^(n−i+1), and L_ii once more for its own exp.
      const n = sideOf(lastSizeOf(u.shape));
      const weights = b.constant(Array.from({ length: n }, (_, i) => n - i + 1), [n]);
      return b.add(b.sumLast(b.multiply(weights, diagonalOf(b, filled(b, u, n), n)), 1), n * Math.LN2);
    }
    default:
      return none(support);
  }
}

/** log(K − k): so that u = 0 is the centre of the simplex. */
function centre(b: TensorBuilder, breaksCount: number): TensorNode {
  return b.constant(Array.from({ length: breaksCount }, (_, k) => Math.log(breaksCount - k)), [breaksCount]);
}

/** Log odds with which each break takes of the rest of the stick. */
function breaks(b: TensorBuilder, u: TensorNode): TensorNode {
  return b.subtract(u, centre(b, lastSizeOf(u.shape)));
}

/**
 * A vector [..., n(n + 1)/2] over the lower triangle of [..., n, n] without an index table: the vector from its n-th element on, followed by the whole
 * reversed, is n² long, and its lower triangle holds every element once.
 */
function filled(b: TensorBuilder, u: TensorNode, n: number): TensorNode {
  const m = lastSizeOf(u.shape);
  const square = n === 1 ? u : b.concatenate([b.sliceAxis(u, -1, n, m - n), b.reverse(u, -1)], -1);
  return b.reshape(square, [...u.shape.slice(0, -1), n, n]);
}

function lowerTriangular(b: TensorBuilder, u: TensorNode): TensorNode {
  const n = sideOf(lastSizeOf(u.shape));
  const all = filled(b, u, n);
  const onDiagonal = matrixWhere(b, n, "equal");
  return b.select(matrixWhere(b, n, "greater_equal"), b.select(onDiagonal, b.exp(b.select(onDiagonal, all, 0)), all), 0);
}

/** Each element of the vector from its place in the triangle. */
function fromLowerTriangular(b: TensorBuilder, lower: TensorNode): TensorNode {
  const n = lastSizeOf(lower.shape);
  const m = triangle(n);
  const onDiagonal = matrixWhere(b, n, "equal");
  const open = b.select(onDiagonal, b.log(b.select(onDiagonal, lower, 1)), lower);
  const place = new Array<number>(m).fill(0);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column <= row; column++) {
      const position = row * n + column;
      place[position < m - n ? n + position : n * n - 1 - position] = position;
    }
  }
  const lead = lower.shape.slice(0, -2);
  const axes = lead.map((_, axis) => axis);
  const flat = b.transpose(b.reshape(open, [...lead, n * n]), [lead.length, ...axes]);
  const picked = b.gather(flat, b.constant(place, [m], "i32"));
  return b.transpose(picked, [...axes.map((axis) => axis + 1), 0]);
}
