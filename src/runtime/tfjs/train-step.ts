import * as tf from "@tensorflow/tfjs-core";
import { annealing, learningRate } from "../train/schedule.js";
import type { Batch } from "./batch.js";
import type { ProgramInputs } from "./definition.js";
import { createDraws } from "./draws.js";
import { applyGradients, clipByGlobalNorm, updateAverages } from "./optimizer.js";
import { type ModelState, weightsOf } from "./state.js";

/** Values of one step, kept on the device until they are read: `loss`, `elbo`, `term.…`, `gradient_norm`. */
export type StepValues = ReadonlyMap<string, tf.Tensor>;

/** One step of training. Returns the step's values where they are wanted; the caller disposes them. */
export function trainStep(state: ModelState, batch: Batch, options: { readonly rate?: number; readonly wanted: boolean }): StepValues {
  const { definition, step } = state;
  const kept = new Map<string, tf.Tensor>();
  tf.tidy(() => {
    const updates = new Map<string, tf.Tensor>();
    const inputs = trainInputs(state, batch, step);
    const trained = definition.parameters.flatMap(({ name, trainable }) => {
      const variable = trainable && (state.only?.has(name) ?? true) ? state.parameters.get(name) : undefined;
      return variable ? [{ name, variable }] : [];
    });
    // TensorFlow.js differentiates with respect to variables by their own names.
    for (const { variable } of trained) variable.trainable = true;
    const { grads } = tf.variableGrads(() => {
      const outputs = definition.trainObjective(inputs);
      for (const [name, value] of Object.entries(outputs)) {
        // A copy (of the reference, not the data): an output may be a parameter itself.
        if (name.startsWith("state.")) updates.set(name.slice("state.".length), tf.keep(tf.clone(value)));
        else if (options.wanted) kept.set(name, tf.keep(tf.clone(value)));
      }
      const loss = outputs["loss"];
      if (!loss) throw new Error("the training program has no loss");
      return loss as tf.Scalar;
    }, trained.map(({ variable }) => variable));
    let gradients: ReadonlyMap<string, tf.Tensor> = new Map(trained.flatMap(({ name, variable }) => {
      const gradient = grads[variable.name];
      return gradient ? [[name, gradient] as const] : [];
    }));
    if (definition.training.clip !== undefined && gradients.size > 0) {
      const clipped = clipByGlobalNorm(gradients, definition.training.clip);
      gradients = clipped.gradients;
      if (options.wanted) kept.set("gradient_norm", tf.keep(clipped.norm));
    }
    applyGradients(state, gradients, step, learningRate(definition.training.optimizer.rate, step, options.rate));
    for (const [name, value] of updates) {
      // Running statistics belong to the model: a refit of some rows leaves them alone.
      if (state.only?.has(name) ?? true) state.parameters.get(name)?.assign(value);
      value.dispose();
    }
    if (definition.training.ema !== undefined) updateAverages(state, definition.training.ema);
  });
  state.step = step + 1;
  return kept;
}

/** The outputs of the training objective alone, for looking at a step that went wrong; the caller disposes them. */
export function trainValues(state: ModelState, batch: Batch): StepValues {
  const outputs = tf.tidy(() => Object.fromEntries(Object.entries(state.definition.trainObjective(trainInputs(state, batch, state.step))).map(([name, value]) => [name, tf.clone(value)])));
  return new Map(Object.entries(outputs));
}

function trainInputs(state: ModelState, batch: Batch, step: number): ProgramInputs<never, never, never> {
  return {
    w: weightsOf(state, false),
    data: batch.data,
    rowIndex: batch.rowIndex,
    rows: batch.rows,
    dataset: state.dataset ?? batch.rows,
    random: createDraws({ seed: state.random.seed, step, use: "train" }),
    scalars: { anneal: tf.scalar(annealing(state.definition.training.anneal, step)) } as never,
  };
}

/** Scalars by name, in one transfer. */
export async function readScalars(values: StepValues): Promise<Map<string, number>> {
  const scalars = [...values].filter(([, value]) => value.size === 1);
  if (scalars.length === 0) return new Map();
  const stacked = tf.tidy(() => tf.concat(scalars.map(([, value]) => tf.reshape(tf.cast(value, "float32"), [1]))));
  const numbers = await stacked.data();
  stacked.dispose();
  return new Map(scalars.map(([name], at) => [name, numbers[at] ?? NaN]));
}

export function disposeValues(values: StepValues): void {
  for (const value of new Set(values.values())) value.dispose();
}
