import { batchIndices, binarize, filledBatch, stepsPerEpoch } from "../data/index.js";
import { arenaWords, type KernelModule } from "../kernel-engine.js";
import type { BoundData } from "../train/bind-data.js";
import type { Region, StepArtifact } from "./artifact.js";
import { binarizeKey, layOutRows } from "./lay-out.js";
import { checkpointName, initialSlot, type KernelState } from "./state.js";

/** A training program with its data: it takes steps, and the state's tensors are views of its arena while it lives. */
export interface Trainer {
  readonly artifact: StepArtifact;
  readonly module: KernelModule;
  readonly batch: number;
  /** Rows of its data. */
  readonly dataset: number;
  /** Takes steps; the state's step and position go with them. Allocates nothing but at the turn of an epoch. */
  run(steps: number): void;
  zeroMetrics(): void;
  /** Sums since `zeroMetrics`, in the order of the artifact's names. A view. */
  readonly metrics: Float32Array;
  /** Copies the state out of the arena and gives the memory back. */
  dispose(): void;
}

export function createTrainer(state: KernelState, artifact: StepArtifact, module: KernelModule, data: BoundData, options: { readonly dataset: number; readonly rate: number }): Trainer {
  const { f32, i32, u32 } = module.arena;
  const { batch, slots, inputs } = artifact;
  // Fewer rows than a minibatch fill it by being taken again; where they do so evenly, all steps have the same rows.
  const even = batch % data.rows === 0;
  adoptState(state, artifact, f32);
  setScalar(f32, inputs["dataset"], options.dataset);
  setScalar(f32, inputs["rate"], options.rate);
  u32[arenaWords.key] = state.random.seed[0];
  u32[arenaWords.key + 1] = state.random.seed[1];

  const columns = data.columns.flatMap((column, at) => {
    const region = inputs[`data.${column.plan.name}`];
    if (!region) return [];
    const size = region.words / (batch * slots);
    const view = region.type === "f32" ? f32 : i32;
    // Programs binarize grey levels themselves, unless values may be missing.
    const coins = column.bound?.grey === true && column.plan.partlyObserved === true ? at : undefined;
    return [{ column, region, size, view, coins }];
  });
  const rows = inputs["rows"];
  const layOut = (indices: Int32Array, slot: number, step: number): void => {
    // By index: an iterator and its results would be what a step allocates.
    for (let which = 0; which < columns.length; which++) {
      const { column, region, size, view, coins } = columns[which] as (typeof columns)[number];
      const at = region.offset + slot * batch * size;
      layOutRows(column, indices, size, view, at);
      if (coins === undefined || !(view instanceof Float32Array)) continue;
      const mode = state.definition.training.binarize;
      binarize(view.subarray(at, at + batch * size), mode.kind === "fresh" ? "fresh" : { threshold: mode.at }, binarizeKey(state.random, coins, step));
    }
    if (rows) i32.set(indices, rows.offset + slot * batch);
  };

  let epoch = -1;
  let batches: readonly Int32Array[] = [];
  let laidOut = false;
  const fresh = columns.some(({ coins }) => coins !== undefined);
  const { position } = state;
  const perEpoch = stepsPerEpoch(data.rows, batch);
  const currentRows = (): Int32Array => {
    if (position.epoch !== epoch) batches = data.rows < batch ? [filledBatch(data.rows, batch, position.epoch, state.random.seed)] : batchIndices(data.rows, batch, position.epoch, state.random.seed);
    epoch = position.epoch;
    return batches[position.step] as Int32Array;
  };
  const still = even && !fresh;
  const metrics = view(f32, inputs["metrics"]);
  return {
    artifact,
    module,
    batch,
    dataset: data.rows,
    metrics,
    zeroMetrics: () => void metrics.fill(0),
    run(steps) {
      for (let left = steps; left > 0; ) {
        const now = still ? left : Math.min(left, slots);
        if (still) {
          // All rows in their order, whatever the step.
          for (let slot = laidOut ? slots : 0; slot < slots; slot++) layOut(currentRows(), slot, state.step);
          laidOut = true;
          position.epoch += now;
        } else {
          for (let i = 0; i < now; i++) {
            const step = state.step + i;
            layOut(currentRows(), step % slots, step);
            if (++position.step < perEpoch) continue;
            position.epoch++;
            position.step = 0;
          }
        }
        u32[arenaWords.step] = state.step;
        module.run(now);
        state.step += now;
        left -= now;
      }
    },
    dispose() {
      for (const tensor of state.tensors.values()) if (tensor.values.buffer === f32.buffer) tensor.values = tensor.values.slice();
      module.dispose();
    },
  };
}

/** Copies parameters and slots into the arena; from here on the state's tensors are views of it. */
function adoptState(state: KernelState, { inputs, state: slots }: StepArtifact, f32: Float32Array): void {
  for (const slot of slots) {
    const name = checkpointName(slot.name);
    const region = inputs[slot.name];
    if (!region || state.tensors.has(name)) continue;
    // Optimizer state has the shape of its parameter, which may have fewer rows than the program has room for.
    const { shape } = state.tensors.get(slot.name.slice(0, slot.name.lastIndexOf("/"))) ?? region;
    state.tensors.set(name, { shape, values: initialSlot(state, slot, shape.reduce((product, dim) => product * dim, 1)) });
  }
  for (const name of Object.keys(inputs)) {
    const tensor = state.tensors.get(checkpointName(name));
    const region = inputs[name];
    if (!tensor || !region || name.startsWith("data.")) continue;
    const there = f32.subarray(region.offset, region.offset + tensor.values.length);
    there.set(tensor.values);
    tensor.values = there;
  }
}

function view(f32: Float32Array, region: Region | undefined): Float32Array {
  return region ? f32.subarray(region.offset, region.offset + region.words) : new Float32Array(0);
}

export function setScalar(f32: Float32Array, region: Region | undefined, value: number): void {
  if (region) f32[region.offset] = value;
}
