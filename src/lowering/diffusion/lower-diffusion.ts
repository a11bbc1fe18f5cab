import { evaluationDraws } from "../../ir/diffusion/coefficients.js";
import type { LoweredPrograms } from "../../ir/lowered-model.js";
import { type ContinuousDiffusion, type Diffusion, type DiscreteDiffusion, isContinuous, type ModelProgram } from "../../ir/model/model.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { elementCount } from "../../types/type.js";
import { LoweringContext, type Mode } from "../context.js";
import { meanOver } from "../score-function.js";
import { ROWS, SAMPLES, type Value } from "../value.js";
import { atStep, drawStep, priorDivergence, type StepDraw, stepLosses, trainingWeights } from "./bound.js";
import { boundWeight, drawTime, firstReconstruction, lastDivergence, timeWeight } from "./continuous-bound.js";
import { discretizedLoss } from "./discretized.js";
import { learntLoss } from "./learnt-variance.js";
import { lowerDiffusionSample, type SamplerOptions } from "./sample.js";

/** What a diffusion's bound is made of, in nats of each row. */
interface Bound {
  readonly context: LoweringContext;
  readonly prior: Value;
  readonly denoising: Value;
  readonly reconstruction: Value;
  /** The loss of training, where that is not the bound. */
  readonly weighed?: Value;
}

/** The programs of a diffusion. */
export function lowerDiffusion(program: ModelProgram, diffusion: Diffusion, sampler: SamplerOptions = {}): Pick<LoweredPrograms, "train" | "evaluate" | "sample"> {
  return { train: lowerTrain(program, diffusion), evaluate: lowerEvaluate(program, diffusion), sample: lowerDiffusionSample(program, diffusion, sampler) };
}

/** The three terms, at one or several draws of t. */
function boundOf(program: ModelProgram, diffusion: Diffusion, mode: Mode, draws: number): Bound {
  return isContinuous(diffusion) ? continuousBound(program, diffusion, mode, draws) : discreteBound(program, diffusion, mode, Math.min(draws, diffusion.time.plate.size));
}

function discreteBound(program: ModelProgram, diffusion: DiscreteDiffusion, mode: Mode, strata: number): Bound {
  const context = new LoweringContext(program, mode, mode === "train" ? "" : "evaluate.");
  const { b } = context;
  const draw = drawStep(context, diffusion, strata, strata > 1 || program.training.objective.timesteps === "importance");
  const at = (values: readonly number[]): TensorNode => atStep(context, values, draw).node;
  const isFirst = b.equal(draw.place.node, b.scalar(0, "i32"));
  const held = mode === "train" && program.training.objective.hybrid !== undefined;
  const own = b.multiply(draw.times, diffusion.variance === "learnt" ? learntLoss(context, diffusion, draw, held) : fixedLoss(context, diffusion, draw));
  const rows = (node: TensorNode): Value => meanOver(context, { node, axes: draw.place.axes }, SAMPLES);
  const weights = mode === "train" ? trainingWeights(diffusion, program.training.objective.weight) : undefined;
  return {
    context, ...(weights ? { weighed: { node: b.multiply(b.multiply(at(weights), draw.times), draw.raw.node), axes: draw.raw.axes } } : {}),
    prior: { node: b.negate(priorDivergence(context, diffusion).node), axes: [ROWS] } satisfies Value,
    denoising: rows(b.negate(b.select(isFirst, 0, own))),
    reconstruction: rows(b.negate(b.select(isFirst, own, 0))),
  };
}

/** What is lost at each draw's step where the variance is a number of the step. */
function fixedLoss(context: LoweringContext, diffusion: DiscreteDiffusion, draw: StepDraw): TensorNode {
  const { b } = context;
  const losses = stepLosses(diffusion);
  const at = (values: readonly number[]): TensorNode => atStep(context, values, draw).node;
  const gaussian = b.add(b.multiply(at(losses.error), draw.squared.node), b.multiply(at(losses.constant), elementCount(diffusion.type)));
  return diffusion.reconstruction === "discretized" ? b.select(b.equal(draw.place.node, b.scalar(0, "i32")), discretizedLoss(context, diffusion, draw), gaussian) : gaussian;
}

function continuousBound(program: ModelProgram, diffusion: ContinuousDiffusion, mode: Mode, draws: number): Bound {
  const context = new LoweringContext(program, mode, mode === "train" ? "" : "evaluate.");
  const { b } = context;
  const { axes, schedule, squared, raw, times } = drawTime(context, diffusion, draws, draws > 1 || program.training.objective.timesteps === "importance");
  const rows = (node: TensorNode): Value => meanOver(context, { node, axes }, SAMPLES);
  const weight = mode === "train" ? timeWeight(context, diffusion.prediction, program.training.objective.weight, schedule) : undefined;
  return {
    context, ...(weight ? { weighed: { node: b.multiply(b.multiply(weight, times), raw), axes } } : {}),
    prior: { node: b.negate(lastDivergence(context, diffusion).node), axes: [ROWS] },
    denoising: rows(b.negate(b.multiply(b.multiply(boundWeight(context, diffusion.prediction, schedule), times), squared))),
    reconstruction: meanOver(context, firstReconstruction(context, diffusion, axes), SAMPLES),
  };
}

function lowerTrain(program: ModelProgram, diffusion: Diffusion): TensorProgram {
  const { context, weighed, ...terms } = boundOf(program, diffusion, "train", 1);
  const { b } = context;
  const mean = (value: Value): TensorNode => meanOver(context, value, ROWS).node;
  const outputs: Record<string, TensorNode> = {};
  for (const [name, value] of named(diffusion, terms)) outputs[`term.${name}`] = mean(value);
  outputs["elbo"] = b.addAll(Object.values(outputs));
  const { hybrid } = program.training.objective;
  const bound = b.negate(outputs["elbo"]);
  outputs["loss"] = b.named(!weighed ? bound : hybrid === undefined ? mean(weighed) : b.add(mean(weighed), b.multiply(bound, hybrid)), "loss");
  return b.program("train", outputs);
}

function lowerEvaluate(program: ModelProgram, diffusion: Diffusion): TensorProgram {
  const { context, ...terms } = boundOf(program, diffusion, "evaluate", evaluationDraws);
  const outputs: Record<string, TensorNode> = {};
  for (const [name, value] of named(diffusion, terms)) outputs[`row.${name}`] = value.node;
  outputs["elbo"] = context.b.addAll(Object.values(outputs));
  return context.b.program("evaluate", outputs);
}

function named({ name }: Diffusion, terms: { readonly prior: Value; readonly denoising: Value; readonly reconstruction: Value }): readonly (readonly [string, Value])[] {
  return [[`prior-matching.${name}`, terms.prior], [`denoising.${name}`, terms.denoising], [`reconstruction.${name}`, terms.reconstruction]];
}
