import type { TensorNode } from "../../../ir/tensor/nodes.js";
import { aligned, eventShape, expanded, unionAxes, type Value } from "../../value.js";
import type { Place } from "./loop-values.js";

/** Matrices as values: their shape is [rows, columns], and compiler axes stand in front of it. */
export const rowsOf = (value: Value): number => eventShape(value)[0] as number;
export const columnsOf = (value: Value): number => eventShape(value)[1] as number;

/** X Y, with either of them transposed. */
export function times({ b, space }: Place, x: Value, y: Value, transposed: { readonly left?: boolean; readonly right?: boolean } = {}): Value {
  const axes = unionAxes(space, [x, y]);
  return { node: b.dot(aligned(b, x, axes, 2), aligned(b, y, axes, 2), transposed.left ?? false, transposed.right ?? false), axes };
}

export function combined({ b, space }: Place, how: "add" | "subtract" | "multiply", x: Value, y: Value): Value {
  const axes = unionAxes(space, [x, y]);
  return { node: b.binary(how, aligned(b, x, axes, 2), aligned(b, y, axes, 2)), axes };
}

/** L⁻¹ Y, or L⁻ᵀ Y, of a lower triangular L. */
export function solved({ b, space }: Place, lower: Value, y: Value, transposed = false): Value {
  const axes = unionAxes(space, [lower, y]);
  return { node: b.triangularSolve(aligned(b, lower, axes, 2), aligned(b, y, axes, 2), transposed), axes };
}

export function transposed({ b }: Place, x: Value): Value {
  const rank = x.node.shape.length;
  return { node: b.transpose(x.node, x.node.shape.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis))), axes: x.axes };
}

/** (X + Xᵀ) / 2: a covariance stays symmetric under rounding. */
export function symmetric(place: Place, x: Value): Value {
  const sum = combined(place, "add", x, transposed(place, x));
  return { node: place.b.multiply(sum.node, 0.5), axes: sum.axes };
}

export function zeros({ b }: Place, rows: number, columns: number): Value {
  return { node: b.full(0, [rows, columns]), axes: [] };
}

export function identityMatrix({ b }: Place, size: number): Value {
  return { node: b.constant(Array.from({ length: size * size }, (_, at) => (Math.floor(at / size) === at % size ? 1 : 0)), [size, size]), axes: [] };
}

/** Blocks beside each other (`columns`) or below each other (`rows`). */
export function joined({ b, space }: Place, along: "rows" | "columns", blocks: readonly Value[]): Value {
  const kept = blocks.filter((block) => (along === "rows" ? rowsOf(block) : columnsOf(block)) > 0);
  if (kept.length === 1) return kept[0]!;
  const axes = unionAxes(space, kept);
  return { node: b.concatenate(kept.map((block) => expanded(b, space, block, axes)), along === "rows" ? -2 : -1), axes };
}

/** A block of rows and columns. */
export function block({ b }: Place, x: Value, rows: readonly [number, number], columns: readonly [number, number]): Value {
  const lead = x.axes.length;
  return { node: b.sliceAxis(b.sliceAxis(x.node, lead, rows[0], rows[1]), lead + 1, columns[0], columns[1]), axes: x.axes };
}

/** One matrix where the flag is 1, another where it is 0; the flag has no shape. */
export function chosen({ b, space }: Place, flag: Value, yes: Value, no: Value): Value {
  const axes = unionAxes(space, [flag, yes, no]);
  const is = b.greater(aligned(b, spread({ b }, flag), axes, 2), 0.5);
  const shape = [...space.dims(axes), ...eventShape(yes)];
  return { node: b.broadcast(b.select(is, aligned(b, yes, axes, 2), aligned(b, no, axes, 2)), shape), axes };
}

/** A number as a matrix of one element. */
export function spread({ b }: Pick<Place, "b">, value: Value): Value {
  return { node: b.reshape(value.node, [...value.node.shape, 1, 1]), axes: value.axes };
}

/** The diagonal of a square matrix as a column. */
export function diagonalOf({ b }: Place, x: Value): Value {
  const size = rowsOf(x);
  const only: TensorNode = b.multiply(x.node, identityMatrix({ b } as Place, size).node);
  return { node: b.sum(only, [-1], true), axes: x.axes };
}
