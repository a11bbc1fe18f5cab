import { binary } from "../types/support.js";
import { tensorArgument, type Distribution } from "./distribution.js";
import { within } from "./support/numerics.js";
import { probability, probabilityParameters } from "./support/probability.js";
import { always } from "./support/specs.js";

export const bernoulli: Distribution = {
  name: "Bernoulli",
  doc: `P(x = 1) = p, P(x = 0) = 1 − p, by \`probs\` p or \`logits\` log p/(1 − p). Grey levels in [0, 1] are not binary: ContinuousBernoulli is for those.

Draws are u < p.`,
  parameters: probabilityParameters("1"),
  parameterizations: [["probs"], ["logits"]],
  eventRank: 0,
  reparameterization: "none",
  support: always(binary),
  logDensity: (b, x, args, trusted) => {
    const logits = tensorArgument(args, "logits");
    const isOne = b.greater(x, 0.5);
    const chance = probability(b, args);
    // −softplus(±l): x l − softplus(l) would cancel where the prediction is sure and right.
    const value = logits
      ? b.negate(b.softplus(b.multiply(b.subtract(1, b.multiply(2, x)), logits)))
      : b.add(chance.logPWhere(isOne), chance.logQWhere(b.not(isOne)));
    return within(b, b.or(b.equal(x, 0), b.equal(x, 1)), value, trusted);
  },
  sample: (b, stream, args, shape) => b.stopGradient(b.cast(b.less(b.uniform(stream, shape), probability(b, args).p), "f32")),
  // With logits l: p softplus(−l) + q softplus(l).
  entropy: (b, args, shape) => {
    const { p, q, logPWhere, logQWhere } = probability(b, args);
    return b.broadcast(b.negate(b.add(b.multiply(p, logPWhere(b.greater(p, 0))), b.multiply(q, logQWhere(b.greater(q, 0))))), shape);
  },
  mean: (b, args, shape) => b.broadcast(probability(b, args).p, shape),
};
