import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { positive, real } from "../types/support.js";
import type { Arguments, Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { boundedSupport } from "./support/bounds.js";
import { logNormalCdf, logNormalMass } from "./support/normal-mass.js";
import { allOf, halfLogTwoPi, logAddExp } from "./support/numerics.js";
import { scalarParameter } from "./support/specs.js";

interface Standardized {
  readonly mean: TensorNode;
  readonly scale: TensorNode;
  readonly low: TensorNode;
  readonly high: TensorNode;
  /** (low − mean)/scale and (high − mean)/scale */
  readonly alpha: TensorNode;
  readonly beta: TensorNode;
  /** log(Φ(β) − Φ(α)) */
  readonly logMass: TensorNode;
}

function standardized(b: TensorBuilder, args: Arguments): Standardized {
  const [mean, scale, low, high] = ["mean", "scale", "low", "high"].map((name) => argument(args, name)) as [TensorNode, TensorNode, TensorNode, TensorNode];
  const alpha = b.divide(b.subtract(low, mean), scale);
  const beta = b.divide(b.subtract(high, mean), scale);
  return { mean, scale, low, high, alpha, beta, logMass: logNormalMass(b, alpha, beta, b.divide(b.subtract(high, low), scale)) };
}

/** z with log Φ(z) = l, for l ≤ log ½: the quantile while e^l is a float, then Newton's steps on log Φ from −√(−2l). */
function quantileOfLog(b: TensorBuilder, l: TensorNode): TensorNode {
  const far = b.less(l, -40);
  const target = b.select(far, l, -50);
  const root = b.sqrt(b.multiply(-2, target));
  let z = b.negate(b.subtract(root, b.divide(b.add(b.log(root), halfLogTwoPi), root)));
  for (let step = 0; step < 2; step++) {
    const at = logNormalCdf(b, z);
    const logHazard = b.subtract(b.subtract(b.multiply(-0.5, b.square(z)), halfLogTwoPi), at);
    z = b.subtract(z, b.multiply(b.subtract(at, target), b.exp(b.negate(logHazard))));
  }
  return b.select(far, z, b.unary("normal_quantile", b.exp(b.select(far, -1, l))));
}

export const truncatedNormal: Distribution = {
  name: "TruncatedNormal",
  doc: `A Normal(μ, σ) kept between \`low\` and \`high\`: p(x) = φ((x − μ)/σ) / (σ (Φ(β) − Φ(α))), α = (low − μ)/σ, β = (high − μ)/σ. μ and σ are those before truncation. Both bounds are finite; an end so far away that no mass is lost truncates nothing.

Mass and draws are computed on the logarithmic scale of the nearer tail, so that bounds far from μ are right. Draws are Φ⁻¹(Φ(α) + u(Φ(β) − Φ(α))).`,
  parameters: [
    scalarParameter("mean", real, "μ before truncation"),
    scalarParameter("scale", positive, "σ before truncation"),
    scalarParameter("low", real, "lower end"),
    scalarParameter("high", real, "upper end, above the lower one"),
  ],
  parameterizations: [["mean", "scale", "low", "high"]],
  eventRank: 0,
  reparameterization: "inverse-cdf",
  support: boundedSupport,
  logDensity: (b, x, args) => {
    const { mean, scale, low, high, logMass } = standardized(b, args);
    const z = b.divide(b.subtract(x, mean), scale);
    const value = b.negate(b.addAll([b.multiply(0.5, b.square(z)), b.log(scale), halfLogTwoPi, logMass]));
    return b.select(allOf(b, b.greaterEqual(x, low), b.lessEqual(x, high)), value, -Infinity);
  },
  sample: (b, stream, args, shape) => {
    const { mean, scale, low, high, alpha, beta, logMass } = standardized(b, args);
    const u = b.uniform(stream, shape);
    const logLower = logAddExp(b, logNormalCdf(b, alpha), b.add(b.log(u), logMass));
    const logUpper = logAddExp(b, logNormalCdf(b, b.negate(beta)), b.add(b.log1p(b.negate(u)), logMass));
    const left = b.less(logLower, logUpper);
    const z = quantileOfLog(b, b.minimum(b.select(left, logLower, logUpper), -Math.LN2));
    return b.maximum(b.minimum(b.add(mean, b.multiply(scale, b.select(left, z, b.negate(z)))), high), low);
  },
  // Both from φ(α)/mass and φ(β)/mass, which stay finite in the tails.
  entropy: (b, args, shape) => {
    const { scale, alpha, beta, logMass } = standardized(b, args);
    const [atLow, atHigh] = edgeDensities(b, alpha, beta, logMass);
    const lean = b.multiply(0.5, b.subtract(b.multiply(alpha, atLow), b.multiply(beta, atHigh)));
    return b.broadcast(b.addAll([halfLogTwoPi + 0.5, b.log(scale), logMass, lean]), shape);
  },
  mean: (b, args, shape) => {
    const { mean, scale, low, high, alpha, beta, logMass } = standardized(b, args);
    const [atLow, atHigh] = edgeDensities(b, alpha, beta, logMass);
    return b.broadcast(b.maximum(b.minimum(b.add(mean, b.multiply(scale, b.subtract(atLow, atHigh))), high), low), shape);
  },
};

/** φ(α)/mass and φ(β)/mass. */
function edgeDensities(b: TensorBuilder, alpha: TensorNode, beta: TensorNode, logMass: TensorNode): [TensorNode, TensorNode] {
  const at = (z: TensorNode): TensorNode => b.exp(b.subtract(b.subtract(b.multiply(-0.5, b.square(z)), halfLogTwoPi), logMass));
  return [at(alpha), at(beta)];
}
