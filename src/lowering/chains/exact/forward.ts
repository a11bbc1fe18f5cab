import type { SummedLayout, SummedVariable } from "../../../ir/model/summed-chains.js";
import type { TensorNode } from "../../../ir/tensor/nodes.js";
import type { LoweringContext } from "../../context.js";
import { addValues, aligned, type AxisName, type AxisSpace, canonical, expanded, unionAxes, type Value } from "../../value.js";
import { atPlace, loopValues, type Place } from "./loop-values.js";
import { alongChain, classAxis, lagAxis, maskedPiece, type Piece, wholePiece } from "./pieces.js";

/** How a variable is eliminated: summed, or by its most probable value. */
export type Elimination = "logsumexp" | "max";

/** One position of the chain, from which the steps of the pass the other way are made: what was known before it, and its factors. */
export interface ForwardStep {
  readonly position: number;
  readonly before: Value | undefined;
  readonly factors: readonly Value[];
}

export interface ForwardPass {
  /** log of what was eliminated, along all axes but those of the chain. */
  readonly total: Value;
  /** Over the labels of the last positions. */
  readonly last: Value;
  /** Positions before the loop and behind it, in the order of the pass. */
  readonly prefix: readonly ForwardStep[];
  readonly suffix: readonly ForwardStep[];
  readonly loop: LoopStretch | undefined;
}

/** The positions of a loop. */
export interface LoopStretch {
  readonly from: number;
  readonly size: number;
  /** [steps, …]: the carried table as each step found it, with these axes. */
  readonly before: { readonly node: TensorNode; readonly axes: readonly AxisName[] };
  readonly pieces: readonly LoopPiece[];
}

export interface LoopPiece {
  readonly value: Value;
  readonly mask?: Value;
  readonly otherwise?: Value;
}

/** Positions that are written out instead of being steps of the loop, on each side. */
const mostWrittenOut = 8;

/**
 * The forward algorithm (Rabiner 1989; Koller & Friedman 2009, chapter 13, for several variables): a loop over the positions of the chain, whose carried table has the
 * labels of as many positions as densities look back. At each step the oldest are eliminated, the smallest table first: with one variable of K labels that looks back once, K²
 * additions. The table is normalized at each step, so that it holds in float32 however long the chain is. `pieces` are the factors with labels of the chain.
 */
export function forwardPass(context: LoweringContext, layout: SummedLayout, pieces: readonly Piece[], how: Elimination = "logsumexp", checkpoint?: number | "sqrt"): ForwardPass {
  const { b, space } = context;
  const chain = layout.chain!;
  const chained = layout.variables.filter(({ depth }) => depth > 0);
  const [low, high] = [chain.from, chain.from + chain.size - 1];
  const [from, to] = loopRange(layout, pieces);
  const down = layout.direction === "down";
  const positions = (first: number, last: number): number[] => Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  const [ahead, behind] = down ? [positions(to + 1, high).reverse(), positions(low, from - 1).reverse()] : [positions(low, from - 1), positions(to + 1, high)];

  // What is not there yet is uniform: `constant` holds its logarithm, as long as no table has its axis.
  let constant = -chained.reduce((total, variable) => total + variable.depth * Math.log(count(space, variable)), 0);
  let table: Value | undefined;
  const totals: Value[] = [];
  const take = (factors: readonly Value[]): void => {
    const made = eliminateOldest(context, chained, [...(table ? [table] : []), ...factors], how);
    constant += made.absent;
    const { normalized, total } = normalize(context, chained, made.table, how);
    table = normalized;
    totals.push(total);
  };
  const writtenOut = (position: number): ForwardStep => {
    const factors = pieces.filter((piece) => piece.from <= position && position <= piece.to).map((piece) => atPosition(context, layout, piece, position));
    const step = { position, before: table, factors };
    take(factors);
    return step;
  };
  const prefix = ahead.map(writtenOut);

  const loopPieces = pieces.flatMap((piece) => stretched(context, layout, piece, from, to));
  const values = loopPieces.flatMap(({ value, mask, otherwise }) => [value, ...(mask ? [mask] : []), ...(otherwise ? [otherwise] : [])]);
  const windows = chained.flatMap(({ site, depth }) => Array.from({ length: depth }, (_, back) => lagAxis(site.name, back + 1)));
  const isOwn = (axis: AxisName): boolean => chained.some(({ site, depth }) => Array.from({ length: depth + 1 }, (_, lag) => lagAxis(site.name, lag)).includes(axis));
  const axes = space.sort([...(table as Value | undefined)?.axes ?? [], ...windows, ...unionAxes(space, values).filter((axis) => !isOwn(axis) && axis !== classAxis(chain))]);
  const first = { node: b.add(table ? expanded(b, space, table, axes) : b.full(0, space.dims(axes)), constant), axes };
  constant = 0;
  const given = pieceValues(context, layout, loopPieces, from, to - from + 1);
  const made = b.loop({
    steps: to - from + 1, reverse: down, carries: [first.node], invariants: given.invariants, scans: given.scans, checkpoint,
    body: (inner, step) => {
      const place = { b: inner, space };
      const factors = given.factors(place, step);
      const next = eliminateOldest(place, chained, [{ node: step.carries[0]!, axes }, ...factors], how);
      const { normalized, total } = normalize(place, chained, next.table, how);
      return { carries: [expanded(inner, space, normalized, axes)], stacks: [expanded(inner, space, total, axes.filter((axis) => !windows.includes(axis)))] };
    },
  });
  table = { node: made.carries[0]!, axes };
  totals.push({ node: b.sum(made.stacks[0]!, [0]), axes: axes.filter((axis) => !windows.includes(axis)) });
  const suffix = behind.map(writtenOut);
  const { total } = normalize(context, chained, table, how);
  const loop = checkpoint === undefined ? { from, size: to - from + 1, before: { node: made.histories[0]!, axes }, pieces: loopPieces } : undefined;
  return { total: addValues(b, space, [...totals, total, { node: b.scalar(constant), axes: [] }]), last: table, prefix, suffix, loop };
}

const count = (space: AxisSpace, { site }: SummedVariable): number => space.size(lagAxis(site.name, 0)) as number;

/** The positions at which nothing that is the same at all of them begins or ends; all, where too many would be left. */
function loopRange(layout: SummedLayout, pieces: readonly Piece[]): readonly [number, number] {
  const chain = layout.chain!;
  const end = chain.from + chain.size - 1;
  const steady = pieces.filter(({ value, from, to }) => !value.axes.includes(classAxis(chain)) && from < to);
  const from = Math.max(chain.from, ...steady.map((piece) => piece.from));
  const to = Math.min(end, ...steady.map((piece) => piece.to));
  return from <= to && from - chain.from <= mostWrittenOut && end - to <= mostWrittenOut ? [from, to] : [chain.from, end];
}

/** Eliminates the oldest positions of a pool of factors and makes every other one step older; `absent` stands for variables that no factor has. */
function eliminateOldest(place: Place, chained: readonly SummedVariable[], factors: readonly Value[], how: Elimination): { readonly table: Value; readonly absent: number } {
  const { b, space } = place;
  let pool = [...factors];
  let absent = 0;
  const pending = chained.map((variable) => ({ axis: lagAxis(variable.site.name, variable.depth), count: count(space, variable) }));
  while (pending.length > 0) {
    const size = (axis: AxisName): number => unionAxes(space, pool.filter((factor) => factor.axes.includes(axis))).reduce((product, each) => (typeof space.size(each) === "number" ? product * (space.size(each) as number) : product), 1);
    const next = pending.reduce((best, each) => (size(each.axis) < size(best.axis) ? each : best));
    pending.splice(pending.indexOf(next), 1);
    const involved = pool.filter((factor) => factor.axes.includes(next.axis));
    if (involved.length === 0) {
      absent += how === "max" ? 0 : Math.log(next.count);
      continue;
    }
    pool = pool.filter((factor) => !involved.includes(factor));
    const joint = addValues(b, space, involved);
    pool.push({ node: b.reduce(how, joint.node, [joint.axes.indexOf(next.axis)]), axes: joint.axes.filter((axis) => axis !== next.axis) });
  }
  const joint = addValues(b, space, pool);
  const older = new Map(chained.flatMap(({ site, depth }) => Array.from({ length: depth }, (_, lag) => [lagAxis(site.name, lag), lagAxis(site.name, lag + 1)] as const)));
  return { table: canonical(b, space, joint.node, joint.axes.map((axis) => older.get(axis) ?? axis)), absent };
}

/** A table over labels without its logarithm of the sum (its maximum), which stands beside it. */
function normalize({ b, space }: Place, chained: readonly SummedVariable[], table: Value, how: Elimination): { readonly normalized: Value; readonly total: Value } {
  const isLabel = (axis: AxisName): boolean => chained.some(({ site, depth }) => Array.from({ length: depth }, (_, back) => lagAxis(site.name, back + 1)).includes(axis));
  const over = table.axes.flatMap((axis, at) => (isLabel(axis) ? [at] : []));
  const sum = b.reduce(how, table.node, over);
  // Where no label is possible the table stays −∞, and so does the evidence.
  const total: Value = { node: b.select(b.unary("is_finite", sum), sum, 0), axes: table.axes.filter((axis) => !isLabel(axis)) };
  return { normalized: { node: b.subtract(table.node, aligned(b, total, table.axes, 0)), axes: table.axes }, total };
}

/** A factor at one position that is written out. */
function atPosition(context: LoweringContext, { chain }: SummedLayout, { value, mask, otherwise }: Piece, position: number): Value {
  const at = (given: Value): Value => atPlace(context, given, classAxis(chain!), position - chain!.from);
  return mask ? maskedPiece(context, at(value), at(mask), otherwise) : at(value);
}

/** A piece as the loop over these positions sees it; none where it does not stand there. */
function stretched(context: LoweringContext, layout: SummedLayout, piece: Piece, from: number, to: number): readonly LoopPiece[] {
  const chain = layout.chain!;
  if (piece.from === -Infinity || piece.to < from || piece.from > to) return [];
  const steady = piece.from <= from && to <= piece.to;
  const value = steady ? piece.value : wholePiece(context, piece, chain);
  return [{ value, ...(steady && piece.mask ? { mask: alongChain(context, piece.mask, chain), ...(piece.otherwise ? { otherwise: piece.otherwise } : {}) } : {}) }];
}

/** What a loop over the pieces is given, and its factors at a step. */
export function pieceValues(place: Place, { chain }: SummedLayout, pieces: readonly LoopPiece[], from: number, size: number) {
  const all = loopValues(place, pieces.flatMap(({ value, mask, otherwise }) => [value, ...(mask ? [mask] : []), ...(otherwise ? [otherwise] : [])]), classAxis(chain!), from - chain!.from, size);
  const factors = (inside: Place, step: Parameters<typeof all.within>[0]): readonly Value[] => {
    const values = [...all.within(step)];
    return pieces.map(({ mask, otherwise }) => {
      const value = values.shift()!;
      const own = mask && values.shift()!;
      return own ? maskedPiece(inside, value, own, otherwise && values.shift()!) : value;
    });
  };
  return { ...all, factors };
}
