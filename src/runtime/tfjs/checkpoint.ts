import * as tf from "@tensorflow/tfjs-core";
import { LvmError } from "../error.js";
import type { LoadReport } from "../model.js";
import { type BestSoFar, noneSoFar } from "../train/early-stopping.js";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../safetensors.js";
import { boundShape, disposeState, isPerRow, materialize, type ModelState, stateTensors, variableOf } from "./state.js";

/**
 * The state as safetensors: parameters by their names, optimizer slots under `optimizer/`, moving averages under `average/`. The metadata holds
 * the model's name and hash, the seed, the position, and what early stopping has seen; random numbers follow from seed and step alone.
 */
export async function saveState(state: ModelState, seed: readonly [number, number]): Promise<Uint8Array> {
  const tensors = new Map<string, SafeTensor>();
  for (const [name, variable] of stateTensors(state)) {
    tensors.set(name, { dtype: "F32", shape: variable.shape, data: Float32Array.from(await variable.data()) });
  }
  return writeSafetensors(tensors, {
    format: "lvmc-checkpoint-1",
    model: state.definition.name,
    hash: state.definition.hash,
    seed: seed.join(","),
    step: String(state.step),
    epoch: String(state.position.epoch),
    epoch_step: String(state.position.step),
    ...(state.dataset === undefined ? {} : { dataset: String(state.dataset) }),
    // Before the first evaluation there is nothing to remember.
    ...(state.best.step === 0 && state.best.since === 0 ? {} : { best_elbo: String(state.best.elbo), best_step: String(state.best.step), evaluations_since_best: String(state.best.since) }),
  });
}

/**
 * Replaces the state by a checkpoint's. Nothing is changed unless all of it fits.
 * @throws LvmError LVM7102 for another model's, naming every difference; LVM7103 where the metadata is not lvmc's
 */
export function loadState(state: ModelState, bytes: Uint8Array): LoadReport & { readonly seed: readonly [number, number] } {
  const { tensors, metadata } = readSafetensors(bytes, "checkpoint");
  const { definition } = state;
  if (metadata["format"] !== "lvmc-checkpoint-1") throw new LvmError("LVM7103", `this safetensors file is not a checkpoint of lvmc${metadata["format"] === undefined ? "" : ` (format ${metadata["format"]})`}`);
  const dataset = metadata["dataset"] === undefined ? undefined : integer(metadata, "dataset");
  const differences = differencesOf(state, tensors, metadata["model"] ?? "?", dataset);
  if (differences.length > 0) {
    throw new LvmError("LVM7102", `the checkpoint is of another model: ${differences.slice(0, 8).join("; ")}${differences.length > 8 ? `; and ${differences.length - 8} more` : ""}`, {
      facts: { model: definition.name, found: metadata["model"] ?? "?", differences },
      help: "use the model file that the run kept beside its checkpoints",
    });
  }
  const [step, epoch, epochStep] = [integer(metadata, "step"), integer(metadata, "epoch"), integer(metadata, "epoch_step")];
  const seed = (metadata["seed"] ?? "").split(",").map(Number);
  const [low, high] = seed;
  if (seed.length !== 2 || low === undefined || high === undefined || !seed.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)) throw new LvmError("LVM7103", `the checkpoint's seed is ${JSON.stringify(metadata["seed"])}`);
  const best = bestOf(metadata);
  disposeState(state);
  state.dataset = dataset;
  for (const [name, tensor] of tensors) {
    const variable = variableOf(Float32Array.from(tensor.data as Float32Array), tensor.shape);
    if (name.startsWith("optimizer/")) state.slots.set(name.slice("optimizer/".length), variable);
    else if (name.startsWith("average/")) state.averages.set(name.slice("average/".length), variable);
    else state.parameters.set(name, variable);
  }
  materialize(state, dataset);
  state.step = step;
  state.position = { epoch, step: epochStep };
  state.best = best;
  return { step, epoch, sameSource: metadata["hash"] === definition.hash, ...(best.step > 0 ? { best: { step: best.step, elbo: best.elbo } } : {}), seed: [low, high] };
}

/** A checkpoint from before the first evaluation lacks these. */
function bestOf(metadata: Readonly<Record<string, string>>): BestSoFar {
  const text = metadata["best_elbo"];
  if (text === undefined) return noneSoFar;
  const elbo = text === "-Infinity" ? -Infinity : Number(text);
  if (text.trim() === "" || !(Number.isFinite(elbo) || elbo === -Infinity)) throw new LvmError("LVM7103", `the checkpoint's best_elbo is ${JSON.stringify(text)}`);
  return { elbo, step: integer(metadata, "best_step"), since: integer(metadata, "evaluations_since_best") };
}

function differencesOf(state: ModelState, tensors: ReadonlyMap<string, SafeTensor>, model: string, dataset: number | undefined): string[] {
  const { definition } = state;
  const differences: string[] = [];
  if (model !== definition.name) differences.push(`it is of model ${model}, this is ${definition.name}`);
  const expected = new Map(definition.parameters.map((parameter) => [parameter.name, parameter]));
  for (const [name, parameter] of expected) {
    const found = tensors.get(name);
    const shape = boundShape(parameter, dataset);
    if (!found) differences.push(`parameter ${name} is missing`);
    else if (!tf.util.arraysEqual([...found.shape], shape)) differences.push(`parameter ${name} has shape [${found.shape.join(", ")}], the model's has [${shape.join(", ")}]`);
    else if (found.dtype !== "F32") differences.push(`parameter ${name} is ${found.dtype}, not F32`);
  }
  for (const [name, found] of tensors) {
    const owner = name.startsWith("optimizer/") ? name.slice("optimizer/".length, name.lastIndexOf("/")) : name.startsWith("average/") ? name.slice("average/".length) : name;
    const parameter = expected.get(owner);
    if (!parameter) differences.push(owner === name ? `the model has no parameter ${name}` : `the model has no parameter for ${name}`);
    else if (owner !== name && !tf.util.arraysEqual([...found.shape], boundShape(parameter, dataset))) differences.push(`${name} has shape [${found.shape.join(", ")}]`);
  }
  if (state.dataset !== undefined && dataset !== undefined && dataset !== state.dataset && definition.parameters.some(isPerRow)) {
    differences.push(`it has parameters for ${dataset} rows, the data has ${state.dataset}`);
  }
  return differences;
}

function integer(metadata: Readonly<Record<string, string>>, key: string): number {
  const value = Number(metadata[key]);
  if (!Number.isSafeInteger(value) || value < 0) throw new LvmError("LVM7103", `the checkpoint's ${key} is ${JSON.stringify(metadata[key])}`);
  return value;
}

/** The two words of a seed as one number again. */
export function seedOf(words: readonly [number, number]): bigint {
  return (BigInt(words[1]) << 32n) | BigInt(words[0]);
}

