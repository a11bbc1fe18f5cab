import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Shape, TensorNode } from "../ir/tensor/nodes.js";
import { real, simplex } from "../types/support.js";
import { InternalError } from "../util/internal-error.js";
import { drawIndex, isAt, logProbabilities, probabilities } from "./categorical.js";
import type { Arguments, Component, Distribution } from "./distribution.js";
import { lastSizeOf, leadOf } from "./support/arguments.js";
import { scalarParameter, vectorParameter } from "./support/specs.js";

/** The components; their `eventRank` is the mixture's own: a mixture of vectors draws one component for the whole vector. */
export function componentsOf(args: Arguments): Component {
  const components = args["components"];
  if (!components || !("distribution" in components)) throw new InternalError("Mixture without components");
  return components;
}

/** Shape of a draw of every component: K in front of the event. */
function componentShape(shape: Shape, size: number, eventRank: number): Shape {
  return [...leadOf(shape, eventRank), size, ...shape.slice(shape.length - eventRank)];
}

/** Picks (or averages) over the component axis: weights [...lead, K] as booleans. */
function chosen(b: TensorBuilder, picked: TensorNode, values: TensorNode, eventRank: number): TensorNode {
  const rank = picked.shape.length;
  const spread = b.expandDims(picked, Array.from({ length: eventRank }, (_, i) => rank + i));
  return b.sum(b.select(spread, values, 0), [-1 - eventRank]);
}

export const mixture: Distribution = {
  name: "Mixture",
  doc: `p(x) = Σ_k w_k p_k(x), with \`weights\` w (a simplex) or \`logits\` (w = softmax) and \`components\` one distribution whose arguments have K as first axis: \`Mixture(w, Normal(means, scales))\`. For a vector one component is drawn for the whole of it.

The log density is a logsumexp, exact. A draw takes one component by Gumbel noise; no gradient passes to the weights.`,
  parameters: [
    vectorParameter("weights", simplex, "w, one for each component"),
    vectorParameter("logits", real, "log w up to a constant"),
    scalarParameter("components", real, "the distribution of each component", { distribution: true }),
  ],
  parameterizations: [["weights", "components"], ["logits", "components"]],
  eventRank: 0,
  reparameterization: "none",
  support: ({ supports }) => supports?.["components"] ?? real,
  logDensity: (b, x, args, trusted) => {
    const { distribution, args: own, eventRank } = componentsOf(args);
    const logWeights = logProbabilities(b, args, "weights");
    const spread = b.expandDims(x, [x.shape.length - eventRank]);
    const each = distribution.logDensity(b, spread, own, trusted);
    const joint = b.sumLast(each, eventRank - distribution.eventRank);
    return b.logsumexp(b.add(logWeights, joint), [-1]);
  },
  sample: (b, stream, args, shape) => {
    const { distribution, args: own, eventRank } = componentsOf(args);
    const logWeights = logProbabilities(b, args, "weights");
    const size = lastSizeOf(logWeights.shape);
    const picked = isAt(b, drawIndex(b, `${stream}.component`, logWeights, leadOf(shape, eventRank)), size);
    const draws = distribution.sample(b, stream, own, componentShape(shape, size, eventRank));
    return b.stopGradient(chosen(b, picked, draws, eventRank));
  },
  mean: (b, args, shape) => {
    const { distribution, args: own, eventRank } = componentsOf(args);
    const weights = probabilities(b, args, "weights");
    const rank = weights.shape.length;
    const spread = b.expandDims(weights, Array.from({ length: eventRank }, (_, i) => rank + i));
    const means = distribution.mean?.(b, own, componentShape(shape, lastSizeOf(weights.shape), eventRank));
    if (!means) throw new InternalError(`a mixture of ${distribution.name} has no mean`);
    return b.broadcast(b.sum(b.multiply(spread, means), [-1 - eventRank]), shape);
  },
};
