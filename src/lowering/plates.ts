import type { Plate } from "../ir/model/model.js";
import { InternalError } from "../util/internal-error.js";
import type { LoweringContext } from "./context.js";
import { aligned, canonical, eventShape, expanded, isPlateAxis, plateAxis, ROWS, type AxisName, type Value } from "./value.js";

export function declarePlate(context: LoweringContext, plate: Plate): AxisName {
  context.plates.set(plateAxis(plate.name), plate);
  return context.space.declare(plateAxis(plate.name), plate.size);
}

/** `x[t + offset]`: the first axis of the shape becomes the plate's; steps outside the array read as zeros. Arrays count from 1. */
export function stepInto(context: LoweringContext, target: Value, plate: Plate, offset: number): Value {
  return withSoft(target, (value) => stepIntoArray(context, value, plate, offset));
}

/** The same of a value and of the one-hot vectors that stand for it. */
export function withSoft(value: Value, make: (part: Value) => Value): Value {
  const made = make({ node: value.node, axes: value.axes });
  return value.soft ? { ...made, soft: make({ node: value.soft, axes: value.axes }).node } : made;
}

function stepIntoArray(context: LoweringContext, target: Value, plate: Plate, offset: number): Value {
  const { b, space } = context;
  const at = target.axes.length;
  const length = target.node.shape[at];
  if (typeof length !== "number") throw new InternalError("a stepped array has no fixed length");
  const start = plate.from + offset - 1;
  const before = Math.max(0, -start);
  const after = Math.max(0, start + plate.size - length);
  const zeros = target.node.shape.map(() => 0);
  const padded = b.pad(target.node, zeros.map((zero, axis) => (axis === at ? before : zero)), zeros.map((zero, axis) => (axis === at ? after : zero)));
  const part = b.sliceAxis(padded, at, start + before, plate.size);
  return canonical(b, space, part, [...target.axes, declarePlate(context, plate)]);
}

/** A value of plates as an array: their axes, in this order, become the first of its shape. Those that a loop is in are none of it. */
export function arrayOverPlates(context: LoweringContext, value: Value, plates: readonly Plate[]): Value {
  return withSoft(value, (part) => plateArray(context, part, plates));
}

function plateArray(context: LoweringContext, value: Value, plates: readonly Plate[]): Value {
  const { b, space } = context;
  const over = plates.map((plate) => declarePlate(context, plate));
  const lead = value.axes.filter((axis) => !isPlateAxis(axis) || !over.includes(axis));
  const all = space.sort([...lead, ...over]);
  const full = expanded(b, space, value, all);
  const event = eventShape(value).map((_, axis) => all.length + axis);
  const axes = all.filter((axis) => !over.includes(axis));
  return { node: b.transpose(full, [...[...axes, ...over].map((axis) => all.indexOf(axis)), ...event]), axes };
}

/** [rows] × steps, bool: whether a row has a step of the plate, where rows have lengths of their own. Undefined where they have not. */
export function rowMask(context: LoweringContext, plate: Plate): Value | undefined {
  if (plate.length === undefined) return undefined;
  return context.fromOutside((outer) => {
    const { b, space } = outer;
    const length = outer.inputColumn(plate.length!);
    const steps = b.add(b.cast(b.iota(plate.size), "f32"), plate.from);
    return canonical(b, space, b.greaterEqual(b.expandDims(length.node, [1]), steps), [ROWS, declarePlate(outer, plate)]);
  });
}

/** A value that is 0 at the steps which a row does not have. What stood there, NaN included, has no part in it. */
export function maskedRows(context: LoweringContext, value: Value): Value {
  const { b, space } = context;
  return value.axes.reduce((current, axis) => {
    const plate = context.plates.get(axis);
    const mask = plate && rowMask(context, plate);
    if (!mask) return current;
    const axes = space.sort([...current.axes, ...mask.axes]);
    const rank = eventShape(current).length;
    const flag = aligned(b, { node: b.reshape(mask.node, [...mask.node.shape, ...new Array<number>(rank).fill(1)]), axes: mask.axes }, axes, rank);
    const node = aligned(b, current, axes, rank);
    return { node: b.select(flag, node, b.operand(0, node.dtype)), axes };
  }, value);
}
