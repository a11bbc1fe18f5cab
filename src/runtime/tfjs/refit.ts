import { type BoundData, trainingBatch } from "./batch.js";
import { batchIndices, stepsPerEpoch } from "../data/index.js";
import { noneSoFar } from "../train/early-stopping.js";
import { disposeState, isPerRow, materialize, type ModelState } from "./state.js";
import { disposeValues, trainStep } from "./train-step.js";

/**
 * A state for other rows than those it was trained on: fresh parameters for each row, fitted for `steps` steps, while everything else stays
 * as it is. To be disposed by `disposeRefit`.
 */
export async function refit(state: ModelState, data: BoundData, steps: number): Promise<ModelState> {
  const { definition } = state;
  const local = new Set(definition.parameters.filter(isPerRow).map(({ name }) => name));
  const shared = [...state.parameters].filter(([name]) => !local.has(name)).map(([name, variable]) => [name, state.averages.get(name) ?? variable] as const);
  const fitted: ModelState = {
    definition: { ...definition, training: { ...definition.training, ema: undefined, anneal: { steps: 0, cycles: 1 } } },
    random: state.random,
    parameters: new Map(shared),
    slots: new Map(),
    averages: new Map(),
    only: local,
    step: 0,
    position: { epoch: 0, step: 0 },
    dataset: undefined,
    best: noneSoFar,
    draws: 0,
  };
  materialize(fitted, data.rows);
  // Terms of global latents weigh as they did in training: they were learnt from that many rows.
  fitted.dataset = state.dataset ?? data.rows;
  const size = definition.training.batch;
  const perEpoch = stepsPerEpoch(data.rows, size);
  for (let epoch = 0; fitted.step < steps; epoch++) {
    for (const indices of batchIndices(data.rows, size, epoch, state.random.seed).slice(0, Math.min(perEpoch, steps - fitted.step))) {
      const batch = trainingBatch(fitted, data, indices, fitted.step);
      disposeValues(trainStep(fitted, batch, { wanted: false }));
      batch.dispose();
    }
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
  return fitted;
}

/** Frees what the refit made; the shared parameters belong to the state that it came from. */
export function disposeRefit(fitted: ModelState): void {
  for (const name of [...fitted.parameters.keys()]) if (!fitted.only?.has(name)) fitted.parameters.delete(name);
  disposeState(fitted);
}

