import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { positive, real } from "../types/support.js";
import type { Arguments, Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { boundedSupport } from "./support/bounds.js";
import { allOf, halfLogTwoPi, logAddExp, logOneMinusExp } from "./support/numerics.js";
import { scalarParameter } from "./support/specs.js";

const logCdf = (b: TensorBuilder, x: TensorNode): TensorNode => b.unary("log_normal_cdf", x);

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
  return { mean, scale, low, high, alpha, beta, logMass: logMass(b, alpha, beta, b.divide(b.subtract(high, low), scale)) };
}

/**
 * log(Φ(β) − Φ(α)) without cancellation: a narrow interval by its midpoint, φ(m) w (1 + (m² − 1) w²/24); one in a tail by the logarithms of the
 * tail; one that holds 0 by the two error functions, whose signs differ.
 */
function logMass(b: TensorBuilder, alpha: TensorNode, beta: TensorNode, width: TensorNode): TensorNode {
  const middle = b.multiply(0.5, b.add(alpha, beta));
  const narrow = b.less(b.multiply(width, b.maximum(b.abs(middle), 1)), 0.1);
  const m = b.select(narrow, middle, 0);
  const w = b.select(narrow, width, 0.1);
  const inNarrow = b.addAll([b.multiply(-0.5, b.square(m)), -halfLogTwoPi, b.log(w), b.log1p(b.multiply(b.subtract(b.square(m), 1), b.multiply(b.square(w), 1 / 24)))]);
  const inTail = b.and(b.not(narrow), b.or(b.greater(alpha, 0), b.less(beta, 0)));
  // Both ends to the left of 0, by the symmetry of Φ.
  const far = b.select(inTail, b.minimum(alpha, b.negate(beta)), -2);
  const near = b.select(inTail, b.select(b.greater(alpha, 0), b.negate(alpha), beta), -1);
  const tail = b.add(logCdf(b, near), logOneMinusExp(b, b.subtract(logCdf(b, far), logCdf(b, near))));
  const around = b.not(b.or(narrow, inTail));
  const straddling = b.log(b.multiply(0.5, b.subtract(b.erf(b.multiply(Math.SQRT1_2, b.select(around, beta, 1))), b.erf(b.multiply(Math.SQRT1_2, b.select(around, alpha, -1))))));
  return b.select(narrow, inNarrow, b.select(inTail, tail, straddling));
}

/** z with log Φ(z) = l, for l ≤ log ½: the quantile while e^l is a float, then Newton's steps on log Φ from −√(−2l). */
function quantileOfLog(b: TensorBuilder, l: TensorNode): TensorNode {
  const far = b.less(l, -40);
  const target = b.select(far, l, -50);
  const root = b.sqrt(b.multiply(-2, target));
  let z = b.negate(b.subtract(root, b.divide(b.add(b.log(root), halfLogTwoPi), root)));
  for (let step = 0; step < 2; step++) {
    const at = logCdf(b, z);
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
    const logLower = logAddExp(b, logCdf(b, alpha), b.add(b.log(u), logMass));
    const logUpper = logAddExp(b, logCdf(b, b.negate(beta)), b.add(b.log1p(b.negate(u)), logMass));
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
