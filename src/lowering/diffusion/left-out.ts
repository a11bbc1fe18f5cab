import type { Column } from "../../ir/model/model.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { LoweringContext } from "../context.js";
import { ROWS, type Value } from "../value.js";

/**
 * In training, the rows whose conditions are left out, by column: each in the share that it declares. One number decides of a row, so that where the rarest condition is left out
 * all of them are, and the density without any is learnt as often as one declares (Ho & Salimans 2022).
 */
export function droppedRows(context: LoweringContext): ((name: string) => TensorNode | undefined) | undefined {
  const { b, space, program, mode } = context;
  if (mode !== "train" || program.columns.every(({ dropout }) => dropout === undefined)) return undefined;
  const drawn = b.uniform(context.stream("dropout"), space.dims([ROWS]));
  return (name) => {
    const share = program.columns.find((column) => column.name === name)?.dropout;
    return share === undefined ? undefined : b.less(drawn, share);
  };
}

/** A condition that is left out: a label of no class, or zeros. */
export function leftOut({ b, space }: LoweringContext, { type }: Column): Value {
  const shape = [space.size(ROWS), ...type.shape.map(({ value }) => value)];
  if (type.support.kind !== "index") return { node: b.full(0, shape), axes: [ROWS] };
  return { node: b.full(-1, shape, "i32"), axes: [ROWS], soft: b.full(0, [...shape, type.support.size]) };
}

/** Left out of the rows of which `gone` (i1 [rows]) says so. */
export function withoutSome({ b }: LoweringContext, { type }: Column, { node, axes }: Value, gone: TensorNode): Value {
  const wide = (rank: number): TensorNode => b.reshape(gone, [...gone.shape, ...Array.from({ length: rank - gone.shape.length }, () => 1)]);
  if (type.support.kind !== "index") return { node: b.select(wide(node.shape.length), 0, node), axes };
  return { node: b.select(wide(node.shape.length), b.scalar(-1, "i32"), node), axes, soft: b.select(wide(node.shape.length + 1), 0, b.oneHot(node, type.support.size)) };
}
