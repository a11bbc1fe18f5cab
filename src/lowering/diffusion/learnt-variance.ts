import { byteScale, datumOf, marginalsOf, posteriorsOf } from "../../ir/diffusion/coefficients.js";
import { learntSpread } from "../../ir/diffusion/learnt-spread.js";
import type { DiscreteDiffusion } from "../../ir/model/model.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import type { LoweringContext } from "../context.js";
import { aligned } from "../value.js";
import type { StepDraw } from "./bound.js";
import { discretizedLoss } from "./discretized.js";

/**
 * What is lost at each draw's step where the variance v is learnt, summed over elements: with r = log v − log small = mix · log(large / small), e the error of the output and w its weight
 * with the small variance,
 *
 *   KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)) = ½ (r + e^−r − 1) + e^−r w e²  at t ≥ 2,      −log p(x_0 | x_1) = ½ log 2π small + ½ r + e^−r w e²  at t = 1.
 *
 * @param held the variance alone is trained: the error has no gradient (Nichol & Dhariwal 2021)
 */
export function learntLoss(context: LoweringContext, diffusion: DiscreteDiffusion, draw: StepDraw, held: boolean): TensorNode {
  const { b } = context;
  const { type, time: { forward }, prediction, bytes, reconstruction } = diffusion;
  if (!draw.mix) throw new InternalError("a learnt variance without what the network says of it");
  const marginals = marginalsOf(forward);
  const posteriors = posteriorsOf(forward, marginals);
  const { small, logRatio } = learntSpread(forward);
  const { ofOutput } = datumOf(prediction, marginals);
  const T = small.length - 1;
  const error = { axes: draw.error.axes, node: held ? b.stopGradient(draw.error.node) : draw.error.node };
  const rank = type.shape.length;
  const each = (values: readonly number[]): TensorNode => {
    const picked = b.gather(b.constant(values.slice(1), [T]), draw.place.node);
    return b.reshape(picked, [...picked.shape, ...type.shape.map(() => 1)]);
  };
  const isFirst = b.equal(draw.place.node, b.scalar(0, "i32"));
  const wideFirst = b.reshape(isFirst, [...isFirst.shape, ...type.shape.map(() => 1)]);
  const r = b.broadcast(b.multiply(each(logRatio), aligned(b, draw.mix, draw.place.axes, rank)), error.node.shape);
  const weight = small.map((deviation, t) => (t === 0 ? 0 : ((posteriors.ofData[t]! * ofOutput[t]!) / deviation) ** 2 / 2));
  const squares = b.multiply(b.multiply(b.exp(b.negate(r)), each(weight)), b.square(error.node));
  const constant = 0.5 * Math.log(2 * Math.PI) + Math.log(small[1]!) + (bytes ? Math.log(byteScale) : 0);
  const rest = b.select(wideFirst, constant, b.multiply(0.5, b.unary("expm1", b.negate(r))));
  const gaussian = b.sumLast(b.addAll([b.multiply(0.5, r), squares, rest]), rank);
  if (reconstruction === "gaussian") return gaussian;
  const deviation = b.multiply(b.exp(b.multiply(0.5, r)), small[1]!);
  return b.select(isFirst, discretizedLoss(context, diffusion, { place: draw.place, error }, deviation), gaussian);
}
