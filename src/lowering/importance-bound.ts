import type { TensorNode } from "../ir/tensor/nodes.js";
import type { LoweringContext } from "./context.js";
import type { Latent } from "./latents.js";
import { meanOver } from "./score-function.js";
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
export function importanceScoreSurrogate(context: LoweringContext, latent: Latent, logWeight: Value): TensorNode {
  const { b, space } = context;
  const samples = space.size(SAMPLES) as number;
  if (!latent.logGuide || samples < 2) return b.scalar(0);
  const weights = expanded(b, space, logWeight, [SAMPLES, ROWS]); // [K, rows]
  const others = b.divide(b.subtract(b.sum(weights, [0], true), weights), samples - 1);
  // [k, j, rows]: the weights as draw k would have them without itself.
  const isSelf = b.equal(b.expandDims(b.iota(samples), [1, 2]), b.expandDims(b.iota(samples), [0, 2]));
  const without = b.logsumexp(b.select(isSelf, b.expandDims(others, [1]), b.expandDims(weights, [0])), [1]);
  const signal: Value = { node: b.stopGradient(b.subtract(b.logsumexp(weights, [0], true), without)), axes: [SAMPLES, ROWS] };
  const logGuide = sumAxes(b, latent.logGuide, isPlateAxis);
  const axes = unionAxes(space, [signal, logGuide]);
  const product: Value = { node: b.multiply(aligned(b, signal, axes, 0), aligned(b, logGuide, axes, 0)), axes };
  return meanOver(context, sumAxes(b, product, (axis) => axis === SAMPLES), ROWS).node;
}
