import { positive } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { within } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

const halfLogTwoOverPi = 0.5 * Math.log(2 / Math.PI);

export const halfNormal: Distribution = {
  name: "HalfNormal",
  doc: `|Normal(0, σ)|: p(x) = √(2/π)/σ · exp(−x²/2σ²) for x ≥ 0. A weakly informative prior of scales (Gelman 2006).

Draws are σ|ε| with ε standard normal.`,
  parameters: [scalarParameter("scale", positive, "σ, the scale of the normal that is folded")],
  parameterizations: [["scale"]],
  eventRank: 0,
  reparameterization: "location-scale",
  support: always(positive),
  logDensity: (b, x, args, trusted) => {
    const scale = argument(args, "scale");
    const value = b.subtract(b.multiply(-0.5, b.square(b.divide(x, scale))), b.subtract(b.log(scale), halfLogTwoOverPi));
    return within(b, b.greaterEqual(x, 0), value, trusted);
  },
  sample: (b, stream, args, shape) => b.multiply(argument(args, "scale"), b.abs(b.normal(stream, shape))),
  entropy: (b, args, shape) => b.broadcast(b.add(b.log(argument(args, "scale")), 0.5 * Math.log(Math.PI / 2) + 0.5), shape),
  mean: (b, args, shape) => b.broadcast(b.multiply(argument(args, "scale"), Math.sqrt(2 / Math.PI)), shape),
};
