import type { TensorNode } from "../../../ir/tensor/nodes.js";
import { InternalError } from "../../../util/internal-error.js";
import type { LoweringContext } from "../../context.js";
import { addValues, type AxisName, canonical, expanded, ROWS, unionAxes, type Value } from "../../value.js";
import type { GaussianPart, LinearSystem } from "./linear-system.js";
import { atPlace, loopValues, type Place } from "./loop-values.js";
import { block, chosen, combined, diagonalOf, identityMatrix, joined, rowsOf, solved, spread, symmetric, times, transposed, zeros } from "./matrices.js";
import { classAxis } from "./pieces.js";

/**
 * One step of a linear-Gaussian chain: state ← F state + f + noise, noise of covariance Q = E N Eᵀ; seen = H state + d + noise of covariance R. `seen` is 1 where something is
 * observed, `goes` 0 where the row has ended.
 */
interface Step {
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

/** What the smoother needs of a step: predicted mean and covariance, Hᵀ S⁻¹ v, I − K H, Hᵀ S⁻¹ H, F, and the state of the simulated chain. */
export interface FilterRecord {
  readonly a: Value;
  readonly P: Value;
  readonly rhs: Value;
  readonly J: Value;
  readonly info: Value;
  readonly F: Value;
  readonly x: Value;
}

const recordNames = ["a", "P", "rhs", "J", "info", "F", "x"] as const;

export interface FilterPass {
  /** log p of what is observed, along the axes around the chain. */
  readonly total: Value;
  /** By position. */
  readonly written: ReadonlyMap<number, FilterRecord>;
  readonly loop: { readonly from: number; readonly size: number; /** [steps, …] with the axes of the values within. */ readonly records: Readonly<Record<keyof FilterRecord, { readonly node: TensorNode; readonly axes: readonly AxisName[] }>> | undefined };
}

interface State {
  /** [n, columns]: the filtered means, of the data and of simulated data. */
  readonly mean: Value;
  readonly covariance: Value;
  /** [n, 1]: the simulated state. */
  readonly simulated?: Value;
}

/**
 * The Kalman filter (Kalman 1960) as a loop over the chain's positions, in Joseph's form, which keeps covariances positive in float32. The log evidence is that of the prediction
 * errors (Schweppe 1965). With `stream` a second series is simulated from the model and filtered beside the data, for draws from the posterior (see `smoothed`).
 */
export function kalmanFilter(context: LoweringContext, system: LinearSystem, stream?: string, checkpoint?: number | "sqrt"): FilterPass {
  const { b, space } = context;
  const chain = system.layout.chain!;
  const { from, to, ahead, behind } = stretches(system);
  const axis = classAxis(chain);
  const along = stepOver(context, system, from, to);
  const entries = Object.entries(along).filter((entry): entry is [keyof Step, Value] => entry[1] !== undefined);
  const written = new Map<number, FilterRecord>();
  const single = new Map([...ahead, ...behind].map((position) => [position, stepOver(context, system, position, position)]));
  const lead = space.sort([...unionAxes(space, [...single.values(), along].flatMap((step) => Object.values(step) as Value[])), ...(stream === undefined ? [] : [ROWS])].filter((each) => each !== axis));
  const spreadAxes = space.sort([...single.values(), along].flatMap(({ F, N, H, R, seen, goes }) => [F, N, H, R, ...(seen ? [seen] : []), ...(goes ? [goes] : [])]).flatMap(({ axes }) => axes).filter((each) => each !== axis));
  const columns = stream === undefined ? 1 : 2;
  const noise = (): string => context.stream(stream!);
  let state: State = {
    mean: zeros(context, system.size, columns), covariance: identityMatrix(context, system.size),
    ...(stream === undefined ? {} : { simulated: { node: b.normal(noise(), [...space.dims(lead), system.size, 1]), axes: lead } }),
  };
  const totals: Value[] = [];
  const writtenOut = (position: number): void => {
    const made = filterStep(context, system, single.get(position)!, state, lead, stream === undefined ? undefined : [noise(), noise()]);
    state = made.state;
    totals.push(made.total);
    if (made.record) written.set(position, made.record);
  };
  ahead.forEach(writtenOut);

  const values = loopValues(context, entries.map(([, value]) => value), axis, from - chain.from, to - from + 1);
  const inside = stream === undefined ? undefined : [noise(), noise()] as const;
  const carried = { mean: lead, covariance: spreadAxes, simulated: lead };
  const kinds = stream === undefined ? (["mean", "covariance"] as const) : (["mean", "covariance", "simulated"] as const);
  const axesOfRecord = new Map<keyof FilterRecord, readonly AxisName[]>();
  const made = b.loop({
    steps: to - from + 1, reverse: system.layout.direction === "down", carries: kinds.map((kind) => expanded(b, space, state[kind]!, carried[kind])), invariants: values.invariants, scans: values.scans, checkpoint,
    body: (inner, step) => {
      const place = { b: inner, space };
      const within = values.within(step);
      const here = Object.fromEntries(entries.map(([name], at) => [name, within[at]])) as unknown as Step;
      const before = Object.fromEntries(kinds.map((kind, at) => [kind, { node: step.carries[at]!, axes: carried[kind] }])) as unknown as State;
      const { state: next, total, record } = filterStep(place, system, here, before, lead, inside);
      for (const name of recordNames) if (record) axesOfRecord.set(name, record[name].axes);
      return { carries: kinds.map((kind) => expanded(inner, space, next[kind]!, carried[kind])), stacks: [expanded(inner, space, total, lead), ...(record ? recordNames.map((name) => record[name].node) : [])] };
    },
  });
  state = Object.fromEntries(kinds.map((kind, at) => [kind, { node: made.carries[at]!, axes: carried[kind] }])) as unknown as State;
  totals.push({ node: b.sum(made.stacks[0]!, [0]), axes: lead });
  behind.forEach(writtenOut);
  const records = stream === undefined ? undefined : Object.fromEntries(recordNames.map((name, at) => [name, { node: made.stacks[at + 1]!, axes: axesOfRecord.get(name)! }])) as NonNullable<FilterPass["loop"]["records"]>;
  return { total: addValues(b, space, totals), written, loop: { from, size: to - from + 1, records } };
}

/** The positions of the loop: those of the chains' steps. The others are written out. */
function stretches({ layout, transitions }: LinearSystem): { readonly from: number; readonly to: number; readonly ahead: readonly number[]; readonly behind: readonly number[] } {
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
function stepOver(context: LoweringContext, system: LinearSystem, from: number, to: number): Step {
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
    const all = [...(part.mask ? [at(part.mask)] : []), ...(inside ? [inside] : [])].map((flag) => spread(context, flag));
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
function selector({ b }: Place, rows: number, columns: number, ones: readonly (readonly [number, number])[]): Value {
  const values = new Array<number>(rows * columns).fill(0);
  for (const [row, column] of ones) values[row * columns + column] = 1;
  return { node: b.constant(values, [rows, columns]), axes: [] };
}

const halfLogTwoPi = 0.5 * Math.log(2 * Math.PI);

function filterStep(place: Place, system: LinearSystem, step: Step, before: State, lead: readonly AxisName[], noise: readonly [string, string] | undefined): { readonly state: State; readonly total: Value; readonly record: FilterRecord | undefined } {
  const { b, space } = place;
  const { goes } = step;
  const size = system.size;
  const eye = identityMatrix(place, size);
  const newest = system.state.filter(({ lag }) => lag === 0);
  const fresh = newest.reduce((total, element) => total + element.size, 0);
  let filled = 0;
  const embedding = selector(place, size, fresh, newest.flatMap(({ start, size: width }) => Array.from({ length: width }, (_, i) => [start + i, filled++] as const)));
  // A row that has ended stays where it is.
  const F = goes ? chosen(place, goes, step.F, eye) : step.F;
  const f = goes ? chosen(place, goes, step.f, zeros(place, size, 1)) : step.f;
  const N = goes ? chosen(place, goes, step.N, zeros(place, fresh, fresh)) : step.N;
  const Q = times(place, times(place, embedding, N), embedding, { right: true });
  const a = combined(place, "add", times(place, F, before.mean), f);
  const P = combined(place, "add", times(place, times(place, F, before.covariance), F, { right: true }), Q);
  const seen = step.seen;
  const count = rowsOf(step.H);
  let x: Value | undefined;
  if (before.simulated && noise) {
    const factor = { node: b.cholesky(step.N.node), axes: step.N.axes };
    const drawn = times(place, embedding, times(place, factor, normals(place, noise[0], lead, fresh)));
    const moved = combined(place, "add", combined(place, "add", times(place, F, before.simulated), f), goes ? chosen(place, goes, drawn, zeros(place, size, 1)) : drawn);
    x = { node: expanded(b, space, moved, lead), axes: lead };
  }
  const state = (mean: Value, covariance: Value): State => ({ mean, covariance, ...(x ? { simulated: x } : {}) });
  if (count === 0) {
    const nothing = zeros(place, size, 1);
    return { state: state(a, P), total: { node: b.scalar(0), axes: [] }, record: x && { a, P, rhs: nothing, J: eye, info: zeros(place, size, size), F, x } };
  }
  const H = seen ? combined(place, "multiply", step.H, seen) : step.H;
  const unseen = seen && combined(place, "subtract", { node: b.full(1, [count, 1]), axes: [] }, seen);
  const R = seen ? combined(place, "add", combined(place, "multiply", combined(place, "multiply", step.R, seen), transposed(place, seen)), combined(place, "multiply", unseen!, identityMatrix(place, count))) : step.R;
  let y = step.y;
  if (x && noise) {
    const factor = { node: b.cholesky(step.R.node), axes: step.R.axes };
    const simulated = combined(place, "add", combined(place, "add", times(place, step.H, x), step.d), times(place, factor, normals(place, noise[1], lead, count)));
    y = joined(place, "columns", [y, simulated]);
  }
  const errors = combined(place, "subtract", seen ? combined(place, "multiply", combined(place, "subtract", y, step.d), seen) : combined(place, "subtract", y, step.d), times(place, H, a));
  const S = combined(place, "add", times(place, times(place, H, P), H, { right: true }), R);
  const L = { node: b.cholesky(S.node), axes: S.axes };
  const w = solved(place, L, errors);
  const G = solved(place, L, H);
  const gain = times(place, P, times(place, G, solved(place, L, identityMatrix(place, count)), { left: true }));
  const J = combined(place, "subtract", eye, times(place, gain, H));
  const mean = combined(place, "add", a, times(place, gain, errors));
  const covariance = symmetric(place, combined(place, "add", times(place, times(place, J, P), J, { right: true }), times(place, times(place, gain, R), gain, { right: true })));
  // log Normal(error; 0, S): entries that are not observed have error 0 and variance 1, and count nothing.
  const first = block(place, w, [0, count], [0, 1]);
  const sum = (value: Value, sign: number): Value => ({ node: b.multiply(sign, b.sumLast(value.node, 2)), axes: value.axes });
  const diagonal = diagonalOf(place, L);
  const parts = [sum({ node: b.square(first.node), axes: first.axes }, -0.5), sum({ node: b.log(diagonal.node), axes: diagonal.axes }, -1), seen ? sum(seen, -halfLogTwoPi) : { node: b.scalar(-halfLogTwoPi * count), axes: [] }];
  const record = x && { a, P, rhs: times(place, G, w, { left: true }), J, info: times(place, G, G, { left: true }), F, x };
  return { state: state(mean, covariance), total: addValues(b, space, parts), record };
}

function normals({ b, space }: Place, stream: string, lead: readonly AxisName[], rows: number): Value {
  return { node: b.normal(stream, [...space.dims(lead), rows, 1]), axes: lead };
}

/** Of a chain given all data, along its axis: mean and draw [n, 1], covariance [n, n]. */
export interface Smoothed {
  readonly mean: Value;
  readonly covariance: Value;
  readonly draw: Value;
}

/**
 * The smoother of the filter's records, backwards (de Jong 1989; Durbin & Koopman 2012, section 4.4), which inverts nothing but the covariances of the prediction errors:
 *   r = Hᵀ S⁻¹ v + (I − K H)ᵀ F₊ᵀ r₊,   mean = a + P r,   N = Hᵀ S⁻¹ H + (I − K H)ᵀ F₊ᵀ N₊ F₊ (I − K H),   covariance = P − P N P.
 * A draw is the simulated state plus the difference of the smoothed means of the data and of the simulated data (Durbin & Koopman 2002).
 */
export function smoothed(context: LoweringContext, system: LinearSystem, pass: FilterPass): Smoothed {
  const { b, space } = context;
  const chain = system.layout.chain!;
  const { size } = system;
  const { ahead, behind } = stretches(system);
  const { records } = pass.loop;
  if (!records) throw new InternalError("the filter kept no records");
  const all: { readonly axes: readonly AxisName[] }[] = [...[...pass.written.values()].flatMap((record) => Object.values(record) as Value[]), ...Object.values(records)];
  const lead = space.sort(all.flatMap(({ axes }) => axes));
  let back = { r: zeros(context, size, 2), n: zeros(context, size, size) };
  const results: { readonly from: number; readonly nodes: readonly TensorNode[] }[] = [];
  const put = (made: ReturnType<typeof smootherStep>["result"], place: Place): TensorNode[] => [made.mean, made.covariance, made.draw].map((value) => expanded(place.b, space, value, lead));
  const writtenOut = (position: number): void => {
    const made = smootherStep(context, pass.written.get(position)!, back);
    back = made.back;
    results.push({ from: position, nodes: put(made.result, context).map((node) => b.expandDims(node, [0])) });
  };
  [...behind].reverse().forEach(writtenOut);
  const made = b.loop({
    steps: pass.loop.size, reverse: system.layout.direction === "up", carries: [expanded(b, space, back.r, lead), expanded(b, space, back.n, lead)], scans: recordNames.map((name) => records[name].node),
    body: (inner, step) => {
      const place = { b: inner, space };
      const record = Object.fromEntries(recordNames.map((name, at) => [name, { node: step.scans[at]!, axes: records[name].axes }])) as unknown as FilterRecord;
      const { back: next, result } = smootherStep(place, record, { r: { node: step.carries[0]!, axes: lead }, n: { node: step.carries[1]!, axes: lead } });
      return { carries: [expanded(inner, space, next.r, lead), expanded(inner, space, next.n, lead)], stacks: put(result, place) };
    },
  });
  back = { r: { node: made.carries[0]!, axes: lead }, n: { node: made.carries[1]!, axes: lead } };
  results.push({ from: pass.loop.from, nodes: made.stacks });
  [...ahead].reverse().forEach(writtenOut);
  const sorted = [...results].sort((left, right) => left.from - right.from);
  const [mean, covariance, draw] = [0, 1, 2].map((at) => canonical(b, space, b.concatenate(sorted.map(({ nodes }) => nodes[at]!), 0), [classAxis(chain), ...lead])) as [Value, Value, Value];
  return { mean, covariance, draw };
}

function smootherStep(place: Place, { a, P, rhs, J, info, F, x }: FilterRecord, back: { readonly r: Value; readonly n: Value }) {
  const size = rowsOf(P);
  const r = combined(place, "add", rhs, times(place, J, back.r, { left: true }));
  const n = combined(place, "add", info, times(place, times(place, J, back.n, { left: true }), J));
  const means = combined(place, "add", a, times(place, P, r));
  const column = (at: number): Value => block(place, means, [0, size], [at, 1]);
  const covariance = symmetric(place, combined(place, "subtract", P, times(place, times(place, P, n), P)));
  return {
    result: { mean: column(0), covariance, draw: combined(place, "add", x, combined(place, "subtract", column(0), column(1))) },
    back: { r: times(place, F, r, { left: true }), n: times(place, times(place, F, n, { left: true }), F) },
  };
}
