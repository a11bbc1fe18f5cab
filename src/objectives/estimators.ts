import { cardinality, isDiscrete } from "../types/support.js";
import { elementCount } from "../types/type.js";
import type { AutoGroup, GuideSite } from "../ir/model/model.js";
import type { Estimator, LatentPlan } from "../ir/objective/objective.js";
import { chainSum, marginalComponents } from "./marginalization.js";
import { hasClosedFormKl, reparameterizationOf } from "./families.js";
import { type Setting, hasPathGradient, isWeighted } from "./setting.js";

/** Without `by enumeration`, finite latents are enumerated while their joint number of states stays below this. */
const enumerationBudget = 1e4;
/** Draws for each row that a score function takes by default: enough for a leave-one-out baseline (Kool, van Hoof & Welling 2019). */
export const defaultScoreSamples = 4;

type Choice = Pick<LatentPlan, "estimator" | "scoreSamples" | "baseline" | "temperature" | "cardinality" | "reason">;

/**
 * How each latent is drawn and differentiated, in the guide's order; `downstream` is filled in once the terms are known. For each the
 * first that is legal: enumeration of a small finite latent, reparameterization, Rao-Blackwellized score function with a leave-one-out
 * baseline; `by` overrides. (A closed-form KL is a property of the term: see `klTerm` of elbo.ts.)
 */
export function chooseEstimators(setting: Setting): readonly LatentPlan[] {
  const plans: LatentPlan[] = [];
  let joint = 1;
  const sums = marginalComponents(setting).flatMap((component) => chainSum(setting, component) ?? []);
  for (const step of setting.program.guide) {
    if (step.kind === "binding") continue;
    if (step.kind === "marginalized") {
      const chain = sums.find(({ sites }) => sites.includes(step.site));
      const states = chain ? undefined : stateCount(setting, step.site);
      if (chain) plans.push({ sites: [step.site], scope: "row", guide: "marginalized", estimator: chain.kind === "gaussian" ? "closed-form" : "enumeration", downstream: [], reason: chain.how, origin: step.origin });
      else plans.push({
        sites: [step.site], scope: setting.graph.site(step.site).scope, guide: "marginalized", estimator: "enumeration", cardinality: states, downstream: [],
        reason: `summed out exactly${states === undefined ? "" : `: ${count(states, "state")}`}`, origin: step.origin,
      });
    } else if (step.kind === "auto") {
      plans.push({ sites: step.sites.map((entry) => entry.site), scope: step.scope, guide: "auto", ...chooseForGroup(setting, step), downstream: [], origin: step.origin });
    } else {
      const choice = chooseForSite(setting, step, joint);
      if (choice.estimator === "enumeration") joint *= choice.cardinality ?? 1;
      plans.push({ sites: [step.site], scope: setting.graph.site(step.site).scope, guide: "guide-site", ...choice, ...(hasPathGradient(setting, step.site) ? { path: true } : {}), downstream: [], origin: step.origin });
    }
  }
  return plans;
}

function chooseForGroup(setting: Setting, group: AutoGroup): Choice {
  if (setting.bound === "posterior") return { estimator: "deterministic", reason: "a point at the guide's location: the mode of the posterior is learnt" };
  const family = { mean_field: "independent Gaussians", full_rank: "one Gaussian with full covariance", low_rank: `one Gaussian with covariance of rank ${group.rank} plus diagonal` }[group.family];
  return { estimator: "reparameterization", reason: `${family} on the unconstrained scale, drawn as location + scale · ε` };
}

function chooseForSite(setting: Setting, entry: GuideSite, joint: number): Choice {
  const site = setting.graph.site(entry.site);
  const family = entry.distribution.distribution;
  if (setting.bound === "posterior") return { estimator: "deterministic", reason: "a learnt point: the mode of the posterior" };
  const states = stateCount(setting, entry.site);
  const by = entry.by;
  switch (by?.estimator) {
    case "enumeration":
      return { estimator: "enumeration", cardinality: states, reason: `all ${states === undefined ? "values" : count(states, "state")} weighted by q, as asked by \`by enumeration\`` };
    case "score":
      return {
        estimator: "score-function", scoreSamples: by.samples, baseline: by.baseline,
        reason: `score function with ${count(by.samples, "draw")}${by.baseline === "leave_one_out" ? " and a leave-one-out baseline" : " and no baseline"}, as asked by \`by score\``,
      };
    case "relaxation":
      return { estimator: "relaxation", temperature: by.temperature, reason: `relaxed to a continuous draw at temperature ${by.temperature}, as asked by \`by relaxation\`: low variance, biased` };
    case "straight_through":
      return { estimator: "straight-through", reason: "the draw is discrete, its gradient that of the probabilities, as asked by `by straight_through`: biased" };
    case "reparameterization":
      return { estimator: reparameterized(entry), reason: `${reparameterizationReason(entry)}, as asked by \`by reparameterization\`` };
    case undefined:
  }
  if (reparameterizationOf(family) === "deterministic") return { estimator: "deterministic", reason: "Delta puts all mass on one value: nothing is drawn" };
  if (isDiscrete(site.type.support)) {
    if (site.scope === "row" && states !== undefined && joint * states < enumerationBudget)
      return { estimator: "enumeration", cardinality: states, reason: `${count(states, "state")}: each is weighted by q, so the expectation is exact` };
    const why = states === undefined ? "its values cannot be enumerated" : site.scope === "global" ? "it is global" : `${count(joint * states, "joint state")} are too many to enumerate`;
    return {
      estimator: "score-function", scoreSamples: defaultScoreSamples, baseline: "leave_one_out",
      reason: `discrete, and ${why}: Rao-Blackwellized score function, ${defaultScoreSamples} draws, leave-one-out baseline`,
    };
  }
  if (reparameterizationOf(family) === "none")
    return {
      estimator: "score-function", scoreSamples: defaultScoreSamples, baseline: "leave_one_out",
      reason: `a draw of ${family} has no reparameterization: Rao-Blackwellized score function, ${defaultScoreSamples} draws, leave-one-out baseline`,
    };
  return { estimator: reparameterized(entry), reason: reparameterizationReason(entry) };
}

function reparameterized(entry: GuideSite): Estimator {
  return reparameterizationOf(entry.distribution.distribution) === "implicit-reparameterization" ? "implicit-reparameterization" : "reparameterization";
}

function reparameterizationReason(entry: GuideSite): string {
  const family = entry.distribution.distribution;
  if (reparameterizationOf(family) === "implicit-reparameterization") return `${family} is reparameterized implicitly, through its distribution function (Figurnov et al. 2018)`;
  return family === "Normal" || family === "MultivariateNormal" ? `${family}: drawn as mean + scale · ε, so the gradient passes through the draw` : `${family}: a smooth function of noise, so the gradient passes through the draw`;
}

/**
 * States that an exact sum over a site visits: K for one element and for steps of a plate that nothing couples, K^n for n elements that
 * are read together. Undefined for infinite supports.
 */
export function stateCount(setting: Setting, name: string): number | undefined {
  const { graph } = setting;
  const site = graph.site(name);
  const values = cardinality(site.type.support);
  if (values === undefined) return undefined;
  const steps = isCoupled(setting, name) ? site.plates.reduce((product, plate) => product * plate.size, 1) : 1;
  return values ** (elementCount(site.type) * steps);
}

/** Whether some density reads the site at another step than its own, or at all steps at once. */
export function isCoupled({ graph }: Setting, name: string): boolean {
  return graph.sites.some((other) => graph.modelReads(other.name).coupled.has(name)) || graph.latents.some((other) => graph.guideReads(other).coupled.has(name));
}

/**
 * Whether −KL(q ‖ p) of this site is a term in closed form: the pair is in the table, the bound is not a log-mean-exp over this site's
 * draws, its gradient is not that of the draw's path alone, each row has a draw (not a partly observed column), and p(site) is a factor of its own (not inside a sum over marginalized sites).
 */
export function hasKlTerm(setting: Setting, name: string): boolean {
  const { graph } = setting;
  const site = graph.site(name);
  const entry = graph.entryOf(name);
  if (!entry || entry.kind === "marginalized" || site.partlyObserved || isWeighted(setting, name) || hasPathGradient(setting, name)) return false;
  if ([...graph.modelReads(name).latents].some((parent) => graph.isMarginalized(parent))) return false;
  const prior = site.distribution.distribution;
  if (entry.kind === "guide-site") return hasClosedFormKl(entry.distribution.distribution, prior);
  return entry.family === "mean_field" && site.type.support.kind === "real" && prior === "Normal";
}

/** `4 states`, `1 draw`. */
export function count(value: number, noun: string): string {
  const shown = Number.isSafeInteger(value) ? value.toLocaleString("en-US") : value.toExponential(2);
  return `${shown} ${noun}${value === 1 ? "" : "s"}`;
}
