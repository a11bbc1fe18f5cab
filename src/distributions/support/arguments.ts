import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { Dim, Shape, TensorNode } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { tensorArgument, type Arguments } from "../distribution.js";

/** An argument that the chosen parameterization must have; the checker has seen to it. */
export function argument(args: Arguments, name: string): TensorNode {
  const value = tensorArgument(args, name);
  if (!value) throw new InternalError(`a distribution lacks its argument ${name}`);
  return value;
}

/** An argument, or its default as a scalar. */
export function argumentOr(b: TensorBuilder, args: Arguments, name: string, value: number): TensorNode {
  return tensorArgument(args, name) ?? b.scalar(value);
}

/** The number that a constant argument is, however it was aligned; undefined where it is computed or not the same everywhere. */
export function constantValue(node: TensorNode): number | undefined {
  if (node.op.kind === "broadcast" || node.op.kind === "reshape" || node.op.kind === "cast") return constantValue(node.inputs[0]!);
  if (node.op.kind !== "constant") return undefined;
  const [first, ...rest] = node.op.values;
  return rest.every((value) => value === first) ? first : undefined;
}

/** Last size of a shape, which must be a number and not the rows of the batch: the length of a vector. */
export function lastSizeOf(shape: Shape): number {
  const dim: Dim | undefined = shape.at(-1);
  if (typeof dim !== "number") throw new InternalError(`a vector has size ${String(dim)}`);
  return dim;
}

/** Leading axes of a draw's shape, without those bound jointly. */
export function leadOf(shape: Shape, eventRank: number): Shape {
  return shape.slice(0, shape.length - eventRank);
}
