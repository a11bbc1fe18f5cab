import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr, Width } from "../../ir/kernel/nodes.js";
import { countOf } from "../static-shape.js";
import { affine, type Coordinate, type Position, split } from "./coordinate.js";

export interface Walk {
  /** Axes of the space, those of size 1 left out; a space of one axis is walked flat. */
  readonly space: readonly number[];
  /** Asked for; fewer are made of a small space. */
  readonly groups: number;
  /** Whether places may be computed twice: then the last vector of a line overlaps the one before it instead of a scalar tail. */
  readonly repeatable: boolean;
  /** Whether vectors are possible at all (functions with loops of their own are scalar). */
  readonly vectors: boolean;
}

/** Visits every place of a space, with vectors along its last axis. Gives the number of groups. Places of one group are written by no other. */
export function walk(k: KernelBuilder, { space, groups, repeatable, vectors }: Walk, visit: (position: Position, width: Width) => void): number {
  const count = countOf(space);
  if (count === 0) return 1;
  if (space.length === 0) {
    visit({ shape: [], at: [] }, "scalar");
    return 1;
  }
  if (k.simt) return walkLanes(k, space, count, vectors, visit);
  const columns = space.at(-1)!;
  const rows = count / columns;
  const rowGroups = Math.min(rows, groups);
  const wanted = Math.max(1, Math.floor(groups / rowGroups));
  const step = vectors ? k.lanes : 1;
  const piece = Math.ceil(columns / wanted / step) * step;
  const pieces = Math.ceil(columns / piece);
  const perGroup = Math.ceil(rows / rowGroups);
  const runs = Math.ceil(rows / perGroup);

  const line = (lead: readonly Coordinate[], part: KernelExpr): void => {
    const place = (i: KernelExpr, width: Width, multiple: number): void =>
      visit({ shape: space, at: [...lead, affine(k, i, width === "vector" ? 1 : 0, multiple)] }, width);
    const whole = vectors ? columns - (columns % k.lanes) : 0;
    const from = k.share(k.multiply(part, piece));
    const to = (end: number): KernelExpr => (pieces === 1 ? k.integer(end) : k.share(k.min(k.add(from, piece), end)));
    if (vectors) k.loop(from, to(whole), k.lanes, (i) => place(i, "vector", k.lanes), "i");
    if (whole === columns) return;
    if (!vectors) {
      k.loop(from, to(columns), 1, (i) => place(i, "scalar", 1), "i");
      return;
    }
    const rest = (): void => {
      const last = columns - (pieces - 1) * piece;
      if (repeatable && last >= k.lanes) place(k.integer(columns - k.lanes), "vector", 1);
      else k.loop(whole, columns, 1, (i) => place(i, "scalar", 1), "i");
    };
    if (pieces === 1) rest();
    else k.when(k.compare("equal", part, pieces - 1), rest);
  };

  const lines = (row: KernelExpr, part: KernelExpr): void => line(unravelled(k, affine(k, row), space.slice(0, -1)), part);
  const group = runs * pieces === 1 ? k.integer(0) : k.group();
  const part = k.share(k.remainder(group, pieces));
  const run = k.share(k.divide(group, pieces));
  if (rows === 1) line([...space.slice(0, -1)].map(() => affine(k, 0)), part);
  else {
    const first = k.share(k.multiply(run, perGroup));
    const last = runs * perGroup === rows ? k.share(k.add(first, perGroup)) : k.share(k.min(k.add(first, perGroup), rows));
    k.loop(first, last, 1, (row) => lines(row, part), "row");
  }
  return runs * pieces;
}

/** A lane for each place, or (`vectors` false) a group. */
function walkLanes(k: KernelBuilder, space: readonly number[], count: number, vectors: boolean, visit: (position: Position, width: Width) => void): number {
  const at = (flat: Coordinate): Position => ({ shape: space, at: unravelled(k, flat, space) });
  if (!vectors) {
    visit(at(affine(k, count === 1 ? 0 : k.group())), "scalar");
    return count;
  }
  const groups = Math.ceil(count / k.lanes);
  const from = groups === 1 ? k.integer(0) : k.share(k.multiply(k.group(), k.lanes));
  k.lanesBelow(from, count, () => visit(at(affine(k, from, 1, k.lanes)), "vector"));
  return groups;
}

/** Coordinates of element `flat` of a row-major space. */
export function unravelled(k: KernelBuilder, flat: Coordinate, shape: readonly number[]): Coordinate[] {
  const at: Coordinate[] = shape.map(() => affine(k, 0));
  let rest = flat;
  for (let axis = shape.length - 1; axis > 0; axis--) {
    const [quotient, remainder] = split(k, rest, shape[axis]!);
    at[axis] = remainder;
    rest = quotient;
  }
  if (shape.length > 0) at[0] = rest;
  return at;
}

/** Axes of a shape that are longer than 1. */
export function longAxes(shape: readonly number[]): number[] {
  return shape.flatMap((dim, axis) => (dim === 1 ? [] : [axis]));
}
