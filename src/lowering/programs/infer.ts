import type { ModelProgram } from "../../ir/model/model.js";
import type { Objective, Term } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { gaussianPosterior } from "../chains/exact/gaussian-posterior.js";
import { diagonalOf } from "../chains/exact/matrices.js";
import { labelMarginals, labelPaths } from "../chains/exact/posterior.js";
import { isGaussianTerm } from "../chains/exact/summed-sites.js";
import { LoweringContext } from "../context.js";
import { meanOf } from "../densities.js";
import { logFactor } from "../densities-of-sites.js";
import { dims } from "../../types/type.js";
import { eliminate } from "../elimination.js";
import { runGuide } from "../guide.js";
import { siteOf, type Latent } from "../latents.js";
import { declarePlate } from "../plates.js";
import { expectation, latentOf, variableOf } from "../terms.js";
import { ROWS, enumAxis, expanded, isEnumAxis, isPlateAxis, sumAxes, type AxisName, type Value } from "../value.js";

/** What the guide says of the latents of each row: draws, means, and probabilities of summed sites. */
export function lowerInfer(program: ModelProgram, objective: Objective): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "infer.");
  const { b, space } = context;
  const latents = runGuide(context, objective, { counts: { row: 1, global: 1 } });
  const outputs: Record<string, TensorNode> = {};
  for (const term of objective.terms) if (term.kind === "evidence" && term.sites.some((name) => context.placed?.has(name))) Object.assign(outputs, isGaussianTerm(context, term) ? inferGaussians(context, term) : inferLabels(context, term, latents));
  for (const latent of latents) {
    const { site, value, guide } = latent;
    if (outputs[`probs.${site.name}`]) continue;
    const lead: AxisName[] = [...(site.scope === "row" ? [ROWS] : []), ...value.axes.filter(isPlateAxis)];
    const put = (name: string, of: Value): void => {
      const expected = expectation(context, of, latents);
      if (!expected.axes.some(isEnumAxis)) outputs[name] = expanded(b, space, expected, lead);
    };
    if (latent.axis) {
      const probs = latent.weight ? marginalWeight(context, latent, latents) : posterior(context, objective, latent, latents);
      outputs[`probs.${site.name}`] = labelsLast(context, probs, latent.axis, lead);
      continue;
    }
    // A draw that differs by the value of an enumerated site has no single value; its mean over that site has.
    if (!value.axes.some(isEnumAxis)) put(site.name, value);
    const mean = guide && meanOf(context, guide);
    if (mean) put(`mean.${site.name}`, mean);
  }
  return b.program("infer", outputs);
}

/** Of sites whose steps are summed out together: `probs.k`, and of chains a path drawn from the posterior, `k`, and the most probable one, `mode.k`. */
function inferLabels(context: LoweringContext, term: Term, latents: readonly Latent[]): Record<string, TensorNode> {
  const { b, space } = context;
  const outputs: Record<string, TensorNode> = {};
  const along = (name: string): AxisName[] => space.sort([ROWS, ...siteOf(context.program, name).plates.map((plate) => declarePlate(context, plate))]);
  for (const [name, probs] of labelMarginals(context, term, latents)) {
    const axis = enumAxis(name);
    outputs[`probs.${name}`] = labelsLast(context, expectation(context, probs, latents, [axis]), axis, along(name));
  }
  const paths = labelPaths(context, term, latents);
  for (const [name, draw] of paths?.draws ?? []) outputs[name] = expanded(b, space, draw, along(name));
  for (const [name, mode] of paths?.modes ?? []) outputs[`mode.${name}`] = expanded(b, space, mode, along(name));
  return outputs;
}

/** Of Gaussian chains given all data: `mean.z`, the standard deviations `scale.z`, `covariance.z` of what has several elements, and a draw of the whole chain, `z`. */
function inferGaussians(context: LoweringContext, term: Term): Record<string, TensorNode> {
  const { b, space } = context;
  const outputs: Record<string, TensorNode> = {};
  for (const { site, mean, covariance, draw } of gaussianPosterior(context, term)) {
    const lead = space.sort([ROWS, ...site.plates.map((plate) => declarePlate(context, plate))]);
    outputs[site.name] = expanded(b, space, draw, lead);
    outputs[`mean.${site.name}`] = expanded(b, space, mean, lead);
    const scale = { node: b.sqrt(b.maximum(diagonalOf(context, covariance).node, 0)), axes: covariance.axes };
    outputs[`scale.${site.name}`] = b.reshape(expanded(b, space, scale, lead), [...space.dims(lead), ...dims(site.type)]);
    if (site.type.shape.length > 0) outputs[`covariance.${site.name}`] = expanded(b, space, covariance, lead);
  }
  return outputs;
}

/** q(k) of an enumerated site, with the enumerated sites on which it depends summed out. */
function marginalWeight(context: LoweringContext, latent: Latent, latents: readonly Latent[]): Value {
  const before = latents.slice(0, latents.indexOf(latent));
  return expectation(context, latent.weight!, before);
}

/** p(k | x, the other draws) of a marginalized site: the factors with every other summed site eliminated, normalized. */
function posterior(context: LoweringContext, objective: Objective, latent: Latent, latents: readonly Latent[]): Value {
  const term = objective.terms.find((candidate) => candidate.kind === "evidence" && candidate.sites.includes(latent.site.name))!;
  const summed = term.sites.map((name) => latentOf(latents, name));
  const factors = term.factors.map((name) => logFactor(context, siteOf(context.program, name), latents.find(({ site }) => site.name === name)));
  const joint = eliminate(context, factors, summed.map(variableOf), [latent.axis!]);
  const at = joint.axes.indexOf(latent.axis!);
  return expectation(context, { node: context.b.softmax(joint.node, at), axes: joint.axes }, latents, [latent.axis!]);
}

/** [rows, …plates, K]. */
function labelsLast(context: LoweringContext, probs: Value, axis: AxisName, lead: readonly AxisName[]): TensorNode {
  const { b, space } = context;
  const summed = sumAxes(b, probs, (candidate) => isEnumAxis(candidate) && candidate !== axis);
  const full = expanded(b, space, summed, space.sort([axis, ...lead]));
  const order = [...lead, axis].map((name) => space.sort([axis, ...lead]).indexOf(name));
  return b.transpose(full, order);
}

