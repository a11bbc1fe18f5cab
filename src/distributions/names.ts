/** The distributions of the language, in the order of the documentation. */
export const distributionNames = [
  "Normal", "LogNormal", "HalfNormal", "StudentT", "Cauchy", "HalfCauchy", "Laplace", "Logistic", "Uniform", "Exponential", "Gamma",
  "InverseGamma", "Beta", "Dirichlet", "MultivariateNormal", "Bernoulli", "ContinuousBernoulli", "Binomial", "Categorical", "Poisson",
  "NegativeBinomial", "Geometric", "TruncatedNormal", "DiscretizedLogistic", "Mixture", "Delta",
] as const;

export type DistributionName = (typeof distributionNames)[number];
