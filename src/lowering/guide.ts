import { distributions } from "../distributions/registry.js";
import type { AutoGroup, DistributionCall, GuideSite, Marginalized, Site } from "../ir/model/model.js";
import type { LatentPlan, Objective } from "../ir/objective/objective.js";
import { InternalError } from "../util/internal-error.js";
import { drawAutoGroup } from "./auto-guide.js";
import { type Frame, LoweringContext } from "./context.js";
import { bindingJob } from "./chains/bindings.js";
import { renamed, renamedDistribution, sequenceDistribution } from "./chains/sequence.js";
import { isGaussian } from "./chains/exact/linear-system.js";
import { placeSummedSites } from "./chains/exact/summed-sites.js";
import { chainRunner, type SiteJob, siteJob } from "./chains/sites.js";
import { loopsOf } from "./chains/variables.js";
import { draw, logDensity, lowerDistribution } from "./densities.js";
import { lowerExpression } from "./expressions.js";
import type { LoweredDistribution } from "./lowered-distribution.js";
import { maskedRows } from "./plates.js";
import { observedColumn } from "./observed.js";
import { labels } from "./labels.js";
import { drawAxes, planOf, siteOf, type DrawCounts, type Latent } from "./latents.js";
import { relaxedDraw } from "./relaxation.js";
import { aligned, enumAxis, isEnumAxis, unionAxes, type AxisName, type Value } from "./value.js";

type GuideEntry = GuideSite | AutoGroup | Marginalized;

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
  if (!options.globalOnly) placeSummedSites(context, objective);
  const latents: Latent[] = [];
  const add = (latent: Latent): void => {
    latents.push(latent);
    context.sites.set(latent.site.name, latent.value);
    context.b.named(latent.value.node, latent.site.name);
  };
  const scopeOf = (step: GuideEntry): "row" | "global" => (step.kind === "auto" ? step.scope : siteOf(context.program, step.site).scope);
  const drawn = context.program.guide.filter((step): step is GuideEntry => step.kind !== "binding" && (!options.globalOnly || scopeOf(step) === "global"));
  const job = guideJob(context, objective, options);
  const isUnknown = (name: string): boolean => drawn.some((step) => step.kind === "guide-site" && step.site === name);
  context.chains.set("guide", chainRunner(context, "guide", isUnknown, job, (entry, value, distribution) => add(chainedLatent(context, objective, entry as GuideSite, value, distribution))));
  const isEnumerated = (name: string): boolean => planOf(objective, name).estimator === "enumeration" && !options.drawEnumerated;
  for (const step of drawn) {
    if (step.kind === "guide-site" && context.sites.get(step.site)) continue; // drawn with its chain
    context.b.at(step.origin, () => {
      if (step.kind === "auto") drawAuto(context, objective, step, options).forEach(add);
      else if (step.kind === "marginalized") summedSite(context, objective, step, add);
      else if (isEnumerated(step.site) || !context.chains.get("guide")!.run(`site ${step.site}`)) add(guideSite(context, objective, step, options));
    });
  }
  return latents.map((latent) => (latent.plan.path ? { ...latent, logGuide: pathLogGuide(context, latent) } : latent));
}

/** log q of a site at the draws, where all parameters are held: its gradient is that of the draws alone. */
function pathLogGuide(context: LoweringContext, { site, value }: Latent): Value {
  const entry = context.program.guide.find((step): step is GuideSite => step.kind === "guide-site" && step.site === site.name);
  if (!entry) throw new InternalError(`${site.name} has no guide site`);
  const held = new HeldContext(context);
  return maskedRows(context, logDensity(held, guideDistribution(held, entry, site), value));
}

/** Lowers what a program has lowered before once more, at the values that its sites have and with parameters that have no gradient. */
class HeldContext extends LoweringContext {
  constructor(private readonly around: LoweringContext) {
    super(around.program, around.mode, around.streamPrefix, undefined, around);
    for (const { name } of around.program.model.filter((step): step is Site => step.kind === "site")) {
      const value = around.sites.get(name);
      if (value) this.sites.set(name, value);
    }
    this.placed = around.placed;
  }

  override parameter(name: string): Value {
    const { node, axes } = this.around.parameter(name);
    return { node: this.b.stopGradient(node), axes };
  }

  override inputColumn(name: string): Value {
    return this.around.inputColumn(name);
  }
}

/** How a site of the guide is drawn at one step of a chain that reads its draws before. */
function guideJob(context: LoweringContext, objective: Objective, options: GuideOptions): SiteJob {
  return siteJob(bindingJob(guideFrame, lowerExpression), {
    draw: (inside, entry, call, plates) => {
      const step = entry as GuideSite;
      const site = siteOf(context.program, step.site);
      const guide = lowerDistribution(inside, guideFrame, call, site.type);
      const axes = drawAxes(inside, { scope: site.scope, plates }, options.counts, guide.axes);
      const plan = planOf(objective, step.site);
      const value = drawOf(inside, guide, site, plan, axes, options);
      if (!site.partlyObserved) return { value, distribution: guide };
      const at = (of: "value" | "observed"): Value => inside.fromOutside((outer) => renamed(outer, observedColumn(outer, site)[of], site.plates, loopsOf(step)));
      return { value: observedOr(inside, { value: at("value"), observed: at("observed") }, value, site.type.shape.length), distribution: guide };
    },
  });
}

/** A latent that a loop has drawn: its value and its distribution at all positions, along the model's plates. */
function chainedLatent(context: LoweringContext, objective: Objective, step: GuideSite, drawn: Value, distribution: LoweredDistribution): Latent {
  const site = siteOf(context.program, step.site);
  const value = renamed(context, drawn, step.plates, site.plates);
  const guide = renamedDistribution(context, distribution, step.plates, site.plates);
  const observed = site.partlyObserved ? observedColumn(context, site).observed : undefined;
  return { site, plan: planOf(objective, step.site), value, guide, logGuide: logOfGuide(context, step, guide, value), observed };
}

function logOfGuide(context: LoweringContext, step: GuideSite, guide: LoweredDistribution, value: Value): Value | undefined {
  return distributions[step.distribution.distribution].name === "Delta" ? undefined : maskedRows(context, logDensity(context, guide, value));
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

/** A latent that is summed out: its labels. One that is integrated out has no value at all. */
function summedSite(context: LoweringContext, objective: Objective, step: Marginalized, add: (latent: Latent) => void): void {
  const site = siteOf(context.program, step.site);
  if (isGaussian(site)) return;
  const observed = site.partlyObserved ? observedColumn(context, site).observed : undefined;
  add({ site, plan: planOf(objective, step.site), value: labels(context, site, enumAxis(step.site)), axis: enumAxis(step.site), observed });
}

function guideSite(context: LoweringContext, objective: Objective, step: GuideSite, options: GuideOptions): Latent {
  const { b, space } = context;
  const site = siteOf(context.program, step.site);
  const plan = planOf(objective, step.site);
  const guide = guideDistribution(context, step, site);
  const known = site.partlyObserved ? observedColumn(context, site) : undefined;

  if (plan.estimator === "enumeration" && !options.drawEnumerated) {
    const value = labels(context, site, enumAxis(step.site));
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
  const drawn = drawOf(context, guide, site, plan, axes, options);
  if (drawn.soft) return { site, plan, guide, value: drawn };
  const value = known ? observedOr(context, known, drawn, site.type.shape.length) : drawn;
  return { site, plan, value, guide, logGuide: logOfGuide(context, step, guide, value), observed: known?.observed };
}

/** One draw as the site's estimator wants it. */
function drawOf(context: LoweringContext, guide: LoweredDistribution, site: Site, plan: LatentPlan, axes: readonly AxisName[], options: GuideOptions): Value {
  if (!options.drawEnumerated && (plan.estimator === "relaxation" || plan.estimator === "straight-through")) return relaxedDraw(context, guide, site, plan, axes);
  const value = draw(context, guide, site.name, axes);
  return plan.estimator === "score-function" ? { node: context.b.stopGradient(value.node), axes: value.axes } : value;
}

/** The guide's distribution of a site at all its positions, along the model's plates. */
function guideDistribution(context: LoweringContext, step: GuideSite, site: Site): LoweredDistribution {
  const lowered = (call: DistributionCall): LoweredDistribution => lowerDistribution(context, guideFrame, call, site.type);
  const { sequence, distribution, plates } = step;
  const steps = lowered(distribution);
  const whole = sequence ? sequenceDistribution(context, plates.at(-1)!, sequence.chain, steps, sequence.starts.map(({ position, value }) => ({ position, value: lowered(value) }))) : steps;
  return renamedDistribution(context, whole, plates, site.plates);
}

/** A value without shape, with `rank` axes of size 1 behind. */
function spread(context: LoweringContext, value: Value, rank: number): Value {
  return { node: context.b.reshape(value.node, [...value.node.shape, ...new Array<number>(rank).fill(1)]), axes: value.axes };
}
