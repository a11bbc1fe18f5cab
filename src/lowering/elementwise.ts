import type { TensorNode } from "../ir/tensor/nodes.js";
import type { LoweringContext } from "./context.js";
import { aligned, eventShape, expanded, unionAxes, type AxisName, type Value } from "./value.js";

/** Operands of one elementwise operation on common axes: shapes are equal or one is a scalar. */
export function elementwise(context: LoweringContext, args: readonly Value[], make: (...nodes: TensorNode[]) => TensorNode): Value {
  const { b, space } = context;
  const axes = unionAxes(space, args);
  const rank = Math.max(...args.map((arg) => eventShape(arg).length));
  return { node: make(...args.map((arg) => aligned(b, arg, axes, rank))), axes };
}

/** The same with every operand at full size: for concatenation and stacking. */
export function expandedTogether(context: LoweringContext, args: readonly Value[]): { nodes: TensorNode[]; axes: AxisName[] } {
  const axes = unionAxes(context.space, args);
  return { nodes: args.map((arg) => expanded(context.b, context.space, arg, axes)), axes };
}

/** A number as f32, whatever it was: arithmetic on labels is arithmetic on numbers. */
export function asNumber(context: LoweringContext, value: Value): Value {
  return value.node.dtype === "f32" ? value : { node: context.b.cast(value.node, "f32"), axes: value.axes };
}

