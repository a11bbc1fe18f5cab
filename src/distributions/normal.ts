import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { positive, real } from "../types/support.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { halfLogTwoPi } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

/** Scale, log scale and variance of a Normal, from whichever was given. */
export function normalSpread(b: TensorBuilder, args: Arguments): { readonly scale: TensorNode; readonly logScale: TensorNode; readonly variance: TensorNode } {
  const logScale = tensorArgument(args, "log_scale");
  if (logScale) {
    const scale = b.exp(logScale);
    return { scale, logScale, variance: b.square(scale) };
  }
  const variance = tensorArgument(args, "variance");
  if (variance) return { scale: b.sqrt(variance), logScale: b.multiply(0.5, b.log(variance)), variance };
  const precision = tensorArgument(args, "precision");
  if (precision) return { scale: b.reciprocal(b.sqrt(precision)), logScale: b.multiply(-0.5, b.log(precision)), variance: b.reciprocal(precision) };
  const scale = argument(args, "scale");
  return { scale, logScale: b.log(scale), variance: b.square(scale) };
}

/** Squared distance from the mean in units of the scale, by the one operation that each parameterization needs. */
function squaredDistance(b: TensorBuilder, x: TensorNode, args: Arguments): TensorNode {
  const difference = b.subtract(x, argument(args, "mean"));
  const variance = tensorArgument(args, "variance");
  if (variance) return b.divide(b.square(difference), variance);
  const precision = tensorArgument(args, "precision");
  if (precision) return b.multiply(b.square(difference), precision);
  return b.square(b.divide(difference, normalSpread(b, args).scale));
}

export const normal: Distribution = {
  name: "Normal",
  doc: `p(x) = exp(−(x − μ)²/2σ²) / (σ √2π) on the real line, with mean μ and scale σ (the standard deviation); or \`variance\` σ², \`precision\` 1/σ², \`log_scale\` log σ.

Draws are μ + σε with ε standard normal.`,
  parameters: [
    scalarParameter("mean", real, "μ"),
    scalarParameter("scale", positive, "standard deviation σ"),
    scalarParameter("variance", positive, "σ²"),
    scalarParameter("precision", positive, "1/σ²"),
    scalarParameter("log_scale", real, "log σ"),
  ],
  parameterizations: [["mean", "scale"], ["mean", "variance"], ["mean", "precision"], ["mean", "log_scale"]],
  eventRank: 0,
  reparameterization: "location-scale",
  support: always(real),
  logDensity: (b, x, args) =>
    b.subtract(b.multiply(-0.5, squaredDistance(b, x, args)), b.add(normalSpread(b, args).logScale, halfLogTwoPi)),
  sample: (b, stream, args, shape) => b.add(argument(args, "mean"), b.multiply(normalSpread(b, args).scale, b.normal(stream, shape))),
  entropy: (b, args, shape) => b.broadcast(b.add(normalSpread(b, args).logScale, halfLogTwoPi + 0.5), shape),
  mean: (b, args, shape) => b.broadcast(argument(args, "mean"), shape),
};
