import { guideFit, likelihoodFits, priorFits, supportWords } from "../../checker/rules/support-rules.js";
import type { ArgumentFacts } from "../../distributions/distribution.js";
import type { DistributionName } from "../../distributions/names.js";
import { distributions } from "../../distributions/registry.js";
import type { Support } from "../../types/support.js";

/** What stands on the left of a `~`. */
export interface SiteFacts {
  readonly support: Support;
  /** Axes of one value in its loops; undefined where they are not known. */
  readonly rank: number | undefined;
  readonly role: "latent" | "observed" | "guide";
}

export type Fit = { readonly kind: "whole" | "part" } | { readonly kind: "none"; readonly why: string };

/** How a distribution fits a site, with the arguments that would fit it best: bounds and numbers of labels are the site's own. */
export function fitOf(name: DistributionName, { support, rank, role }: SiteFacts): Fit {
  const distribution = distributions[name];
  if (name === "Delta") return role === "guide" ? { kind: "part" } : { kind: "none", why: "has no density" };
  if (rank !== undefined && distribution.eventRank > rank) return { kind: "none", why: "draws a vector" };
  const drawn = distribution.support(factsFor(support));
  switch (role) {
    case "latent":
      return priorFits(support, drawn) ? { kind: "whole" } : { kind: "none", why: `draws ${supportWords(drawn)}` };
    case "observed":
      return likelihoodFits(support, drawn) ? { kind: "whole" } : { kind: "none", why: `scores ${supportWords(drawn)}` };
    case "guide": {
      const fit = guideFit(support, drawn);
      return fit === "same" ? { kind: "whole" } : fit === "narrower" ? { kind: "part" } : { kind: "none", why: `draws ${supportWords(drawn)}` };
    }
  }
}

/** Constant arguments and sizes that a user would give for this support. */
function factsFor(support: Support): ArgumentFacts {
  const [low, high] = boundsOf(support);
  const labels = labelsOf(support) ?? 2;
  return { constants: { low, high, levels: labelsOf(support) ?? 256 }, lastSizes: { probs: labels, logits: labels }, supports: { components: support, value: support } };
}

/** Ends of an interval that lies in the support. */
export function boundsOf(support: Support): readonly [number, number] {
  return support.kind === "interval" ? [support.low, support.high] : support.kind === "positive" ? [1, 2] : [0, 1];
}

/** How many classes data of this kind has. */
export function labelsOf(support: Support): number | undefined {
  return support.kind === "index" ? support.size : support.kind === "binary" ? 2 : support.kind === "byte" ? 256 : undefined;
}
