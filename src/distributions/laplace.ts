import { positive, real } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { always, scalarParameter } from "./support/specs.js";

export const laplace: Distribution = {
  name: "Laplace",
  doc: `p(x) = exp(−|x − μ|/s) / 2s, with mean μ and scale s (variance 2s²).

Draws are μ − s sign(v) log(1 − 2|v|), v = u − ½.`,
  parameters: [scalarParameter("mean", real, "μ"), scalarParameter("scale", positive, "mean absolute deviation s")],
  parameterizations: [["mean", "scale"]],
  eventRank: 0,
  reparameterization: "inverse-cdf",
  support: always(real),
  logDensity: (b, x, args) => {
    const scale = argument(args, "scale");
    return b.negate(b.add(b.divide(b.abs(b.subtract(x, argument(args, "mean"))), scale), b.log(b.multiply(2, scale))));
  },
  sample: (b, stream, args, shape) => {
    const v = b.subtract(b.uniform(stream, shape), 0.5);
    const unitDraw = b.multiply(b.sign(v), b.log1p(b.multiply(-2, b.abs(v))));
    return b.subtract(argument(args, "mean"), b.multiply(argument(args, "scale"), unitDraw));
  },
  entropy: (b, args, shape) => b.broadcast(b.add(b.log(b.multiply(2, argument(args, "scale"))), 1), shape),
  mean: (b, args, shape) => b.broadcast(argument(args, "mean"), shape),
};
