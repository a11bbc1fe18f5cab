import * as tf from "@tensorflow/tfjs-core";
import { variableOf, type ModelState } from "./state.js";

type Gradients = ReadonlyMap<string, tf.Tensor>;

/** One update of the parameters by their gradients; `step` counts from 0. To be called inside `tf.tidy`. */
export function applyGradients(state: ModelState, gradients: Gradients, step: number, rate: number): void {
  const { optimizer } = state.definition.training;
  for (const [name, gradient] of gradients) {
    const parameter = state.parameters.get(name);
    if (!parameter) continue;
    const change = optimizer.kind === "sgd" ? momentumChange(state, name, parameter, gradient, rate) : adamChange(state, name, parameter, gradient, step, rate);
    // Decoupled weight decay (Loshchilov & Hutter 2019); plain Adam has none.
    const kept = optimizer.decay > 0 && optimizer.kind !== "adam" ? tf.mul(parameter, 1 - rate * optimizer.decay) : parameter;
    parameter.assign(tf.sub(kept, change));
  }
}

/** Adam (Kingma & Ba 2015), the bias corrections folded into rate and ε: rate √(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + ε √(1−β₂ᵗ)). */
function adamChange(state: ModelState, name: string, parameter: tf.Variable, gradient: tf.Tensor, step: number, rate: number): tf.Tensor {
  const { beta1, beta2, epsilon } = state.definition.training.optimizer;
  const [first, second] = [slot(state, `${name}/m`, parameter), slot(state, `${name}/v`, parameter)];
  const correction = Math.sqrt(1 - beta2 ** (step + 1));
  const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
  const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
  first.assign(m);
  second.assign(v);
  return tf.mul(tf.div(m, tf.add(tf.sqrt(v), epsilon * correction)), (rate * correction) / (1 - beta1 ** (step + 1)));
}

/** velocity ← momentum · velocity + gradient. */
function momentumChange(state: ModelState, name: string, parameter: tf.Variable, gradient: tf.Tensor, rate: number): tf.Tensor {
  const { momentum } = state.definition.training.optimizer;
  if (momentum === 0) return tf.mul(gradient, rate);
  const velocity = slot(state, `${name}/velocity`, parameter);
  const next = tf.add(tf.mul(velocity, momentum), gradient);
  velocity.assign(next);
  return tf.mul(next, rate);
}

function slot(state: ModelState, name: string, like: tf.Variable): tf.Variable {
  const known = state.slots.get(name);
  if (known) return known;
  const made = variableOf(new Float32Array(like.size), like.shape);
  state.slots.set(name, made);
  return made;
}

/** Gradients scaled so that their global norm is at most `clip`, and the norm before. */
export function clipByGlobalNorm(gradients: Gradients, clip: number): { gradients: Gradients; norm: tf.Scalar } {
  const squares = [...gradients.values()].map((gradient) => tf.sum(tf.square(gradient)));
  const norm = tf.sqrt(tf.addN(squares)) as tf.Scalar;
  const factor = tf.div(clip, tf.maximum(norm, clip));
  return { gradients: new Map([...gradients].map(([name, gradient]) => [name, tf.mul(gradient, factor)])), norm };
}

/** average ← decay · average + (1 − decay) · parameter. */
export function updateAverages(state: ModelState, decay: number): void {
  for (const [name, average] of state.averages) {
    const parameter = state.parameters.get(name);
    if (parameter) average.assign(tf.add(tf.mul(average, decay), tf.mul(parameter, 1 - decay)));
  }
}
