import type { DistributionName } from "../distributions/names.js";

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

const reparameterizations: Record<DistributionName, "reparameterization" | "implicit-reparameterization" | "deterministic" | "none"> = {
  Normal: "reparameterization",
  LogNormal: "reparameterization",
  HalfNormal: "reparameterization",
  StudentT: "implicit-reparameterization",
  Cauchy: "reparameterization",
  HalfCauchy: "reparameterization",
  Laplace: "reparameterization",
  Logistic: "reparameterization",
  Uniform: "reparameterization",
  Exponential: "reparameterization",
  Gamma: "implicit-reparameterization",
  InverseGamma: "implicit-reparameterization",
  Beta: "implicit-reparameterization",
  Dirichlet: "implicit-reparameterization",
  MultivariateNormal: "reparameterization",
  Bernoulli: "none",
  ContinuousBernoulli: "reparameterization",
  Binomial: "none",
  Categorical: "none",
  Poisson: "none",
  NegativeBinomial: "none",
  Geometric: "none",
  TruncatedNormal: "reparameterization",
  DiscretizedLogistic: "none",
  Mixture: "none",
  Delta: "deterministic",
};

/** How the gradient passes through a draw of this distribution; `none` where it does not. */
export function reparameterizationOf(name: DistributionName): "reparameterization" | "implicit-reparameterization" | "deterministic" | "none" {
  return reparameterizations[name];
}
