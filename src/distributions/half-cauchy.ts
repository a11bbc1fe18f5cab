import { positive } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { logOnePlusSquare, within } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

export const halfCauchy: Distribution = {
  name: "HalfCauchy",
  doc: `p(x) = 2 / (πσ (1 + x²/σ²)) for x ≥ 0: a heavy-tailed prior of scales (Polson & Scott 2012). It has no mean.

Draws are σ tan(πu/2).`,
  parameters: [scalarParameter("scale", positive, "median σ")],
  parameterizations: [["scale"]],
  eventRank: 0,
  reparameterization: "inverse-cdf",
  support: always(positive),
  logDensity: (b, x, args, trusted) => {
    const scale = argument(args, "scale");
    const value = b.negate(b.addAll([logOnePlusSquare(b, b.divide(x, scale)), b.log(scale), Math.log(Math.PI / 2)]));
    return within(b, b.greaterEqual(x, 0), value, trusted);
  },
  sample: (b, stream, args, shape) => b.multiply(argument(args, "scale"), b.unary("tan", b.multiply(Math.PI / 2, b.uniform(stream, shape)))),
  entropy: (b, args, shape) => b.broadcast(b.add(b.log(argument(args, "scale")), Math.log(2 * Math.PI)), shape),
};
