import { InternalError } from "../../../util/internal-error.js";
import type { LoweringContext } from "../../context.js";
import type { Value } from "../../value.js";
import type { GaussianPart, LinearSystem } from "./linear-system.js";
import { atPlace, type Place } from "./loop-values.js";
import { combined, identityMatrix, joined, rowsOf, solved, spread, times, zeros } from "./matrices.js";
import { classAxis } from "./pieces.js";

/**
 * One step of a linear-Gaussian chain: state ← F state + f + noise, noise of covariance Q = E N Eᵀ; seen = H state + d + noise of covariance R. `seen` is 1 where something is
 * observed, `goes` 0 where the row has ended.
 */
export interface LinearStep {
  readonly F: Value;
  readonly f: Value;
  readonly N: Value;
  readonly H: Value;
  readonly d: Value;
  readonly R: Value;
  readonly y: Value;
  readonly seen?: Value;
  readonly goes?: Value;
}

/** The positions of the loop: those of the chains' steps. The others are written out. */
export function stretches({ layout, transitions }: LinearSystem): { readonly from: number; readonly to: number; readonly ahead: readonly number[]; readonly behind: readonly number[] } {
  const chain = layout.chain!;
  const end = chain.from + chain.size - 1;
  const steps = transitions.filter(({ site, from, to }) => from < to || site.sequence === undefined);
  const [from, to] = [Math.max(chain.from, ...steps.map((part) => part.from)), Math.min(end, ...steps.map((part) => part.to))];
  if (from > to) throw new InternalError("the chains of one sum have no step in common");
  const positions = (first: number, last: number): number[] => Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  const [below, above] = [positions(chain.from, from - 1), positions(to + 1, end)];
  return layout.direction === "down" ? { from, to, ahead: above.reverse(), behind: below.reverse() } : { from, to, ahead: below, behind: above };
}

/** The matrices at the positions from…to, along the chain's axis where they differ (not at a single one). */
export function stepOver(context: LoweringContext, system: LinearSystem, from: number, to: number): LinearStep {
  const { layout, state, size, transitions, observations } = system;
  const chain = layout.chain!;
  const at = (value: Value): Value => (from === to ? atPlace(context, value, classAxis(chain), from - chain.from) : value);
  const newest = state.filter(({ lag }) => lag === 0);
  const fresh = newest.reduce((total, element) => total + element.size, 0);
  const own = newest.map(({ variable }) => transitions.find((part) => part.site === variable.site && part.from <= from && part.to >= to && (from === to || part.from < part.to)));
  const starts = newest.map((_, index) => newest.slice(0, index).reduce((total, element) => total + element.size, 0));

  const coefficient = (part: GaussianPart | undefined, rows: number, site: string, lag: number, columns: number): Value => {
    const found = part?.blocks.filter((each) => each.site === site && each.lag === lag) ?? [];
    return found.length === 0 ? zeros(context, rows, columns) : found.map(({ matrix }) => at(matrix)).reduce((left, right) => combined(context, "add", left, right));
  };
  const toOld = joined(context, "rows", newest.map((element, index) => joined(context, "columns", state.map(({ variable, lag, size: width }) => coefficient(own[index], element.size, variable.site.name, lag + 1, width)))));
  const offsets = joined(context, "rows", newest.map((element, index) => (own[index] ? at(own[index].offset) : zeros(context, element.size, 1))));
  // What does not exist is standard normal, and nothing reads it.
  const noises = blockDiagonal(context, newest.map((element, index) => (own[index] ? at(own[index].covariance) : identityMatrix(context, element.size))));
  const isCoupled = own.some((part) => part?.blocks.some(({ lag }) => lag === 0));
  const within = isCoupled ? joined(context, "rows", newest.map((element, index) => joined(context, "columns", newest.map(({ variable, size: width }) => coefficient(own[index], element.size, variable.site.name, 0, width))))) : undefined;
  // new = W new + M old + b + ε with W strictly lower triangular: (I − W)⁻¹ in front of everything.
  const solving = within && solved(context, combined(context, "subtract", identityMatrix(context, fresh), within), identityMatrix(context, fresh));
  const through = (value: Value): Value => (solving ? times(context, solving, value) : value);
  const noise = solving ? times(context, times(context, solving, noises), solving, { right: true }) : noises;

  const embedding = selector(context, size, fresh, newest.flatMap(({ start, size: width }, index) => Array.from({ length: width }, (_, i) => [start + i, starts[index]! + i] as const)));
  const shift = selector(context, size, size, state.filter(({ lag }) => lag > 0).flatMap(({ start, size: width }) => Array.from({ length: width }, (_, i) => [start + i, start - width + i] as const)));
  const goes = own.find((part) => part?.mask)?.mask;
  const transition = {
    F: combined(context, "add", times(context, embedding, through(toOld)), shift), f: times(context, embedding, through(offsets)), N: noise, ...(goes ? { goes: at(goes) } : {}),
  };

  const seen = observations.filter((part) => part.from <= to && part.to >= from);
  if (seen.length === 0) return { ...transition, H: zeros(context, 0, size), d: zeros(context, 0, 1), R: zeros(context, 0, 0), y: zeros(context, 0, 1) };
  const H = joined(context, "rows", seen.map((part) => joined(context, "columns", state.map(({ variable, lag, size: width }) => coefficient(part, rowsOf(part.offset), variable.site.name, lag, width)))));
  const flags = seen.map((part): Value | undefined => {
    const inside = part.from <= from && part.to >= to ? undefined : { node: context.b.constant(Array.from({ length: chain.size }, (_, index) => (index + chain.from >= part.from && index + chain.from <= part.to ? 1 : 0)), [chain.size]), axes: [classAxis(chain)] };
    const all = [...(part.mask ? [at(part.mask)] : []), ...(inside ? [spread(context, inside)] : [])];
    return all.length === 0 ? undefined : all.reduce((left, right) => combined(context, "multiply", left, right));
  });
  const ones = (part: GaussianPart): Value => ({ node: context.b.full(1, [rowsOf(part.offset), 1]), axes: [] });
  return {
    ...transition, H, d: joined(context, "rows", seen.map((part) => at(part.offset))), R: blockDiagonal(context, seen.map((part) => at(part.covariance))), y: joined(context, "rows", seen.map((part) => at(part.observed!))),
    ...(flags.some((flag) => flag) ? { seen: joined(context, "rows", seen.map((part, index) => (flags[index] ? combined(context, "multiply", flags[index], ones(part)) : ones(part)))) } : {}),
  };
}

function blockDiagonal(place: Place, blocks: readonly Value[]): Value {
  if (blocks.length === 1) return blocks[0]!;
  return joined(place, "rows", blocks.map((each, at) => joined(place, "columns", blocks.map((other, column) => (column === at ? each : zeros(place, rowsOf(each), rowsOf(other)))))));
}

/** A constant matrix with ones at these places. */
export function selector({ b }: Place, rows: number, columns: number, ones: readonly (readonly [number, number])[]): Value {
  const values = new Array<number>(rows * columns).fill(0);
  for (const [row, column] of ones) values[row * columns + column] = 1;
  return { node: b.constant(values, [rows, columns]), axes: [] };
}
