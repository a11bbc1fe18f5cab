import { stepsPerEpoch } from "../data/index.js";
import { LvmError } from "../error.js";
import type { Evaluation, Metrics, TrainOptions, TrainResult, TrainStep } from "../model.js";
import { firstBad, lossError, unrepeatedError, updateError } from "../train/divergence.js";
import { afterEvaluation, isOutOfPatience } from "../train/early-stopping.js";
import { metricsOf } from "../train/metrics.js";
import { pauser } from "../train/pauser.js";
import { createPacer } from "./pacer.js";
import { createSnapshots, momentOf, type Snapshots } from "./snapshot.js";
import { type KernelState, nonFiniteTensors } from "./state.js";
import type { Trainer } from "./trainer.js";

/** What the loop needs from the model around it. */
export interface TrainHost {
  readonly evaluate: () => Promise<Evaluation>;
  readonly save: () => Promise<Uint8Array>;
  readonly rows: number;
}

/** Steps after which the state is copied: what is taken again when a loss is not finite. */
const snapshotEvery = 256;

/**
 * The training loop: as many steps at a time as nobody looks in between. Metrics are those of the step at which they are read; sums over the steps
 * before it tell whether all were finite. On a GPU the state may be some steps ahead of the step that is told. Where the device is lost, the state is the
 * last copy.
 * @throws LvmError LVM7101 where a loss is not finite, LVM7162 where the device failed
 */
export async function* trainLoop(state: KernelState, trainer: Trainer, options: TrainOptions<unknown>, host: TrainHost): AsyncGenerator<TrainStep, TrainResult, void> {
  const snapshots = createSnapshots(state);
  try {
    return yield* takeSteps(state, trainer, options, host, snapshots);
  } catch (error) {
    if (error instanceof LvmError && error.code === "LVM7162") {
      trainer.abandon();
      snapshots.restore();
    }
    throw error;
  }
}

async function* takeSteps(state: KernelState, trainer: Trainer, options: TrainOptions<unknown>, host: TrainHost, snapshots: Snapshots): AsyncGenerator<TrainStep, TrainResult, void> {
  const plan = state.definition.training;
  const perEpoch = stepsPerEpoch(host.rows, trainer.batch);
  const epochs = options.epochs ?? plan.epochs;
  const total = options.steps ?? Infinity;
  const every = Math.max(1, options.metricsEvery ?? 10);
  const yieldEvery = Math.max(1, options.yieldEvery ?? 1);
  const evaluateEvery = options.validation === undefined ? Infinity : Math.max(1, options.evaluateEvery ?? 1);
  const checkpointEvery = options.onCheckpoint ? (options.checkpointEvery ?? Infinity) : Infinity;
  let metrics: Metrics = { loss: NaN, elbo: NaN, terms: {}, learningRate: NaN };
  const pause = pauser();
  const take = createPacer(trainer);
  const stopped = (): boolean => options.validation !== undefined && isOutOfPatience(state.best, plan.patience);
  if (stopped()) return { reason: "early-stopping", step: state.step, metrics };
  snapshots.take();
  trainer.zeroMetrics();
  /** What the last step was, and the device's word on it: a promise where it computes by itself. */
  interface Taken {
    readonly step: number;
    readonly epoch: number;
    readonly readings: ReturnType<Trainer["read"]>;
    /** The state is copied, when it has come; false if there is a number in it that is not finite. */
    readonly copied?: Promise<boolean>;
  }
  const settled = async ({ step, epoch, readings, copied }: Taken): Promise<TrainStep> => {
    const { last, finite } = readings instanceof Promise ? await readings : readings;
    const good = (await copied) ?? true;
    if (!finite || !good) throw await explainDivergence(state, trainer, snapshots);
    metrics = metricsOf(state.definition, named(trainer, last), step - 1, options.learningRate);
    return { step, epoch, stepsPerEpoch: perEpoch, metrics, fresh: true };
  };
  // A device that computes by itself has its next steps under way before anybody waits for the metrics of these.
  let waiting: Taken | undefined;
  let first = true;
  const isDone = (): boolean => state.position.epoch >= epochs || state.step >= total;
  while (!isDone() && !options.signal?.aborted) {
    const { epoch, step: at } = state.position;
    const toEpochEnd = perEpoch - at;
    // An epoch of one step is no reason to look.
    const count = first ? 1 : Math.min(
      yieldEvery - (state.step % yieldEvery),
      perEpoch === 1 ? Infinity : toEpochEnd,
      toEpochEnd + perEpoch * (Math.min(epochs - epoch, evaluateEvery - (epoch % evaluateEvery)) - 1),
      total - state.step,
      checkpointEvery - (state.step % checkpointEvery),
    );
    const next = state.step + count;
    const lastOfEpoch = (at + count) % perEpoch === 0;
    const checkpoint = next % checkpointEvery === 0;
    const end = first || checkpoint || lastOfEpoch || next === total;
    const wanted = end || Math.floor(next / every) > Math.floor(state.step / every);
    first = false;
    await take(count);
    const readings = wanted ? trainer.read() : undefined;
    if (readings instanceof Promise) readings.catch(() => undefined);
    const now = lastOfEpoch ? state.position.epoch - 1 : state.position.epoch;
    if (waiting) {
      const before = await settled(waiting);
      waiting = undefined;
      yield before;
    }
    if (readings) {
      const due = checkpoint || state.step - snapshots.step >= snapshotEvery;
      const taken: Taken = { step: state.step, epoch: now, readings, ...(due ? { copied: copyState(state, trainer, snapshots) } : {}) };
      if (readings instanceof Promise && !end) {
        waiting = taken;
        continue;
      }
      await settled(taken);
    }
    const evaluated = lastOfEpoch && state.position.epoch % evaluateEvery === 0;
    const validation = evaluated ? await host.evaluate() : undefined;
    // Before anything is saved: a checkpoint knows the evaluation of its own step.
    if (validation) state.best = afterEvaluation(state.best, validation.elbo, state.step);
    if (checkpoint) await options.onCheckpoint?.(await host.save(), { step: state.step, epoch: state.position.epoch });
    const improved = validation !== undefined && state.best.step === state.step;
    yield { step: state.step, epoch: now, stepsPerEpoch: perEpoch, metrics, fresh: wanted, ...(validation ? { validation, improved } : {}) };
    if (validation && stopped()) return { reason: "early-stopping", step: state.step, metrics };
    await pause();
  }
  if (waiting) yield await settled(waiting);
  return { reason: isDone() ? "finished" : "aborted", step: state.step, metrics };
}

/** Copies the state of this moment, while further steps are under way where the device has a memory of its own. A state that is not finite is not kept. */
function copyState(state: KernelState, trainer: Trainer, snapshots: Snapshots): Promise<boolean> {
  const moment = momentOf(state);
  let good = false;
  const brought = trainer.fetchState(() => {
    good = nonFiniteTensors(state).length === 0;
    if (good) snapshots.take(moment);
  });
  const copied = Promise.resolve(brought).then(() => good);
  // Awaited later, or not at all where something else fails before.
  copied.catch(() => undefined);
  return copied;
}

function named({ artifact }: Trainer, values: Float32Array): Map<string, number> {
  return new Map(artifact.metrics.map((name, at) => [name, values[at] ?? NaN]));
}

/**
 * Steps repeat exactly: they are taken again from the last copy of the state, one by one, to name the first bad one. Leaves the state as it was
 * before that step.
 */
async function explainDivergence(state: KernelState, trainer: Trainer, snapshots: ReturnType<typeof createSnapshots>): Promise<LvmError> {
  const until = state.step;
  const restore = async (): Promise<void> => {
    // Nothing may come from the device later than this.
    await trainer.fetchState();
    snapshots.restore();
    trainer.sendState();
  };
  const bad = await (async (): Promise<LvmError | undefined> => {
    await restore();
    while (state.step < until) {
      trainer.run(1);
      const { last } = await trainer.read();
      const value = firstBad(named(trainer, last));
      if (value) return lossError(state.definition, state.step, value);
      await trainer.fetchState();
      const broken = nonFiniteTensors(state);
      if (broken.length > 0) return updateError(state.definition, state.step, broken);
    }
    return undefined;
  })();
  if (!bad) return unrepeatedError(until, "the device does not repeat its results: try --device wasm");
  const before = state.step - 1;
  await restore();
  if (before > state.step) trainer.run(before - state.step);
  await trainer.fetchState();
  return bad;
}
