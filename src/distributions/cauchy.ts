import { positive, real } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { logOnePlusSquare } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

export const cauchy: Distribution = {
  name: "Cauchy",
  doc: `p(x) = 1 / (πσ (1 + ((x − m)/σ)²)), with median m (\`location\`) and half width σ (\`scale\`). It has no mean.

Draws are m + σ tan π(u − ½).`,
  parameters: [scalarParameter("location", real, "median m"), scalarParameter("scale", positive, "half width at half height σ")],
  parameterizations: [["location", "scale"]],
  eventRank: 0,
  reparameterization: "inverse-cdf",
  support: always(real),
  logDensity: (b, x, args) => {
    const scale = argument(args, "scale");
    const t = b.divide(b.subtract(x, argument(args, "location")), scale);
    return b.negate(b.addAll([logOnePlusSquare(b, t), b.log(scale), Math.log(Math.PI)]));
  },
  sample: (b, stream, args, shape) =>
    b.add(argument(args, "location"), b.multiply(argument(args, "scale"), b.unary("tan", b.multiply(Math.PI, b.subtract(b.uniform(stream, shape), 0.5))))),
  entropy: (b, args, shape) => b.broadcast(b.add(b.log(argument(args, "scale")), Math.log(4 * Math.PI)), shape),
};
