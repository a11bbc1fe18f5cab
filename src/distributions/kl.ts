import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Shape, TensorNode } from "../ir/tensor/nodes.js";
import { betaParameters } from "./beta.js";
import { logProbabilities, probabilities } from "./categorical.js";
import { centredMean, logNormalizer } from "./continuous-bernoulli.js";
import { tensorArgument, type Arguments } from "./distribution.js";
import { exponentialRate } from "./exponential.js";
import { gammaParameters } from "./gamma.js";
import { covarianceOf } from "./multivariate-normal.js";
import type { DistributionName } from "./names.js";
import { normalSpread } from "./normal.js";
import { poissonRate } from "./poisson.js";
import { argument, lastSizeOf, leadOf } from "./support/arguments.js";
import { halfLogTwoPi, logBeta } from "./support/numerics.js";
import { probability } from "./support/probability.js";

/** KL(q ‖ p) = E_q[log q − log p] in nats, summed over the joint axes: [...lead]. `shape` is that of a whole draw. */
export type ClosedFormKl = (b: TensorBuilder, q: Arguments, p: Arguments, shape: Shape) => TensorNode;

/** log(σ_p/σ_q) + ½ ((σ_q² + (μ_q − μ_p)²)/σ_p² − 1) */
const normalNormal: ClosedFormKl = (b, q, p) => {
  const [own, other] = [normalSpread(b, q), normalSpread(b, p)];
  const difference = b.subtract(argument(q, "mean"), argument(p, "mean"));
  const ratio = b.divide(b.add(own.variance, b.square(difference)), other.variance);
  return b.add(b.subtract(other.logScale, own.logScale), b.multiply(0.5, b.subtract(ratio, 1)));
};

/** (α_q − α_p) ψ(α_q) − log Γ(α_q) + log Γ(α_p) + α_p log(β_q/β_p) + α_q (β_p/β_q − 1) */
function gammaDivergence(b: TensorBuilder, q: GammaLike, p: GammaLike): TensorNode {
  return b.addAll([
    b.multiply(b.subtract(q.shape, p.shape), b.digamma(q.shape)),
    b.subtract(b.lgamma(p.shape), b.lgamma(q.shape)),
    b.multiply(p.shape, b.subtract(q.logRate, p.logRate)),
    b.multiply(q.shape, b.subtract(b.divide(p.rate, q.rate), 1)),
  ]);
}

interface GammaLike {
  readonly shape: TensorNode;
  readonly rate: TensorNode;
  readonly logRate: TensorNode;
}

/** An Exponential is a Gamma of shape 1. */
const exponentialAsGamma = (b: TensorBuilder, args: Arguments): GammaLike => ({ shape: b.scalar(1), ...exponentialRate(b, args) });

/** 1/x is a Gamma with the scale as its rate; the divergence does not change under 1/x. */
const inverseAsGamma = (b: TensorBuilder, args: Arguments): GammaLike => {
  const rate = argument(args, "scale");
  return { shape: argument(args, "shape"), rate, logRate: b.log(rate) };
};

/** log B(α_p, β_p)/B(α_q, β_q) + (α_q − α_p) (ψ(α_q) − ψ(n_q)) + (β_q − β_p) (ψ(β_q) − ψ(n_q)), n = α + β */
const betaBeta: ClosedFormKl = (b, q, p) => {
  const [own, other] = [betaParameters(b, q), betaParameters(b, p)];
  const total = b.digamma(b.add(own.alpha, own.beta));
  return b.addAll([
    b.subtract(logBeta(b, other.alpha, other.beta), logBeta(b, own.alpha, own.beta)),
    b.multiply(b.subtract(own.alpha, other.alpha), b.subtract(b.digamma(own.alpha), total)),
    b.multiply(b.subtract(own.beta, other.beta), b.subtract(b.digamma(own.beta), total)),
  ]);
};

/** log Γ(A_q)/Γ(A_p) + Σ [log Γ(α_p)/Γ(α_q) + (α_q − α_p) (ψ(α_q) − ψ(A_q))], A = Σα */
const dirichletDirichlet: ClosedFormKl = (b, q, p, shape) => {
  const full: Shape = [...argument(q, "concentration").shape.slice(0, -1), lastSizeOf(shape)];
  const own = b.broadcast(argument(q, "concentration"), full);
  const other = b.broadcast(argument(p, "concentration"), [...argument(p, "concentration").shape.slice(0, -1), lastSizeOf(shape)]);
  const total = b.sum(own, [-1], true);
  const each = b.add(b.subtract(b.lgamma(other), b.lgamma(own)), b.multiply(b.subtract(own, other), b.subtract(b.digamma(own), b.digamma(total))));
  return b.add(b.subtract(b.lgamma(b.sumLast(own, 1)), b.lgamma(b.sumLast(other, 1))), b.sumLast(each, 1));
};

/** p_q log(p_q/p_p) + (1 − p_q) log((1 − p_q)/(1 − p_p)), 0 log 0 = 0 */
const bernoulliBernoulli: ClosedFormKl = (b, q, p) => {
  const [own, other] = [probability(b, q), probability(b, p)];
  const [one, zero] = [b.greater(own.p, 0), b.greater(own.q, 0)];
  return b.add(
    b.multiply(own.p, b.subtract(own.logPWhere(one), other.logPWhere(one))),
    b.multiply(own.q, b.subtract(own.logQWhere(zero), other.logQWhere(zero))),
  );
};

/** Σ_k q_k log(q_k/p_k), 0 log 0 = 0 */
const categoricalCategorical: ClosedFormKl = (b, q, p) => {
  const chance = probabilities(b, q);
  const ratio = b.subtract(logProbabilities(b, q), logProbabilities(b, p));
  return b.sumLast(b.multiply(chance, b.select(b.greater(chance, 0), ratio, 0)), 1);
};

/** ½ [tr(Σ_p⁻¹ Σ_q) + (μ_q − μ_p)ᵀ Σ_p⁻¹ (μ_q − μ_p) − n + log det Σ_p/det Σ_q]; independent coordinates as Normals. */
const multivariate: ClosedFormKl = (b, q, p, shape) => {
  const n = lastSizeOf(shape);
  const [diagonalQ, diagonalP] = [asVector(b, q, n), asVector(b, p, n)];
  if (tensorArgument(diagonalQ, "scale") && tensorArgument(diagonalP, "scale")) return b.sumLast(normalNormal(b, diagonalQ, diagonalP, shape), 1);
  const [own, other] = [covarianceOf(b, diagonalQ), covarianceOf(b, diagonalP)];
  const difference = b.subtract(argument(diagonalQ, "mean"), argument(diagonalP, "mean"));
  const distance = b.add(other.traceWith(own.factor), other.quadratic(difference));
  return b.multiply(0.5, b.add(b.subtract(distance, n), b.subtract(other.logDeterminant, own.logDeterminant)));
};

/** A Normal on vectors as a MultivariateNormal with independent coordinates. */
function asVector(b: TensorBuilder, args: Arguments, n: number): Arguments {
  const along = (x: TensorNode): TensorNode => b.broadcast(x, [...x.shape.slice(0, -1), n]);
  const isMultivariate = ["cholesky", "covariance", "factor"].some((name) => tensorArgument(args, name));
  return isMultivariate ? { ...args, mean: along(argument(args, "mean")) } : { mean: along(argument(args, "mean")), scale: along(normalSpread(b, args).scale) };
}

/** E_q log q of a LogNormal: −(μ + log σ + ½ log 2πe). */
function negativeLogNormalEntropy(b: TensorBuilder, q: Arguments): TensorNode {
  return b.negate(b.addAll([argument(q, "mean"), b.log(argument(q, "scale")), halfLogTwoPi + 0.5]));
}

/** log E_q xᵏ of a LogNormal: kμ + ½k²σ². */
function logMoment(b: TensorBuilder, q: Arguments, k: number): TensorNode {
  return b.add(b.multiply(k, argument(q, "mean")), b.multiply(0.5 * k * k, b.square(argument(q, "scale"))));
}

/** E_q log q + log Γ(α_p) − α_p log β_p − (α_p − 1) μ + β_p E x; under 1/x a LogNormal(μ, σ) is LogNormal(−μ, σ). */
function logNormalGamma(b: TensorBuilder, q: Arguments, p: GammaLike, inverse: boolean): TensorNode {
  const location = inverse ? b.negate(argument(q, "mean")) : argument(q, "mean");
  const own: Arguments = { mean: location, scale: argument(q, "scale") };
  return b.addAll([
    negativeLogNormalEntropy(b, own),
    b.subtract(b.lgamma(p.shape), b.multiply(p.shape, p.logRate)),
    b.negate(b.multiply(b.subtract(p.shape, 1), location)),
    b.multiply(p.rate, b.exp(logMoment(b, own, 1))),
  ]);
}

const table: { readonly [Q in DistributionName]?: { readonly [P in DistributionName]?: ClosedFormKl } } = {
  Normal: {
    Normal: normalNormal,
    MultivariateNormal: multivariate,
    // −log σ − ½ log 2πe + log 2s + E|x − m|/s, E|x − m| = σ√(2/π) e^(−d²/2σ²) + d erf(d/σ√2), d = μ − m
    Laplace: (b, q, p) => {
      const { scale, logScale } = normalSpread(b, q);
      const width = argument(p, "scale");
      const d = b.subtract(argument(q, "mean"), argument(p, "mean"));
      const z = b.divide(d, scale);
      const distance = b.add(b.multiply(b.multiply(scale, Math.sqrt(2 / Math.PI)), b.exp(b.multiply(-0.5, b.square(z)))), b.multiply(d, b.erf(b.multiply(Math.SQRT1_2, z))));
      return b.addAll([b.negate(logScale), -halfLogTwoPi - 0.5, b.log(b.multiply(2, width)), b.divide(distance, width)]);
    },
  },
  MultivariateNormal: { MultivariateNormal: multivariate, Normal: multivariate },
  LogNormal: {
    LogNormal: normalNormal,
    Gamma: (b, q, p) => logNormalGamma(b, q, gammaParameters(b, p), false),
    Exponential: (b, q, p) => logNormalGamma(b, q, exponentialAsGamma(b, p), false),
    InverseGamma: (b, q, p) => logNormalGamma(b, q, inverseAsGamma(b, p), true),
    // E_q log q − ½ log 2/π + log σ_p + E x²/2σ_p²
    HalfNormal: (b, q, p) => {
      const scale = argument(p, "scale");
      const second = b.exp(b.subtract(logMoment(b, q, 2), b.multiply(2, b.log(scale))));
      return b.addAll([negativeLogNormalEntropy(b, q), 0.5 * Math.log(Math.PI / 2), b.log(scale), b.multiply(0.5, second)]);
    },
  },
  HalfNormal: {
    // ½ (r² − 1) − log r, r = σ_q/σ_p
    HalfNormal: (b, q, p) => {
      const ratio = b.divide(argument(q, "scale"), argument(p, "scale"));
      return b.subtract(b.multiply(0.5, b.subtract(b.square(ratio), 1)), b.log(ratio));
    },
    // λσ√(2/π) − log λσ − ½ log(π/2) − ½
    Exponential: (b, q, p) => {
      const scale = argument(q, "scale");
      const { rate, logRate } = exponentialRate(b, p);
      return b.subtract(b.multiply(Math.sqrt(2 / Math.PI), b.multiply(rate, scale)), b.addAll([logRate, b.log(scale), 0.5 * Math.log(Math.PI / 2) + 0.5]));
    },
  },
  Cauchy: {
    // log ((σ_q + σ_p)² + (m_q − m_p)²)/(4 σ_q σ_p) (Chyzak & Nielsen 2019)
    Cauchy: (b, q, p) => {
      const [own, other] = [argument(q, "scale"), argument(p, "scale")];
      const gap = b.add(b.square(b.subtract(own, other)), b.square(b.subtract(argument(q, "location"), argument(p, "location"))));
      return b.log1p(b.divide(gap, b.multiply(4, b.multiply(own, other))));
    },
  },
  Laplace: {
    // log s_p/s_q + d/s_p + (s_q/s_p) e^(−d/s_q) − 1, d = |μ_q − μ_p|
    Laplace: (b, q, p) => {
      const [own, other] = [argument(q, "scale"), argument(p, "scale")];
      const d = b.abs(b.subtract(argument(q, "mean"), argument(p, "mean")));
      const distance = b.divide(b.add(d, b.multiply(own, b.exp(b.negate(b.divide(d, own))))), other);
      return b.add(b.log(b.divide(other, own)), b.subtract(distance, 1));
    },
    // log σ − log 2s + ½ log 2π − 1 + (2s² + d²)/2σ²
    Normal: (b, q, p) => {
      const own = argument(q, "scale");
      const { variance, logScale } = normalSpread(b, p);
      const second = b.add(b.multiply(2, b.square(own)), b.square(b.subtract(argument(q, "mean"), argument(p, "mean"))));
      return b.addAll([logScale, b.negate(b.log(b.multiply(2, own))), halfLogTwoPi - 1, b.divide(b.multiply(0.5, second), variance)]);
    },
  },
  Uniform: {
    // log of the ratio of lengths; ∞ where q reaches outside p
    Uniform: (b, q, p) => {
      const [low, high, lowP, highP] = [argument(q, "low"), argument(q, "high"), argument(p, "low"), argument(p, "high")];
      const covered = b.and(b.greaterEqual(low, lowP), b.lessEqual(high, highP));
      return b.select(covered, b.subtract(b.log(b.subtract(highP, lowP)), b.log(b.subtract(high, low))), Infinity);
    },
  },
  Exponential: {
    // r − 1 − log r, r = λ_p/λ_q
    Exponential: (b, q, p) => {
      const [own, other] = [exponentialRate(b, q), exponentialRate(b, p)];
      return b.add(b.subtract(b.multiply(other.rate, own.scale), 1), b.subtract(own.logRate, other.logRate));
    },
    Gamma: (b, q, p) => gammaDivergence(b, exponentialAsGamma(b, q), gammaParameters(b, p)),
    // log λσ − 1 + ½ log(π/2) + 1/(λσ)²
    HalfNormal: (b, q, p) => {
      const { logRate, scale } = exponentialRate(b, q);
      const width = argument(p, "scale");
      return b.addAll([logRate, b.log(width), 0.5 * Math.log(Math.PI / 2) - 1, b.square(b.divide(scale, width))]);
    },
  },
  Gamma: {
    Gamma: (b, q, p) => gammaDivergence(b, gammaParameters(b, q), gammaParameters(b, p)),
    Exponential: (b, q, p) => gammaDivergence(b, gammaParameters(b, q), exponentialAsGamma(b, p)),
  },
  InverseGamma: { InverseGamma: (b, q, p) => gammaDivergence(b, inverseAsGamma(b, q), inverseAsGamma(b, p)) },
  Beta: { Beta: betaBeta },
  Dirichlet: { Dirichlet: dirichletDirichlet },
  Bernoulli: { Bernoulli: bernoulliBernoulli },
  // (l_q − l_p) (E x − ½) − g(l_q) + g(l_p), g the logarithm of the normalizer about ½
  ContinuousBernoulli: {
    ContinuousBernoulli: (b, q, p) => {
      const [own, other] = [probability(b, q).logits, probability(b, p).logits];
      return b.add(b.multiply(b.subtract(own, other), centredMean(b, own)), b.subtract(logNormalizer(b, other), logNormalizer(b, own)));
    },
  },
  Categorical: { Categorical: categoricalCategorical },
  // λ_q log(λ_q/λ_p) + λ_p − λ_q
  Poisson: { Poisson: (b, q, p) => b.binary("deviance", poissonRate(b, q), poissonRate(b, p)) },
  // The trials until a success are 1/p_q on average, each with the divergence of a Bernoulli.
  Geometric: { Geometric: (b, q, p, shape) => b.divide(bernoulliBernoulli(b, q, p, shape), probability(b, q).p) },
};

/** The pairs of distributions (q, p) with a closed-form divergence. */
export const klTable: readonly (readonly [DistributionName, DistributionName])[] = Object.entries(table).flatMap(([q, row]) =>
  Object.keys(row).map((p) => [q, p] as [DistributionName, DistributionName]),
);

/** KL(q ‖ p) in closed form, where there is one for the pair, whatever the parameterizations. */
export function closedFormKl(q: DistributionName, p: DistributionName): ClosedFormKl | undefined {
  const rule = table[q]?.[p];
  if (!rule) return undefined;
  const joint = [q, p].some((name) => name === "MultivariateNormal" || name === "Dirichlet") ? 1 : 0;
  return (b, qArgs, pArgs, shape) => b.broadcast(rule(b, qArgs, pArgs, shape), leadOf(shape, joint));
}
