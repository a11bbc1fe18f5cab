import type { TensorNode } from "../ir/tensor/nodes.js";
import type { LoweringContext } from "./context.js";
import type { Latent } from "./latents.js";
import { meanOver } from "./score-function.js";
import { expectation } from "./terms.js";
import { ROWS, SAMPLES, aligned, expanded, isPlateAxis, sumAxes, unionAxes, type Value } from "./value.js";

/** log 1/K Σ_k w_k of every row (Burda, Grosse & Salakhutdinov 2015). */
export function logMeanWeight(context: LoweringContext, logWeight: Value): Value {
  const { b, space } = context;
  const at = logWeight.axes.indexOf(SAMPLES);
  if (at < 0) return logWeight;
  const samples = space.size(SAMPLES) as number;
  return { node: b.subtract(b.logsumexp(logWeight.node, [at]), Math.log(samples)), axes: logWeight.axes.filter((axis) => axis !== SAMPLES) };
}

/**
 * The score-function surrogate of a discrete site under the importance-weighted bound (VIMCO; Mnih & Rezende 2016): the learning signal of
 * draw k is the bound minus the bound with w_k replaced by the geometric mean of the other weights.
 */
export function importanceScoreSurrogate(context: LoweringContext, latent: Latent, logWeight: Value, latents: readonly Latent[]): TensorNode {
  const { b, space } = context;
  const samples = space.size(SAMPLES) as number;
  if (!latent.logGuide || samples < 2) return b.scalar(0);
  const axes = space.sort([...logWeight.axes, SAMPLES, ROWS]); // draws come first
  const weights = expanded(b, space, logWeight, axes);
  const others = b.divide(b.subtract(b.sum(weights, [0], true), weights), samples - 1);
  // [k, j, …]: the weights as the bound would have them had draw k none of its own.
  const alongRest = (node: TensorNode): TensorNode => b.reshape(node, [...node.shape, ...axes.slice(1).map(() => 1)]);
  const isSelf = alongRest(b.equal(b.expandDims(b.iota(samples), [1]), b.expandDims(b.iota(samples), [0])));
  const without = b.logsumexp(b.select(isSelf, b.expandDims(others, [1]), b.expandDims(weights, [0])), [1]);
  const signal: Value = { node: b.stopGradient(b.subtract(b.logsumexp(weights, [0], true), without)), axes };
  const logGuide = sumAxes(b, latent.logGuide, isPlateAxis);
  const all = unionAxes(space, [signal, logGuide]);
  const product: Value = { node: b.multiply(aligned(b, signal, all, 0), aligned(b, logGuide, all, 0)), axes: all };
  return meanOver(context, expectation(context, sumAxes(b, product, (axis) => axis === SAMPLES), latents), ROWS).node;
}
