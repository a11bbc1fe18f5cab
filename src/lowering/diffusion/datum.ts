import { byteScale } from "../../ir/diffusion/coefficients.js";
import type { Diffusion } from "../../ir/model/model.js";
import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { LoweringContext } from "../context.js";
import { asNumber } from "../elementwise.js";
import type { Value } from "../value.js";

/** The datum of each row as the chain's states have it: bytes on [−1, 1], x / 127.5 − 1. */
export function datumOfRows(context: LoweringContext, { name, bytes }: Pick<Diffusion, "name" | "bytes">): Value {
  const { b } = context;
  const data = asNumber(context, context.inputColumn(name));
  return bytes ? { node: b.subtract(b.multiply(data.node, 1 / byteScale), 1), axes: data.axes } : data;
}

/** A state as a datum: the nearest of the bytes 0 … 255, or the state itself. */
export function toDatum(b: TensorBuilder, { bytes }: Pick<Diffusion, "bytes">, state: TensorNode): TensorNode {
  return bytes ? b.maximum(b.minimum(b.unary("round", b.multiply(b.add(state, 1), byteScale)), 2 * byteScale), 0) : state;
}
