import type { TermKind, TermWeight } from "../ir/objective/objective.js";
import type { Setting } from "./setting.js";

/** The natural weight: rows are averaged, nothing else. */
export const unweighted: TermWeight = { factor: 1, annealed: false, perDataset: false, freeBits: 0 };

/**
 * Weight of a term that pulls a latent towards its prior (KL, log-ratio, cross-entropy, entropy, log-prior): β and annealing multiply
 * it, 1/N a global latent's. Free bits hold for KLs of row latents, coordinate by coordinate; inside the log-mean-exp of an
 * importance-weighted bound no coordinate stands alone, so there they do not apply.
 *
 * `splittable` is false where log p(z) stands inside a sum over marginalized sites: β on the rest alone would be no multiple of a KL.
 */
export function latentWeight(setting: Setting, kind: TermKind, scope: "row" | "global", splittable = true): TermWeight {
  const { beta, freeBits, anneal, balance } = setting.objective;
  const perDataset = scope === "global";
  if (!splittable || setting.bound === "posterior") return { ...unweighted, perDataset };
  const hasFreeBits = (kind === "kl" || kind === "log-ratio") && scope === "row" && setting.bound === "elbo";
  return { factor: beta, annealed: anneal.steps > 0, perDataset, freeBits: hasFreeBits ? freeBits : 0, ...(kind === "kl" && balance !== undefined ? { balance } : {}) };
}
