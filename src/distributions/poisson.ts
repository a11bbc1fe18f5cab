import { count, nonnegative, real } from "../types/support.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { argument } from "./support/arguments.js";
import { drawPoisson } from "./support/draw-poisson.js";
import { isCount, poissonTerm, safely, within } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

/** The rate, from whichever was given. */
export function poissonRate(b: TensorBuilder, args: Arguments): TensorNode {
  const logRate = tensorArgument(args, "log_rate");
  return logRate ? b.exp(logRate) : argument(args, "rate");
}

export const poisson: Distribution = {
  name: "Poisson",
  doc: `P(x) = λ^x e^(−λ)/x! for x = 0, 1, 2 …, by \`rate\` λ or \`log_rate\`.

The mass is Loader's saddle-point form (2000). Draws are exact: rates above 16 are split by Gamma arrival times (Ahrens & Dieter 1974), below it waiting times are summed.`,
  parameters: [scalarParameter("rate", nonnegative, "λ, mean and variance"), scalarParameter("log_rate", real, "log λ")],
  parameterizations: [["rate"], ["log_rate"]],
  eventRank: 0,
  reparameterization: "none",
  support: always(count),
  logDensity: (b, x, args, trusted) => {
    const rate = poissonRate(b, args);
    const inside = isCount(b, x);
    const some = b.greater(x, 0);
    const safe = b.select(some, safely(b, inside, x, 1, trusted), 1);
    return within(b, inside, b.select(some, poissonTerm(b, safe, rate), b.negate(rate)), trusted);
  },
  sample: (b, stream, args, shape) => b.stopGradient(drawPoisson(b, stream, poissonRate(b, args), shape)),
  mean: (b, args, shape) => b.broadcast(poissonRate(b, args), shape),
};
