import * as tf from "@tensorflow/tfjs-core";
import type { DataPosition } from "../data/index.js";
import { type ModelState, stateTensors } from "./state.js";

/** A state to go back to. It shares the tensors' data with the state until the next step replaces them: taking one copies nothing. */
export interface Snapshot {
  readonly step: number;
  readonly position: DataPosition;
  readonly tensors: ReadonlyMap<string, tf.Tensor>;
}

export function takeSnapshot(state: ModelState): Snapshot {
  const tensors = new Map([...stateTensors(state)].map(([name, variable]) => [name, tf.keep(tf.clone(variable))]));
  return { step: state.step, position: state.position, tensors };
}

/** Puts the state back; optimizer slots that did not exist then vanish. */
export function restoreSnapshot(state: ModelState, snapshot: Snapshot): void {
  for (const [name, variable] of stateTensors(state)) {
    const value = snapshot.tensors.get(name);
    if (value) tf.tidy(() => variable.assign(tf.clone(value)));
    else if (name.startsWith("optimizer/")) {
      variable.dispose();
      state.slots.delete(name.slice("optimizer/".length));
    }
  }
  state.step = snapshot.step;
  state.position = snapshot.position;
}

export function disposeSnapshot(snapshot: Snapshot | undefined): void {
  for (const tensor of snapshot?.tensors.values() ?? []) tensor.dispose();
}

/** Names of the state's tensors that hold a number that is not finite, in one transfer. */
export async function nonFiniteTensors(state: ModelState): Promise<string[]> {
  const named = [...stateTensors(state)];
  if (named.length === 0) return [];
  const flags = tf.tidy(() => tf.stack(named.map(([, variable]) => tf.cast(tf.all(tf.isFinite(variable)), "float32"))));
  const finite = await flags.data();
  flags.dispose();
  return named.flatMap(([name], at) => (finite[at] === 1 ? [] : [name]));
}
