import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { positive } from "../types/support.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { within } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

/** Rate, log rate and scale (the mean) of an Exponential. */
export function exponentialRate(b: TensorBuilder, args: Arguments): { readonly rate: TensorNode; readonly logRate: TensorNode; readonly scale: TensorNode } {
  const scale = tensorArgument(args, "scale") ?? tensorArgument(args, "mean");
  if (scale) return { rate: b.reciprocal(scale), logRate: b.negate(b.log(scale)), scale };
  const rate = argument(args, "rate");
  return { rate, logRate: b.log(rate), scale: b.reciprocal(rate) };
}

export const exponential: Distribution = {
  name: "Exponential",
  doc: `p(x) = λ e^(−λx) for x ≥ 0, with rate λ; or \`scale\` = \`mean\` = 1/λ.

Draws are −log(u)/λ.`,
  parameters: [scalarParameter("rate", positive, "λ"), scalarParameter("scale", positive, "1/λ"), scalarParameter("mean", positive, "1/λ")],
  parameterizations: [["rate"], ["scale"], ["mean"]],
  eventRank: 0,
  reparameterization: "inverse-cdf",
  support: always(positive),
  logDensity: (b, x, args, trusted) => {
    const { logRate } = exponentialRate(b, args);
    const rate = tensorArgument(args, "rate");
    const scaled = rate ? b.multiply(rate, x) : b.divide(x, exponentialRate(b, args).scale);
    return within(b, b.greaterEqual(x, 0), b.subtract(logRate, scaled), trusted);
  },
  sample: (b, stream, args, shape) => b.negate(b.multiply(b.log(b.uniform(stream, shape)), exponentialRate(b, args).scale)),
  entropy: (b, args, shape) => b.broadcast(b.subtract(1, exponentialRate(b, args).logRate), shape),
  mean: (b, args, shape) => b.broadcast(exponentialRate(b, args).scale, shape),
};
