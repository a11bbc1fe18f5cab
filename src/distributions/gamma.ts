import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { positive } from "../types/support.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { gammaTerm, tiny } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

/** Shape α and rate β of a Gamma, from whichever was given. */
export function gammaParameters(b: TensorBuilder, args: Arguments): { readonly shape: TensorNode; readonly rate: TensorNode; readonly logRate: TensorNode } {
  const shape = argument(args, "shape");
  const scale = tensorArgument(args, "scale");
  if (scale) return { shape, rate: b.reciprocal(scale), logRate: b.negate(b.log(scale)) };
  const mean = tensorArgument(args, "mean");
  if (mean) return { shape, rate: b.divide(shape, mean), logRate: b.subtract(b.log(shape), b.log(mean)) };
  const rate = argument(args, "rate");
  return { shape, rate, logRate: b.log(rate) };
}

/** βx in the fewest roundings. */
function scaled(b: TensorBuilder, x: TensorNode, args: Arguments): TensorNode {
  const scale = tensorArgument(args, "scale");
  if (scale) return b.divide(x, scale);
  const mean = tensorArgument(args, "mean");
  return mean ? b.divide(b.multiply(x, argument(args, "shape")), mean) : b.multiply(x, argument(args, "rate"));
}

export const gamma: Distribution = {
  name: "Gamma",
  doc: `p(x) = β^α x^(α−1) e^(−βx) / Γ(α) for x > 0, with shape α and rate β; or \`scale\` 1/β, or \`mean\` α/β.

The density is computed as (α/x) · Poisson(α; βx) by Loader's deviance (2000), so that large shapes do not cancel. Draws are exp(log g)/β, g ~ Gamma(α, 1), with the implicit gradient of Figurnov, Mohamed & Mnih (2018); they stay at or above 1.2e−38.`,
  parameters: [
    scalarParameter("shape", positive, "α"),
    scalarParameter("rate", positive, "β"),
    scalarParameter("scale", positive, "1/β"),
    scalarParameter("mean", positive, "α/β"),
  ],
  parameterizations: [["shape", "rate"], ["shape", "scale"], ["shape", "mean"]],
  eventRank: 0,
  reparameterization: "implicit",
  support: always(positive),
  // Tested even where x is trusted: exp of a low draw underflows to 0.
  logDensity: (b, x, args) => {
    const { shape, logRate } = gammaParameters(b, args);
    const inside = b.greater(x, 0);
    const safe = b.select(inside, x, 1);
    const value = b.subtract(gammaTerm(b, shape, scaled(b, safe, args)), b.log(safe));
    const atZero = b.select(b.less(shape, 1), Infinity, b.select(b.greater(shape, 1), -Infinity, logRate));
    return b.select(inside, value, b.select(b.equal(x, 0), atZero, -Infinity));
  },
  sample: (b, stream, args, shape) => {
    const { shape: alpha, logRate } = gammaParameters(b, args);
    return b.maximum(b.exp(b.subtract(b.randomLogGamma(stream, b.broadcast(alpha, shape)), logRate)), tiny);
  },
  // α − log β + log Γ(α) + (1 − α) ψ(α)
  entropy: (b, args, shape) => {
    const { shape: alpha, logRate } = gammaParameters(b, args);
    return b.broadcast(b.addAll([alpha, b.negate(logRate), b.lgamma(alpha), b.multiply(b.subtract(1, alpha), b.digamma(alpha))]), shape);
  },
  mean: (b, args, shape) => {
    const { shape: alpha, rate } = gammaParameters(b, args);
    return b.broadcast(tensorArgument(args, "mean") ?? b.divide(alpha, rate), shape);
  },
};
