import type { LvmError } from "../error.js";
import { firstBad, lossError, unrepeatedError, updateError } from "../train/divergence.js";
import { trainingBatch, type BoundData } from "./batch.js";
import { nonFiniteTensors, restoreSnapshot, type Snapshot, takeSnapshot, disposeSnapshot } from "./snapshot.js";
import type { ModelState } from "./state.js";
import { disposeValues, readScalars, trainStep, trainValues } from "./train-step.js";

/**
 * A loss that is not finite was read some steps after it happened. Steps repeat exactly, so they are taken again from the last good state, one
 * by one, to name the first bad step and what in it is not finite. Leaves `state` as it was before that step.
 */
export async function explainDivergence(
  state: ModelState,
  good: Snapshot,
  run: { readonly data: BoundData; readonly indicesAt: (position: ModelState["position"]) => Int32Array; readonly advance: () => void; readonly rate?: number },
): Promise<LvmError> {
  const until = state.step;
  restoreSnapshot(state, good);
  while (state.step < until) {
    const batch = trainingBatch(state, run.data, run.indicesAt(state.position), state.step);
    try {
      const values = trainValues(state, batch);
      const numbers = await readScalars(values);
      disposeValues(values);
      const bad = firstBad(numbers);
      if (bad) return lossError(state.definition, state.step + 1, bad);
      const before = takeSnapshot(state);
      disposeValues(trainStep(state, batch, { rate: run.rate, wanted: false }));
      const broken = await nonFiniteTensors(state);
      if (broken.length > 0) {
        const step = state.step;
        restoreSnapshot(state, before);
        disposeSnapshot(before);
        return updateError(state.definition, step, broken);
      }
      disposeSnapshot(before);
      run.advance();
    } finally {
      batch.dispose();
    }
  }
  return unrepeatedError(until, "the device does not repeat its results: try --device tfjs-cpu");
}
