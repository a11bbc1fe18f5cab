import type { LagrangeConstraint, LatentPlan, Objective, Term } from "../ir/objective/objective.js";
import { type Constraint, isContinuous, type ModelProgram } from "../ir/model/model.js";
import { deriveContinuousDiffusion } from "./continuous-diffusion.js";
import { deriveDiffusion } from "./diffusion.js";
import { elboTerms } from "./elbo.js";
import { chooseEstimators, hasKlTerm, isCoupled } from "./estimators.js";
import { isInsideLogMeanExp } from "./importance-weighted.js";
import { likelihoodTerms, posteriorTerms } from "./point-estimates.js";
import { type Plans, type Setting, settingOf } from "./setting.js";
import { deriveSecondStage } from "./second-stage.js";
import { derivationSteps } from "./steps.js";

/**
 * The objective of a checked program, to be maximized, in nats per row: its terms, how each latent is drawn and differentiated, and the
 * derivation. The evaluation objective is the plain bound: β = 1 and one sample, without annealing, free bits, supervision and constraints.
 */
export function deriveObjective(program: ModelProgram, mode: Objective["mode"]): Objective {
  if (program.stage) return deriveSecondStage(program, program.stage, mode, deriveObjective);
  if (program.diffusion) return isContinuous(program.diffusion) ? deriveContinuousDiffusion(program, program.diffusion, mode) : deriveDiffusion(program, program.diffusion, mode);
  const setting = settingOf(program, mode);
  const chosen = chooseEstimators(setting);
  const plans: Plans = new Map(chosen.flatMap((plan) => plan.sites.map((site) => [site, plan] as const)));
  const terms = { elbo: elboTerms, "importance-weighted": elboTerms, likelihood: likelihoodTerms, posterior: posteriorTerms }[setting.bound](setting, plans);
  const latents = chosen.map((plan) => finishPlan(setting, plan, terms));
  const constraints = setting.bound === "elbo" || setting.bound === "importance-weighted" ? setting.objective.constraints.map((constraint) => lagrange(constraint, terms)) : [];
  const derived = { model: program.name, mode, bound: setting.bound, samples: setting.samples, terms, latents, constraints, origin: program.training.objective.origin };
  return { ...derived, steps: derivationSteps(setting, derived) };
}

/** Fills in the terms downstream of a latent, and says when its draw is not needed at all. */
function finishPlan(setting: Setting, plan: LatentPlan, terms: readonly Term[]): LatentPlan {
  const closed = plan.sites.filter((site) => plan.guide !== "marginalized" && terms.some((term) => term.kind === "kl" && term.sites.includes(site)) && hasKlTerm(setting, site));
  const downstream = downstreamTerms(setting, plan.sites, terms);
  const kl = closed.length === 0 ? "" : closed.length === plan.sites.length ? "closed-form KL" : `closed-form KL of ${closed.join(", ")}`;
  const needed = plan.guide === "marginalized" || downstream.length > 0 || closed.length < plan.sites.length;
  return {
    ...plan,
    estimator: needed ? plan.estimator : "closed-form",
    ...(plan.estimator === "score-function" && plan.sites.some((site) => isCoupled(setting, site)) ? { coupled: true } : {}),
    downstream,
    reason: [kl, needed ? plan.reason : "no other term reads it"].filter((part) => part !== "").join("; "),
  };
}

/**
 * The terms that change with the draw of these sites: directly, or through the guide's later draws. Exactly these multiply the score
 * ∇ log q (Rao-Blackwellization: the others have expectation zero against it). Inside a log-mean-exp all terms depend on each other.
 */
export function downstreamTerms(setting: Setting, sites: readonly string[], terms: readonly Term[]): readonly string[] {
  const direct = terms.filter((term) => term.expectation.some((site) => sites.includes(site)) || term.sites.some((site) => term.kind === "evidence" && sites.includes(site)));
  const coupled = direct.some((term) => isInsideLogMeanExp(setting, term));
  return terms.filter((term) => direct.includes(term) || (coupled && isInsideLogMeanExp(setting, term))).map((term) => term.name);
}

/** The terms whose sum a constraint bounds; a group without a KL of its own for the site is bounded as a whole. */
function lagrange(constraint: Constraint, terms: readonly Term[]): LagrangeConstraint {
  const ofSite = terms.filter((term) => (term.kind === "evidence" ? term.factors : term.sites).includes(constraint.site));
  const wanted: readonly Term["kind"][] = constraint.term === "kl" ? ["kl", "log-ratio", "cross-entropy", "entropy", "log-prior"] : ["reconstruction", "evidence"];
  return {
    name: `${constraint.term}(${constraint.site})`,
    quantity: constraint.term,
    terms: ofSite.filter((term) => wanted.includes(term.kind)).map((term) => term.name),
    relation: constraint.relation,
    bound: constraint.bound,
    origin: constraint.origin,
  };
}
