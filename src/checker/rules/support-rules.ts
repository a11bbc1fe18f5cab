import { isDiscrete, isSubset, jointRank, printSupport, type Support } from "../../types/support.js";

/** Whether two supports differ at most in their boundary points: `positive` and `nonnegative`, `unit` and the interval from 0 to 1. */
export function sameSupport(left: Support, right: Support): boolean {
  return coversContinuous(left, right) && coversContinuous(right, left) && isDiscrete(left) === isDiscrete(right);
}

/** `isSubset` up to the boundary point 0, which has no mass. */
function coversContinuous(inner: Support, outer: Support): boolean {
  return isSubset(inner, outer) || (inner.kind === "nonnegative" && outer.kind === "positive") || (inner.kind === "interval" && inner.low >= 0 && outer.kind === "positive");
}

/**
 * Whether a prior fits the declared type of a latent: the same values. Independent real priors on `ordered[K]` are read as restricted to
 * rising vectors, which changes their density by the constant K! only.
 */
export function priorFits(declared: Support, prior: Support): boolean {
  return sameSupport(declared, prior) || (declared.kind === "ordered" && prior.kind === "real");
}

/**
 * Whether a likelihood scores every value that the data can have as what it is: probabilities for discrete data, densities for continuous. A
 * continuous likelihood may cover more than the data (Normal on positive measurements); labels need exactly their number of classes.
 */
export function likelihoodFits(data: Support, likelihood: Support): boolean {
  if (isDiscrete(data) !== isDiscrete(likelihood)) return false;
  if (data.kind === "index" || data.kind === "binary") return isSubset(data, likelihood) && isSubset(likelihood, data);
  if (jointRank(data) > 0 || jointRank(likelihood) > 0) return data.kind === likelihood.kind;
  return isSubset(data, likelihood);
}

export type GuideFit = "same" | "narrower" | "outside" | "discrete" | "continuous";

/** How the values that a guide draws lie in those that the latent can have. */
export function guideFit(latent: Support, guide: Support): GuideFit {
  if (isDiscrete(latent) !== isDiscrete(guide)) return isDiscrete(guide) ? "discrete" : "continuous";
  if (!coversContinuous(guide, latent)) return "outside";
  return coversContinuous(latent, guide) ? "same" : "narrower";
}

/** Distributions on exactly this support, for help lines. */
export function distributionsOn(support: Support): readonly string[] {
  switch (support.kind) {
    case "real":
      return ["Normal", "StudentT", "Laplace"];
    case "positive":
    case "nonnegative":
      return ["LogNormal", "Gamma", "HalfNormal"];
    case "unit":
      return ["Beta"];
    case "binary":
      return ["Bernoulli"];
    case "index":
      return ["Categorical"];
    case "count":
      return ["Poisson", "NegativeBinomial"];
    case "byte":
      return ["DiscretizedLogistic", "Categorical"];
    case "interval":
      return [`Uniform(${support.low}, ${support.high})`];
    case "simplex":
      return ["Dirichlet"];
    case "ordered":
      return ["Normal"];
    default:
      return [];
  }
}

/** Likelihoods for data on this support: of `unit` data the field uses ContinuousBernoulli. */
export function likelihoodsOn(support: Support): readonly string[] {
  return support.kind === "unit" ? ["ContinuousBernoulli", "Beta", "Normal"] : support.kind === "angle" ? ["Normal"] : distributionsOn(support);
}

/** "`Normal`, `StudentT` or `Laplace`" */
export function anyOf(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  return quoted.length <= 1 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted[quoted.length - 1]}`;
}

/** What values a support has, in words: for labels under a type. */
export function supportWords(support: Support): string {
  switch (support.kind) {
    case "real":
      return "any real number";
    case "positive":
      return "numbers above 0";
    case "nonnegative":
      return "numbers from 0 up";
    case "unit":
      return "numbers from 0 to 1";
    case "binary":
      return "0 or 1";
    case "index":
      return `labels 0 to ${support.size - 1}`;
    case "count":
      return "whole numbers from 0 up";
    case "byte":
      return "whole numbers from 0 to 255";
    case "interval":
      return `numbers from ${support.low} to ${support.high}`;
    case "simplex":
      return "shares that sum to 1";
    case "ordered":
      return "rising vectors";
    default:
      return printSupport(support);
  }
}
