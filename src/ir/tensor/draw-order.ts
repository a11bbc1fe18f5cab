import type { Shape, TensorOp } from "./nodes.js";

type Draws = Extract<TensorOp, { readonly kind: "random" | "random-log-gamma" }>;

/** The axis of the rows in an array of draws, or -1. */
export function rowsAxisOf(op: Draws, shape: Shape): number {
  return Math.max(op.rowsAxis ?? -1, shape.indexOf("rows"));
}

/**
 * By how much the number of a draw in its stream grows along each axis: row-major with the axis of the rows in front, so that what is drawn for a row depends on the row alone,
 * whatever the number of rows and however they are cut into batches.
 */
export function drawStrides(shape: readonly number[], rowsAxis: number): number[] {
  const order = [...shape.keys()].filter((axis) => axis !== rowsAxis);
  if (rowsAxis >= 0) order.unshift(rowsAxis);
  const strides = shape.map(() => 1);
  order.reduceRight((stride, axis) => {
    strides[axis] = stride;
    return stride * shape[axis]!;
  }, 1);
  return strides;
}

/** The draws of all steps of a loop, in whose body `op` draws for one: an axis is put in front. */
export function drawsOfSteps<Op extends Draws>(op: Op): Op {
  return op.rowsAxis === undefined ? op : { ...op, rowsAxis: op.rowsAxis + 1 };
}

/** The same operation where `rows` is a number. */
export function boundDraws(op: TensorOp, shape: Shape): TensorOp {
  if (op.kind !== "random" && op.kind !== "random-log-gamma") return op;
  const rowsAxis = rowsAxisOf(op, shape);
  return rowsAxis < 0 ? op : { ...op, rowsAxis };
}
