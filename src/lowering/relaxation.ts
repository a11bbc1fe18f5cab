import type { LatentPlan } from "../ir/objective/objective.js";
import type { Site } from "../ir/model/model.js";
import { tensorArgument } from "../distributions/distribution.js";
import { InternalError } from "../util/internal-error.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import type { LoweringContext } from "./context.js";
import { alignedArguments } from "./densities.js";
import type { LoweredDistribution } from "./lowered-distribution.js";
import type { AxisName, Value } from "./value.js";

/**
 * A biased but low-variance draw of a discrete site, asked for by name. `relaxation`: the Gumbel-softmax or binary concrete variable
 * (Jang, Gu & Poole 2017; Maddison, Mnih & Teh 2017). `straight_through`: a true draw whose gradient is that of the probabilities
 * (Bengio, Léonard & Courville 2013).
 */
export function relaxedDraw(context: LoweringContext, guide: LoweredDistribution, site: Site, plan: LatentPlan, axes: readonly AxisName[]): Value {
  const { b, space } = context;
  const args = alignedArguments(context, guide, axes);
  const logits = tensorArgument(args, "logits") ?? logOf(context, tensorArgument(args, "probs"), guide);
  const shape = [...space.dims(axes), ...guide.shape];
  const stream = context.stream(site.name);
  const temperature = plan.estimator === "relaxation" ? (plan.temperature ?? 0.5) : 1;

  if (guide.distribution.name === "Bernoulli") {
    const u = b.uniform(stream, shape);
    const noisy = b.add(logits, b.subtract(b.log(u), b.log1p(b.negate(u))));
    if (plan.estimator === "relaxation") return { node: b.sigmoid(b.divide(noisy, temperature)), axes };
    const hard = b.cast(b.greater(noisy, 0), "f32");
    return { node: throughTo(context, hard, b.broadcast(b.sigmoid(logits), shape)), axes };
  }
  const count = guide.cardinality;
  if (count === undefined) throw new InternalError(`${site.name} has no finite number of values`);
  const gumbel = b.negate(b.log(b.negate(b.log(b.uniform(stream, [...shape, count])))));
  const noisy = b.add(logits, gumbel);
  const labels = b.argMax(noisy, noisy.shape.length - 1);
  const soft =
    plan.estimator === "relaxation"
      ? b.softmax(b.divide(noisy, temperature))
      : throughTo(context, b.oneHot(labels, count), b.broadcast(b.softmax(logits), noisy.shape));
  return { node: labels, axes, soft };
}

/** The value of `hard` with the gradient of `soft`. */
function throughTo(context: LoweringContext, hard: TensorNode, soft: TensorNode): TensorNode {
  const { b } = context;
  return b.add(b.stopGradient(b.subtract(hard, soft)), soft);
}

function logOf(context: LoweringContext, probs: TensorNode | undefined, guide: LoweredDistribution): TensorNode {
  if (!probs) throw new InternalError(`${guide.distribution.name} has neither logits nor probs`);
  const { b } = context;
  return guide.distribution.name === "Bernoulli" ? b.subtract(b.log(probs), b.log1p(b.negate(probs))) : b.log(probs);
}
