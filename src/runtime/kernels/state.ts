import type { Random } from "../random/index.js";
import { boundShape, isPerRow, type ModelTables } from "../train/definition.js";
import { type BestSoFar, noneSoFar } from "../train/early-stopping.js";
import { initialValues } from "../train/initial-values.js";
import type { StateSlot } from "./artifact.js";

/** A tensor of the run: while a training program lives, a view of its arena. */
export interface StateTensor {
  readonly shape: readonly number[];
  values: Float32Array;
}

/** What a run consists of: everything that a checkpoint holds. */
export interface KernelState {
  readonly definition: ModelTables;
  random: Random;
  /** By their names in checkpoints: parameters, `optimizer/<parameter>/m`, `average/<parameter>`. */
  readonly tensors: Map<string, StateTensor>;
  step: number;
  /** Changed in place: steps allocate nothing. */
  readonly position: { epoch: number; step: number };
  dataset: number | undefined;
  best: BestSoFar;
  /** Draws handed out by `sample`, `infer`, `reconstruct`. */
  draws: number;
}

export function createState(definition: ModelTables, random: Random): KernelState {
  return { definition, random, tensors: new Map(), step: 0, position: { epoch: 0, step: 0 }, dataset: undefined, best: noneSoFar, draws: 0 };
}

/** Creates the parameters that are not there yet: those per row once `dataset` is given. */
export function materialize(state: KernelState, dataset: number | undefined): void {
  state.dataset ??= dataset;
  const { definition, tensors } = state;
  for (const parameter of definition.parameters) {
    if (isPerRow(parameter) && state.dataset === undefined) continue;
    const { name } = parameter;
    if (!tensors.has(name)) tensors.set(name, { shape: boundShape(parameter, state.dataset), values: initialValues(parameter, state.random, state.dataset) });
    const value = tensors.get(name);
    if (definition.training.ema !== undefined && !parameter.frozen && value && !tensors.has(`average/${name}`)) tensors.set(`average/${name}`, { shape: value.shape, values: value.values.slice() });
  }
}

/** The name in checkpoints of what a training program calls `<parameter>/average`, `<parameter>/m`. */
export function checkpointName(slot: string): string {
  const at = slot.lastIndexOf("/");
  if (at < 0) return slot;
  return slot.slice(at) === "/average" ? `average/${slot.slice(0, at)}` : `optimizer/${slot}`;
}

/** A slot's first value. */
export function initialSlot(state: KernelState, { init }: StateSlot, count: number): Float32Array {
  const source = init === "zero" ? undefined : state.tensors.get(init.copyOf);
  return source ? source.values.slice() : new Float32Array(count);
}

/** The parameters that evaluation reads: the moving average where there is one. */
export function evaluatedParameter(state: KernelState, name: string): Float32Array | undefined {
  return (state.tensors.get(`average/${name}`) ?? state.tensors.get(name))?.values;
}

/** Names of the state's tensors that hold a number that is not finite. */
export function nonFiniteTensors(state: KernelState): string[] {
  const names: string[] = [];
  for (const [name, { values }] of state.tensors) if (!isFinite(values)) names.push(name);
  return names;
}

/** x · 0 is NaN for NaN and ±∞: one addition an element, no branches. */
export function isFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (values[at] as number) * 0;
  return sum === 0;
}
