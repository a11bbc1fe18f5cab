import type { CompiledModel } from "../../driver/compile.js";
import { deviceFamily } from "../../runtime/devices.js";
import type { Model } from "../../runtime/model.js";
import { readFileBytes } from "../../runtime/node/read-file.js";
import { UsageError } from "../errors.js";
import { accept, openModel, type ModelOptions } from "../front.js";
import type { CommandContext } from "../run.js";
import { createOnDevice } from "./create-on-device.js";
import { noteSource } from "./source-note.js";
import { isRun, modelOfRun, openRun, type SavedRun } from "./run-config.js";

export interface TrainedModel {
  readonly model: Model;
  readonly compiled: CompiledModel;
  readonly run: SavedRun;
  /** Whether the model's files are those that it was trained with. */
  readonly sameSource: boolean;
}

export interface TrainedModelOptions extends ModelOptions {
  readonly run?: string;
  readonly device?: string;
  readonly seed?: number;
}

/**
 * The model of `lvmc eval RUN` and `lvmc eval FILE --run RUN`, with its checkpoint. Settings of the run hold unless they are given anew; its
 * own copy of the model is taken where no file is named. `prepare` may change programs before they are compiled for the device, `adapt` the checkpoint that they load.
 */
export async function openTrained(context: CommandContext, file: string, options: TrainedModelOptions, prepare: (compiled: CompiledModel) => Promise<CompiledModel> = (compiled) => Promise.resolve(compiled), adapt: (checkpoint: Uint8Array) => Uint8Array = (checkpoint) => checkpoint): Promise<TrainedModel> {
  const { io } = context;
  if (options.device !== undefined) deviceFamily(options.device);
  const itself = options.run === undefined && isRun(file, io.cwd);
  if (!itself && options.run === undefined) throw new UsageError(`${file}: with which parameters? It is a model file, not a run`, `name the run: --run runs/…, or train one first: lvmc train ${file}`);
  const run = openRun(options.run ?? file, io.cwd);
  if (itself && (options.set !== undefined || options.model !== undefined)) throw new UsageError("a run has its model and its settings; --set and --model are for model files");
  const settings = options.set ?? Object.entries(run.config.set).map(([name, value]) => `${name}=${value}`);
  const input = itself ? modelOfRun(run) : openModel(context, file, { set: settings, model: options.model ?? run.config.model });
  const { compile } = await import("../../driver/compile.js");
  const compiled = await prepare(accept(context, compile(input.source, input.options)));
  const model = await createOnDevice(context, compiled, { seed: run.config.seed, device: options.device });
  try {
    const sameSource = noteSource(context, run, input, await model.load(adapt(await readFileBytes(run.checkpoint))));
    return { model, compiled, run, sameSource };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
