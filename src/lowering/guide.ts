import { distributions } from "../distributions/registry.js";
import type { AutoGroup, GuideSite, Marginalized } from "../ir/model/model.js";
import type { Objective } from "../ir/objective/objective.js";
import { cardinality } from "../types/support.js";
import { elementCount } from "../types/type.js";
import { InternalError } from "../util/internal-error.js";
import { drawAutoGroup } from "./auto-guide.js";
import type { Frame, LoweringContext } from "./context.js";
import { draw, logDensity, lowerDistribution } from "./densities.js";
import { observedColumn } from "./observed.js";
import { drawAxes, planOf, siteOf, type DrawCounts, type Latent } from "./latents.js";
import { relaxedDraw } from "./relaxation.js";
import { aligned, enumAxis, isEnumAxis, unionAxes, type Value } from "./value.js";

const guideFrame: Frame = { of: "guide" };

export interface GuideOptions {
  readonly counts: DrawCounts;
  /** Draw only the global latents (ancestral sampling of rows). */
  readonly globalOnly?: boolean;
  /** Draw enumerated and summed sites too, instead of giving them an axis (sampling programs). */
  readonly drawEnumerated?: boolean;
}

/** Runs the guide: gives every latent site its value in `context.sites` and says how it came about. */
export function runGuide(context: LoweringContext, objective: Objective, options: GuideOptions): Latent[] {
  const latents: Latent[] = [];
  const add = (latent: Latent): void => {
    latents.push(latent);
    context.sites.set(latent.site.name, latent.value);
    context.b.named(latent.value.node, latent.site.name);
  };
  for (const step of context.program.guide) {
    if (step.kind === "binding") continue; // lowered when asked for
    const scope = step.kind === "auto" ? step.scope : siteOf(context.program, step.site).scope;
    if (options.globalOnly && scope === "row") continue;
    context.b.at(step.origin, () => {
      if (step.kind === "auto") drawAuto(context, objective, step, options).forEach(add);
      else if (step.kind === "marginalized") add(summedSite(context, objective, step));
      else add(guideSite(context, objective, step, options));
    });
  }
  return latents;
}

function drawAuto(context: LoweringContext, objective: Objective, group: AutoGroup, options: GuideOptions): Latent[] {
  const count = group.scope === "row" ? options.counts.row : options.counts.global;
  const deterministic = planOf(objective, group.sites[0]!.site).estimator === "deterministic";
  return drawAutoGroup(context, group, count, deterministic).map(({ name, value, ...part }) => {
    const site = siteOf(context.program, name);
    const known = site.partlyObserved ? observedColumn(context, site) : undefined;
    return { site, plan: planOf(objective, name), ...part, value: known ? observedOr(context, known, value, site.type.shape.length) : value, observed: known?.observed };
  });
}

/** The data where the row has it, the draw elsewhere. */
function observedOr(context: LoweringContext, known: { value: Value; observed: Value }, drawn: Value, rank: number): Value {
  const { b, space } = context;
  const axes = unionAxes(space, [drawn, known.value]);
  const flag = b.greater(aligned(b, spread(context, known.observed, rank), axes, rank), 0);
  return { node: b.select(flag, aligned(b, known.value, axes, rank), aligned(b, drawn, axes, rank)), axes };
}

/** The labels of a finite site along its own axis; a site with a shape is enumerated jointly. */
function labels(context: LoweringContext, siteName: string): Value {
  const { b, space } = context;
  const site = siteOf(context.program, siteName);
  const values = cardinality(site.type.support);
  if (values === undefined) throw new InternalError(`${siteName} is not finite`);
  const elements = elementCount(site.type);
  const count = values ** elements;
  const axis = space.declare(enumAxis(siteName), count);
  const dtype = site.type.support.kind === "index" ? "i32" : "f32";
  if (site.type.shape.length === 0) {
    const iota = b.iota(values);
    return { node: dtype === "i32" ? iota : b.cast(iota, "f32"), axes: [axis], labelsOf: axis };
  }
  const digits = Array.from({ length: count * elements }, (_, at) => Math.floor(Math.floor(at / elements) / values ** (elements - 1 - (at % elements))) % values);
  return { node: b.constant(digits, [count, ...site.type.shape.map((size) => size.value)], dtype), axes: [axis] };
}

function summedSite(context: LoweringContext, objective: Objective, step: Marginalized): Latent {
  const site = siteOf(context.program, step.site);
  const observed = site.partlyObserved ? observedColumn(context, site).observed : undefined;
  return { site, plan: planOf(objective, step.site), value: labels(context, step.site), axis: enumAxis(step.site), observed };
}

function guideSite(context: LoweringContext, objective: Objective, step: GuideSite, options: GuideOptions): Latent {
  const { b, space } = context;
  const site = siteOf(context.program, step.site);
  const plan = planOf(objective, step.site);
  const guide = lowerDistribution(context, guideFrame, step.distribution, site.type);
  const known = site.partlyObserved ? observedColumn(context, site) : undefined;

  if (plan.estimator === "enumeration" && !options.drawEnumerated) {
    const value = labels(context, step.site);
    const logGuide = logDensity(context, guide, value);
    let weight: Value = { node: b.exp(logGuide.node), axes: logGuide.axes };
    if (known) {
      const axes = unionAxes(space, [weight, value, known.observed]);
      const at = (part: Value) => aligned(b, part, axes, 0);
      const isLabel = b.cast(b.equal(at(known.value), at(value)), "f32");
      weight = { node: b.select(b.greater(at(known.observed), 0), isLabel, at(weight)), axes };
    }
    return { site, plan, value, guide, axis: enumAxis(step.site), logGuide, weight, observed: known?.observed };
  }

  const axes = drawAxes(context, site, options.counts, guide.axes);
  if (axes.some((axis) => isEnumAxis(axis)) && options.drawEnumerated) throw new InternalError(`${step.site} depends on an enumerated site while sampling`);
  if (!options.drawEnumerated && (plan.estimator === "relaxation" || plan.estimator === "straight-through")) {
    return { site, plan, guide, value: relaxedDraw(context, guide, site, plan, axes) };
  }
  let value = draw(context, guide, step.site, axes);
  if (plan.estimator === "score-function") value = { node: b.stopGradient(value.node), axes: value.axes };
  if (known) value = observedOr(context, known, value, site.type.shape.length);
  const logGuide = distributions[step.distribution.distribution].name === "Delta" ? undefined : logDensity(context, guide, value);
  return { site, plan, value, guide, logGuide, observed: known?.observed };
}

/** A value without shape, with `rank` axes of size 1 behind. */
function spread(context: LoweringContext, value: Value, rank: number): Value {
  return { node: context.b.reshape(value.node, [...value.node.shape, ...new Array<number>(rank).fill(1)]), axes: value.axes };
}
