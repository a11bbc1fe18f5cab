import { unconstrain } from "../../distributions/bijectors.js";
import type { Objective } from "../../ir/objective/objective.js";
import type { ModelProgram } from "../../ir/model/model.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { LoweringContext } from "../context.js";
import { runGuide } from "../guide.js";
import { importanceScoreSurrogate, logMeanWeight } from "../importance-bound.js";
import { enumeratedLogWeights } from "../importance-weights.js";
import type { DrawCounts, Latent } from "../latents.js";
import { meanOver, scoreSurrogate } from "../score-function.js";
import { expectation, lowerTerms, type TermValue } from "../terms.js";
import { ROWS, SAMPLES, isPlateAxis, sumAxes } from "../value.js";

/** Draws that the training objective needs: importance samples, or the several draws of a score function with a baseline. */
function drawCounts(objective: Objective): DrawCounts {
  if (objective.bound === "importance-weighted") return { row: objective.samples, global: 1 };
  const score = objective.latents.filter((plan) => plan.estimator === "score-function");
  const draws = Math.max(1, ...score.map((plan) => plan.scoreSamples ?? 1));
  return { row: draws, global: score.some((plan) => plan.scope === "global") ? draws : 1 };
}

/** The training step's objective: what is minimized, and every term as a metric. */
export function lowerTrain(program: ModelProgram, objective: Objective): TensorProgram {
  const context = new LoweringContext(program, "train", "");
  const { b } = context;
  const latents = runGuide(context, objective, { counts: drawCounts(objective) });
  const terms = lowerTerms(context, objective, latents);
  const outputs: Record<string, TensorNode> = {};

  const means = new Map(terms.map((term) => [term.term.name, meanTerm(context, term, latents)]));
  for (const [name, mean] of means) outputs[`term.${name}`] = mean;

  const maximized = objective.bound === "importance-weighted" ? importanceObjective(context, objective, terms, means, latents, outputs) : plainObjective(context, terms, means, latents, outputs);
  let loss = b.negate(maximized);
  for (const constraint of objective.constraints) {
    const sign = constraint.quantity === "reconstruction" ? 1 : -1;
    const value = b.multiply(sign, b.addAll(constraint.terms.map((name) => means.get(name)!)));
    const excess = constraint.relation === "<=" ? b.subtract(value, constraint.bound) : b.subtract(constraint.bound, value);
    const multiplier = b.exp(b.multiply(MULTIPLIER_SPEED, b.input("parameter", multiplierName(constraint.name), [])));
    loss = b.add(loss, b.multiply(b.stopGradient(multiplier), excess));
    loss = b.subtract(loss, b.multiply(multiplier, b.stopGradient(excess)));
    outputs[`constraint.${constraint.name}`] = value;
    outputs[`multiplier.${constraint.name}`] = multiplier;
  }
  outputs["loss"] = b.named(loss, "loss");
  for (const [name, value] of context.stateUpdates) {
    const parameter = program.parameters.find((candidate) => candidate.name === name)!;
    outputs[`state.${name}`] = unconstrain(b, value, parameter.type.support);
  }
  return b.program("train", outputs);
}

/** λ = exp(10 m) with m learnt by the model's optimizer: ascent is ten times as fast as a weight's descent. */
const MULTIPLIER_SPEED = 10;

export const multiplierName = (constraint: string): string => `multiplier.${constraint}`;

/** Mean nats per row that a term contributes, unweighted: a scalar. Terms of global latents count 1/N. */
function meanTerm(context: LoweringContext, term: TermValue, latents: readonly Latent[]): TensorNode {
  const { b } = context;
  const expected = expectation(context, term.value, latents);
  const summed = sumAxes(b, meanOver(context, meanOver(context, expected, SAMPLES), ROWS), isPlateAxis);
  return term.term.weight.perDataset ? b.divide(summed.node, b.size("dataset")) : summed.node;
}

/** Weight of a term in the objective, 1/N included unless the value has it already. */
function weight(context: LoweringContext, { term }: TermValue, perDataset = true): TensorNode {
  const { b } = context;
  let result = b.scalar(term.weight.factor);
  if (term.weight.annealed) result = b.multiply(result, b.input("scalar", "anneal", []));
  return perDataset && term.weight.perDataset ? b.divide(result, b.size("dataset")) : result;
}

/** Free bits: no coordinate's mean KL counts for less than the floor (Kingma et al. 2016), so that its gradient vanishes below it. */
function freeBits(context: LoweringContext, term: TermValue, mean: TensorNode, latents: readonly Latent[]): TensorNode {
  const { b } = context;
  const floor = term.term.weight.freeBits;
  if (floor <= 0 || !term.coordinates) return floor > 0 ? b.minimum(mean, -floor) : mean;
  const expected = expectation(context, term.coordinates, latents);
  const perCoordinate = meanOver(context, meanOver(context, expected, SAMPLES), ROWS);
  const total = b.negate(b.sum(b.maximum(perCoordinate.node, floor)));
  return term.term.weight.perDataset ? b.divide(total, b.size("dataset")) : total;
}

/** Σ weighted terms, plus what gives score-function sites their gradient. Puts the unweighted bound into `outputs.elbo`. */
function plainObjective(context: LoweringContext, terms: readonly TermValue[], means: ReadonlyMap<string, TensorNode>, latents: readonly Latent[], outputs: Record<string, TensorNode>): TensorNode {
  const { b } = context;
  outputs["elbo"] = b.addAll(terms.filter(({ term }) => term.kind !== "supervision").map(({ term }) => means.get(term.name)!));
  const weighted = terms.map((term) => b.multiply(weight(context, term, false), freeBits(context, term, means.get(term.term.name)!, latents)));
  const surrogates = latents
    .filter((latent) => latent.plan.estimator === "score-function")
    .map((latent) => scoreSurrogate(context, latent, terms, (term) => weight(context, term), latents));
  return b.addAll([...weighted, ...surrogates]);
}

/** The log-mean-exp of the importance weights, averaged over rows; supervision stands outside of it. */
function importanceObjective(
  context: LoweringContext,
  objective: Objective,
  terms: readonly TermValue[],
  means: ReadonlyMap<string, TensorNode>,
  latents: readonly Latent[],
  outputs: Record<string, TensorNode>,
): TensorNode {
  const { b } = context;
  const logWeight = enumeratedLogWeights(context, objective, latents);
  outputs["elbo"] = meanOver(context, expectation(context, logMeanWeight(context, logWeight), latents), ROWS).node;
  const supervision = terms.filter(({ term }) => term.kind === "supervision").map((term) => b.multiply(weight(context, term, false), means.get(term.term.name)!));
  const surrogates = latents.filter((latent) => latent.plan.estimator === "score-function").map((latent) => importanceScoreSurrogate(context, latent, logWeight, latents));
  return b.addAll([outputs["elbo"], ...supervision, ...surrogates]);
}
