import type { Plate } from "../../ir/model/model.js";
import { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import type { LoweringContext } from "../context.js";
import { argumentValues, type LoweredDistribution, mapArguments } from "../lowered-distribution.js";
import { declarePlate, rowMask } from "../plates.js";
import { aligned, canonical, eventShape, expanded, plateAxis, unionAxes, type AxisName, type Value } from "../value.js";
import { sequenceDistribution, sequenceValue, type Start } from "./sequence.js";
import { StepContext } from "./step-context.js";
import { type ChainVariable, groupsOf, isRecurrent, isSameStep, lagsOf, readsAmong, readsWithin } from "./variables.js";

/** What a caller says of its variables. */
export interface ChainJob {
  /** The variable at one step, in the context of that step; of a site with the distribution that it is drawn from. */
  readonly step: (context: LoweringContext, variable: ChainVariable) => ChainValue;
  /** The values of a variable before its first step, in order of position. Computed once. */
  readonly starts: (context: LoweringContext, variable: ChainVariable) => readonly Start<ChainValue>[];
  /** Steps before the first that have no start read as zeros of this shape (columns of the data). */
  readonly zeros: (context: LoweringContext, variable: ChainVariable) => Value | undefined;
}

export interface ChainValue {
  readonly value: Value;
  readonly distribution?: LoweredDistribution;
}

/**
 * A group of variables whose steps read each other's steps before: one loop. Gives each variable at all its positions, starts included, along the plates of its value. A
 * loop within the loop (nested chains) is one in its body.
 */
export function lowerLoop(context: LoweringContext, job: ChainJob, group: readonly ChainVariable[], depth = 0): ReadonlyMap<ChainVariable, ChainValue> {
  const plan = planOf(context, job, group, depth);
  const mark = context.streamMark();
  let axes = new Map(group.map((variable) => [variable, unionAxes(context.space, plan.before.get(variable)!)]));
  // On which compiler axes a state depends is known once a step has been lowered: a constant start becomes one value for each row.
  for (;;) {
    context.rewindStreams(mark);
    const captures: Value[] = [];
    const b = new TensorBuilder();
    const step = runStep(context, job, plan, axes, b, (value) => placeholder(b, context, plan.plate, value, captures));
    const grown = new Map(group.map((variable) => [variable, context.space.sort([...axes.get(variable)!, ...step.values.get(variable)!.value.axes])]));
    const stable = group.every((variable) => grown.get(variable)!.length === axes.get(variable)!.length || plan.lags.get(variable) === 0);
    axes = grown;
    if (!stable) continue;
    context.rewindStreams(mark);
    const made = emitLoop(context, job, plan, axes, captures);
    return new Map([...made].map(([variable, value]) => [variable, variable.loops.at(-1) === plan.plate ? withStarts(context, job, variable, value) : value]));
  }
}

interface LoopPlan {
  readonly group: readonly ChainVariable[];
  readonly plate: Plate;
  readonly depth: number;
  /** How far back each variable is read. */
  readonly lags: ReadonlyMap<ChainVariable, number>;
  /** Its values 1, 2, … steps before the first. */
  readonly before: ReadonlyMap<ChainVariable, readonly Value[]>;
  /** [rows] × steps: whether the row has this step. */
  readonly mask?: Value;
}

function planOf(context: LoweringContext, job: ChainJob, group: readonly ChainVariable[], depth: number): LoopPlan {
  const byKey = new Map(group.map((variable) => [variable.key, variable]));
  const reads = group.flatMap((variable) => readsAmong(readsWithin(variable, depth), byKey)).filter(({ variable, read }) => isSameStep(variable, read, depth));
  // The outermost loop in which a step before is read.
  const at = group[0]!.loops.findIndex((_, loop) => loop >= depth && reads.some(({ variable, read }) => (lagsOf(variable, read)[loop] ?? 0) > 0));
  if (at !== depth) {
    if (at < 0) throw new InternalError(`${group[0]!.key} depends on itself`);
    return planOf(context, job, group, depth + 1);
  }
  const plate = group[0]!.loops[at]!;
  const lags = new Map(group.map((variable) => [variable, Math.max(0, ...reads.flatMap((each) => (each.variable === variable ? [lagsOf(variable, each.read)[at]!] : [])))]));
  const before = new Map(group.map((variable) => {
    const starts = (lags.get(variable) ?? 0) > 0 ? job.starts(context, variable) : [];
    return [variable, Array.from({ length: lags.get(variable)! }, (_, back): Value => {
      const position = plate.chain === "down" ? plate.from + plate.size + back : plate.from - 1 - back;
      const value = starts.find((start) => start.position === position)?.value.value ?? job.zeros(context, variable);
      if (!value) throw new InternalError(`${variable.key} has no value at ${position}`);
      return value;
    })];
  }));
  return { group, plate, depth: at, lags, before, mask: rowMask(context, plate) };
}

interface Step {
  readonly body: StepContext;
  readonly values: ReadonlyMap<ChainVariable, ChainValue>;
}

type Carry = (variable: ChainVariable, lag: number) => Value;

function runStep(context: LoweringContext, job: ChainJob, plan: LoopPlan, axes: ReadonlyMap<ChainVariable, readonly AxisName[]>, b: TensorBuilder, capture: (value: Value) => Value, carry?: Carry): Step {
  const carried: Carry = carry ?? ((variable, lag) => {
    const first = plan.before.get(variable)![lag - 1]!;
    return { node: b.input("loop", `probe.${plan.group.indexOf(variable)}.${lag}`, [...context.space.dims(axes.get(variable)!), ...eventShape(first)], first.node.dtype), axes: axes.get(variable)! };
  });
  const body = new StepContext(context, plan.group, plan.plate, plan.depth, b, { capture, carried });
  const values = new Map<ChainVariable, ChainValue>();
  for (const inner of groupsOf(plan.group, plan.depth + 1)) {
    const computed = isRecurrent(inner, plan.depth + 1) ? lowerLoop(body, job, inner, plan.depth + 1) : new Map([[inner[0]!, lowerPlain(body, job, inner[0]!, plan.plate)]]);
    for (const [variable, value] of computed) {
      values.set(variable, value);
      body.put(variable, value.value);
    }
  }
  return { body, values };
}

/** A variable that reads no step before: all steps of its own chain at once, unless `within` is that chain. */
export function lowerPlain(context: LoweringContext, job: ChainJob, variable: ChainVariable, within?: Plate): ChainValue {
  const made = job.step(context, variable);
  return variable.loops.at(-1) === within ? made : withStarts(context, job, variable, made);
}

/** The values of a chain's steps with those of its starts, along the plate of all positions; their distributions likewise. */
function withStarts(context: LoweringContext, job: ChainJob, variable: ChainVariable, { value, distribution }: ChainValue): ChainValue {
  const { sequence, plates } = variable.step;
  const own = plates.at(-1);
  if (!sequence || !own) return { value, ...(distribution ? { distribution } : {}) };
  const starts = job.starts(context, variable);
  const values = starts.map(({ position, value: start }) => ({ position, value: start.value }));
  const distributions = starts.flatMap(({ position, value: start }) => (start.distribution ? [{ position, value: start.distribution }] : []));
  return { value: sequenceValue(context, own, sequence.chain, value, values), ...(distribution ? { distribution: sequenceDistribution(context, own, sequence.chain, distribution, distributions) } : {}) };
}

/** An input of a body that is thrown away, in place of a value of the program around. */
function placeholder(b: TensorBuilder, context: LoweringContext, plate: Plate, value: Value, captures: Value[]): Value {
  let at = captures.findIndex((known) => known.node === value.node && known.axes.join() === value.axes.join());
  if (at < 0) at = captures.push(value) - 1;
  const along = value.axes.indexOf(plateAxis(plate.name));
  const shape = value.node.shape.filter((_, axis) => axis !== along);
  const axes = value.axes.filter((_, axis) => axis !== along);
  const soft = value.soft ? { soft: b.input("loop", `probe.soft.${at}`, value.soft.shape.filter((_, axis) => axis !== along), "f32") } : {};
  // Constants are known in the body too: what they are may decide what is made of them.
  const node = along < 0 && value.node.op.kind === "constant" ? b.constant(value.node.op.values, value.node.shape as number[], value.node.dtype) : b.input("loop", `probe.capture.${at}`, shape, value.node.dtype);
  return { node, axes, ...(value.labelsOf ? { labelsOf: value.labelsOf } : {}), ...soft };
}

function emitLoop(context: LoweringContext, job: ChainJob, plan: LoopPlan, axes: ReadonlyMap<ChainVariable, readonly AxisName[]>, captured: readonly Value[]): ReadonlyMap<ChainVariable, ChainValue> {
  const { b, space } = context;
  const { plate, group } = plan;
  const axis = declarePlate(context, plate);
  const isScanned = (value: Value): boolean => value.axes.includes(axis);
  const stepsFirst = (node: TensorNode, value: Value): TensorNode => {
    const at = value.axes.indexOf(axis);
    return b.transpose(node, [at, ...node.shape.map((_, i) => i).filter((i) => i !== at)]);
  };
  const outside = plan.mask ? [...captured, plan.mask] : [...captured];
  const arrays = (test: (value: Value) => boolean): { value: Value; node: TensorNode; soft: boolean }[] =>
    outside.filter(test).flatMap((value) => [{ value, node: value.node, soft: false }, ...(value.soft ? [{ value, node: value.soft, soft: true }] : [])]);
  const [scans, invariants] = [arrays(isScanned), arrays((value) => !isScanned(value))];
  const lagged = group.flatMap((variable) => plan.before.get(variable)!.map((value, back) => ({ variable, lag: back + 1, value })));
  const first = lagged.map(({ variable, value }) => expanded(b, space, value, axes.get(variable)!));

  const stacked: { node: TensorNode; axes: readonly AxisName[] }[] = [];
  const stackOf = (value: Value): number => {
    const known = stacked.findIndex(({ node }) => node === value.node);
    return known >= 0 ? known : stacked.push({ node: value.node, axes: value.axes }) - 1;
  };
  const results: { variable: ChainVariable; value: number; soft?: number; distribution?: LoweredDistribution }[] = [];
  const outsideOf = new Map<TensorNode, Value>();
  const made = b.loop({
    steps: plate.size, reverse: plate.chain === "down", ...(context.mode === "train" ? { checkpoint: context.program.training.checkpoint } : {}), carries: first, invariants: invariants.map(({ node }) => node), scans: scans.map(({ value, node }) => stepsFirst(node, value)),
    body: (inner, step) => {
      const inside = (value: Value, soft: boolean): TensorNode | undefined => {
        const same = (other: { value: Value; soft: boolean }): boolean => other.soft === soft && other.value.node === value.node && other.value.axes.join() === value.axes.join();
        return isScanned(value) ? step.scans[scans.findIndex(same)] : step.invariants[invariants.findIndex(same)];
      };
      const capture = (value: Value): Value => {
        const constant = !isScanned(value) && value.node.op.kind === "constant" ? inner.constant(value.node.op.values, value.node.shape as number[], value.node.dtype) : undefined;
        const node = constant ?? inside(value, false);
        if (!node) throw new InternalError("the second step of a loop asks for what the first did not");
        const soft = value.soft && inside(value, true);
        const given = { node, axes: value.axes.filter((each) => each !== axis), ...(value.labelsOf ? { labelsOf: value.labelsOf } : {}), ...(soft ? { soft } : {}) };
        outsideOf.set(node, value);
        return given;
      };
      const carried: Carry = (variable, lag) => ({ node: step.carries[lagged.findIndex((each) => each.variable === variable && each.lag === lag)]!, axes: axes.get(variable)! });
      const { values, body } = runStep(context, job, plan, axes, inner, capture, carried);
      const mask = plan.mask && capture(plan.mask);
      const kept = new Map<ChainVariable, Value>();
      for (const variable of group) {
        const value = values.get(variable)!.value;
        // Beyond its own length a row stays where it is: the last position of its arrays is its last step.
        kept.set(variable, mask && plan.lags.get(variable)! > 0 ? held(body, mask, value, carried(variable, 1)) : value);
      }
      for (const variable of group) {
        const { distribution, value } = values.get(variable)!;
        const whole = kept.get(variable)!;
        results.push({
          variable, value: stackOf(whole), ...(value.soft ? { soft: stackOf({ node: value.soft, axes: value.axes }) } : {}), ...(distribution ? { distribution } : {}),
        });
        for (const arg of distribution ? argumentValues(distribution) : []) if (!outsideOf.has(arg.node)) stackOf(arg);
      }
      const carries = lagged.map(({ variable, lag }, at) => {
        if (lag > 1) return mask ? held(body, mask, carried(variable, lag - 1), carried(variable, lag)).node : step.carries[at - 1]!;
        return expanded(inner, space, kept.get(variable)!, axes.get(variable)!);
      });
      return { carries, stacks: stacked.map(({ node }) => node) };
    },
  });
  const back = (at: number): Value => canonical(b, space, made.stacks[at]!, [axis, ...stacked[at]!.axes]);
  const argument = (arg: Value): Value => outsideOf.get(arg.node) ?? back(stackOf(arg));
  return new Map(results.map(({ variable, value, soft, distribution }) => [variable, {
    value: { ...back(value), ...(soft === undefined ? {} : { soft: back(soft).node }) }, ...(distribution ? { distribution: mapArguments(context, distribution, argument) } : {}),
  }]));
}

/** The new value where the row still has steps, else the one before. */
function held(context: LoweringContext, mask: Value, value: Value, before: Value): Value {
  const { b, space } = context;
  const axes = unionAxes(space, [mask, value, before]);
  const rank = eventShape(value).length;
  const flag = aligned(b, { node: b.reshape(mask.node, [...mask.node.shape, ...new Array<number>(rank).fill(1)]), axes: mask.axes }, axes, rank);
  return { node: b.select(flag, aligned(b, value, axes, rank), aligned(b, before, axes, rank)), axes };
}
