import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { count, positive } from "../types/support.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { drawPoisson } from "./support/draw-poisson.js";
import { binomialTerm, isCount, safely, within } from "./support/numerics.js";
import { probability, probabilityParameters } from "./support/probability.js";
import { always, scalarParameter } from "./support/specs.js";

interface NegativeBinomialParameters {
  /** r */
  readonly total: TensorNode;
  readonly p: TensorNode;
  readonly q: TensorNode;
  readonly logP: TensorNode;
  /** log of the mean, log rq/p */
  readonly logMean: TensorNode;
  readonly mean: TensorNode;
}

function parametersOf(b: TensorBuilder, args: Arguments): NegativeBinomialParameters {
  const mean = tensorArgument(args, "mean");
  if (mean) {
    const dispersion = tensorArgument(args, "dispersion");
    const total = dispersion ? b.reciprocal(dispersion) : argument(args, "total");
    const odds = dispersion ? b.multiply(mean, dispersion) : b.divide(mean, total); // q/p
    const p = b.reciprocal(b.add(1, odds));
    return { total, p, q: b.multiply(odds, p), logP: b.negate(b.log1p(odds)), logMean: b.log(mean), mean };
  }
  const total = argument(args, "total");
  const chance = probability(b, args);
  const logMean = b.subtract(b.log(total), chance.logits);
  return { total, p: chance.p, q: chance.q, logP: chance.logP, logMean, mean: b.exp(logMean) };
}

export const negativeBinomial: Distribution = {
  name: "NegativeBinomial",
  doc: `P(x) = Γ(x + r)/(Γ(r) x!) p^r (1 − p)^x for x = 0, 1, 2 …: failures before the r-th success of probability p, as in R and SciPy; r = \`total\` need not be whole.

By \`mean\` μ and \`dispersion\` φ the variance is μ + φμ² (r = 1/φ, p = r/(r + μ)); by \`mean\` and \`total\` it is μ + μ²/r; or by \`total\` with \`probs\` p or \`logits\` log p/(1 − p). The mass is Loader's saddle-point form (2000). Draws are Poisson with a Gamma rate, exact.`,
  parameters: [
    scalarParameter("mean", positive, "μ"),
    scalarParameter("dispersion", positive, "φ, by which the variance μ + φμ² exceeds a Poisson's"),
    scalarParameter("total", positive, "number of successes r = 1/φ"),
    ...probabilityParameters("a success"),
  ],
  parameterizations: [["mean", "dispersion"], ["mean", "total"], ["total", "probs"], ["total", "logits"]],
  eventRank: 0,
  reparameterization: "none",
  support: always(count),
  logDensity: (b, x, args, trusted) => {
    const { total, p, q, logP } = parametersOf(b, args);
    const inside = isCount(b, x);
    const some = b.greater(x, 0);
    const safe = b.select(some, safely(b, inside, x, 1, trusted), 1);
    const n = b.add(total, safe);
    const positivePart = b.add(binomialTerm(b, total, safe, n, p, q), b.log(b.divide(total, n)));
    return within(b, inside, b.select(some, positivePart, b.multiply(total, logP)), trusted);
  },
  sample: (b, stream, args, shape) => {
    const { total, logMean } = parametersOf(b, args);
    const logGamma = b.randomLogGamma(`${stream}.rate`, b.broadcast(total, shape));
    return b.stopGradient(drawPoisson(b, stream, b.exp(b.add(logGamma, b.subtract(logMean, b.log(total)))), shape));
  },
  mean: (b, args, shape) => b.broadcast(parametersOf(b, args).mean, shape),
};
