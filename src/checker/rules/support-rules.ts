import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice as unasked, replacement } from "../../diagnostics/fix.js";
import type { Distribution } from "../../distributions/distribution.js";
import type { DistributionName } from "../../distributions/names.js";
import { distributions } from "../../distributions/registry.js";
import type * as ast from "../../parser/ast.js";
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

/** Other families for a draw, with the arguments that are written: only those that know all of them by name or place. A family with its arguments, `Uniform(0, 1)`, replaces the whole. */
export function otherFamilies(written: ast.Expression, families: readonly string[]): readonly Fix[] {
  if (written.kind !== "call" || written.callee.kind !== "name") return [];
  const { callee, args, span } = written;
  const own = callee.name;
  return families.flatMap((family): readonly Fix[] => {
    if (family.includes("(")) return [unasked(replacement(span, family))];
    if (family === own || !Object.hasOwn(distributions, family) || !fitsArguments(distributions[family as DistributionName], args, own)) return [];
    return [unasked(replacement(callee.span, family))];
  });
}

/** Whether arguments for one family mean something for another: each name is known, places have the same names, and none that is needed is missing. */
function fitsArguments(family: Distribution, args: readonly ast.Argument[], own: string): boolean {
  const order = Object.hasOwn(distributions, own) ? (distributions[own as DistributionName].parameterizations[0] ?? []) : [];
  const scales: Readonly<Record<string, string>> = { location: "mean", log_mean: "mean", log_scale: "scale" };
  const plain = (name: string): string => scales[name] ?? name;
  return family.parameterizations.some((names) => {
    const taken = args.map((arg, at) => (arg.name ? names.find((name) => name === arg.name!.name) : order[at] !== undefined && names === family.parameterizations[0] && plain(names[at] ?? "") === plain(order[at]) ? names[at] : undefined));
    return taken.every((name) => name !== undefined) && names.every((name) => taken.includes(name) || family.parameters.find((each) => each.name === name)?.default !== undefined);
  });
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
