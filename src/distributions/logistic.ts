import { positive, real } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { always, scalarParameter } from "./support/specs.js";

export const logistic: Distribution = {
  name: "Logistic",
  doc: `p(x) = e^(−z) / (s (1 + e^(−z))²) with z = (x − μ)/s; its distribution function is the sigmoid of z, its variance π²s²/3.

Draws are μ + s log(u/(1 − u)).`,
  parameters: [scalarParameter("mean", real, "μ"), scalarParameter("scale", positive, "s")],
  parameterizations: [["mean", "scale"]],
  eventRank: 0,
  reparameterization: "inverse-cdf",
  support: always(real),
  logDensity: (b, x, args) => {
    const scale = argument(args, "scale");
    // Even in z: with −|z| neither tail cancels.
    const distance = b.abs(b.divide(b.subtract(x, argument(args, "mean")), scale));
    return b.negate(b.addAll([distance, b.multiply(2, b.softplus(b.negate(distance))), b.log(scale)]));
  },
  sample: (b, stream, args, shape) => {
    const u = b.uniform(stream, shape);
    return b.add(argument(args, "mean"), b.multiply(argument(args, "scale"), b.subtract(b.log(u), b.log1p(b.negate(u)))));
  },
  entropy: (b, args, shape) => b.broadcast(b.add(b.log(argument(args, "scale")), 2), shape),
  mean: (b, args, shape) => b.broadcast(argument(args, "mean"), shape),
};
