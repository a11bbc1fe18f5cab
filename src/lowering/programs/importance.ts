import type { ModelProgram } from "../../ir/model/model.js";
import type { Objective, Term } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { autoLogDensities } from "../auto-guide.js";
import { LoweringContext } from "../context.js";
import { logFactor } from "../densities-of-sites.js";
import { eliminate } from "../elimination.js";
import { runGuide } from "../guide.js";
import type { Latent } from "../latents.js";
import { lowerTerms, variableOf } from "../terms.js";
import { ROWS, SAMPLES, expanded, type Value } from "../value.js";

/**
 * Importance weights: log p(x, z) − log q(z | x) at independent draws, [samples, rows], and [samples] for global latents. Every divergence
 * is taken at the draw, and enumerated guide sites are summed inside the weight: Σ_k p(x, k, z_k) / q(z_k | k) stays an unbiased
 * estimate of p(x).
 */
export function lowerImportance(program: ModelProgram, objective: Objective, samples: number): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "importance.");
  const { b, space } = context;
  const latents = runGuide(context, objective, { counts: { row: samples, global: samples } });
  space.declare(SAMPLES, samples);
  const enumerated = latents.filter((latent) => latent.weight !== undefined);

  const terms = lowerTerms(context, { ...objective, terms: objective.terms.flatMap((term) => atTheDraw(term, latents)) }, latents);
  const factorsOf = (global: boolean): Value[] => [
    ...terms.filter(({ term }) => term.weight.perDataset === global).map(({ value }) => value),
    ...enumerated.filter(({ site }) => (site.scope === "global") === global).map((latent) => logFactor(context, latent.site, latent)),
    ...autoLogDensities(context, global ? "global" : "row").map((value) => ({ node: b.negate(value.node), axes: value.axes })),
  ];
  const logWeight = (global: boolean): Value =>
    eliminate(context, factorsOf(global), enumerated.filter(({ site }) => (site.scope === "global") === global).map(variableOf));

  const outputs: Record<string, TensorNode> = { log_weight: expanded(b, space, logWeight(false), [SAMPLES, ROWS]) };
  if (latents.some(({ site }) => site.scope === "global")) outputs["log_weight_global"] = expanded(b, space, logWeight(true), [SAMPLES]);
  return b.program("importance", outputs);
}

/** A closed-form divergence becomes the log ratio at the draw; automatic groups keep log p here, their log q is taken as a whole. */
function atTheDraw(term: Term, latents: readonly Latent[]): Term[] {
  if (term.kind === "entropy" || term.kind === "supervision") return [];
  const latent = latents.find(({ site }) => site.name === term.sites[0]);
  if (term.kind !== "kl" && term.kind !== "log-ratio") return [term];
  if (latent?.weight) return []; // enumerated: its factor is log p(k) alone
  return [{ ...term, kind: latent?.plan.guide === "auto" ? "cross-entropy" : "log-ratio" }];
}
