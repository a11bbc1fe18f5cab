import { join, resolve } from "node:path";
import { printable } from "../../diagnostics/render.js";
import { createRunFolder, openRunFolder, type RunFolder } from "../../runtime/node/run-folder.js";
import { readFileBytes } from "../../runtime/node/read-file.js";
import type { CompiledModel } from "../../driver/compile.js";
import { deviceFamily } from "../../runtime/devices.js";
import { isProfiled } from "../../runtime/kernels/profile.js";
import type { LoadReport, Model } from "../../runtime/model.js";
import { withoutBest } from "../../runtime/train/checkpoint.js";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import { accept, openModel, type ModelInput, type ModelOptions } from "../front.js";
import { invocationOf } from "../invocation.js";
import { lineEnd, watchInterrupts } from "../interrupt.js";
import type { CommandContext, CommandResult } from "../run.js";
import { bestName } from "../training/checkpoints.js";
import { chosenDevice } from "../training/chosen-device.js";
import { createOnDevice, expectDevice } from "../training/create-on-device.js";
import { nats } from "../training/progress.js";
import { profileHelp, reportProfile } from "../training/profile.js";
import { rewindMetrics } from "../training/metrics-file.js";
import { dataSources, loadModelData, type ModelData } from "../training/model-data.js";
import { copiesOf, modelOfRun, openRun, shownPath, writeConfig, type RunConfig, type SavedRun } from "../training/run-config.js";
import { beginStage, stageNames } from "../training/stages.js";
import { noteSource } from "../training/source-note.js";
import { trainRun } from "../training/train-run.js";
import { version } from "../version.js";

export interface TrainCommandOptions extends ModelOptions {
  readonly data?: readonly string[];
  readonly testData?: readonly string[];
  readonly validationData?: readonly string[];
  readonly epochs?: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly rate?: number;
  readonly seed?: number;
  readonly device?: string;
  readonly out: string;
  readonly resume?: string;
  /** The run of the first stage. */
  readonly stage?: string;
  readonly keep: number;
  readonly imagesEvery?: number;
  /** False with `--no-samples`. */
  readonly samples: boolean;
  readonly profile?: boolean;
  readonly verbose?: boolean;
}

/** `lvmc train FILE` and `lvmc train --resume RUN`: compiles the model for the data and the device, and trains it; of a file with stages all of them in order. */
export async function train(context: CommandContext, file: string | undefined, options: TrainCommandOptions): Promise<CommandResult> {
  const names = file === undefined || options.resume !== undefined || options.model !== undefined || options.stage !== undefined ? [] : await stageNames(context, file, options);
  if (names.length === 0) return trainModel(context, file, options);
  const runs = new Map<string, string>();
  const done: CommandResult[] = [];
  for (const { name, on } of names) {
    const result = await trainModel(context, file, { ...options, model: name, stage: on === undefined ? undefined : runs.get(on) });
    done.push(result);
    if (result.exit !== exitCodes.ok) break;
    runs.set(name, String(result.facts?.["run"]));
    context.report.say("");
  }
  const last = done.at(-1)!;
  return { ...last, facts: { ...last.facts, stages: done.map(({ facts }) => facts?.["run"] ?? null) } };
}

async function trainModel(context: CommandContext, file: string | undefined, options: TrainCommandOptions): Promise<CommandResult> {
  const { io, report } = context;
  const saved = options.resume === undefined ? undefined : openRun(options.resume, io.cwd);
  if (file === undefined && !saved) throw new UsageError("train what? A model file, or --resume and a run", "lvmc train models/vae.lvm");
  if (saved) refuseChanges(options);
  const wanted = options.device ?? saved?.config.device;
  if (wanted !== undefined) deviceFamily(wanted);
  const interrupt = watchInterrupts(io, () => report.say(`${lineEnd(io)}${report.color.yellow("finishing the step and saving; Ctrl-C again ends at once")}`));
  try {
    const input = file === undefined && saved ? modelOfRun(saved) : openModel(context, file ?? "", saved ? { set: settingsOf(saved, options), model: options.model ?? saved.config.model } : options);
    const { compile } = await import("../../driver/compile.js");
    const compiled = accept(context, compile(input.source, input.options));
    const config = configOf(input, compiled, options, saved, io.cwd);
    expectDevice(wanted);
    const [data, testData, validationData] = await loadAll(compiled, config);

    const model = await createOnDevice(context, compiled, { seed: config.seed, device: wanted, ...(await chosenDevice(context, compiled, wanted, { batch: config.batch, rows: data.rows, verbose: options.verbose })) });
    try {
      if (options.profile && !isProfiled(model)) throw new UsageError(`--profile: ${model.device} runs operations, not kernels that can be timed`, profileHelp);
      const loaded = saved && (await loadCheckpoint(context, model, saved, config));
      const stage = saved ? saved.config.stage : await beginStage(context, model, compiled, data, options.stage);
      const sameSource = saved && loaded && noteSource(context, saved, input, loaded);
      if (interrupt.interrupted()) return { exit: exitCodes.interrupted };
      const settled: RunConfig = { ...config, hash: model.description.hash, device: model.device, ...(stage ? { stage } : {}) };
      const folder = saved ? await goOn(saved, model, settled, input) : await begin(settled, input, resolve(io.cwd, options.out));
      try {
        announce(context, model, settled, compiled, data, saved, folder, sameSource);
        const result = await trainRun(context, { model, compiled, data, testData, validationData, best: loaded?.best, config: settled, folder, interrupt, invocation: invocationOf(io.env), shown: shownPath(folder.path, io.cwd) });
        if (!options.profile || !isProfiled(model) || result.exit !== exitCodes.ok) return result;
        return { ...result, facts: { ...result.facts, ...(await reportProfile(context, model, input.source.path)) } };
      } finally {
        folder.close();
      }
    } finally {
      model.dispose();
    }
  } finally {
    interrupt.stop();
  }
}

/** The run's state. What was the best bound on other validation rows is the best of nothing now. */
async function loadCheckpoint({ report }: CommandContext, model: Model, saved: SavedRun, { validationData }: RunConfig): Promise<LoadReport> {
  const bytes = await readFileBytes(saved.checkpoint);
  const loaded = await model.load(bytes);
  if (!loaded.best || validationData.join("\0") === saved.config.validationData.join("\0")) return loaded;
  const message = `other validation data than before: the best bound so far (${nats(loaded.best.elbo)} at step ${loaded.best.step}) is forgotten, and ${bestName} is the best from here on`;
  report.event("note", { message });
  report.say(report.color.yellow(message));
  return model.load(withoutBest(bytes));
}

/** What makes a run what it is cannot change in its middle. */
function refuseChanges(options: TrainCommandOptions): void {
  const fixed = ([["seed", options.seed], ["batch", options.batch]] as const).find(([, value]) => value !== undefined);
  if (fixed) throw new UsageError(`--${fixed[0]} cannot change when a run is resumed`, "leave it out, or begin a new run");
}

function settingsOf(saved: SavedRun, options: ModelOptions): readonly string[] {
  const given = options.set ?? [];
  const names = new Set(given.map((each) => each.split("=")[0]?.trim()));
  return [...given, ...Object.entries(saved.config.set).filter(([name]) => !names.has(name)).map(([name, value]) => `${name}=${value}`)];
}

/** The run's configuration: what the command line says, else what the run was started with, else the model file's. */
function configOf(input: ModelInput, compiled: CompiledModel, options: TrainCommandOptions, saved: SavedRun | undefined, cwd: string): RunConfig {
  const before = saved?.config;
  const given = options.data !== undefined && options.data.length > 0;
  return {
    format: 1,
    lvmc: version(),
    model: compiled.program.name,
    hash: "",
    sources: copiesOf(input.sources()).map(({ path, file, sha256 }) => ({ path, file, sha256 })),
    set: { ...input.options.set },
    data: given || !before ? dataSources(compiled.program, options.data) : before.data,
    testData: options.testData ?? before?.testData ?? [],
    validationData: options.validationData ?? before?.validationData ?? [],
    folder: given || !before ? cwd : before.folder,
    seed: before?.seed ?? options.seed ?? compiled.program.training.seed,
    device: "",
    epochs: options.epochs ?? before?.epochs,
    steps: options.steps ?? (options.epochs === undefined ? before?.steps : undefined),
    batch: before?.batch ?? options.batch,
    rate: options.rate ?? before?.rate,
    keep: options.keep,
    imagesEvery: options.imagesEvery ?? before?.imagesEvery,
    samples: options.samples && (before?.samples ?? true),
    started: before?.started ?? new Date().toISOString(),
  };
}

async function loadAll(compiled: CompiledModel, config: RunConfig): Promise<[ModelData, ModelData | undefined, ModelData | undefined]> {
  const { program } = compiled;
  const common = { seed: config.seed, folder: config.folder };
  const data = await loadModelData(program, config.data, { ...common, split: "train", hide: true });
  const held = async (sources: readonly string[]): Promise<ModelData | undefined> => (sources.length === 0 ? undefined : loadModelData(program, sources, { ...common, split: "test", hide: false }));
  return [data, await held(config.testData), await held(config.validationData)];
}

async function begin(config: RunConfig, input: ModelInput, output: string): Promise<RunFolder> {
  const folder = await createRunFolder({ output, model: config.model, time: new Date(config.started), config, sources: [] });
  for (const { file, text } of copiesOf(input.sources())) await folder.writeFile(file, text);
  return folder;
}

/** The run's folder again, with the configuration under which it goes on: it may be resumed a second time. */
async function goOn(saved: SavedRun, model: Model, config: RunConfig, input: ModelInput): Promise<RunFolder> {
  await rewindMetrics(saved.folder, model.step);
  const folder = openRunFolder(saved.folder);
  for (const { file, text } of copiesOf(input.sources())) await folder.writeFile(file, text);
  await writeConfig(folder, config);
  return folder;
}

function announce({ io, report }: CommandContext, model: Model, config: RunConfig, compiled: CompiledModel, data: ModelData, saved: SavedRun | undefined, folder: RunFolder, sameSource: boolean | undefined): void {
  const { color } = report;
  const count = model.description.parameterCount;
  const shown = shownPath(folder.path, io.cwd);
  report.say(`${color.bold(config.model)}: ${count.toLocaleString("en-US")} parameters, ${data.rows.toLocaleString("en-US")} rows of ${printable(config.data.join(" "))}, on ${model.device}, seed ${config.seed}`);
  for (const note of data.notes) report.say(color.dim(note));
  if (compiled.program.training.earlyStopping && config.validationData.length === 0) report.say(color.yellow("early stopping needs --validation-data; without it the run goes to its end"));
  report.say(color.dim(`${saved ? `goes on from step ${model.step} in` : "run folder"} ${shown}`));
  report.event("start", {
    model: config.model, hash: config.hash, device: model.device, seed: config.seed, parameters: count, rows: data.rows, data: config.data, notes: data.notes,
    run: folder.path, step: model.step, epochs: config.epochs ?? compiled.program.training.epochs, batch: config.batch ?? compiled.program.training.batch, config: join(folder.path, "config.json"), ...(sameSource === undefined ? {} : { sameSource }),
  });
}
