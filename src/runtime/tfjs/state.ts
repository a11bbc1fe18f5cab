import * as tf from "@tensorflow/tfjs-core";
import { LvmError } from "../error.js";
import type { DataPosition } from "../data/index.js";
import { fillNormal, fillUniform, type Random, type RandomKey } from "../random/index.js";
import { type BestSoFar, noneSoFar } from "../train/early-stopping.js";
import type { Definition, InitializerPlan, ParameterPlan } from "./definition.js";

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

export function isPerRow(parameter: ParameterPlan): boolean {
  return parameter.shape.includes("dataset");
}

export function hasPerRow(definition: AnyDefinition): boolean {
  return definition.parameters.some(isPerRow);
}

/** Creates the parameters that are not there yet: those per row once `dataset` is given. */
export function materialize(state: ModelState, dataset: number | undefined): void {
  state.dataset ??= dataset;
  for (const parameter of state.definition.parameters) {
    if (state.parameters.has(parameter.name) || (isPerRow(parameter) && state.dataset === undefined)) continue;
    state.parameters.set(parameter.name, variableOf(initialValues(parameter, state), boundShape(parameter, state.dataset)));
  }
  if (state.definition.training.ema === undefined) return;
  for (const [name, parameter] of state.parameters) {
    if (!state.averages.has(name)) state.averages.set(name, tf.variable(parameter, false));
  }
}

export function boundShape(parameter: ParameterPlan, dataset: number | undefined): number[] {
  return parameter.shape.map((dim) => (dim === "dataset" ? (dataset ?? 0) : dim));
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

function initialValues(parameter: ParameterPlan, state: ModelState): Float32Array {
  const shape = boundShape(parameter, state.dataset);
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  fillInitial(values, parameter.init, shape, state.random.key(initialSite(parameter.name)));
  return values;
}

function fillInitial(values: Float32Array, init: InitializerPlan, shape: readonly number[], key: RandomKey): void {
  switch (init.kind) {
    case "constant":
      values.fill(init.value);
      return;
    case "values":
      // One row's values are repeated for parameters per row.
      if (init.values.length === 0 || values.length % init.values.length !== 0) throw new LvmError("LVM7108", `${init.values.length} initial values for shape [${shape.join(", ")}]`);
      for (let at = 0; at < values.length; at += init.values.length) values.set(init.values, at);
      return;
    case "uniform":
      return fillUniformBetween(values, init.low, init.high, key);
    case "lecun_uniform": {
      const limit = Math.sqrt(3 / init.fanIn);
      return fillUniformBetween(values, -limit, limit, key);
    }
    case "normal":
    case "he_normal": {
      const [mean, scale] = init.kind === "normal" ? [init.mean, init.scale] : [0, Math.sqrt(2 / init.fanIn)];
      fillNormal(values, key);
      for (let at = 0; at < values.length; at++) values[at] = mean + scale * (values[at] ?? 0);
      return;
    }
    case "identity": {
      const size = shape[shape.length - 1] ?? 1;
      for (let at = 0; at < values.length; at++) values[at] = Math.floor(at / size) % size === at % size ? 1 : 0;
    }
  }
}

function fillUniformBetween(values: Float32Array, low: number, high: number, key: RandomKey): void {
  fillUniform(values, key);
  for (let at = 0; at < values.length; at++) values[at] = low + (high - low) * (values[at] ?? 0);
}

/** FNV-1a of the parameter's name, apart from the streams of draws by its prefix. */
function initialSite(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of `init/${name}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0) % 0xffffff00;
}
