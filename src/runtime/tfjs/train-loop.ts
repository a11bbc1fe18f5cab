import { batchIndices, nextPosition, stepsPerEpoch } from "../data/index.js";
import type { Evaluation, Metrics, TrainOptions, TrainResult, TrainStep } from "../model.js";
import { afterEvaluation, isOutOfPatience } from "../train/early-stopping.js";
import { metricsOf } from "../train/metrics.js";
import { pauser } from "../train/pauser.js";
import { type BoundData, trainingBatch } from "./batch.js";
import { explainDivergence } from "./diverged.js";
import { disposeSnapshot, nonFiniteTensors, type Snapshot, takeSnapshot } from "./snapshot.js";
import type { ModelState } from "./state.js";
import { disposeValues, readScalars, trainStep } from "./train-step.js";

/** What the loop needs from the model around it. */
export interface TrainHost {
  readonly evaluate: () => Promise<Evaluation>;
  readonly save: () => Promise<Uint8Array>;
  /** Before each step, after anything else may have run in between. */
  readonly resume: () => Promise<void>;
}

/**
 * The training loop. Metrics are read every `metricsEvery` steps; a state from just before the last reading that was finite is kept, so that a
 * loss that is not finite is traced to its first step and costs nothing but the steps since.
 */
export async function* trainLoop(state: ModelState, data: BoundData, options: TrainOptions<unknown>, host: TrainHost): AsyncGenerator<TrainStep, TrainResult, void> {
  const plan = state.definition.training;
  const batchSize = options.batch ?? plan.batch;
  const perEpoch = stepsPerEpoch(data.rows, batchSize);
  const epochs = options.epochs ?? plan.epochs;
  const total = options.steps === undefined ? Infinity : options.steps;
  const every = Math.max(1, options.metricsEvery ?? 10);
  const checkpointEvery = options.onCheckpoint ? (options.checkpointEvery ?? Infinity) : Infinity;
  const indicesAt = indexSource(state, data, batchSize);
  const advance = (): void => void (state.position = nextPosition(state.position, data.rows, batchSize));
  const run = { data, indicesAt, advance, rate: options.learningRate };
  let metrics: Metrics = { loss: NaN, elbo: NaN, terms: {}, learningRate: NaN };
  let good: Snapshot | undefined;
  const pause = pauser();
  const stopped = (): boolean => options.validation !== undefined && isOutOfPatience(state.best, plan.patience);
  try {
    // A run that has stopped early stays stopped when it is resumed.
    if (stopped()) return { reason: "early-stopping", step: state.step, metrics };
    while (state.position.epoch < epochs && state.step < total) {
      if (options.signal?.aborted) return { reason: "aborted", step: state.step, metrics };
      await host.resume();
      const position = state.position;
      const lastOfEpoch = position.step === perEpoch - 1;
      const next = state.step + 1;
      const checkpoint = next % checkpointEvery === 0;
      const wanted = next % every === 0 || lastOfEpoch || next === total || checkpoint || good === undefined;
      const before = wanted ? takeSnapshot(state) : undefined;
      const batch = trainingBatch(state, data, indicesAt(position), state.step);
      const values = trainStep(state, batch, { rate: options.learningRate, wanted });
      batch.dispose();
      if (before) {
        const numbers = await readScalars(values);
        disposeValues(values);
        const finite = [...numbers.values()].every(Number.isFinite);
        if (!finite || (checkpoint && (await nonFiniteTensors(state)).length > 0)) {
          // A run that begins badly is explained from its first step.
          const from = good ?? before;
          const error = await explainDivergence(state, from, run);
          if (from !== before) disposeSnapshot(before);
          else good = before;
          throw error;
        }
        disposeSnapshot(good);
        good = before;
        metrics = metricsOf(state.definition, numbers, next - 1, options.learningRate);
      }
      advance();
      const evaluated = lastOfEpoch && options.validation !== undefined && (position.epoch + 1) % Math.max(1, options.evaluateEvery ?? 1) === 0;
      const validation = evaluated ? await host.evaluate() : undefined;
      // Before anything is saved: a checkpoint knows the evaluation of its own step.
      if (validation) state.best = afterEvaluation(state.best, validation.elbo, state.step);
      if (checkpoint) await options.onCheckpoint?.(await host.save(), { step: state.step, epoch: state.position.epoch });
      const improved = validation !== undefined && state.best.step === state.step;
      yield { step: state.step, epoch: position.epoch, stepsPerEpoch: perEpoch, metrics, fresh: wanted, ...(validation ? { validation, improved } : {}) };
      if (validation && stopped()) return { reason: "early-stopping", step: state.step, metrics };
      await pause();
    }
    return { reason: "finished", step: state.step, metrics };
  } finally {
    disposeSnapshot(good);
  }
}

/** The rows of a position's minibatch; each epoch is shuffled once. */
function indexSource(state: ModelState, data: BoundData, batch: number): (position: ModelState["position"]) => Int32Array {
  let epoch = -1;
  let batches: readonly Int32Array[] = [];
  return (position) => {
    if (position.epoch !== epoch) batches = batchIndices(data.rows, batch, position.epoch, state.random.seed);
    epoch = position.epoch;
    return batches[position.step] ?? new Int32Array(0);
  };
}
