import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Dim, Shape, TensorNode } from "../ir/tensor/nodes.js";
import { InternalError } from "../util/internal-error.js";

/**
 * A value with the axes that the compiler added in front: the node's shape is [one dim for each of `axes`, …the user's shape]. The user
 * writes the model for one row; rows, plates, draws and the values of enumerated sites are axes here, and only those on which a value
 * really depends are present.
 */
export interface Value {
  readonly node: TensorNode;
  /** In canonical order (see `AxisSpace`). */
  readonly axes: readonly AxisName[];
  /** Set when the value is exactly the labels 0 … K−1 along this (enumeration) axis: then `table[k]` is a relabelling. */
  readonly labelsOf?: AxisName;
  /** A relaxed one-hot vector [...axes, ...shape, K] that stands for the index wherever gradients must pass. */
  readonly soft?: TensorNode;
}

/** `samples`, `enum:k`, `rows`, `plate:t`. */
export type AxisName = string;

export const ROWS: AxisName = "rows";
export const SAMPLES: AxisName = "samples";
export const plateAxis = (name: string): AxisName => `plate:${name}`;
export const enumAxis = (site: string): AxisName => `enum:${site}`;
export const isPlateAxis = (axis: AxisName): boolean => axis.startsWith("plate:");
export const isEnumAxis = (axis: AxisName): boolean => axis.startsWith("enum:");

/** The axes of one program: their sizes and their order (draws, enumerated sites, rows, plates). */
export class AxisSpace {
  private readonly sizes = new Map<AxisName, Dim>();
  private readonly order: AxisName[] = [];

  constructor(rows: Dim) {
    this.declare(ROWS, rows);
  }

  declare(axis: AxisName, size: Dim): AxisName {
    if (!this.sizes.has(axis)) this.order.push(axis);
    this.sizes.set(axis, size);
    return axis;
  }

  size(axis: AxisName): Dim {
    const size = this.sizes.get(axis);
    if (size === undefined) throw new InternalError(`unknown axis ${axis}`);
    return size;
  }

  private rank(axis: AxisName): number {
    const group = axis === SAMPLES ? 0 : isEnumAxis(axis) ? 1 : axis === ROWS ? 2 : 3;
    return group * 10_000 + this.order.indexOf(axis);
  }

  sort(axes: Iterable<AxisName>): AxisName[] {
    return [...new Set(axes)].sort((a, b) => this.rank(a) - this.rank(b));
  }

  dims(axes: readonly AxisName[]): Dim[] {
    return axes.map((axis) => this.size(axis));
  }
}

/** The user's part of a value's shape. */
export function eventShape(value: Value): Shape {
  return value.node.shape.slice(value.axes.length);
}

export function unionAxes(space: AxisSpace, values: readonly Value[]): AxisName[] {
  return space.sort(values.flatMap((value) => value.axes));
}

/**
 * The node of a value made ready to broadcast against others: its axes in the places of `axes` (size 1 where it lacks one) and its own
 * shape padded with 1s in front up to `eventRank`. Leading 1s are left away: NumPy's rule supplies them.
 */
export function aligned(b: TensorBuilder, value: Value, axes: readonly AxisName[], eventRank: number): TensorNode {
  const event = eventShape(value);
  const shape: Dim[] = [];
  let at = 0;
  for (const axis of axes) shape.push(value.axes.includes(axis) ? value.node.shape[at++]! : 1);
  if (at !== value.axes.length) throw new InternalError(`axes ${value.axes.join()} are not among ${axes.join()}`);
  for (let i = event.length; i < eventRank; i++) shape.push(1);
  shape.push(...event);
  // Leading 1s that stand for absent axes or padding carry nothing; those of the user's own shape stay.
  let drop = 0;
  const added = shape.length - event.length;
  while (drop < added && shape[drop] === 1) {
    const axis = axes[drop];
    if (axis !== undefined && value.axes.includes(axis)) break;
    drop++;
  }
  return b.reshape(value.node, shape.slice(drop));
}

/** The node of a value broadcast to full size along all of `axes`. */
export function expanded(b: TensorBuilder, space: AxisSpace, value: Value, axes: readonly AxisName[]): TensorNode {
  const event = eventShape(value);
  return b.broadcast(aligned(b, value, axes, event.length), [...space.dims(axes), ...event]);
}

/** A value from a node whose leading axes are named in any order: put into canonical order. */
export function canonical(b: TensorBuilder, space: AxisSpace, node: TensorNode, axes: readonly AxisName[]): Value {
  const sorted = space.sort(axes);
  if (sorted.length !== axes.length) throw new InternalError(`axes repeat: ${axes.join()}`);
  const rest = node.shape.slice(axes.length).map((_, i) => axes.length + i);
  return { node: b.transpose(node, [...sorted.map((axis) => axes.indexOf(axis)), ...rest]), axes: sorted };
}

/** Sums a value over some of its compiler axes. */
export function sumAxes(b: TensorBuilder, value: Value, drop: (axis: AxisName) => boolean): Value {
  const over = value.axes.flatMap((axis, at) => (drop(axis) ? [at] : []));
  if (over.length === 0) return value;
  return { node: b.sum(value.node, over), axes: value.axes.filter((axis) => !drop(axis)) };
}

/** Elementwise sum of values that have no shape of their own but compiler axes. */
export function addValues(b: TensorBuilder, space: AxisSpace, values: readonly Value[]): Value {
  if (values.length === 0) return { node: b.scalar(0), axes: [] };
  const axes = unionAxes(space, values);
  return { node: b.addAll(values.map((value) => aligned(b, value, axes, 0))), axes };
}

export function multiplyValues(b: TensorBuilder, space: AxisSpace, left: Value, right: Value): Value {
  const axes = unionAxes(space, [left, right]);
  return { node: b.multiply(aligned(b, left, axes, 0), aligned(b, right, axes, 0)), axes };
}
