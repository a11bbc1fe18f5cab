import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { index, real, simplex } from "../types/support.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import { argument, lastSizeOf, leadOf } from "./support/arguments.js";
import { allOf, within } from "./support/numerics.js";
import { vectorParameter } from "./support/specs.js";

/** log probabilities [..., K]; −∞ where the probability is 0, with a gradient that is not NaN. `name` is that of the probabilities. */
export function logProbabilities(b: TensorBuilder, args: Arguments, name = "probs"): TensorNode {
  const logits = tensorArgument(args, "logits");
  if (logits) return b.logSoftmax(logits);
  const probs = argument(args, name);
  const some = b.greater(probs, 0);
  return b.select(some, b.log(b.select(some, probs, 1)), -Infinity);
}

/** Probabilities [..., K]. */
export function probabilities(b: TensorBuilder, args: Arguments, name = "probs"): TensorNode {
  const logits = tensorArgument(args, "logits");
  return logits ? b.softmax(logits) : argument(args, name);
}

/** An index drawn with the given log weights [..., K] for each element of `shape`, by the largest of log weights plus Gumbel noise. */
export function drawIndex(b: TensorBuilder, stream: string, logWeights: TensorNode, shape: TensorNode["shape"]): TensorNode {
  const u = b.uniform(stream, [...shape, lastSizeOf(logWeights.shape)]);
  const gumbel = b.negate(b.log(b.negate(b.log(u))));
  return b.argMax(b.add(logWeights, gumbel), -1);
}

/** [..., K]: whether the last axis is the index. */
export function isAt(b: TensorBuilder, x: TensorNode, size: number): TensorNode {
  return b.equal(b.expandDims(x, [x.shape.length]), b.iota(size));
}

export const categorical: Distribution = {
  name: "Categorical",
  doc: `P(x = k) = p_k for k = 0 … K − 1, by \`probs\` (a simplex) or \`logits\` (p = softmax).

Draws are argmax_k (log p_k + Gumbel noise).`,
  parameters: [vectorParameter("probs", simplex, "p, one for each category"), vectorParameter("logits", real, "log p up to a constant")],
  parameterizations: [["probs"], ["logits"]],
  eventRank: 0,
  reparameterization: "none",
  support: ({ lastSizes }) => index(lastSizes["probs"] ?? lastSizes["logits"] ?? 1),
  logDensity: (b, x, args, trusted) => {
    const logits = tensorArgument(args, "logits");
    const table = logits ? b.logSoftmax(logits) : argument(args, "probs");
    const size = lastSizeOf(table.shape);
    const picked = b.sumLast(b.select(isAt(b, x, size), table, 0), 1);
    const inside = allOf(b, b.greaterEqual(x, 0), b.less(x, size));
    return within(b, inside, logits ? picked : b.log(b.select(inside, picked, 1)), trusted);
  },
  sample: (b, stream, args, shape) => b.stopGradient(drawIndex(b, stream, logProbabilities(b, args), shape)),
  entropy: (b, args, shape) => {
    const logP = logProbabilities(b, args);
    const p = probabilities(b, args);
    return b.broadcast(b.negate(b.sumLast(b.multiply(p, b.select(b.greater(p, 0), logP, 0)), 1)), leadOf(shape, 0));
  },
};
