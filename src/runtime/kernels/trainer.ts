import { batchIndices, binarize, filledBatch, stepsPerEpoch } from "../data/index.js";
import { arenaWords, type KernelModule, type WordRange } from "../kernel-engine.js";
import type { BoundData } from "../train/bind-data.js";
import type { Region, StepArtifact } from "./artifact.js";
import { binarizeKey, layOutAll, layOutRows } from "./lay-out.js";
import { checkpointName, initialSlot, isFinite, type KernelState } from "./state.js";

/** What the device says of the steps so far. */
export interface Readings {
  /** Metrics of the last step, in the order of the artifact's names. */
  readonly last: Float32Array;
  /** Whether all metrics of all steps since `zeroMetrics` were finite. */
  readonly finite: boolean;
}

/** A training program with its data: it takes steps, and the state's tensors are views of its arena while it lives. */
export interface Trainer {
  readonly artifact: StepArtifact;
  readonly module: KernelModule;
  readonly batch: number;
  /** Rows of its data. */
  readonly dataset: number;
  /** Steps that may be under way at a time: as many as the host lays out rows for. */
  readonly window: number;
  /** Takes steps, or on a GPU sets them under way; the state's step and position go with them. Allocates nothing but at the turn of an epoch. */
  run(steps: number): void;
  zeroMetrics(): void;
  /** As of the steps that `run` took before: a promise where the device has memory of its own. Steps that are taken meanwhile do not matter. */
  read(): Readings | Promise<Readings>;
  /** Brings the state's tensors from the device, if steps changed them since. `seen` is called while they are those of this moment. */
  fetchState(seen?: () => void): Promise<void> | void;
  /** The device takes the state's tensors as they are. */
  sendState(): void;
  /** The device is gone, and what it computed: the state is as the host has it. */
  abandon(): void;
  /** Copies the state out of the arena and gives the memory back. */
  dispose(): Promise<void>;
}

const mostUnderWay = 256;

export function createTrainer(state: KernelState, artifact: StepArtifact, module: KernelModule, data: BoundData, options: { readonly dataset: number; readonly rate: number }): Trainer {
  const { f32, i32, u32 } = module.arena;
  const { batch, slots, inputs, outputs, resident } = artifact;
  // Fewer rows than a minibatch fill it by being taken again; where they do so evenly, all steps have the same rows.
  const even = batch % data.rows === 0;
  const stateRegions = adoptState(state, artifact, f32);
  setScalar(f32, inputs["dataset"], options.dataset);
  setScalar(f32, inputs["rate"], options.rate);
  u32[arenaWords.key] = state.random.seed[0];
  u32[arenaWords.key + 1] = state.random.seed[1];
  module.send(arenaWords.key, 2);
  const send = (region: WordRange | undefined): void => region && module.send(region.offset, region.words);
  [inputs["dataset"], inputs["rate"], ...stateRegions].forEach(send);

  const columns = data.columns.flatMap((column, at) => {
    const region = inputs[`data.${column.plan.name}`];
    if (!region) return [];
    const size = region.words / (resident ? data.rows : batch * slots);
    const view = region.type === "f32" ? f32 : i32;
    // Programs binarize grey levels themselves, unless values may be missing.
    const coins = isBinarizedHere(column) ? at : undefined;
    return [{ column, region, size, view, coins }];
  });
  if (resident) {
    for (const { column, region, size, view } of columns) layOutAll(column, data.rows, size, view, region.offset);
    columns.forEach(({ region }) => send(region));
  }
  const rows = inputs["rows"];
  const layOut = (indices: Int32Array, slot: number, step: number): void => {
    if (rows) i32.set(indices, rows.offset + slot * batch);
    if (resident) return;
    for (const { column, region, size, view, coins } of columns) {
      const at = region.offset + slot * batch * size;
      layOutRows(column, indices, size, view, at);
      if (coins === undefined || !(view instanceof Float32Array)) continue;
      const mode = state.definition.training.binarize;
      binarize(view.subarray(at, at + batch * size), mode.kind === "fresh" ? "fresh" : { threshold: mode.at }, binarizeKey(state.random, coins, step));
    }
  };
  /** What was laid out from one slot to before another. */
  const sendSlots = (from: number, to: number): void => {
    if (from >= to) return;
    if (rows) module.send(rows.offset + from * batch, (to - from) * batch);
    if (!resident) for (const { region, size } of columns) module.send(region.offset + from * batch * size, (to - from) * batch * size);
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
  const [sums, last] = [inputs["metrics"], outputs["last"]];
  const [sumsView, lastView] = [view(f32, sums), view(f32, last)];
  const metricRanges = [sums, last].flatMap((region) => region ?? []);
  /** Whether steps changed the state on a device with memory of its own. */
  let ahead = false;
  const fetchState = (seen?: () => void): Promise<void> | void => {
    if (!ahead) return void seen?.();
    ahead = false;
    return module.fetch(stateRegions, seen);
  };
  return {
    artifact,
    module,
    batch,
    dataset: data.rows,
    window: still || resident ? mostUnderWay : Math.min(slots, mostUnderWay),
    zeroMetrics() {
      sumsView.fill(0);
      send(sums);
    },
    read() {
      let found: Readings = { last: lastView, finite: false };
      const brought = module.fetch(metricRanges, () => void (found = { last: lastView.slice(), finite: isFinite(sumsView) }));
      return brought ? brought.then(() => found) : found;
    },
    fetchState,
    sendState: () => stateRegions.forEach(send),
    abandon: () => void (ahead = false),
    run(steps) {
      ahead = true;
      for (let left = steps; left > 0; ) {
        const now = still ? left : Math.min(left, slots);
        if (still) {
          // All rows in their order, whatever the step.
          for (let slot = laidOut ? slots : 0; slot < slots; slot++) layOut(currentRows(), slot, state.step);
          if (!laidOut) sendSlots(0, slots);
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
          const first = state.step % slots;
          sendSlots(first, Math.min(first + now, slots));
          sendSlots(0, first + now - slots);
        }
        u32[arenaWords.step] = state.step;
        module.run(now);
        state.step += now;
        left -= now;
      }
    },
    async dispose() {
      try {
        await fetchState();
      } finally {
        for (const tensor of state.tensors.values()) if (tensor.values.buffer === f32.buffer) tensor.values = tensor.values.slice();
        module.dispose();
      }
    },
  };
}

/** Whether the host binarizes a column, row by row and step by step: grey levels of which some may be missing. */
export function isBinarizedHere({ bound, plan }: BoundData["columns"][number]): boolean {
  return bound?.grey === true && plan.partlyObserved === true;
}

/** Copies parameters and slots into the arena; from here on the state's tensors are views of it. Gives where they are. */
function adoptState(state: KernelState, { inputs, state: slots }: StepArtifact, f32: Float32Array): WordRange[] {
  for (const slot of slots) {
    const name = checkpointName(slot.name);
    const region = inputs[slot.name];
    if (!region || state.tensors.has(name)) continue;
    // Optimizer state has the shape of its parameter, which may have fewer rows than the program has room for.
    const { shape } = state.tensors.get(slot.name.slice(0, slot.name.lastIndexOf("/"))) ?? region;
    state.tensors.set(name, { shape, values: initialSlot(state, slot, shape.reduce((product, dim) => product * dim, 1)) });
  }
  const regions: WordRange[] = [];
  for (const name of Object.keys(inputs)) {
    const tensor = state.tensors.get(checkpointName(name));
    const region = inputs[name];
    if (!tensor || !region || name.startsWith("data.")) continue;
    const there = f32.subarray(region.offset, region.offset + tensor.values.length);
    there.set(tensor.values);
    tensor.values = there;
    regions.push({ offset: region.offset, words: there.length });
  }
  return regions;
}

function view(f32: Float32Array, region: Region | undefined): Float32Array {
  return region ? f32.subarray(region.offset, region.offset + region.words) : new Float32Array(0);
}

export function setScalar(f32: Float32Array, region: Region | undefined, value: number): void {
  if (region) f32[region.offset] = value;
}
