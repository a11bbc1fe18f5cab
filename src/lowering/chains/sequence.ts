import type { Plate } from "../../ir/model/model.js";
import type { Dim, Shape, TensorNode } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import type { LoweringContext } from "../context.js";
import { isLoweredDistribution, type LoweredDistribution, mapArguments } from "../lowered-distribution.js";
import { asNumber } from "../elementwise.js";
import { declarePlate } from "../plates.js";
import { aligned, canonical, eventShape, plateAxis, type Value } from "../value.js";

/** A value at one position, before the chain's own. */
export interface Start<T> {
  readonly position: number;
  readonly value: T;
}

/** The values of a chain's steps behind those of its starts (or before them, where it goes down), along the plate of all positions. */
export function sequenceValue(context: LoweringContext, own: Plate, chain: Plate, steps: Value, starts: readonly Start<Value>[]): Value {
  const { b, space } = context;
  const alongChain = plateAxis(chain.name);
  const parts = [...starts.map(({ value }) => value), steps].map((value) => (starts.some((start) => start.value.node.dtype !== steps.node.dtype) ? asNumber(context, value) : value));
  const axes = space.sort(parts.flatMap((part) => part.axes.filter((axis) => axis !== alongChain)));
  const event = parts.map(eventShape).reduce(broadcastShape);
  const laid = parts.map((part, at): TensorNode => {
    const size = at < starts.length ? 1 : chain.size;
    const full = [...axes, ...(part.axes.includes(alongChain) ? [alongChain] : [])];
    const order = space.sort(full);
    const node = b.broadcast(aligned(b, part, order, event.length), [...space.dims(order), ...event]);
    const last = order.indexOf(alongChain);
    if (last < 0) return b.broadcast(b.reshape(node, [...space.dims(axes), 1, ...event]), [...space.dims(axes), size, ...event]);
    const rest = event.map((_, axis) => order.length + axis);
    return b.transpose(node, [...order.map((_, axis) => axis).filter((axis) => axis !== last), last, ...rest]);
  });
  const before = laid.slice(0, -1);
  const whole = b.concatenate(chain.chain === "down" ? [laid.at(-1)!, ...before] : [...before, laid.at(-1)!], axes.length);
  return canonical(b, space, whole, [...axes, declarePlate(context, own)]);
}

function broadcastShape(left: Shape, right: Shape): Dim[] {
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, at): Dim => {
    const [a, c] = [left[left.length - rank + at] ?? 1, right[right.length - rank + at] ?? 1];
    if (a !== c && a !== 1 && c !== 1) throw new InternalError(`values of a sequence have shapes ${left.join("×")} and ${right.join("×")}`);
    return a === 1 ? c : a;
  });
}

/** The distribution of all positions: its arguments are those of the starts, then those of the steps. */
export function sequenceDistribution(context: LoweringContext, own: Plate, chain: Plate, steps: LoweredDistribution, starts: readonly Start<LoweredDistribution>[]): LoweredDistribution {
  const args: Record<string, Value | LoweredDistribution> = {};
  for (const [name, arg] of Object.entries(steps.args)) {
    const others = starts.map(({ position, value }) => ({ position, value: value.args[name] }));
    if (isLoweredDistribution(arg)) {
      args[name] = sequenceDistribution(context, own, chain, arg, others as Start<LoweredDistribution>[]);
      continue;
    }
    const values = others as Start<Value>[];
    const same = values.every(({ value }) => value.node === arg.node) && arg.axes.length === 0;
    args[name] = same ? arg : sequenceValue(context, own, chain, arg, values);
  }
  return { ...steps, args, axes: context.space.sort(Object.values(args).flatMap((arg) => arg.axes)) };
}

/** A value whose plates have other names: the guide's loops for the model's. */
export function renamed(context: LoweringContext, value: Value, from: readonly Plate[], to: readonly Plate[]): Value {
  if (from.every((plate, at) => plate.name === to[at]!.name) || !from.some((plate) => value.axes.includes(plateAxis(plate.name)))) return value;
  const names = new Map(from.map((plate, at) => [plateAxis(plate.name), declarePlate(context, to[at]!)]));
  const axes = value.axes.map((axis) => names.get(axis) ?? axis);
  const made = canonical(context.b, context.space, value.node, axes);
  return { ...made, ...(value.labelsOf ? { labelsOf: value.labelsOf } : {}), ...(value.soft ? { soft: canonical(context.b, context.space, value.soft, axes).node } : {}) };
}

export function renamedDistribution(context: LoweringContext, lowered: LoweredDistribution, from: readonly Plate[], to: readonly Plate[]): LoweredDistribution {
  if (from.every((plate, at) => plate.name === to[at]!.name)) return lowered;
  return mapArguments(context, lowered, (arg) => renamed(context, arg, from, to));
}
