import type { Site } from "../ir/model/model.js";
import { cardinality } from "../types/support.js";
import { elementCount } from "../types/type.js";
import { InternalError } from "../util/internal-error.js";
import type { LoweringContext } from "./context.js";
import type { AxisName, Value } from "./value.js";

/** How many values a finite site has at one step; of one with a shape all elements together. */
export function labelCount({ name, type }: Pick<Site, "name" | "type">): number {
  const values = cardinality(type.support);
  if (values === undefined) throw new InternalError(`${name} is not finite`);
  return values ** elementCount(type);
}

/** The labels of a finite site along an axis of their own; a site with a shape is enumerated jointly. */
export function labels(context: LoweringContext, site: Pick<Site, "name" | "type">, axis: AxisName): Value {
  const { b, space } = context;
  const count = labelCount(site);
  const values = cardinality(site.type.support)!;
  const elements = elementCount(site.type);
  space.declare(axis, count);
  const dtype = site.type.support.kind === "index" ? "i32" : "f32";
  if (site.type.shape.length === 0) {
    const iota = b.iota(values);
    return { node: dtype === "i32" ? iota : b.cast(iota, "f32"), axes: [axis], labelsOf: axis };
  }
  const digits = Array.from({ length: count * elements }, (_, at) => Math.floor(Math.floor(at / elements) / values ** (elements - 1 - (at % elements))) % values);
  return { node: b.constant(digits, [count, ...site.type.shape.map((size) => size.value)], dtype), axes: [axis] };
}
