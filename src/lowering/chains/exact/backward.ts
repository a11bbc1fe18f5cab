import type { SummedLayout, SummedVariable } from "../../../ir/model/summed-chains.js";
import type { TensorNode } from "../../../ir/tensor/nodes.js";
import type { LoweringContext } from "../../context.js";
import { addValues, aligned, type AxisName, canonical, expanded, unionAxes, type Value } from "../../value.js";
import { type ForwardPass, pieceValues } from "./forward.js";
import type { Place } from "./loop-values.js";
import { classAxis, lagAxis } from "./pieces.js";

/** A label as a number in f32, for each axis of a window: the positions that the next step back is conditioned on. */
type Labels = ReadonlyMap<AxisName, Value>;

/**
 * The labels of whole chains, from the last position to the first: drawn from their posterior (forward filtering, backward sampling; Frühwirth-Schnatter 1994) by the
 * greatest of logits with Gumbel noise, or, after a forward pass that maximizes, without noise: the most probable path (Viterbi 1967). Of several chains jointly.
 * Gives for each variable its labels along the chain's axis, f32.
 */
export function chainPath(context: LoweringContext, layout: SummedLayout, pass: ForwardPass, stream: string | undefined): ReadonlyMap<string, Value> {
  const { b, space } = context;
  const chain = layout.chain!;
  const chained = layout.variables.filter(({ depth }) => depth > 0);
  const windowAxes = chained.flatMap(({ site, depth }) => Array.from({ length: depth }, (_, back) => lagAxis(site.name, back)));
  const older = new Map(chained.flatMap(({ site, depth }) => Array.from({ length: depth }, (_, lag) => [lagAxis(site.name, lag + 1), lagAxis(site.name, lag)] as const)));
  const lead = pass.last.axes.filter((axis) => !older.has(axis));
  const noise = (): string | undefined => (stream === undefined ? undefined : context.stream(stream));

  // The table behind the last position has its labels as those of the step before.
  const newest = canonical(b, space, pass.last.node, pass.last.axes.map((axis) => older.get(axis) ?? axis));
  let labels: Labels = pick(context, lead, newest, windowAxes, noise());
  const positions: { readonly from: number; readonly nodes: ReadonlyMap<string, TensorNode> }[] = [];
  const newestOf = ({ site }: SummedVariable): TensorNode => expanded(b, space, labels.get(lagAxis(site.name, 0))!, lead);
  const writtenOut = ({ position, before, factors }: ForwardPass["prefix"][number]): void => {
    positions.push({ from: position, nodes: new Map(chained.map((variable) => [variable.site.name, b.expandDims(newestOf(variable), [0])])) });
    labels = stepBack(context, chained, lead, labels, [...(before ? [before] : []), ...factors], noise());
  };
  [...pass.suffix].reverse().forEach(writtenOut);
  if (pass.loop) {
    const { from, size, before, pieces } = pass.loop;
    const given = pieceValues(context, layout, pieces, from, size);
    const inside = noise();
    const made = b.loop({
      steps: size, reverse: layout.direction === "up", carries: windowAxes.map((axis) => expanded(b, space, labels.get(axis)!, lead)), invariants: given.invariants, scans: [before.node, ...given.scans],
      body: (inner, step) => {
        const place = { b: inner, space };
        const here = new Map(windowAxes.map((axis, at) => [axis, { node: step.carries[at]!, axes: lead }]));
        const factors = given.factors(place, { invariants: step.invariants, scans: step.scans.slice(1) });
        const next = stepBack(place, chained, lead, here, [{ node: step.scans[0]!, axes: before.axes }, ...factors], inside);
        return { carries: windowAxes.map((axis) => expanded(inner, space, next.get(axis)!, lead)), stacks: chained.map(({ site }) => here.get(lagAxis(site.name, 0))!.node) };
      },
    });
    labels = new Map(windowAxes.map((axis, at) => [axis, { node: made.carries[at]!, axes: lead }]));
    positions.push({ from, nodes: new Map(chained.map(({ site }, at) => [site.name, made.stacks[at]!])) });
  }
  [...pass.prefix].reverse().forEach(writtenOut);
  const sorted = [...positions].sort((left, right) => left.from - right.from);
  return new Map(chained.map(({ site }) => {
    const node = b.concatenate(sorted.map(({ nodes }) => nodes.get(site.name)!), 0);
    return [site.name, canonical(b, space, node, [classAxis(chain), ...lead])];
  }));
}

/** The labels one position further back, given those after it. */
function stepBack(place: Place, chained: readonly SummedVariable[], lead: readonly AxisName[], labels: Labels, factors: readonly Value[], noise: string | undefined): Labels {
  const { b, space } = place;
  const given = factors.map((factor) => [...labels].reduce((value, [axis, label]) => (value.axes.includes(axis) ? taken(place, value, axis, label) : value), factor));
  const oldest = chained.map(({ site, depth }) => lagAxis(site.name, depth));
  const made = pick(place, lead, addValues(b, space, given), oldest, noise);
  return new Map(chained.flatMap(({ site, depth }) => Array.from({ length: depth }, (_, lag) => {
    const before = lagAxis(site.name, lag + 1);
    return [lagAxis(site.name, lag), labels.get(before) ?? made.get(before)!] as const;
  })));
}

/** A factor at one label of an axis. */
function taken({ b, space }: Place, value: Value, axis: AxisName, label: Value): Value {
  const count = space.size(axis) as number;
  const isIt = canonical(b, space, b.equal(b.expandDims(label.node, [label.axes.length]), b.cast(b.iota(count), "f32")), [...label.axes, axis]);
  const axes = unionAxes(space, [value, isIt]);
  const node = b.broadcast(b.select(aligned(b, isIt, axes, 0), aligned(b, value, axes, 0), -Infinity), space.dims(axes));
  return { node: b.max(node, [axes.indexOf(axis)]), axes: axes.filter((each) => each !== axis) };
}

/** The joint labels of some axes with the greatest logit, with Gumbel noise (Gumbel 1954): a draw from the softmax. */
function pick({ b, space }: Place, lead: readonly AxisName[], logits: Value, targets: readonly AxisName[], noise: string | undefined): Labels {
  const axes = space.sort([...lead, ...targets]);
  const full = expanded(b, space, logits, axes);
  const order = [...lead, ...targets];
  const counts = targets.map((axis) => space.size(axis) as number);
  const states = counts.reduce((product, each) => product * each, 1);
  const flat = b.reshape(b.transpose(full, order.map((axis) => axes.indexOf(axis))), [...space.dims(lead), states]);
  const scores = noise === undefined ? flat : b.subtract(flat, b.log(b.negate(b.log(b.uniform(noise, flat.shape)))));
  let rest = b.cast(b.argMax(scores, lead.length), "f32");
  const labels = new Map<AxisName, Value>();
  for (const [at, axis] of [...targets.entries()].reverse()) {
    const count = counts[at]!;
    const quotient = b.floor(b.divide(b.add(rest, 0.5), count));
    labels.set(axis, { node: at === 0 ? rest : b.subtract(rest, b.multiply(quotient, count)), axes: lead });
    rest = quotient;
  }
  return labels;
}
