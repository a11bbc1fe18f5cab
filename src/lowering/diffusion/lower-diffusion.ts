import { evaluationDraws } from "../../ir/diffusion/coefficients.js";
import type { LoweredPrograms } from "../../ir/lowered-model.js";
import type { Diffusion, DiscreteDiffusion, ModelProgram } from "../../ir/model/model.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { elementCount } from "../../types/type.js";
import { LoweringContext, type Mode } from "../context.js";
import { meanOver } from "../score-function.js";
import { ROWS, SAMPLES, type Value } from "../value.js";
import { atStep, drawStep, priorDivergence, stepLosses, trainingWeights } from "./bound.js";
import { discretizedLoss } from "./discretized.js";
import { lowerDiffusionSample, type SamplerOptions } from "./sample.js";

/** The programs of a diffusion. */
export function lowerDiffusion(program: ModelProgram, diffusion: DiscreteDiffusion, sampler: SamplerOptions = {}): Pick<LoweredPrograms, "train" | "evaluate" | "sample"> {
  return { train: lowerTrain(program, diffusion), evaluate: lowerEvaluate(program, diffusion), sample: lowerDiffusionSample(program, diffusion, sampler) };
}

/** Nats of each row: the three terms, at one or several draws of t. */
function boundOf(program: ModelProgram, diffusion: DiscreteDiffusion, mode: Mode, strata: number) {
  const context = new LoweringContext(program, mode, mode === "train" ? "" : "evaluate.");
  const { b } = context;
  const losses = stepLosses(diffusion);
  const draw = drawStep(context, diffusion, strata, strata > 1 || program.training.objective.timesteps === "importance");
  const at = (values: readonly number[]): TensorNode => atStep(context, values, draw).node;
  const isFirst = b.equal(draw.place.node, b.scalar(0, "i32"));
  const gaussian = b.add(b.multiply(at(losses.error), draw.squared.node), b.multiply(at(losses.constant), elementCount(diffusion.type)));
  const own = b.multiply(draw.times, diffusion.reconstruction === "discretized" ? b.select(isFirst, discretizedLoss(context, diffusion, draw), gaussian) : gaussian);
  const rows = (node: TensorNode): Value => meanOver(context, { node, axes: draw.place.axes }, SAMPLES);
  return {
    context, draw,
    prior: { node: b.negate(priorDivergence(context, diffusion).node), axes: [ROWS] } satisfies Value,
    denoising: rows(b.negate(b.select(isFirst, 0, own))),
    reconstruction: rows(b.negate(b.select(isFirst, own, 0))),
  };
}

function lowerTrain(program: ModelProgram, diffusion: DiscreteDiffusion): TensorProgram {
  const { context, draw, ...terms } = boundOf(program, diffusion, "train", 1);
  const { b } = context;
  const mean = (value: Value): TensorNode => meanOver(context, value, ROWS).node;
  const outputs: Record<string, TensorNode> = {};
  for (const [name, value] of named(diffusion, terms)) outputs[`term.${name}`] = mean(value);
  outputs["elbo"] = b.addAll(Object.values(outputs));
  const weights = trainingWeights(diffusion, program.training.objective.weight);
  const weighted = weights && mean({ node: b.multiply(b.multiply(atStep(context, weights, draw).node, draw.times), draw.squared.node), axes: draw.squared.axes });
  outputs["loss"] = b.named(weighted ?? b.negate(outputs["elbo"]), "loss");
  return b.program("train", outputs);
}

function lowerEvaluate(program: ModelProgram, diffusion: DiscreteDiffusion): TensorProgram {
  const T = diffusion.time.plate.size;
  const { context, draw: _, ...terms } = boundOf(program, diffusion, "evaluate", Math.min(T, evaluationDraws));
  const outputs: Record<string, TensorNode> = {};
  for (const [name, value] of named(diffusion, terms)) outputs[`row.${name}`] = value.node;
  outputs["elbo"] = context.b.addAll(Object.values(outputs));
  return context.b.program("evaluate", outputs);
}

function named({ name }: Diffusion, terms: { readonly prior: Value; readonly denoising: Value; readonly reconstruction: Value }): readonly (readonly [string, Value])[] {
  return [[`prior-matching.${name}`, terms.prior], [`denoising.${name}`, terms.denoising], [`reconstruction.${name}`, terms.reconstruction]];
}
