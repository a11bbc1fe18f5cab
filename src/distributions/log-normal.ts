import { positive, real } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { halfLogTwoPi, safely, within } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

export const logNormal: Distribution = {
  name: "LogNormal",
  doc: `log x ~ Normal(μ, σ): p(x) = exp(−(log x − μ)²/2σ²) / (x σ √2π) for x > 0. \`mean\` and \`scale\` are those of log x.

Draws are exp(μ + σε).`,
  parameters: [scalarParameter("mean", real, "mean μ of log x"), scalarParameter("scale", positive, "standard deviation σ of log x")],
  parameterizations: [["mean", "scale"]],
  eventRank: 0,
  reparameterization: "location-scale",
  support: always(positive),
  logDensity: (b, x, args, trusted) => {
    const scale = argument(args, "scale");
    const inside = b.greater(x, 0);
    const logX = b.log(safely(b, inside, x, 1, trusted));
    const distance = b.square(b.divide(b.subtract(logX, argument(args, "mean")), scale));
    return within(b, inside, b.subtract(b.multiply(-0.5, distance), b.addAll([logX, b.log(scale), halfLogTwoPi])), trusted);
  },
  sample: (b, stream, args, shape) => b.exp(b.add(argument(args, "mean"), b.multiply(argument(args, "scale"), b.normal(stream, shape)))),
  entropy: (b, args, shape) => b.broadcast(b.addAll([argument(args, "mean"), b.log(argument(args, "scale")), halfLogTwoPi + 0.5]), shape),
  mean: (b, args, shape) => b.broadcast(b.exp(b.add(argument(args, "mean"), b.multiply(0.5, b.square(argument(args, "scale"))))), shape),
};
