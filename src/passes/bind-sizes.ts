import { boundDraws } from "../ir/tensor/draw-order.js";
import type { Shape, TensorOp, TensorProgram } from "../ir/tensor/nodes.js";
import { rewrite } from "./rewrite.js";

/** The numbers that the symbols of a program stand for. */
export interface Sizes {
  readonly rows: number;
  readonly dataset: number;
}

/** Input: any program. Promise: every shape is made of numbers, and `size` nodes are constants; values are unchanged. */
export function bindSizes(program: TensorProgram, sizes: Sizes): TensorProgram {
  const bound = (shape: Shape): number[] => shape.map((dim) => (typeof dim === "number" ? dim : sizes[dim]));
  return rewrite(program, ({ op, dtype, shape }, inputs, builder) => {
    if (op.kind === "size") return builder.scalar(sizes[op.of]);
    const static_: TensorOp = op.kind === "slice" ? { ...op, sizes: bound(op.sizes) } : boundDraws(op, shape);
    return builder.make(static_, inputs, dtype, bound(shape));
  });
}
