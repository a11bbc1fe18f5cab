import { textOf } from "../../diagnostics/span.js";
import type { Expr } from "../../ir/model/model.js";
import { real } from "../../types/support.js";
import { sameShape, sizeOf, type Size, type Type } from "../../types/type.js";
import type { Context } from "../context.js";
import { reportShapeMismatch, type SizeOrigin } from "../shape-messages.js";
import type { BoundCall } from "./function-rule.js";

/** The type of `real` with these sizes. */
export function realOf(shape: readonly Size[]): Type {
  return { support: real, shape };
}

/** A size that a call makes: messages say `dense(400)` gave it. */
export function madeBy(call: BoundCall, value: number, text?: string): Size {
  return sizeOf(value, text, { subject: textOf(call.callee), span: call.callee } satisfies SizeOrigin);
}

/** The common shape of two operands: equal, or one is a single number. */
export function commonShape(context: Context, left: Expr, right: Expr, operation: string): readonly Size[] | undefined {
  if (left.type.shape.length === 0) return right.type.shape;
  if (right.type.shape.length === 0 || sameShape(left.type, right.type)) return left.type.shape;
  reportShapeMismatch(context, {
    span: right.origin,
    actual: right.type,
    expected: left.type,
    message: `shape mismatch in \`${operation}\``,
    wanted: { span: left.origin, text: `this has ${left.type.shape.length === 1 ? left.type.shape[0]!.value : `[${left.type.shape.map((size) => size.value).join(", ")}]`}` },
    notes: ["only a single number broadcasts; other shapes must be equal"],
  });
  return undefined;
}

/** A message about the number of axes. */
export function wrongRank(call: BoundCall, arg: Expr, needs: string, help: string): undefined {
  const rank = arg.type.shape.length;
  call.context.error({
    code: "LVM3024",
    message: `\`${call.name}\` needs ${needs}`,
    span: arg.origin,
    label: rank === 0 ? "this is a single number" : `this has ${rank === 1 ? "one axis" : `${rank} axes`}: [${arg.type.shape.map((size) => size.value).join(", ")}]`,
    help,
  });
  return undefined;
}

/** An axis counted from 1 or from the end, as a position from 0. `room`: how many more places than axes there are (1 for `stack`). */
export function resolveAxis(call: BoundCall, name: string, rank: number, room = 0): number | undefined {
  const axis = call.numbers[name];
  if (axis === undefined) return undefined;
  const places = rank + room;
  const at = axis < 0 ? places + axis : axis - 1;
  if (axis !== 0 && at >= 0 && at < places) return at;
  call.context.error({
    code: "LVM3023",
    message: `axis ${axis} does not exist`,
    span: call.at(name),
    label: places === 0 ? "the value is a single number" : `axes go from 1 to ${places}`,
    help: places === 0 ? "leave `axis` out" : `axes count from 1, or from the end as -1; \`axis = ${Math.min(Math.max(1, Math.abs(axis)), places)}\``,
  });
  return undefined;
}
