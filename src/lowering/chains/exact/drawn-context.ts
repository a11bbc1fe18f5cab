import type { Objective } from "../../../ir/objective/objective.js";
import { LoweringContext } from "../../context.js";
import type { Latent } from "../../latents.js";
import type { Value } from "../../value.js";
import { gaussianPosterior } from "./gaussian-posterior.js";
import { labelPaths } from "./posterior.js";
import { isGaussianTerm } from "./summed-sites.js";

/**
 * The same program with chains that are summed out drawn from their exact posterior, as a guide would draw them. Chains that depend on other summed latents of the row
 * stay as they are.
 */
export function contextWithDraws(context: LoweringContext, objective: Objective, latents: readonly Latent[]): LoweringContext {
  const draws = new Map<string, Value>();
  for (const term of objective.terms) {
    if (term.kind !== "evidence" || !term.sites.some((name) => context.placed?.has(name))) continue;
    if (isGaussianTerm(context, term)) for (const { site, draw } of gaussianPosterior(context, term)) draws.set(site.name, draw);
    else for (const [name, draw] of labelPaths(context, term, latents)?.draws ?? []) draws.set(name, draw);
  }
  if (draws.size === 0) return context;
  const { b, space, plates } = context;
  const drawn = new LoweringContext(context.program, context.mode, context.streamPrefix, undefined, { b, space, plates });
  drawn.placed = context.placed?.without(new Set(draws.keys()));
  for (const { site, value } of latents) drawn.sites.set(site.name, value);
  for (const [name, value] of draws) drawn.sites.set(name, value);
  return drawn;
}
