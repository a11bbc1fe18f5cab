import type { LoadReport } from "../model.js";
import { type CheckpointTensor, readCheckpoint, writeCheckpoint } from "../train/checkpoint.js";
import { disposeState, materialize, type ModelState, stateTensors, variableOf } from "./state.js";

export async function saveState(state: ModelState, seed: readonly [number, number]): Promise<Uint8Array> {
  const tensors: [string, CheckpointTensor][] = [];
  for (const [name, variable] of stateTensors(state)) tensors.push([name, { shape: variable.shape, values: Float32Array.from(await variable.data()) }]);
  return writeCheckpoint({ ...state, seed }, tensors);
}

/** Replaces the state by a checkpoint's. Nothing is changed unless all of it fits. */
export function loadState(state: ModelState, bytes: Uint8Array): LoadReport & { readonly seed: readonly [number, number] } {
  const { tensors, report, ...run } = readCheckpoint(state, bytes);
  disposeState(state);
  state.dataset = run.dataset;
  for (const [name, { values, shape }] of tensors) {
    const variable = variableOf(values, shape);
    if (name.startsWith("optimizer/")) state.slots.set(name.slice("optimizer/".length), variable);
    else if (name.startsWith("average/")) state.averages.set(name.slice("average/".length), variable);
    else state.parameters.set(name, variable);
  }
  materialize(state, run.dataset);
  state.step = run.step;
  state.position = run.position;
  state.best = run.best;
  return { ...report, seed: run.seed };
}

/** The two words of a seed as one number again. */
export function seedOf(words: readonly [number, number]): bigint {
  return (BigInt(words[1]) << 32n) | BigInt(words[0]);
}
