import { lgamma } from "../../src/util/math/lgamma.js";
import { normalCdf } from "../../src/util/math/normal.js";
import type { DistributionName } from "../../src/distributions/names.js";
import type { ArgumentValues } from "./harness.js";

/** Textbook log densities in float64, written apart from the code under test: products of powers over normalizers from log Γ. */

const L2PI = Math.log(2 * Math.PI);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const lbeta = (a: number, b: number): number => lgamma(a) + lgamma(b) - lgamma(a + b);
const choose = (n: number, k: number): number => lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
const times = (a: number, b: number): number => (a === 0 ? 0 : a * b);

export const reference = {
  normal: (x: number, m: number, s: number) => -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * L2PI,
  t: (x: number, v: number, m: number, s: number) => lgamma((v + 1) / 2) - lgamma(v / 2) - 0.5 * Math.log(v * Math.PI) - Math.log(s) - ((v + 1) / 2) * Math.log1p((((x - m) / s) ** 2) / v),
  gamma: (x: number, a: number, r: number) => a * Math.log(r) - lgamma(a) + times(a - 1, Math.log(x)) - r * x,
  beta: (x: number, a: number, b: number) => times(a - 1, Math.log(x)) + times(b - 1, Math.log1p(-x)) - lbeta(a, b),
  poisson: (x: number, l: number) => times(x, Math.log(l)) - l - lgamma(x + 1),
  negativeBinomial: (x: number, r: number, p: number) => lgamma(x + r) - lgamma(r) - lgamma(x + 1) + r * Math.log(p) + times(x, Math.log1p(-p)),
  binomial: (x: number, n: number, p: number) => choose(n, x) + times(x, Math.log(p)) + times(n - x, Math.log1p(-p)),
};

/** One distribution at some arguments: everything that its tests need from outside. */
export interface DistributionCase {
  readonly name: DistributionName;
  /** Equivalent arguments, one for each parameterization. */
  readonly args: readonly ArgumentValues[];
  readonly logDensity: (x: number) => number;
  /** Ends and kinks of the density for quadrature, or the number of values 0, 1 … that are summed. */
  readonly range: readonly number[] | number;
  /** x outside the support, where the log density must be −∞. */
  readonly outside: readonly number[];
  /** x on the boundary of the support with the log density there. */
  readonly edges?: readonly (readonly [number, number])[];
  /** No finite mean or variance. */
  readonly heavy?: boolean;
  /** Arguments to which the draw is smooth. */
  readonly smooth?: readonly string[];
}

const inf = Infinity;
const third = 1 / 3;
const bimodal = (x: number): number => Math.log(0.3 * Math.exp(reference.normal(x, -1, 0.5)) + 0.7 * Math.exp(reference.normal(x, 2, 1.5)));

function truncated(x: number, m: number, s: number, low: number, high: number): number {
  return reference.normal(x, m, s) - Math.log(normalCdf((high - m) / s) - normalCdf((low - m) / s));
}

function discretizedLogistic(x: number, m: number, s: number, levels: number): number {
  const cdf = (edge: number): number => sigmoid(((2 * edge) / (levels - 1) - 1 - m) / s);
  return Math.log((x === levels - 1 ? 1 : cdf(x + 0.5)) - (x === 0 ? 0 : cdf(x - 0.5)));
}

const continuousBernoulli = (x: number, l: number): number => (l === 0 ? 0 : l * x + Math.log(l / (Math.exp(l) - 1)));

export const cases: readonly DistributionCase[] = [
  {
    name: "Normal",
    args: [{ mean: 1.5, scale: 0.5 }, { mean: 1.5, variance: 0.25 }, { mean: 1.5, precision: 4 }, { mean: 1.5, log_scale: Math.log(0.5) }],
    logDensity: (x) => reference.normal(x, 1.5, 0.5), range: [-inf, 1.5, inf], outside: [], smooth: ["mean", "scale"],
  },
  { name: "LogNormal", args: [{ mean: 0.3, scale: 0.6 }], logDensity: (x) => reference.normal(Math.log(x), 0.3, 0.6) - Math.log(x), range: [0, 1, inf], outside: [-1, 0], smooth: ["mean", "scale"] },
  { name: "HalfNormal", args: [{ scale: 2 }], logDensity: (x) => Math.LN2 + reference.normal(x, 0, 2), range: [0, 2, inf], outside: [-0.1], edges: [[0, Math.LN2 + reference.normal(0, 0, 2)]], smooth: ["scale"] },
  { name: "StudentT", args: [{ degrees: 7, mean: -1, scale: 2 }], logDensity: (x) => reference.t(x, 7, -1, 2), range: [-inf, -1, inf], outside: [], smooth: ["degrees", "mean", "scale"] },
  { name: "StudentT", args: [{ degrees: 5 }], logDensity: (x) => reference.t(x, 5, 0, 1), range: [-inf, 0, inf], outside: [] },
  { name: "Cauchy", args: [{ location: 0.5, scale: 2 }], logDensity: (x) => reference.t(x, 1, 0.5, 2), range: [-inf, 0.5, inf], outside: [], heavy: true, smooth: ["location", "scale"] },
  { name: "HalfCauchy", args: [{ scale: 2 }], logDensity: (x) => Math.LN2 + reference.t(x, 1, 0, 2), range: [0, 2, inf], outside: [-0.1], edges: [[0, Math.LN2 + reference.t(0, 1, 0, 2)]], heavy: true, smooth: ["scale"] },
  { name: "Laplace", args: [{ mean: -0.5, scale: 1.5 }], logDensity: (x) => Math.log(Math.exp(-Math.abs(x + 0.5) / 1.5) / 3), range: [-inf, -0.5, inf], outside: [], smooth: ["mean", "scale"] },
  { name: "Logistic", args: [{ mean: 2, scale: 0.7 }], logDensity: (x) => Math.log((sigmoid((x - 2) / 0.7) * sigmoid((2 - x) / 0.7)) / 0.7), range: [-inf, 2, inf], outside: [], smooth: ["mean", "scale"] },
  { name: "Uniform", args: [{ low: -1, high: 3 }], logDensity: () => -Math.log(4), range: [-1, 3], outside: [-1.01, 3.01], edges: [[-1, -Math.log(4)], [3, -Math.log(4)]], smooth: ["low", "high"] },
  { name: "Exponential", args: [{ rate: 2.5 }, { scale: 0.4 }, { mean: 0.4 }], logDensity: (x) => Math.log(2.5) - 2.5 * x, range: [0, 0.4, inf], outside: [-0.1], edges: [[0, Math.log(2.5)]], smooth: ["rate"] },
  { name: "Gamma", args: [{ shape: 3, rate: 2 }, { shape: 3, scale: 0.5 }, { shape: 3, mean: 1.5 }], logDensity: (x) => reference.gamma(x, 3, 2), range: [0, 1.5, inf], outside: [-0.1], edges: [[0, -inf]], smooth: ["shape", "rate"] },
  { name: "Gamma", args: [{ shape: 0.3, rate: 0.5 }], logDensity: (x) => reference.gamma(x, 0.3, 0.5), range: [0, 0.5, inf], outside: [-1], edges: [[0, inf]], smooth: ["shape"] },
  { name: "Gamma", args: [{ shape: 1, rate: 3 }], logDensity: (x) => reference.gamma(x, 1, 3), range: [0, 0.5, inf], outside: [-1], edges: [[0, Math.log(3)]] },
  { name: "InverseGamma", args: [{ shape: 6, scale: 3 }], logDensity: (x) => reference.gamma(1 / x, 6, 3) - 2 * Math.log(x), range: [0, 0.6, inf], outside: [-1, 0], smooth: ["shape", "scale"] },
  { name: "Beta", args: [{ alpha: 2.5, beta: 1.5 }, { mean: 0.625, concentration: 4 }], logDensity: (x) => reference.beta(x, 2.5, 1.5), range: [0, 0.5, 1], outside: [-0.1, 1.1], edges: [[0, -inf], [1, -inf]], smooth: ["alpha", "beta"] },
  { name: "Beta", args: [{ alpha: 0.4, beta: 1 }], logDensity: (x) => reference.beta(x, 0.4, 1), range: [0, 0.5, 1], outside: [2], edges: [[0, inf], [1, Math.log(0.4)]] },
  { name: "Bernoulli", args: [{ probs: 0.3 }, { logits: Math.log(3 / 7) }], logDensity: (x) => Math.log(x === 1 ? 0.3 : 0.7), range: 2, outside: [-1, 0.5, 2] },
  { name: "ContinuousBernoulli", args: [{ probs: sigmoid(2) }, { logits: 2 }], logDensity: (x) => continuousBernoulli(x, 2), range: [0, 0.5, 1], outside: [-0.1, 1.1], edges: [[0, continuousBernoulli(0, 2)], [1, continuousBernoulli(1, 2)]], smooth: ["logits"] },
  { name: "ContinuousBernoulli", args: [{ probs: 0.5 }, { logits: 0 }], logDensity: () => 0, range: [0, 0.5, 1], outside: [-0.1] },
  { name: "ContinuousBernoulli", args: [{ logits: -0.3 }], logDensity: (x) => continuousBernoulli(x, -0.3), range: [0, 0.5, 1], outside: [-0.1] },
  { name: "Binomial", args: [{ total: 12, probs: 0.35 }, { total: 12, logits: Math.log(0.35 / 0.65) }], logDensity: (x) => reference.binomial(x, 12, 0.35), range: 13, outside: [-1, 0.5, 13] },
  { name: "Binomial", args: [{ total: 500, probs: 0.7 }], logDensity: (x) => reference.binomial(x, 500, 0.7), range: 501, outside: [501] },
  { name: "Categorical", args: [{ probs: [0.1, 0.6, 0, 0.3] }, { logits: [0.1, 0.6, 0, 0.3].map((p) => Math.log(p) + 5) }], logDensity: (x) => Math.log([0.1, 0.6, 0, 0.3][x]!), range: 4, outside: [-1, 4, 2] },
  { name: "Poisson", args: [{ rate: 3.7 }, { log_rate: Math.log(3.7) }], logDensity: (x) => reference.poisson(x, 3.7), range: 60, outside: [-1, 0.5] },
  { name: "Poisson", args: [{ rate: 250 }], logDensity: (x) => reference.poisson(x, 250), range: 600, outside: [-1] },
  {
    name: "NegativeBinomial",
    args: [{ mean: 4, dispersion: 0.5 }, { mean: 4, total: 2 }, { total: 2, probs: third }, { total: 2, logits: Math.log(0.5) }],
    logDensity: (x) => reference.negativeBinomial(x, 2, third), range: 250, outside: [-1, 0.5],
  },
  { name: "Geometric", args: [{ probs: 0.2 }, { logits: Math.log(0.25) }], logDensity: (x) => Math.log(0.2) + x * Math.log(0.8), range: 300, outside: [-1, 1.5] },
  { name: "TruncatedNormal", args: [{ mean: 0.5, scale: 2, low: -1, high: 4 }], logDensity: (x) => truncated(x, 0.5, 2, -1, 4), range: [-1, 4], outside: [-1.1, 4.1], edges: [[-1, truncated(-1, 0.5, 2, -1, 4)]], smooth: ["mean", "scale"] },
  { name: "TruncatedNormal", args: [{ mean: -3, scale: 1, low: 1, high: 3 }], logDensity: (x) => truncated(-x, 3, 1, -3, -1), range: [1, 3], outside: [0.9, 3.1], smooth: ["mean", "scale"] },
  { name: "DiscretizedLogistic", args: [{ mean: 0.2, scale: 0.1, levels: 256 }, { mean: 0.2, scale: 0.1 }], logDensity: (x) => discretizedLogistic(x, 0.2, 0.1, 256), range: 256, outside: [-1, 0.5, 256] },
  { name: "DiscretizedLogistic", args: [{ mean: -0.5, scale: 0.6, levels: 8 }], logDensity: (x) => discretizedLogistic(x, -0.5, 0.6, 8), range: 8, outside: [-1, 8] },
  {
    name: "Mixture",
    args: [
      { weights: [0.3, 0.7], components: { distribution: "Normal", args: { mean: [-1, 2], scale: [0.5, 1.5] } } },
      { logits: [Math.log(0.3), Math.log(0.7)], components: { distribution: "Normal", args: { mean: [-1, 2], scale: [0.5, 1.5] } } },
    ],
    logDensity: bimodal, range: [-inf, -1, 2, inf], outside: [],
  },
];
