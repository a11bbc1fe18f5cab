import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { cardinality, type Support } from "../types/support.js";

/** Values of a finite support in ascending order, [n]: i32 for `index`, f32 for `binary` and `byte`, as the values of those types are. undefined where infinite. */
export function enumerate(b: TensorBuilder, support: Support): TensorNode | undefined {
  const size = cardinality(support);
  if (size === undefined) return undefined;
  return support.kind === "index" ? b.iota(size) : b.cast(b.iota(size), "f32");
}

/** How many joint values a site of `elements` independent elements has; Infinity where the support is infinite. */
export function jointCardinality(support: Support, elements: number): number {
  const size = cardinality(support);
  return size === undefined ? Infinity : size ** elements;
}
