import { closedFormKl } from "../distributions/kl.js";
import type { AutoGroup } from "../ir/model/model.js";
import type { Objective, Term } from "../ir/objective/objective.js";
import { assertNever } from "../util/assert-never.js";
import { InternalError } from "../util/internal-error.js";
import { autoEntropy } from "./auto-guide.js";
import type { LoweringContext } from "./context.js";
import { alignedArguments, logDensity, logDensityElementwise } from "./densities.js";
import { type LoweredDistribution, mapArguments } from "./lowered-distribution.js";
import { logFactor, logModel, modelDistribution } from "./densities-of-sites.js";
import { eliminate } from "./elimination.js";
import { siteOf, type Latent } from "./latents.js";
import { observedColumn } from "./observed.js";
import { chainEvidence } from "./chains/exact/summed-sites.js";
import { overshootingValue } from "./chains/overshooting.js";
import { lowerExpression } from "./expressions.js";
import { maskedRows } from "./plates.js";
import { addValues, aligned, eventShape, multiplyValues, plateAxis, sumAxes, unionAxes, type AxisName, type Value } from "./value.js";

/** A term's value before any expectation: one number for each of the axes on which it depends, plates included. */
export interface TermValue {
  readonly term: Term;
  readonly value: Value;
  /** For divergences: the KL of each latent coordinate (positive), [...axes, …shape of the site]. */
  readonly coordinates?: Value;
}

/** The value of every term of the objective, under the draws that the guide has made. */
export function lowerTerms(context: LoweringContext, objective: Objective, latents: readonly Latent[]): TermValue[] {
  return objective.terms.map((term) => context.b.at(term.origin, () => {
    const { value, coordinates, ...rest } = lowerTerm(context, term, latents);
    return { ...rest, value: maskedRows(context, value), ...(coordinates ? { coordinates: maskedRows(context, coordinates) } : {}) };
  }));
}

function lowerTerm(context: LoweringContext, term: Term, latents: readonly Latent[]): TermValue {
  const { b, space } = context;
  const site = () => siteOf(context.program, term.sites[0]!);
  const latent = () => latentOf(latents, term.sites[0]!);
  switch (term.kind) {
    case "reconstruction":
      return named(context, { term, value: logModel(context, site()) });
    case "log-prior":
      return named(context, { term, value: logModel(context, site()) });
    case "kl": {
      const coordinates = balanced(context, latent(), term.weight.balance);
      const total: Value = { node: b.negate(b.sumLast(coordinates.node, eventShape(coordinates).length)), axes: coordinates.axes };
      return named(context, { term, value: total, coordinates });
    }
    case "overshooting":
      return named(context, { term, value: overshootingValue(context, latent(), term.distance ?? 1, lowerExpression) });
    case "log-ratio":
      return named(context, { term, ...logRatio(context, latent()) });
    case "cross-entropy": {
      const parts = [logModel(context, site())];
      const { logJacobian } = latent();
      if (logJacobian) parts.push(logJacobian);
      return named(context, { term, value: addValues(b, space, parts) });
    }
    case "entropy":
      return named(context, { term, value: entropyOf(context, term, latents) });
    case "evidence": {
      if (term.sites.some((name) => context.placed?.has(name))) return named(context, { term, value: chainEvidence(context, term, latents) });
      const summed = term.sites.map((name) => latentOf(latents, name));
      const factors = term.factors.map((name) => logFactor(context, siteOf(context.program, name), latents.find((candidate) => candidate.site.name === name)));
      return named(context, { term, value: eliminate(context, factors, summed.map(variableOf)) });
    }
    case "supervision": {
      const { site: target, guide } = latent();
      if (!guide) throw new InternalError(`${target.name} has no guide distribution`);
      const known = observedColumn(context, target);
      return named(context, { term, value: multiplyValues(b, space, logDensity(context, guide, known.value), known.observed) });
    }
    case "prior-matching":
    case "denoising":
      throw new InternalError(`${term.name} is a term of a diffusion`);
    case "rescaling":
      throw new InternalError(`${term.name} is a term of two stages`);
    default:
      return assertNever(term.kind);
  }
}

function named(context: LoweringContext, value: TermValue): TermValue {
  context.b.named(value.value.node, value.term.name);
  return value;
}

/**
 * H(q) of the term's sites: −log q at the draw, or in closed form where the term says so. A full-rank group is one Gaussian; the sites of a
 * mean-field group stand for themselves.
 */
function entropyOf(context: LoweringContext, term: Term, latents: readonly Latent[]): Value {
  const { b, space } = context;
  const first = latentOf(latents, term.sites[0]!);
  if (first.plan.guide === "auto" && !first.free) return autoEntropy(context, groupOf(context, term.sites[0]!));
  const parts = term.sites.map((name): Value => {
    const { guide, free, value, logGuide } = latentOf(latents, name);
    const from = free?.guide ?? guide;
    if (!from) throw new InternalError(`${name} has no guide distribution`);
    if (term.estimator !== "closed-form" || !from.distribution.entropy) {
      const density = free ? logDensity(context, free.guide, free.value) : (logGuide ?? logDensity(context, from, value));
      return { node: b.negate(density.node), axes: density.axes };
    }
    const shape = [...space.dims(from.axes), ...from.shape];
    const entropy = b.broadcast(from.distribution.entropy(b, alignedArguments(context, from, from.axes), shape), shape.slice(0, shape.length - from.jointRank));
    return { node: b.sumLast(entropy, entropy.shape.length - from.axes.length), axes: from.axes };
  });
  return addValues(b, space, parts);
}

export function latentOf(latents: readonly Latent[], site: string): Latent {
  const latent = latents.find((candidate) => candidate.site.name === site);
  if (!latent) throw new InternalError(`${site} was not drawn`);
  return latent;
}

export function variableOf(latent: Latent): { axis: AxisName; plates: AxisName[] } {
  if (!latent.axis) throw new InternalError(`${latent.site.name} has no axis`);
  return { axis: latent.axis, plates: latent.site.plates.map((plate) => plateAxis(plate.name)) };
}

function groupOf(context: LoweringContext, site: string): AutoGroup {
  const group = context.program.guide.find((step): step is AutoGroup => step.kind === "auto" && step.sites.some((part) => part.site === site));
  if (!group) throw new InternalError(`${site} is in no automatic guide`);
  return group;
}

/** The KL with the share `balance` of its gradient for the prior, the rest for the guide: α KL(stop q ‖ p) + (1 − α) KL(q ‖ stop p), of the same value. */
function balanced(context: LoweringContext, latent: Latent, balance: number | undefined): Value {
  if (balance === undefined) return divergence(context, latent);
  const { b } = context;
  const stopped = (of: LoweredDistribution): LoweredDistribution => mapArguments(context, of, (arg) => ({ node: b.stopGradient(arg.node), axes: arg.axes }));
  const [forPrior, forGuide] = [divergence(context, latent, { guide: stopped }), divergence(context, latent, { prior: stopped })];
  return { node: b.add(b.multiply(forPrior.node, balance), b.multiply(forGuide.node, 1 - balance)), axes: forGuide.axes };
}

/** KL(q ‖ p) in closed form, for each independent coordinate: [...axes, …]. */
function divergence(context: LoweringContext, latent: Latent, see: { readonly guide?: (of: LoweredDistribution) => LoweredDistribution; readonly prior?: (of: LoweredDistribution) => LoweredDistribution } = {}): Value {
  const { b, space } = context;
  const own = modelDistribution(context, latent.site);
  const prior = see.prior?.(own) ?? own;
  const guide = latent.guide && (see.guide?.(latent.guide) ?? latent.guide);
  const kl = guide && closedFormKl(guide.distribution.name, prior.distribution.name);
  if (!guide || !kl) throw new InternalError(`no closed-form KL for ${latent.site.name}`);
  const axes = space.sort([...guide.axes, ...prior.axes]);
  const shape = [...space.dims(axes), ...guide.shape];
  const node = kl(b, alignedArguments(context, guide, axes), alignedArguments(context, prior, axes), shape);
  const joint = Math.max(guide.jointRank, prior.jointRank);
  return { node: b.broadcast(node, shape.slice(0, shape.length - joint)), axes };
}

/** log p(z | parents) − log q(z) at the draw; observed rows of a partly observed site keep log p alone. */
function logRatio(context: LoweringContext, latent: Latent): { value: Value; coordinates?: Value } {
  const { b, space } = context;
  const { site, guide, logGuide, observed, free, logJacobian } = latent;
  if (!guide && !free) throw new InternalError(`${site.name} has no guide distribution`);
  const prior = modelDistribution(context, site);
  const logPrior = logDensity(context, prior, latent.value);
  // On the unconstrained scale the density of an automatic guide loses the bijection's Jacobian.
  const onFree = free && addValues(b, space, [logDensity(context, free.guide, free.value), ...(logJacobian ? [{ node: b.negate(logJacobian.node), axes: logJacobian.axes }] : [])]);
  let logPosterior = onFree ?? logGuide ?? logDensity(context, guide!, latent.value);
  if (observed) logPosterior = multiplyValues(b, space, logPosterior, { node: b.subtract(1, observed.node), axes: observed.axes });
  const value = addValues(b, space, [logPrior, { node: b.negate(logPosterior.node), axes: logPosterior.axes }]);
  return { value, coordinates: observed || !guide ? undefined : elementwiseRatio(context, guide, prior, latent) };
}

function elementwiseRatio(context: LoweringContext, guide: LoweredDistribution, prior: LoweredDistribution, latent: Latent): Value | undefined {
  if (guide.jointRank !== prior.jointRank) return undefined;
  const { b, space } = context;
  const [q, p] = [logDensityElementwise(context, guide, latent.value), logDensityElementwise(context, prior, latent.value)];
  const axes = unionAxes(space, [q, p]);
  const rank = eventShape(q).length;
  return { node: b.subtract(aligned(b, q, axes, rank), aligned(b, p, axes, rank)), axes };
}

/**
 * The exact expectation over the enumerated guide sites on whose axes a value depends, last drawn first (a weight may bring in the
 * axes of its own parents). Axes in `keep` stay.
 */
export function expectation(context: LoweringContext, value: Value, latents: readonly Latent[], keep: readonly AxisName[] = []): Value {
  const { b } = context;
  let result = value;
  for (const latent of [...latents].reverse()) {
    const { axis, weight } = latent;
    if (!axis || !weight || keep.includes(axis) || !result.axes.includes(axis)) continue;
    const product = weightedBy(context, result, weight);
    result = sumAxes(b, product, (candidate) => candidate === axis);
  }
  return result;
}

/** A value with a shape times a weight without one. */
function weightedBy(context: LoweringContext, value: Value, weight: Value): Value {
  const { b, space } = context;
  const axes = unionAxes(space, [value, weight]);
  const rank = eventShape(value).length;
  const spread: Value = { node: b.reshape(weight.node, [...weight.node.shape, ...new Array<number>(rank).fill(1)]), axes: weight.axes };
  return { node: b.multiply(aligned(b, value, axes, rank), aligned(b, spread, axes, rank)), axes };
}

