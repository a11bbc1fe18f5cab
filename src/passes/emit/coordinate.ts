import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { View } from "../templates/template.js";
import { movedBy } from "../templates/views.js";
import { countOf, stridesOf } from "../static-shape.js";

/**
 * An index along one axis. Either `base + lane · l` for lane l of a vector (`lane` 0: the same for all, a scalar), or any vector of i32.
 * `multiple` divides `base`, so that whole vectors can be seen not to straddle the rows of a reshape. `range`: bounds of the index in every lane (`end` excluded), where they say more
 * than the axis does.
 */
export type Coordinate =
  | { readonly kind: "affine"; readonly base: KernelExpr; readonly lane: number; readonly multiple: number; readonly range?: Range }
  | { readonly kind: "vector"; readonly value: KernelExpr };

export interface Range {
  readonly from: number;
  readonly end: number;
}

/** A place in a tensor of shape `shape`; row-major order makes it a place in every reshape of that tensor as well. */
export interface Position {
  readonly shape: readonly number[];
  readonly at: readonly Coordinate[];
}

/** Divides every number: what a base of 0 is a multiple of. */
const anything = 1 << 30;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

export function affine(k: KernelBuilder, base: KernelExpr | number, lane = 0, multiple = 1): Coordinate {
  const expr = k.integer(base);
  const known = expr.kind === "constant" ? (expr.value === 0 ? anything : Math.abs(expr.value)) : multiple;
  return { kind: "affine", base: expr, lane, multiple: known };
}

/** Whether all lanes have the same value. */
export function isUniform(coordinate: Coordinate): boolean {
  return coordinate.kind === "affine" && coordinate.lane === 0;
}

/** The coordinate as a value: a scalar where it is uniform, else a vector. */
export function valueOf(k: KernelBuilder, coordinate: Coordinate): KernelExpr {
  if (coordinate.kind === "vector") return coordinate.value;
  if (coordinate.lane === 0) return coordinate.base;
  const steps = coordinate.lane === 1 ? k.laneNumbers() : k.multiply(k.laneNumbers(), coordinate.lane);
  return k.share(k.add(k.widened(coordinate.base, "vector"), steps));
}

export function plus(k: KernelBuilder, a: Coordinate, b: Coordinate | number): Coordinate {
  if (typeof b === "number") {
    if (b === 0) return a;
    if (a.kind === "affine" && a.range) return { ...plus(k, { ...a, range: undefined }, b), range: { from: a.range.from + b, end: a.range.end + b } } as Coordinate;
    return a.kind === "affine" ? affine(k, k.share(k.add(a.base, b)), a.lane, gcd(a.multiple, Math.abs(b))) : { kind: "vector", value: k.share(k.add(a.value, b)) };
  }
  if (isZero(a)) return b;
  if (isZero(b)) return a;
  if (a.kind === "affine" && b.kind === "affine") return affine(k, k.share(k.add(a.base, b.base)), a.lane + b.lane, gcd(a.multiple, b.multiple));
  return { kind: "vector", value: k.share(k.add(valueOf(k, a), valueOf(k, b))) };
}

const isZero = (a: Coordinate): boolean => a.kind === "affine" && a.lane === 0 && a.base.kind === "constant" && a.base.value === 0;

export function times(k: KernelBuilder, a: Coordinate, factor: number): Coordinate {
  if (factor === 1) return a;
  if (factor === 0) return affine(k, 0);
  if (a.kind === "vector") return { kind: "vector", value: k.share(k.multiply(a.value, factor)) };
  return affine(k, k.share(k.multiply(a.base, factor)), a.lane * factor, Math.min(a.multiple * Math.abs(factor), anything));
}

/** Quotient and rest by a positive number; the coordinate is not negative. */
export function split(k: KernelBuilder, a: Coordinate, by: number): [Coordinate, Coordinate] {
  if (by === 1) return [a, affine(k, 0)];
  if (a.kind === "affine") {
    const whole = a.lane === 0 || (a.lane === 1 && a.multiple % k.lanes === 0 && by % k.lanes === 0);
    if (whole) {
      const multiple = gcd(a.multiple, by);
      const quotient = affine(k, k.share(k.divide(a.base, by)), 0, a.multiple % by === 0 ? Math.max(1, a.multiple / by) : 1);
      const rest = a.multiple % by === 0 ? affine(k, 0, a.lane) : affine(k, k.share(k.remainder(a.base, by)), a.lane, multiple);
      return [quotient, rest];
    }
  }
  const value = valueOf(k, a);
  return [{ kind: "vector", value: k.share(k.divide(value, by)) }, { kind: "vector", value: k.share(k.remainder(value, by)) }];
}

/** Where an index lies with respect to `from` … `end` − 1, as far as that is known. */
export function whereIs(a: Coordinate, from: number, end: number): "inside" | "before" | "behind" | undefined {
  if (a.kind !== "affine" || !a.range) return undefined;
  return a.range.end <= from ? "before" : a.range.from >= end ? "behind" : a.range.from >= from && a.range.end <= end ? "inside" : undefined;
}

/** Into 0 … size − 1. */
export function clamped(k: KernelBuilder, a: Coordinate, size: number): Coordinate {
  if (size === 1) return affine(k, 0);
  if (whereIs(a, 0, size) === "inside") return a;
  if (isUniform(a) && a.kind === "affine") return affine(k, k.share(k.min(k.max(a.base, 0), size - 1)));
  return { kind: "vector", value: k.share(k.min(k.max(valueOf(k, a), 0), size - 1)) };
}

/** Place in row-major order. */
export function linear(k: KernelBuilder, position: Position, strides: readonly number[] = stridesOf(position.shape)): Coordinate {
  return position.at.reduce<Coordinate>((sum, coordinate, axis) => (position.shape[axis] === 1 ? sum : plus(k, sum, times(k, coordinate, strides[axis]!))), affine(k, 0));
}

/** Word of a place in a dense tensor: what is in memory is dense, so its own shape does not matter. */
export function addressOf(k: KernelBuilder, view: View, position: Position): Coordinate {
  const within = linear(k, position);
  const moved = movedBy(k, view);
  return plus(k, moved ? plus(k, within, affine(k, moved)) : within, view.base);
}

/** The same element of the same tensor under another shape. Axes that both shapes have are passed on; the rest is divided out. */
export function reshaped(k: KernelBuilder, position: Position, shape: readonly number[]): Position {
  const from = position.shape;
  if (from.length === shape.length && from.every((dim, axis) => dim === shape[axis])) return position;
  const at: Coordinate[] = shape.map(() => affine(k, 0));
  const longFrom = from.map((_, axis) => axis).filter((axis) => from[axis] !== 1);
  const longTo = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
  if (countOf(shape) === 0) return { shape, at };
  let i = 0;
  let j = 0;
  while (i < longFrom.length && j < longTo.length) {
    // The shortest runs of axes on both sides with equal products.
    const [firstFrom, firstTo] = [i, j];
    let [a, b] = [from[longFrom[i++]!]!, shape[longTo[j++]!]!];
    while (a !== b) {
      if (a < b) a *= from[longFrom[i++]!]!;
      else b *= shape[longTo[j++]!]!;
    }
    const group = longFrom.slice(firstFrom, i);
    let rest = linear(k, { shape: group.map((axis) => from[axis]!), at: group.map((axis) => position.at[axis]!) });
    for (let axis = j - 1; axis > firstTo; axis--) {
      const [quotient, remainder] = split(k, rest, shape[longTo[axis]!]!);
      at[longTo[axis]!] = remainder;
      rest = quotient;
    }
    at[longTo[firstTo]!] = rest;
  }
  return { shape, at };
}

/** The place in an operand of shape `shape` that an elementwise operation at `position` reads (NumPy broadcasting). */
export function broadcastTo(k: KernelBuilder, position: Position, result: readonly number[], shape: readonly number[]): Position {
  if (countOf(shape) === countOf(result)) return position; // the same elements in the same order
  const skip = result.length - shape.length;
  const whole = reshaped(k, position, result);
  return { shape, at: shape.map((dim, axis) => (dim === 1 ? affine(k, 0) : whole.at[axis + skip]!)) };
}

/** Text that is equal for equal places. */
export function keyOf(position: Position): string {
  const parts = position.at.map((coordinate) =>
    coordinate.kind === "vector" ? `v${textOf(coordinate.value)}` : `${textOf(coordinate.base)}+${coordinate.lane}`);
  return `${position.shape.join(",")}@${parts.join(";")}`;
}

function textOf(value: KernelExpr): string {
  return value.kind === "name" ? value.name : value.kind === "constant" ? String(value.value) : value.kind === "group" ? "group:" : JSON.stringify(value);
}
