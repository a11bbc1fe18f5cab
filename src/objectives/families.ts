import type { DistributionName } from "../distributions/names.js";
import { distributions } from "../distributions/registry.js";

/**
 * What the derivation asks of the distributions: which pairs have a closed-form KL divergence, and how gradients pass through a draw.
 * The only file of this folder that knows families by name.
 */
const closedFormPairs: Partial<Record<DistributionName, readonly DistributionName[]>> = {
  Normal: ["Normal", "MultivariateNormal"],
  MultivariateNormal: ["MultivariateNormal", "Normal"],
  LogNormal: ["LogNormal"],
  Laplace: ["Laplace"],
  Exponential: ["Exponential", "Gamma"],
  Gamma: ["Gamma", "Exponential"],
  InverseGamma: ["InverseGamma"],
  Beta: ["Beta"],
  Dirichlet: ["Dirichlet"],
  Bernoulli: ["Bernoulli"],
  Categorical: ["Categorical"],
  Poisson: ["Poisson"],
  Geometric: ["Geometric"],
  HalfNormal: ["HalfNormal"],
};

/** Whether KL(left ‖ right) is in the table of closed forms. */
export function hasClosedFormKl(left: DistributionName, right: DistributionName): boolean {
  return closedFormPairs[left]?.includes(right) ?? false;
}

/** How the gradient passes through a draw of this distribution; `none` where it does not. */
export function reparameterizationOf(name: DistributionName): "reparameterization" | "implicit-reparameterization" | "deterministic" | "none" {
  switch (distributions[name].reparameterization) {
    case "location-scale":
    case "inverse-cdf":
      return "reparameterization";
    case "implicit":
      return "implicit-reparameterization";
    case "identity":
      return "deterministic";
    case "none":
      return "none";
  }
}

/** The parameter names that a reader knows by their place: those of the distribution's first parameterization. */
export function positionalParameters(name: DistributionName): readonly string[] {
  return distributions[name].parameterizations[0] ?? [];
}
