import type { Objective, Term } from "../ir/objective/objective.js";
import { autoLogDensities } from "./auto-guide.js";
import type { LoweringContext } from "./context.js";
import { logFactor } from "./densities-of-sites.js";
import { eliminate } from "./elimination.js";
import type { Latent } from "./latents.js";
import { lowerTerms, variableOf } from "./terms.js";
import type { Value } from "./value.js";

/**
 * log p(x, z) − log q(z | x) at the draws, for the latents of the rows ([samples, rows]) or the global ones ([samples]). Every divergence is
 * taken at the draw, automatic guides by the density of the whole group, and enumerated guide sites are summed inside the weight:
 * Σ_k p(x, k, z_k) / q(z_k | k) stays an unbiased estimate of p(x).
 */
export function importanceLogWeights(context: LoweringContext, objective: Objective, latents: readonly Latent[], scope: "row" | "global"): Value {
  const { b } = context;
  const enumerated = latents.filter((latent) => latent.weight !== undefined && latent.site.scope === scope);
  const ofScope = objective.terms.filter((term) => term.weight.perDataset === (scope === "global"));
  const terms = lowerTerms(context, { ...objective, terms: ofScope.flatMap((term) => atTheDraw(term, latents)) }, latents);
  const factors = [
    ...terms.map(({ value }) => value),
    ...enumerated.map((latent) => logFactor(context, latent.site, latent)),
    ...autoLogDensities(context, scope).map((value) => ({ node: b.negate(value.node), axes: value.axes })),
  ];
  return eliminate(context, factors, enumerated.map(variableOf));
}

/** A closed-form divergence becomes the log ratio at the draw; automatic groups keep log p here, their log q is taken as a whole. */
function atTheDraw(term: Term, latents: readonly Latent[]): Term[] {
  if (term.kind === "supervision") return [];
  const latent = latents.find(({ site }) => site.name === term.sites[0]);
  if (term.kind === "entropy") return latent?.plan.guide === "auto" ? [] : [{ ...term, estimator: "reparameterization" }];
  if (term.kind !== "kl" && term.kind !== "log-ratio") return [term];
  if (latent?.weight) return []; // enumerated: its factor is log p(k) alone
  return [{ ...term, kind: latent?.plan.guide === "auto" ? "cross-entropy" : "log-ratio" }];
}
