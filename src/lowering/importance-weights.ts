import type { Objective, Term } from "../ir/objective/objective.js";
import { autoLogDensities } from "./auto-guide.js";
import type { LoweringContext } from "./context.js";
import { logFactor } from "./densities-of-sites.js";
import { eliminate } from "./elimination.js";
import type { Latent } from "./latents.js";
import { lowerTerms, variableOf } from "./terms.js";
import { addValues, isPlateAxis, sumAxes, type Value } from "./value.js";

/**
 * log p(x, z) − log q(z | x) at the draws, for the latents of the rows ([samples, rows]) or the global ones ([samples]). Every divergence is
 * taken at the draw, automatic guides by the density of the whole group, and enumerated guide sites are summed inside the weight:
 * Σ_k p(x, k, z_k) / q(z_k | k) stays an unbiased estimate of p(x).
 */
export function importanceLogWeights(context: LoweringContext, objective: Objective, latents: readonly Latent[], scope: "row" | "global"): Value {
  const enumerated = latents.filter((latent) => latent.weight !== undefined && latent.site.scope === scope);
  const parts = partsAtTheDraw(context, objective, latents, scope, (site) => !enumerated.some((latent) => latent.site.name === site));
  return eliminate(context, [...parts, ...enumerated.map((latent) => logFactor(context, latent.site, latent))], enumerated.map(variableOf));
}

/**
 * The same at every value of the enumerated sites, their own log p − log q included: what the training bound averages under q, so that q
 * learns: E_q(k) log 1/K Σ w(k, z).
 */
export function enumeratedLogWeights(context: LoweringContext, objective: Objective, latents: readonly Latent[]): Value {
  const parts = partsAtTheDraw(context, objective, latents, "row", () => true);
  return addValues(context.b, context.space, parts.map((part) => sumAxes(context.b, part, isPlateAxis)));
}

function partsAtTheDraw(context: LoweringContext, objective: Objective, latents: readonly Latent[], scope: "row" | "global", keep: (site: string) => boolean): Value[] {
  const { b } = context;
  const terms = objective.terms.filter((term) => term.weight.perDataset === (scope === "global") && keep(term.sites[0]!));
  const values = lowerTerms(context, { ...objective, terms: terms.flatMap((term) => atTheDraw(term, latents)) }, latents).map(({ value }) => value);
  return [...values, ...autoLogDensities(context, scope).map((value) => ({ node: b.negate(value.node), axes: value.axes }))];
}

/** A closed-form divergence becomes the log ratio at the draw; automatic groups keep log p here, their log q is taken as a whole. */
function atTheDraw(term: Term, latents: readonly Latent[]): Term[] {
  if (term.kind === "supervision") return [];
  const latent = latents.find(({ site }) => site.name === term.sites[0]);
  if (term.kind === "entropy") return latent?.plan.guide === "auto" ? [] : [{ ...term, estimator: "reparameterization" }];
  if (term.kind !== "kl" && term.kind !== "log-ratio") return [term];
  return [{ ...term, kind: latent?.plan.guide === "auto" ? "cross-entropy" : "log-ratio" }];
}
