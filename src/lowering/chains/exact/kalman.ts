import type { TensorNode } from "../../../ir/tensor/nodes.js";
import type { LoweringContext } from "../../context.js";
import { addValues, type AxisName, expanded, ROWS, unionAxes, type Value } from "../../value.js";
import { type LinearStep, selector, stepOver, stretches } from "./linear-steps.js";
import type { LinearSystem } from "./linear-system.js";
import { loopValues, type Place } from "./loop-values.js";
import { block, chosen, combined, diagonalOf, identityMatrix, joined, rowsOf, solved, symmetric, times, transposed, zeros } from "./matrices.js";
import { classAxis } from "./pieces.js";

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

export const recordNames = ["a", "P", "rhs", "J", "info", "F", "x"] as const;

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
  const entries = Object.entries(along).filter((entry): entry is [keyof LinearStep, Value] => entry[1] !== undefined);
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
      const here = Object.fromEntries(entries.map(([name], at) => [name, within[at]])) as unknown as LinearStep;
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

const halfLogTwoPi = 0.5 * Math.log(2 * Math.PI);

function filterStep(place: Place, system: LinearSystem, step: LinearStep, before: State, lead: readonly AxisName[], noise: readonly [string, string] | undefined): { readonly state: State; readonly total: Value; readonly record: FilterRecord | undefined } {
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
