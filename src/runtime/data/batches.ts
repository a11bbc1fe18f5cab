import { permutation, runtimeSites, type RandomKey } from "../random/index.js";
import type { BoundColumn } from "./bind.js";

/** Where a run stands in its data; with the seed it says which rows come next, so that a resumed run goes on exactly. */
export interface DataPosition {
  readonly epoch: number;
  /** Minibatches of this epoch that are done. */
  readonly step: number;
}

/** Minibatches in an epoch: the rest that does not fill one is left out; a batch larger than the data is the data. */
export function stepsPerEpoch(rows: number, batch: number): number {
  return Math.max(1, Math.floor(rows / Math.min(batch, rows)));
}

/**
 * The rows of each minibatch of an epoch, in a random order that the epoch's number and the seed give. Views of one array. A minibatch that
 * is the whole data set has its rows in their own order: nothing is laid out anew for each step then.
 * @param rows at least 1
 */
export function batchIndices(rows: number, batch: number, epoch: number, seed: readonly [number, number]): Int32Array[] {
  const size = Math.min(batch, rows);
  if (size === rows) return [Int32Array.from({ length: rows }, (_, row) => row)];
  const key: RandomKey = { seed, site: runtimeSites.shuffle, step: epoch };
  const order = permutation(rows, key);
  return Array.from({ length: stepsPerEpoch(rows, batch) }, (_, step) => order.subarray(step * size, (step + 1) * size));
}

/**
 * The rows of minibatch `step` where there are fewer rows than it has places: the next of an endless row of permutations, so that all are taken
 * equally often over time. In their own order, each equally often, where they fill it evenly.
 */
export function filledBatch(rows: number, batch: number, step: number, seed: readonly [number, number]): Int32Array {
  const out = new Int32Array(batch);
  if (batch % rows === 0) return out.map((_, at) => at % rows);
  let pass = -1;
  let order: Int32Array = new Int32Array(0);
  for (let at = 0; at < batch; at++) {
    const place = step * batch + at;
    const now = Math.floor(place / rows);
    if (now !== pass) order = permutation(rows, { seed, site: runtimeSites.shuffle, step: now });
    pass = now;
    out[at] = order[place % rows]!;
  }
  return out;
}

/** The position after one more minibatch. */
export function nextPosition(position: DataPosition, rows: number, batch: number): DataPosition {
  return position.step + 1 < stepsPerEpoch(rows, batch) ? { epoch: position.epoch, step: position.step + 1 } : { epoch: position.epoch + 1, step: 0 };
}

/** Writes the given rows one after the other into `out` (indices × size numbers), grey levels as numbers from 0 to 1. */
export function gatherRows<A extends Float32Array | Int32Array>(column: Pick<BoundColumn, "values" | "size" | "scale">, indices: ArrayLike<number>, out: A): A {
  const { values, size, scale } = column;
  let at = 0;
  if (scale === 1) {
    for (let i = 0; i < indices.length; i++, at += size) {
      const start = indices[i]! * size;
      if (size === 1) out[at] = values[start]!;
      else out.set(values.subarray(start, start + size), at);
    }
    return out;
  }
  for (let i = 0; i < indices.length; i++) {
    const start = indices[i]! * size;
    for (let j = 0; j < size; j++) out[at++] = values[start + j]! * scale;
  }
  return out;
}
