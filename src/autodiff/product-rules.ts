import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Shape, TensorNode } from "../ir/tensor/nodes.js";
import { sameDims } from "../ir/tensor/shapes.js";
import { unbroadcast } from "./broadcasting.js";
import type { VjpRule } from "./vjp-rule.js";

/** C = op(A) op(B): dA = G op(B)ᵀ and dB = op(A)ᵀ G, or their transposes where the operand itself is transposed. */
export const dotRule: VjpRule<"dot"> = ({ b, op, full, x }) => {
  const [left, right] = [x(0), x(1)];
  const { transposeLeft: tl, transposeRight: tr } = op;
  return [
    () => (tl ? dotTo(b, right, full(), tr, true, left.shape) : dotTo(b, full(), right, false, !tr, left.shape)),
    () => (tr ? dotTo(b, full(), left, true, tl, right.shape) : dotTo(b, left, full(), !tl, false, right.shape)),
  ];
};

/**
 * A product summed to `target`, an operand that was broadcast along leading axes. Where it has none (a weight matrix for all rows), the
 * leading axes join the contracted one: a product for each row and a sum of them would hold as many matrices as there are rows.
 */
function dotTo(b: TensorBuilder, left: TensorNode, right: TensorNode, tl: boolean, tr: boolean, target: Shape): TensorNode {
  const lead = left.shape.slice(0, -2);
  const joined = [...lead, left.shape.at(tl ? -2 : -1)!];
  const fits = sameDims(lead, right.shape.slice(0, -2)) && joined.filter((dim) => typeof dim === "string").length <= 1;
  const whole = fits && target.slice(0, -2).every((dim) => dim === 1) && lead.some((dim) => dim !== 1);
  if (!whole) {
    const product = b.dot(left, right, tl, tr);
    return unbroadcast(b, product, product.shape, target);
  }
  const [p, q] = [contractedFirst(b, left, tl), contractedFirst(b, right, !tr)];
  const product = b.dot(p, q, true, false);
  return b.reshape(product.shape.length > 2 ? b.sum(product, [0]) : product, [...target.slice(0, -2).map(() => 1), ...product.shape.slice(-2)]);
}

/**
 * [...lead, n, k] (or, `inPlace` false, [...lead, k, n]) as [c, k]: the leading axes and n in one. No size is a product of `rows` and a number, so beside a
 * number the symbol stays an axis, [s, rows, k]. Both operands are reshaped alike and all of s and c is summed, so it does not matter which row goes where.
 */
function contractedFirst(b: TensorBuilder, x: TensorNode, inPlace: boolean): TensorNode {
  const rank = x.shape.length;
  const ordered = inPlace ? x : transposed(b, x);
  const shape = ordered.shape;
  const axes = [...shape.keys()].slice(0, -1);
  const symbol = axes.find((axis) => typeof shape[axis] === "string");
  const count = axes.reduce((product, axis) => (axis === symbol ? product : product * Number(shape[axis])), 1);
  const width = shape[rank - 1]!;
  if (symbol === undefined) return b.reshape(ordered, [count, width]);
  return b.reshape(ordered, count === 1 ? [shape[symbol]!, width] : [count, shape[symbol]!, width]);
}

/** bool [n, n]: the lower triangle, `strictly` without the diagonal. */
function lowerTriangle(b: TensorBuilder, n: number, strictly = false): TensorNode {
  const index = b.iota(n);
  const row = b.expandDims(index, [1]);
  return strictly ? b.greater(row, index) : b.greaterEqual(row, index);
}

function matrixSize(x: TensorNode): number {
  return x.shape.at(-1) as number;
}

function transposed(b: TensorBuilder, x: TensorNode): TensorNode {
  const rank = x.shape.length;
  return b.transpose(x, [...x.shape.keys()].map((axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis)));
}

/** The lower triangle with half of the diagonal: Φ of Murray 2016, of an array whose upper triangle may hold anything. */
function halfLower(b: TensorBuilder, x: TensorNode): TensorNode {
  const n = matrixSize(x);
  return b.select(lowerTriangle(b, n, true), x, b.select(lowerTriangle(b, n), b.multiply(0.5, x), 0));
}

/**
 * L = cholesky(A): S = L⁻ᵀ Φ(Lᵀ G) L⁻¹, and dA = Φ(S + Sᵀ): as only the lower triangle of A is read, an element below the diagonal takes
 * what its mirror would (I. Murray, Differentiation of the Cholesky decomposition, 2016).
 */
export const choleskyRule: VjpRule<"cholesky"> = ({ b, node, full }) => [
  () => {
    const middle = halfLower(b, b.dot(node, full(), true, false));
    const half = b.triangularSolve(node, middle, true); // L⁻ᵀ Φ
    const inner = b.triangularSolve(node, transposed(b, half), true); // Sᵀ = L⁻ᵀ (L⁻ᵀ Φ)ᵀ
    return halfLower(b, b.add(inner, transposed(b, inner)));
  },
];

/** L x = b: db = L⁻ᵀ g, dL = −(db xᵀ) in the lower triangle. Lᵀ x = b: db = L⁻¹ g, dL = −(x dbᵀ). */
export const triangularSolveRule: VjpRule<"triangular-solve"> = ({ b, op, node, full, x }) => {
  const [lower, right] = [x(0), x(1)];
  const ofRight = (): TensorNode => b.triangularSolve(lower, full(), !op.transpose);
  return [
    () => {
      const db = b.negate(ofRight());
      const product = op.transpose ? b.dot(node, db, false, true) : b.dot(db, node, false, true);
      const summed = unbroadcast(b, product, product.shape, lower.shape);
      return b.select(lowerTriangle(b, matrixSize(lower)), summed, 0);
    },
    () => unbroadcast(b, ofRight(), node.shape, right.shape),
  ];
};
