import { InternalError } from "../../util/internal-error.js";
import type { Dim, Shape } from "./nodes.js";

/** NumPy broadcasting of two shapes: right-aligned; sizes are equal or one is 1. */
export function broadcastShapes(left: Shape, right: Shape): Shape {
  const rank = Math.max(left.length, right.length);
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const a = left[left.length - rank + axis] ?? 1;
    const b = right[right.length - rank + axis] ?? 1;
    if (a !== b && a !== 1 && b !== 1) throw new InternalError(`shapes ${printShape(left)} and ${printShape(right)} do not broadcast`);
    result.push(a === 1 ? b : a);
  }
  return result;
}

export function sameDims(left: Shape, right: Shape): boolean {
  return left.length === right.length && left.every((dim, axis) => dim === right[axis]);
}

export function printShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Element count as a product of a number and powers of the symbols, for comparing shapes under `reshape`. */
export function countKey(shape: Shape): string {
  let product = 1;
  const symbols: string[] = [];
  for (const dim of shape) {
    if (typeof dim === "number") product *= dim;
    else symbols.push(dim);
  }
  return [product, ...symbols.sort()].join("·");
}

/** Number of elements of a shape without symbols. */
export function countElements(shape: Shape): number {
  return shape.reduce<number>((product, dim) => {
    if (typeof dim !== "number") throw new InternalError(`size of ${printShape(shape)} is not a number`);
    return product * dim;
  }, 1);
}

/** An axis counted from the end when negative. */
export function axisOf(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank) throw new InternalError(`axis ${axis} of rank ${rank}`);
  return at;
}
