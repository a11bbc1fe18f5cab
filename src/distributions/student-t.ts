import { positive, real } from "../types/support.js";
import { logBeta, halfLogTwoPi, logOnePlusSquare } from "./support/numerics.js";
import type { Distribution } from "./distribution.js";
import { argument, argumentOr } from "./support/arguments.js";
import { always, scalarParameter } from "./support/specs.js";

export const studentT: Distribution = {
  name: "StudentT",
  doc: `p(x) = Γ((ν+1)/2) / (Γ(ν/2) √(νπ) σ) · (1 + ((x − μ)/σ)²/ν)^(−(ν+1)/2), with ν degrees of freedom: heavy tails for small ν, Normal as ν → ∞.

Draws are μ + σε √(ν/2g), ε standard normal and g ~ Gamma(ν/2, 1), whose gradient is implicit.`,
  parameters: [
    scalarParameter("degrees", positive, "degrees of freedom ν"),
    scalarParameter("mean", real, "location μ (the mean where ν > 1)", { default: 0 }),
    scalarParameter("scale", positive, "scale σ", { default: 1 }),
  ],
  parameterizations: [["degrees", "mean", "scale"]],
  eventRank: 0,
  reparameterization: "implicit",
  support: always(real),
  logDensity: (b, x, args) => {
    const degrees = argument(args, "degrees");
    const scale = argumentOr(b, args, "scale", 1);
    const t = b.divide(b.subtract(x, argumentOr(b, args, "mean", 0)), scale);
    const half = b.multiply(0.5, degrees);
    const above = b.multiply(0.5, b.add(degrees, 1));
    // log Γ(above)/Γ(half) − ½ log half = δ(above) − δ(half) − D(half, above), which does not cancel for large ν (Loader 2000).
    const constant = b.subtract(b.subtract(b.unary("stirling_error", above), b.unary("stirling_error", half)), b.binary("deviance", half, above));
    const tail = b.multiply(above, logOnePlusSquare(b, b.divide(t, b.sqrt(degrees))));
    return b.subtract(constant, b.addAll([tail, b.log(scale), halfLogTwoPi]));
  },
  sample: (b, stream, args, shape) => {
    const half = b.broadcast(b.multiply(0.5, argument(args, "degrees")), shape);
    const spread = b.exp(b.multiply(0.5, b.subtract(b.log(half), b.randomLogGamma(`${stream}.gamma`, half))));
    return b.add(argumentOr(b, args, "mean", 0), b.multiply(argumentOr(b, args, "scale", 1), b.multiply(b.normal(stream, shape), spread)));
  },
  // ½(ν+1)(ψ(½(ν+1)) − ψ(½ν)) + log √ν B(½ν, ½) + log σ
  entropy: (b, args, shape) => {
    const degrees = argument(args, "degrees");
    const half = b.multiply(0.5, degrees);
    const above = b.multiply(0.5, b.add(degrees, 1));
    const slope = b.multiply(above, b.subtract(b.digamma(above), b.digamma(half)));
    return b.broadcast(b.addAll([slope, b.multiply(0.5, b.log(degrees)), logBeta(b, half, b.scalar(0.5)), b.log(argumentOr(b, args, "scale", 1))]), shape);
  },
  mean: (b, args, shape) => b.broadcast(argumentOr(b, args, "mean", 0), shape),
};
