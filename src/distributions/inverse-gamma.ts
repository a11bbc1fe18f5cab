import { positive } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { gammaTerm, safely, tiny, within } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

export const inverseGamma: Distribution = {
  name: "InverseGamma",
  doc: `1/x ~ Gamma(α, rate = s): p(x) = s^α x^(−α−1) e^(−s/x) / Γ(α) for x > 0, with shape α and scale s. The mean is s/(α − 1) for α > 1.

Density and draws are those of the Gamma at s/x.`,
  parameters: [scalarParameter("shape", positive, "α"), scalarParameter("scale", positive, "s")],
  parameterizations: [["shape", "scale"]],
  eventRank: 0,
  reparameterization: "implicit",
  support: always(positive),
  logDensity: (b, x, args, trusted) => {
    const [alpha, scale] = [argument(args, "shape"), argument(args, "scale")];
    const inside = b.greater(x, 0);
    const safe = safely(b, inside, x, 1, trusted);
    return within(b, inside, b.subtract(gammaTerm(b, alpha, b.divide(scale, safe)), b.log(safe)), trusted);
  },
  sample: (b, stream, args, shape) => {
    const logGamma = b.randomLogGamma(stream, b.broadcast(argument(args, "shape"), shape));
    return b.minimum(b.maximum(b.exp(b.subtract(b.log(argument(args, "scale")), logGamma)), tiny), 3.4e38);
  },
  // α + log s + log Γ(α) − (1 + α) ψ(α)
  entropy: (b, args, shape) => {
    const alpha = argument(args, "shape");
    return b.broadcast(b.addAll([alpha, b.log(argument(args, "scale")), b.lgamma(alpha), b.negate(b.multiply(b.add(1, alpha), b.digamma(alpha)))]), shape);
  },
  // Infinite where α ≤ 1.
  mean: (b, args, shape) => {
    const alpha = argument(args, "shape");
    const exists = b.greater(alpha, 1);
    return b.broadcast(b.select(exists, b.divide(argument(args, "scale"), b.subtract(b.select(exists, alpha, 2), 1)), Infinity), shape);
  },
};
