import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { isOnePlace, type Expressions } from "./expressions.js";
import { addressOf, type Position, valueOf } from "./coordinate.js";
import type { View } from "../templates/template.js";
import type { EmitContext } from "./context.js";

/**
 * Computes the results of a unit at one place and stores those that lie in memory. All are computed before the first is stored: a result may
 * overwrite what another reads.
 */
export function writeResults(k: KernelBuilder, expressions: Expressions, context: EmitContext, position: Position, anchor?: KernelExpr): void {
  const { unit, places } = context;
  const given = new Map<TensorNode, KernelExpr>();
  if (unit.anchor && anchor) given.set(unit.anchor, anchor);
  expressions.at(position, given, unit.results.filter((node) => node !== unit.anchor), (values) => {
    for (const node of unit.results) {
      const view = places(node);
      if (view) storeAt(k, view, position, values.get(node)!);
    }
  });
}

/** Stores into a dense tensor at a place. */
export function storeAt(k: KernelBuilder, view: View, position: Position, value: KernelExpr): void {
  const address = addressOf(k, view, position);
  const word = value.type === "bool" ? k.convert(value, "i32") : value;
  const adjacent = address.kind === "affine" && (address.lane === 0 || address.lane === 1);
  if (!adjacent && k.simt) return k.store(k.share(valueOf(k, address)), k.widened(word, "vector"));
  if (!adjacent) throw new InternalError("a result's neighbours are not adjacent");
  k.store(k.share(address.base), isOnePlace(position) ? word : k.widened(word, "vector"));
}
