import type { Site } from "../ir/model/model.js";
import type { LoweringContext } from "./context.js";
import { stepInto } from "./plates.js";
import type { Value } from "./value.js";

/** The data of an observed site, one value at each step of its plates. */
export function observedValue(context: LoweringContext, site: Site): Value {
  return site.plates.reduce((value, plate) => stepInto(context, value, plate, 0), context.inputColumn(site.name));
}

/**
 * The data of a partly observed site. A missing value is −1 (labels, counts) or NaN (continuous) in the data; `value` holds a harmless
 * stand-in there, so that no NaN enters a product. A vector is observed or missing as a whole, which its first element tells: the data check refuses
 * rows that are missing in part (LVM7027).
 */
export function observedColumn(context: LoweringContext, site: Site): { value: Value; observed: Value } {
  const { b } = context;
  const raw = observedValue(context, site);
  const discrete = raw.node.dtype === "i32" || ["binary", "count", "byte"].includes(site.type.support.kind);
  const present = discrete ? b.greaterEqual(raw.node, 0) : b.unary("is_finite", raw.node);
  const inside = site.type.support.kind === "positive" || site.type.support.kind === "unit" ? 0.5 : 0;
  const value = { node: b.select(present, raw.node, b.operand(inside, raw.node.dtype)), axes: raw.axes };
  const flags = b.cast(present, "f32");
  const rank = flags.shape.length - raw.axes.length;
  const first = b.reshape(b.slice(flags, flags.shape.map(() => 0), flags.shape.map((dim, axis) => (axis < raw.axes.length ? dim : 1))), flags.shape.slice(0, flags.shape.length - rank));
  return { value, observed: { node: first, axes: raw.axes } };
}
