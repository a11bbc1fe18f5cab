import { count } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument, constantValue } from "./support/arguments.js";
import { drawBinomial } from "./support/draw-binomial.js";
import { allOf, binomialTerm, isCount } from "./support/numerics.js";
import { probability, probabilityParameters } from "./support/probability.js";
import { always, scalarParameter } from "./support/specs.js";

export const binomial: Distribution = {
  name: "Binomial",
  doc: `P(x) = C(n, x) p^x (1 − p)^(n−x) for x = 0 … n: successes in n = \`total\` trials, by \`probs\` p or \`logits\`.

The mass is Loader's saddle-point form (2000). Draws are exact: halved by Beta order statistics (Devroye 1986, X.4.3) down to 32 trials, which are drawn one by one. If \`total\` is not a constant and above 2²⁰, the last 2⁻¹⁵ of the trials are drawn from a rounded normal.`,
  parameters: [scalarParameter("total", count, "number of trials n"), ...probabilityParameters("a success")],
  parameterizations: [["total", "probs"], ["total", "logits"]],
  eventRank: 0,
  reparameterization: "none",
  support: always(count),
  // Tested even where x is a trusted count: it may exceed `total`.
  logDensity: (b, x, args) => {
    const total = argument(args, "total");
    const chance = probability(b, args);
    const inside = allOf(b, isCount(b, x), b.lessEqual(x, total));
    const between = allOf(b, inside, b.greater(x, 0), b.less(x, total));
    const n = b.select(between, total, 2);
    const successes = b.select(between, x, 1);
    const middle = binomialTerm(b, successes, b.subtract(n, successes), n, chance.p, chance.q);
    // n log q at 0 and n log p at n, each 0 where n = 0.
    const some = b.greater(total, 0);
    const none = b.multiply(total, chance.logQWhere(b.and(some, b.equal(x, 0))));
    const all = b.multiply(total, chance.logPWhere(b.and(some, b.equal(x, total))));
    return b.select(between, middle, b.select(inside, b.add(none, all), -Infinity));
  },
  sample: (b, stream, args, shape) => {
    const total = argument(args, "total");
    return b.stopGradient(drawBinomial(b, stream, total, probability(b, args).p, shape, constantValue(total)));
  },
  mean: (b, args, shape) => b.broadcast(b.multiply(argument(args, "total"), probability(b, args).p), shape),
};
