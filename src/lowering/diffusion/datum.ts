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

/**
 * The datum that a network says, where it is known to lie: bytes are on [−1, 1], and what lies outside is moved to the nearest end (Ho et al. 2020). At steps with little signal the datum of
 * a noise is its error over the signal; without this one such step would be all that a sample is made of.
 */
export function withinBytes(b: TensorBuilder, { bytes }: Pick<Diffusion, "bytes">, datum: TensorNode): TensorNode {
  return bytes ? b.maximum(b.minimum(datum, 1), -1) : datum;
}

/** The same of the error of a network's output, x_0 − x̂_0 over `ofOutput`: as it is where x̂_0 lies within. */
export function errorWithinBytes(b: TensorBuilder, x0: TensorNode, error: TensorNode, ofOutput: TensorNode): TensorNode {
  const datum = b.subtract(x0, b.multiply(ofOutput, error));
  const low = b.select(b.less(datum, -1), b.divide(b.add(x0, 1), ofOutput), error);
  return b.select(b.greater(datum, 1), b.divide(b.subtract(x0, 1), ofOutput), low);
}

/** Whether a bound is that of the datum held within bytes: in evaluation, and where training descends something else than it. */
export function holdsBytes({ mode, program }: LoweringContext, { bytes }: Pick<Diffusion, "bytes">): boolean {
  const { weight } = program.training.objective;
  return bytes && (mode === "evaluate" || (weight !== undefined && weight.kind !== "bound"));
}
