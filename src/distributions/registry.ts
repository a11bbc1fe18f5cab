import { bernoulli } from "./bernoulli.js";
import { beta } from "./beta.js";
import { binomial } from "./binomial.js";
import { categorical } from "./categorical.js";
import { cauchy } from "./cauchy.js";
import { continuousBernoulli } from "./continuous-bernoulli.js";
import { delta } from "./delta.js";
import { dirichlet } from "./dirichlet.js";
import { discretizedLogistic } from "./discretized-logistic.js";
import type { Distribution } from "./distribution.js";
import { exponential } from "./exponential.js";
import { gamma } from "./gamma.js";
import { geometric } from "./geometric.js";
import { halfCauchy } from "./half-cauchy.js";
import { halfNormal } from "./half-normal.js";
import { inverseGamma } from "./inverse-gamma.js";
import { laplace } from "./laplace.js";
import { logNormal } from "./log-normal.js";
import { logistic } from "./logistic.js";
import { mixture } from "./mixture.js";
import { multivariateNormal } from "./multivariate-normal.js";
import type { DistributionName } from "./names.js";
import { negativeBinomial } from "./negative-binomial.js";
import { normal } from "./normal.js";
import { poisson } from "./poisson.js";
import { studentT } from "./student-t.js";
import { truncatedNormal } from "./truncated-normal.js";
import { uniform } from "./uniform.js";

/** Every distribution of the language by its name. Total: a new name must bring its distribution. */
export const distributions: Readonly<Record<DistributionName, Distribution>> = {
  Normal: normal,
  LogNormal: logNormal,
  HalfNormal: halfNormal,
  StudentT: studentT,
  Cauchy: cauchy,
  HalfCauchy: halfCauchy,
  Laplace: laplace,
  Logistic: logistic,
  Uniform: uniform,
  Exponential: exponential,
  Gamma: gamma,
  InverseGamma: inverseGamma,
  Beta: beta,
  Dirichlet: dirichlet,
  MultivariateNormal: multivariateNormal,
  Bernoulli: bernoulli,
  ContinuousBernoulli: continuousBernoulli,
  Binomial: binomial,
  Categorical: categorical,
  Poisson: poisson,
  NegativeBinomial: negativeBinomial,
  Geometric: geometric,
  TruncatedNormal: truncatedNormal,
  DiscretizedLogistic: discretizedLogistic,
  Mixture: mixture,
  Delta: delta,
};
