import { InternalError } from "../util/internal-error.js";
import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Dim, Shape, TensorNode } from "../ir/tensor/nodes.js";
import { printShape } from "../ir/tensor/shapes.js";

/**
 * Gradients are kept as small as broadcasting allows: the gradient of a sum is one number, not as many as there were terms. These helpers
 * say what such a gradient is worth.
 */

/** The axis of a right-aligned `shape` at `axis` of a shape of rank `rank`; 1 where it does not reach. */
function dimAt(shape: Shape, axis: number, rank: number): Dim {
  return shape[shape.length - rank + axis] ?? 1;
}

/**
 * The adjoint of broadcasting `target` to `from`: `value`, which stands for an array of shape `from`, summed over the axes along which
 * `target` was repeated. The result's shape broadcasts to `target`.
 */
export function unbroadcast(b: TensorBuilder, value: TensorNode, from: Shape, target: Shape): TensorNode {
  if (value.shape.length > from.length || target.length > from.length) throw new InternalError(`un-broadcast of ${printShape(value.shape)} from ${printShape(from)} to ${printShape(target)}`);
  const rank = from.length;
  const own = rank - value.shape.length;
  const summed: number[] = [];
  let repeats = 1;
  const symbols: ("rows" | "dataset")[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const dim = from[axis]!;
    if (dim === dimAt(target, axis, rank)) continue;
    // Where the value is the same along the axis the sum is a multiple.
    if (dimAt(value.shape, axis, rank) !== 1) summed.push(axis - own);
    else if (typeof dim === "number") repeats *= dim;
    else symbols.push(dim);
  }
  const excess = Math.max(0, value.shape.length - target.length);
  const leading = summed.length === excess && summed.every((axis) => axis < excess);
  let result = b.sum(value, summed, !leading);
  for (const symbol of symbols) result = b.multiply(b.size(symbol), result);
  result = b.multiply(repeats, result);
  return leading || excess === 0 ? result : b.reshape(result, result.shape.slice(excess));
}

/** `value`, which stands for an array of shape `from`, with size 1 along `axes`: `from` reduced there with its axes kept. */
export function sumAlong(b: TensorBuilder, value: TensorNode, from: Shape, axes: readonly number[]): TensorNode {
  return unbroadcast(b, value, from, from.map((dim, axis) => (axes.includes(axis) ? 1 : dim)));
}

/** `value`, which stands for an array whose `axes` were reduced away, with them back as axes of size 1: it broadcasts to the operand. */
export function withReducedAxes(b: TensorBuilder, value: TensorNode, reduced: Shape, axes: readonly number[]): TensorNode {
  if (value.shape.length === 0) return value;
  const padded: Dim[] = reduced.map((_, axis) => dimAt(value.shape, axis, reduced.length));
  const rank = reduced.length + axes.length;
  return b.reshape(value, Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : padded.shift()!)));
}
