import * as tf from "@tensorflow/tfjs-core";
import type { DataPosition } from "../data/index.js";
import type { Random } from "../random/index.js";
import { type BestSoFar, noneSoFar } from "../train/early-stopping.js";
import { boundShape, isPerRow } from "../train/definition.js";
import { initialValues } from "../train/initial-values.js";
import type { Definition } from "./definition.js";

export { boundShape, hasPerRow, isPerRow } from "../train/definition.js";

/** Whatever a model's own types are: the run time passes its records through. */
export type AnyDefinition = Definition<never, never, never>;

/** What a run consists of: everything that a checkpoint holds. */
export interface ModelState {
  readonly definition: AnyDefinition;
  readonly random: Random;
  /** Stored parameters by name; created when the data's rows are known, where one is per row. */
  readonly parameters: Map<string, tf.Variable>;
  /** Optimizer slots by `<parameter>/<slot>`. */
  readonly slots: Map<string, tf.Variable>;
  /** Moving averages of the parameters, where the model asks for them. */
  readonly averages: Map<string, tf.Variable>;
  /** Only these are trained; undefined for all that are trainable. */
  readonly only?: ReadonlySet<string>;
  step: number;
  position: DataPosition;
  /** Rows of the training data, once known: the size of parameters per row. */
  dataset: number | undefined;
  /** What early stopping has seen. */
  best: BestSoFar;
  /** Draws handed out by `sample`, `infer`, `reconstruct`. */
  draws: number;
}

export function createState(definition: AnyDefinition, random: Random): ModelState {
  return { definition, random, parameters: new Map(), slots: new Map(), averages: new Map(), step: 0, position: { epoch: 0, step: 0 }, dataset: undefined, best: noneSoFar, draws: 0 };
}

/** Creates the parameters that are not there yet: those per row once `dataset` is given. */
export function materialize(state: ModelState, dataset: number | undefined): void {
  state.dataset ??= dataset;
  for (const parameter of state.definition.parameters) {
    if (state.parameters.has(parameter.name) || (isPerRow(parameter) && state.dataset === undefined)) continue;
    state.parameters.set(parameter.name, variableOf(initialValues(parameter, state.random, state.dataset), boundShape(parameter, state.dataset)));
  }
  if (state.definition.training.ema === undefined) return;
  const frozen = new Set(state.definition.parameters.flatMap((parameter) => (parameter.frozen ? [parameter.name] : [])));
  for (const [name, parameter] of state.parameters) {
    if (!frozen.has(name) && !state.averages.has(name)) state.averages.set(name, tf.variable(parameter, false));
  }
}

export function variableOf(values: Float32Array, shape: readonly number[]): tf.Variable {
  const value = tf.tensor(values, [...shape] as tf.ShapeMap[tf.Rank], "float32");
  const variable = tf.variable(value, false);
  value.dispose();
  return variable;
}

/** The nested record of weights that the emitted functions take: `encoder.dense_1.kernel` as `w.encoder.dense_1.kernel`. */
export function weightsOf(state: ModelState, averaged: boolean): never {
  const root: Record<string, unknown> = Object.create(null);
  for (const [name, variable] of state.parameters) {
    const path = name.split(".");
    const last = path.pop() ?? name;
    let at = root;
    for (const part of path) at = (at[part] ??= Object.create(null)) as Record<string, unknown>;
    at[last] = (averaged ? state.averages.get(name) : undefined) ?? variable;
  }
  return root as never;
}

/** Every tensor of a state with a name that is unique among them: what checkpoints and snapshots hold. */
export function stateTensors(state: ModelState): Map<string, tf.Variable> {
  const all = new Map<string, tf.Variable>(state.parameters);
  for (const [name, variable] of state.slots) all.set(`optimizer/${name}`, variable);
  for (const [name, variable] of state.averages) all.set(`average/${name}`, variable);
  return all;
}

export function disposeState(state: ModelState): void {
  for (const group of [state.parameters, state.slots, state.averages]) {
    for (const variable of group.values()) variable.dispose();
    group.clear();
  }
}
