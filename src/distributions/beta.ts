import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { positive, unit } from "../types/support.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { allOf, belowOne, binomialCore, logBeta, tiny } from "./support/numerics.js";
import { always, scalarParameter } from "./support/specs.js";

/** α and β, from whichever was given. */
export function betaParameters(b: TensorBuilder, args: Arguments): { readonly alpha: TensorNode; readonly beta: TensorNode } {
  const concentration = tensorArgument(args, "concentration");
  if (!concentration) return { alpha: argument(args, "alpha"), beta: argument(args, "beta") };
  const mean = argument(args, "mean");
  return { alpha: b.multiply(mean, concentration), beta: b.multiply(b.subtract(1, mean), concentration) };
}

/** log density at 0 (or at 1 with the parameters exchanged): ∞, β or 0 as x^(α−1) has it. */
function atEdge(b: TensorBuilder, near: TensorNode, other: TensorNode): TensorNode {
  return b.select(b.less(near, 1), Infinity, b.select(b.greater(near, 1), -Infinity, b.log(other)));
}

export const beta: Distribution = {
  name: "Beta",
  doc: `p(x) = x^(α−1) (1 − x)^(β−1) / B(α, β) for 0 ≤ x ≤ 1; or \`mean\` m = α/(α + β) with \`concentration\` κ = α + β.

The density is computed as αβ/((α+β) x (1−x)) · Binomial(α; α + β, x) by Loader's deviances (2000). Draws are sigmoid(log g₁ − log g₂) of two Gammas, with implicit gradients; they stay inside (0, 1).`,
  parameters: [
    scalarParameter("alpha", positive, "α"),
    scalarParameter("beta", positive, "β"),
    scalarParameter("mean", unit, "m = α/(α + β), inside (0, 1)"),
    scalarParameter("concentration", positive, "κ = α + β"),
  ],
  parameterizations: [["alpha", "beta"], ["mean", "concentration"]],
  eventRank: 0,
  reparameterization: "implicit",
  support: always(unit),
  logDensity: (b, x, args) => {
    const { alpha, beta } = betaParameters(b, args);
    const n = b.add(alpha, beta);
    const inside = allOf(b, b.greater(x, 0), b.less(x, 1));
    const safe = b.select(inside, x, 0.5);
    const rest = b.subtract(1, safe);
    const root = b.multiply(0.5, b.log(b.multiply(b.multiply(1 / (2 * Math.PI), alpha), b.divide(beta, n))));
    const value = b.subtract(b.add(root, binomialCore(b, alpha, beta, n, safe, rest)), b.add(b.log(safe), b.log1p(b.negate(safe))));
    return b.select(inside, value, b.select(b.equal(x, 0), atEdge(b, alpha, beta), b.select(b.equal(x, 1), atEdge(b, beta, alpha), -Infinity)));
  },
  sample: (b, stream, args, shape) => {
    const { alpha, beta } = betaParameters(b, args);
    const logOdds = b.subtract(b.randomLogGamma(`${stream}.alpha`, b.broadcast(alpha, shape)), b.randomLogGamma(`${stream}.beta`, b.broadcast(beta, shape)));
    return b.minimum(b.maximum(b.sigmoid(logOdds), tiny), belowOne);
  },
  // log B(α, β) − (α − 1) ψ(α) − (β − 1) ψ(β) + (α + β − 2) ψ(α + β)
  entropy: (b, args, shape) => {
    const { alpha, beta } = betaParameters(b, args);
    const n = b.add(alpha, beta);
    const slopes = b.add(
      b.multiply(b.subtract(alpha, 1), b.subtract(b.digamma(n), b.digamma(alpha))),
      b.multiply(b.subtract(beta, 1), b.subtract(b.digamma(n), b.digamma(beta))),
    );
    return b.broadcast(b.add(logBeta(b, alpha, beta), slopes), shape);
  },
  mean: (b, args, shape) => {
    const { alpha, beta } = betaParameters(b, args);
    return b.broadcast(tensorArgument(args, "mean") ?? b.divide(alpha, b.add(alpha, beta)), shape);
  },
};
