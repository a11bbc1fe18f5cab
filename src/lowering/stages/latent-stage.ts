import type { LoweredPrograms } from "../../ir/lowered-model.js";
import type { Stage } from "../../ir/model/model.js";
import type { Objective } from "../../ir/objective/objective.js";
import { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { lowerSample } from "../programs/sample.js";
import { type Outputs, streamsOf, within } from "./compose.js";
import { lowerEncode } from "./encode.js";

export type LatentStage = Extract<Stage, { readonly kind: "latent" }>;

/** A program of the own model on the latents that the first stage draws for each row. */
interface Started {
  readonly b: TensorBuilder;
  /** Of the first stage: the latent in its own units, and `row.<term>` of the terms that were asked for. */
  readonly latent: TensorNode;
  readonly terms: Outputs;
  readonly own: Outputs;
  /** −D log s, where the latent is taken in units of s. */
  readonly rescaling?: TensorNode;
}

/** The programs of a model of a latent (`train prior on vae.z`): `programs` are those of the model alone, `first` is how the first stage is evaluated. */
export function latentPrograms(stage: LatentStage, programs: LoweredPrograms, first: Objective, frozen: Objective["terms"]): LoweredPrograms {
  return {
    train: lowerTrain(stage, programs.train, first), evaluate: lowerEvaluate(stage, programs.evaluate, first, frozen), sample: sampleThrough(stage, programs.sample, first), infer: lowerInfer(stage, programs.infer, first),
    reconstruct: lowerReconstruct(stage, programs, first), importanceSamples: programs.importanceSamples, importanceRows: programs.importanceRows,
    ...(programs.evaluationRows === undefined ? {} : { evaluationRows: programs.evaluationRows }),
  };
}

function start(stage: LatentStage, program: TensorProgram, first: Objective, terms: Objective["terms"] = []): Started {
  const b = new TensorBuilder();
  const { [stage.site]: latent, ...rest } = encoded(b, stage, program.name, first, terms);
  const scale = scaleOf(b, stage);
  const count = latent!.shape.slice(1).reduce<number>((all, dim) => all * (dim as number), 1);
  const own = within(b, program, { [stage.site]: scale ? b.divide(latent!, scale) : latent! });
  return { b, latent: latent!, terms: rest, own, ...(scale ? { rescaling: b.multiply(b.log(scale), -count) } : {}) };
}

function encoded(b: TensorBuilder, stage: LatentStage, program: string, first: Objective, terms: Objective["terms"] = []): Outputs {
  return within(b, lowerEncode(stage, first, terms, streamsOf(program, stage)), {}, stage.model);
}

function scaleOf(b: TensorBuilder, { scale }: LatentStage): TensorNode | undefined {
  return scale === undefined ? undefined : b.input("parameter", scale, []);
}

function lowerTrain(stage: LatentStage, program: TensorProgram, first: Objective): TensorProgram {
  const { b, own, rescaling } = start(stage, program, first);
  return b.program("train", rescaling ? { ...own, [`term.rescaling.${stage.site}`]: rescaling, elbo: b.add(own["elbo"]!, rescaling) } : own);
}

function lowerEvaluate(stage: LatentStage, program: TensorProgram, first: Objective, frozen: Objective["terms"]): TensorProgram {
  const { b, own, terms, latent, rescaling } = start(stage, program, first, frozen);
  const all: Outputs = { ...terms, ...(rescaling ? { [`row.rescaling.${stage.site}`]: b.broadcast(rescaling, [latent.shape[0]!]) } : {}) };
  return b.program("evaluate", { ...all, ...own, elbo: b.addAll([own["elbo"]!, ...Object.values(all)]) });
}

/** The latent in its own units, and what the own model's guide says of it. */
function lowerInfer(stage: LatentStage, program: TensorProgram | undefined, first: Objective): TensorProgram {
  if (program) {
    const { b, own, latent } = start(stage, program, first);
    return b.program("infer", { ...own, [stage.site]: latent });
  }
  const b = new TensorBuilder();
  return b.program("infer", encoded(b, stage, "infer", first));
}

/** From the own model's draws, which `sample` makes, through the first stage's likelihood. */
export function sampleThrough(stage: LatentStage, sample: TensorProgram, first: Objective): TensorProgram {
  const b = new TensorBuilder();
  return b.program("sample", decoded(b, stage, "sample", first, within(b, sample, {}), scaleOf(b, stage)));
}

/** Through the own model where it has latents that say something of a row, else from the first stage's latent at once. */
function lowerReconstruct(stage: LatentStage, { infer, reconstruct }: LoweredPrograms, first: Objective): TensorProgram {
  const begun = infer && reconstruct ? start(stage, reconstruct, first) : undefined;
  const b = begun?.b ?? new TensorBuilder();
  const made = decoded(b, stage, "reconstruct", first, begun ? begun.own : encoded(b, stage, "reconstruct", first), begun && scaleOf(b, stage));
  const observed = stage.model.columns.filter(({ role }) => role === "observed").map(({ name }) => (made[`mean.${name}`] ? `mean.${name}` : name));
  return b.program("reconstruct", Object.fromEntries(observed.flatMap((name) => (made[name] ? [[name, made[name]]] : []))));
}

/** What the own model says of the latent, in the latent's own units, and what the first stage makes of it: of draws, or in a reconstruction of means. */
function decoded(b: TensorBuilder, stage: LatentStage, program: "sample" | "reconstruct", first: Objective, own: Outputs, scale: TensorNode | undefined): Outputs {
  const { site, model } = stage;
  const drawn = Object.fromEntries(Object.entries(own).map(([key, node]) => [key, scale && (key === site || key === `mean.${site}`) ? b.multiply(node, scale) : node]));
  const { [`mean.${site}`]: mean, [site]: draw, ...rest } = drawn;
  const latent = (program === "reconstruct" ? mean : undefined) ?? draw ?? mean!;
  return { ...drawn, ...within(b, lowerSample(model, first, [site], `${streamsOf(program, stage)}decode.`), { ...rest, [site]: latent }, model) };
}
