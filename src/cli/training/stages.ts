import { createHash } from "node:crypto";
import type { CompiledModel } from "../../driver/compile.js";
import type { Model } from "../../runtime/model.js";
import { readFileBytes } from "../../runtime/node/read-file.js";
import { readSafetensors } from "../../runtime/safetensors.js";
import { latentScale, withFirstStage } from "../../runtime/train/first-stage.js";
import { UsageError } from "../errors.js";
import { openModel, type ModelOptions } from "../front.js";
import type { CommandContext } from "../run.js";
import type { ModelData } from "./model-data.js";
import { openRun, type RunConfig, shownPath } from "./run-config.js";

/** The models of a file that has stages, in the order in which they are trained, each with the stage before whose run it needs; none of a file without stages. */
export async function stageNames(context: CommandContext, file: string, options: ModelOptions): Promise<readonly { readonly name: string; readonly on?: string }[]> {
  const input = openModel(context, file, options);
  const [{ analyze }, { trainingOrder }] = await Promise.all([import("../../driver/analyze.js"), import("../../driver/training-order.js")]);
  const { value } = analyze(input.source, input.options);
  const order = trainingOrder(value.module, value.programs);
  if (!order.some(({ stage }) => stage)) return [];
  return order.map(({ name, stage }) => ({ name, ...(stage?.kind === "latent" ? { on: stage.model.name } : {}) }));
}

/**
 * Brings the first stage into a fresh model of a second one: its parameters, and the measured standard deviation of the latent. Undefined where the model needs no run before.
 * @throws UsageError where no run is named, LvmError LVM7102 where it is of another model
 */
export async function beginStage({ io, report }: CommandContext, model: Model, { program }: CompiledModel, data: ModelData, run: string | undefined): Promise<RunConfig["stage"]> {
  const { stage } = program;
  if (stage?.kind !== "latent") {
    if (run !== undefined) throw new UsageError(`--stage ${run}: ${program.name} is not trained on a latent of another model`, "leave it out");
    return undefined;
  }
  const { name } = stage.model;
  if (run === undefined) throw new UsageError(`${program.name} is trained on ${name}.${stage.site}: with which ${name}?`, `name its run: --stage runs/${name}-…, or leave --model out to train both`);
  const before = openRun(run, io.cwd);
  const checkpoint = await readFileBytes(before.checkpoint);
  const fresh = await model.save();
  const bring = (scale: number) => model.load(withFirstStage(fresh, { model: name, checkpoint }, stage.scale === undefined ? {} : { [stage.scale]: scale }));
  await bring(1);
  const shown = shownPath(before.folder, io.cwd);
  const facts = { model: name, run: before.folder, step: Number(readSafetensors(checkpoint, before.checkpoint).metadata["step"]), sha256: createHash("sha256").update(checkpoint).digest("hex") };
  if (stage.scale === undefined) {
    report.say(report.color.dim(`${name} of ${shown} is kept as it is`));
    return facts;
  }
  const drawn = (await model.infer(data.columns, { draw: 0 }))[stage.site];
  const scale = drawn ? latentScale(drawn) : NaN;
  if (!(scale > 0) || !Number.isFinite(scale)) throw new UsageError(`${name}.${stage.site} has the standard deviation ${scale} over the data: there is nothing to learn`, `train ${name} first, so that ${stage.site} says something of its rows`);
  await bring(scale);
  report.event("stage", { ...facts, scale });
  report.say(report.color.dim(`${name} of ${shown} is kept as it is; ${stage.site} has the standard deviation ${scale.toPrecision(4)} over the data, and is taken in units of it`));
  return { ...facts, scale };
}
