import { count } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { isCount, safely, within } from "./support/numerics.js";
import { probability, probabilityParameters } from "./support/probability.js";
import { always } from "./support/specs.js";

export const geometric: Distribution = {
  name: "Geometric",
  doc: `P(x) = (1 − p)^x p for x = 0, 1, 2 …: failures before the first success, by \`probs\` p > 0 or \`logits\`.

Draws are ⌊log u / log(1 − p)⌋.`,
  parameters: probabilityParameters("a success"),
  parameterizations: [["probs"], ["logits"]],
  eventRank: 0,
  reparameterization: "none",
  support: always(count),
  logDensity: (b, x, args, trusted) => {
    const chance = probability(b, args);
    const inside = isCount(b, x);
    const failures = safely(b, inside, x, 0, trusted);
    return within(b, inside, b.add(b.multiply(failures, chance.logQWhere(b.greater(failures, 0))), chance.logP), trusted);
  },
  sample: (b, stream, args, shape) => b.stopGradient(b.floor(b.divide(b.log(b.uniform(stream, shape)), probability(b, args).logQ))),
  // −(q log q + p log p)/p
  entropy: (b, args, shape) => {
    const { p, q, logP, logQWhere } = probability(b, args);
    return b.broadcast(b.negate(b.add(b.divide(b.multiply(q, logQWhere(b.greater(q, 0))), p), logP)), shape);
  },
  mean: (b, args, shape) => b.broadcast(b.exp(b.negate(probability(b, args).logits)), shape),
};
