import { InternalError } from "../util/internal-error.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { printShape } from "../ir/tensor/shapes.js";

/** The shape of a node after `bindSizes`. */
export function staticShape({ id, shape }: TensorNode): readonly number[] {
  if (!shape.every((dim): dim is number => typeof dim === "number")) throw new InternalError(`node %${id} has shape ${printShape(shape)}: its sizes are not bound`);
  return shape as readonly number[];
}

/** Number of elements. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}
