import { real } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { boundedSupport } from "./support/bounds.js";
import { allOf } from "./support/numerics.js";
import { scalarParameter } from "./support/specs.js";

export const uniform: Distribution = {
  name: "Uniform",
  doc: `p(x) = 1/(high − low) for low ≤ x ≤ high.

Draws are low + (high − low) u.`,
  parameters: [scalarParameter("low", real, "lower end"), scalarParameter("high", real, "upper end, above the lower one")],
  parameterizations: [["low", "high"]],
  eventRank: 0,
  reparameterization: "inverse-cdf",
  support: boundedSupport,
  // The bounds may be computed, so the type of x does not promise them: always tested.
  logDensity: (b, x, args) => {
    const [low, high] = [argument(args, "low"), argument(args, "high")];
    const inside = allOf(b, b.greaterEqual(x, low), b.lessEqual(x, high));
    return b.select(inside, b.negate(b.log(b.subtract(high, low))), -Infinity);
  },
  sample: (b, stream, args, shape) => {
    const [low, high] = [argument(args, "low"), argument(args, "high")];
    return b.add(low, b.multiply(b.subtract(high, low), b.uniform(stream, shape)));
  },
  entropy: (b, args, shape) => b.broadcast(b.log(b.subtract(argument(args, "high"), argument(args, "low"))), shape),
  mean: (b, args, shape) => b.broadcast(b.multiply(0.5, b.add(argument(args, "low"), argument(args, "high"))), shape),
};
