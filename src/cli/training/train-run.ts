import type { CompiledModel } from "../../driver/compile.js";
import type { Evaluation, LoadReport, Metrics, Model, TrainStep } from "../../runtime/model.js";
import type { RunFolder } from "../../runtime/node/run-folder.js";
import { asRuntimeError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import type { Interrupt } from "../interrupt.js";
import type { CommandContext, CommandResult } from "../run.js";
import { shellQuote } from "../shell-quote.js";
import { bestName, saveBest, saveCheckpoint } from "./checkpoints.js";
import { evaluateModel, refitSteps } from "./evaluate-model.js";
import { evaluationText } from "./evaluation-text.js";
import type { ModelData } from "./model-data.js";
import { savePictures } from "./pictures.js";
import { createAverage } from "./average.js";
import { createClock, createProgressLine, duration, nats } from "./progress.js";
import type { RunConfig } from "./run-config.js";
import { shownPath, writeConfig } from "./run-config.js";
import { boundName, summarizeTerms } from "./terms.js";

export interface Run {
  readonly model: Model;
  readonly compiled: CompiledModel;
  readonly data: ModelData;
  readonly testData: ModelData | undefined;
  readonly validationData: ModelData | undefined;
  /** Of a run that is resumed: its best evaluation so far. */
  readonly best?: LoadReport["best"];
  readonly config: RunConfig;
  readonly folder: RunFolder;
  readonly interrupt: Interrupt;
  /** `npx lvmc` or `lvmc`. */
  readonly invocation: string;
  /** The run's folder for messages and commands. */
  readonly shown: string;
}

/** Steps between two readings of the metrics. */
const metricsEvery = 10;
/** Runs of more epochs than this save and draw only every so many: a full-batch model may have thousands. */
const manyEpochs = 50;

/** Trains to the end, to Ctrl-C or to a loss that is not finite; saves in each case. */
export async function trainRun(context: CommandContext, run: Run): Promise<CommandResult> {
  const { model, config, folder, compiled } = run;
  const { report, io } = context;
  const { training } = compiled.program;
  const epochs = config.epochs ?? training.epochs;
  const every = Math.max(1, Math.ceil(epochs / manyEpochs));
  const clock = createClock();
  const line = createProgressLine(io.stdout, !report.json);
  const began = performance.now();
  const average = createAverage();
  let last: TrainStep | undefined;
  let { best } = run;
  let saved = -1;
  let { device } = config;

  const save = async (): Promise<string> => {
    const path = await saveCheckpoint(folder.checkpoints, model.step, await model.save(), config.keep);
    saved = model.step;
    report.event("checkpoint", { step: model.step, path });
    return path;
  };
  let drawn = -1;
  const draw = async (label: string): Promise<void> => {
    if (!config.samples || run.data.images.size === 0) return;
    drawn = model.step;
    const bytes = new Set(compiled.program.columns.filter((column) => column.type.support.kind === "byte").map((column) => column.name));
    const latents = compiled.training.latents.length > 0;
    const perRow = compiled.program.parameters.some((parameter) => parameter.perRow);
    const files = await savePictures(model, perRow ? run.data : (run.testData ?? run.data), folder, { label, draw: model.step, bytes, latents, perRow });
    for (const path of files) report.event("image", { step: model.step, path });
  };
  // So that a run has something to go back to in its first epoch as well.
  if (model.step === 0) await save();

  const steps = model.train(run.data.columns, {
    epochs: config.epochs,
    steps: config.steps,
    batch: config.batch,
    learningRate: config.rate,
    metricsEvery,
    // An epoch of one step is looked at only where something is done.
    yieldEvery: run.data.rows <= (config.batch ?? training.batch) ? every : metricsEvery,
    signal: run.interrupt.signal,
    ...(run.validationData ? { validation: run.validationData.columns, refitSteps } : {}),
  });
  let reason = "finished";
  try {
    for (;;) {
      const next = await steps.next();
      if (next.done) {
        reason = next.value.reason;
        break;
      }
      const step = next.value;
      last = step;
      if (model.device !== device) {
        // A compiler that failed was passed over: the run goes on with what it has run on.
        device = model.device;
        await writeConfig(folder, { ...config, device });
      }
      clock.tick(step.step);
      const ended = step.step % step.stepsPerEpoch === 0;
      // Which lines there are depends on the step alone: a resumed run writes the same ones.
      if (step.fresh && (ended || step.step % metricsEvery === 0)) {
        folder.appendMetrics({ type: "step", step: step.step, epoch: step.epoch + 1, ...step.metrics });
        report.event("step", { step: step.step, epoch: step.epoch + 1, stepsPerEpoch: step.stepsPerEpoch, ...step.metrics, stepsPerSecond: clock.speed() });
      }
      if (step.fresh) average.add(step.metrics);
      line.update(() => progressText(run, step, epochs, clock.speed()));
      if (!ended) continue;
      const epoch = step.epoch + 1;
      if (step.validation) recordEvaluation(context, run, "validation", step.validation, step.step, epoch);
      if (step.validation && step.improved) {
        best = { step: step.step, elbo: step.validation.elbo };
        report.event("checkpoint", { step: step.step, path: await saveBest(folder.checkpoints, await model.save()), best: true });
      }
      if (epoch % every === 0) line.settle(epochText(run, step, average.take(), epochs, began, clock.speed()));
      if (epoch % every === 0) await save();
      if (epoch % (config.imagesEvery ?? every) === 0) await draw(`epoch-${String(epoch).padStart(4, "0")}`);
    }
  } catch (error) {
    line.clear();
    const known = asRuntimeError(error);
    if (known?.code === "LVM7162") return await endWithoutDevice(context, run, steps, error, save, saved);
    if (known?.exitCode !== exitCodes.diverged) throw error;
    // The engine has gone back to the state before the bad step.
    const path = await save();
    report.failure(error);
    report.say(`the state before it is saved: ${shownPath(path, io.cwd)} (step ${model.step})`);
    return { exit: exitCodes.diverged, facts: { run: folder.path, checkpoint: path, step: model.step, ...known.facts } };
  }
  line.clear();

  const checkpoint = saved === model.step ? `${folder.checkpoints}/latest.safetensors` : await save();
  const facts = { run: folder.path, checkpoint, reason, step: model.step, seconds: (performance.now() - began) / 1000, ...(last ? { metrics: last.metrics } : {}), ...(best ? { best } : {}) };
  if (reason === "aborted") {
    const command = `${run.invocation} train --resume ${shellQuote(run.shown)}`;
    report.say(`stopped after step ${model.step}, saved. Go on with:\n\n  ${command}\n`);
    return { exit: exitCodes.interrupted, facts: { ...facts, resume: command } };
  }
  if (last && drawn !== model.step) await draw(`step-${model.step}`);
  const evaluation = run.testData ? await evaluateAtEnd(context, run, run.testData) : undefined;
  if (run.interrupt.interrupted()) {
    report.say(`stopped before the end of the evaluation; the run is saved in ${run.shown}`);
    return { exit: exitCodes.interrupted, facts };
  }
  summary(context, run, last, reason, began, best);
  return { exit: exitCodes.ok, facts: { ...facts, ...(evaluation ? { evaluation } : {}) } };
}

/** The device was lost: the last state that came from it is saved, and the commands are said that go on with it. */
async function endWithoutDevice({ report, io }: CommandContext, run: Run, steps: AsyncGenerator<TrainStep, unknown, void>, error: unknown, save: () => Promise<string>, before: number): Promise<CommandResult> {
  // Where pictures or an evaluation failed the loop does not know yet: it goes back to its last copy of the state.
  await steps.throw(error).catch(() => undefined);
  // A checkpoint of a later step may stand already.
  const saved = run.model.step > before ? await save().catch(() => undefined) : undefined;
  report.failure(error);
  const resume = `${run.invocation} train --resume ${shellQuote(run.shown)}`;
  report.say(`${saved === undefined ? `the checkpoint of step ${before} stands: ${run.shown}/checkpoints/latest.safetensors` : `the last state that came from it is saved: ${shownPath(saved, io.cwd)} (step ${run.model.step})`}. Go on with:\n\n  ${resume}\n  ${resume} --device native\n`);
  return { exit: exitCodes.device, facts: { run: run.folder.path, checkpoint: saved ?? `${run.folder.checkpoints}/latest.safetensors`, step: saved === undefined ? before : run.model.step, resume, ...asRuntimeError(error)?.facts } };
}

async function evaluateAtEnd(context: CommandContext, run: Run, data: ModelData): Promise<Evaluation | undefined> {
  try {
    const perRow = run.compiled.program.parameters.some((parameter) => parameter.perRow);
    const evaluation = await evaluateModel(run.model, run.compiled, data, { signal: run.interrupt.signal, ...(perRow ? { refitSteps } : {}) });
    recordEvaluation(context, run, "test", evaluation, run.model.step, undefined);
    context.report.say(`\ntest data, ${data.rows.toLocaleString("en-US")} rows, nats per row:\n${evaluationText(evaluation, run.compiled, context.report.color)}\n`);
    return evaluation;
  } catch (error) {
    if (run.interrupt.interrupted()) return undefined;
    throw error;
  }
}

function recordEvaluation({ report }: CommandContext, run: Run, on: string, evaluation: Evaluation, step: number, epoch: number | undefined): void {
  const record = { on, step, ...(epoch === undefined ? {} : { epoch }), ...evaluation };
  run.folder.appendMetrics({ type: "evaluation", ...record });
  report.event("evaluation", record);
}

/** `ELBO -105.23  reconstruction -85.10  KL z 20.13`. */
function boundText(run: Run, metrics: Metrics): string {
  const { bound, terms } = run.compiled.training;
  const { reconstruction, kl } = summarizeTerms(terms, metrics.terms);
  const parts = [`${boundName(bound)} ${nats(metrics.elbo)}`];
  if (reconstruction !== undefined && kl.length > 0) parts.push(`reconstruction ${nats(reconstruction)}`);
  for (const { name, value } of kl) parts.push(`KL ${name} ${nats(value)}`);
  for (const [name, { value, multiplier }] of Object.entries(metrics.constraints ?? {})) parts.push(`${name} ${nats(value)} λ ${nats(multiplier)}`);
  return parts.join("  ");
}

function totalSteps(run: Run, step: TrainStep, epochs: number): number {
  return Math.min(run.config.steps ?? Infinity, epochs * step.stepsPerEpoch);
}

function progressText(run: Run, step: TrainStep, epochs: number, speed: number | undefined): string {
  const total = totalSteps(run, step, epochs);
  const rate = speed === undefined ? "" : `  ${speed.toFixed(speed < 10 ? 1 : 0)} steps/s  ${duration((total - step.step) / speed)} left`;
  return `epoch ${step.epoch + 1}/${epochs}  step ${step.step}/${total}  ${boundText(run, step.metrics)}${rate}`;
}

function epochText(run: Run, step: TrainStep, metrics: Metrics, epochs: number, began: number, speed: number | undefined): string {
  const seconds = (performance.now() - began) / 1000;
  const left = speed === undefined ? "" : `, ${duration((totalSteps(run, step, epochs) - step.step) / speed)} left`;
  const validation = step.validation ? `  validation ${nats(step.validation.elbo)}` : "";
  return `epoch ${step.epoch + 1}/${epochs}  step ${step.step}  ${boundText(run, metrics)}${validation}  (${speed === undefined ? "" : `${speed.toFixed(speed < 10 ? 1 : 0)} steps/s, `}${duration(seconds)}${left})`;
}

function summary({ report, io }: CommandContext, run: Run, last: TrainStep | undefined, reason: string, began: number, best: Run["best"]): void {
  const { color } = report;
  const done = reason === "early-stopping" ? "stopped early: the validation bound no longer rises" : last ? "done" : "nothing to do: the run has had all its steps";
  report.say(`${color.green("✓")} ${done}, step ${run.model.step}, ${duration((performance.now() - began) / 1000)}${last ? `, ${boundText(run, last.metrics)}` : ""}`);
  const at = shownPath(run.folder.checkpoints, io.cwd);
  if (best) report.say(`  best        ${at}/${bestName}, step ${best.step}, validation ${nats(best.elbo)}`);
  report.say(`  checkpoint  ${at}/latest.safetensors\n  metrics     ${run.shown}/metrics.jsonl`);
  report.say(`\nnext: ${run.invocation} eval ${shellQuote(run.shown)}\n      ${run.invocation} sample ${shellQuote(run.shown)} -o ${shellQuote(`${run.shown}/samples.${run.data.images.size > 0 ? "png" : "csv"}`)}
      ${run.invocation} compile ${shellQuote(run.shown)} -o ${shellQuote(`${run.config.model}.ts`)}`);
}
