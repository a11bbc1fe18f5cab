import { logNormalCdf, logNormalMass } from "../../distributions/support/normal-mass.js";
import { byteScale, datumOf, marginalsOf } from "../../ir/diffusion/coefficients.js";
import type { DiscreteDiffusion } from "../../ir/model/model.js";
import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { LoweringContext } from "../context.js";
import { expanded } from "../value.js";
import type { StepDraw } from "./bound.js";
import { datumOfRows } from "./datum.js";

/**
 * −log p(x_0 | x_1) of bytes at each draw whose step is t = 1, summed over elements, and 0 at others: the mass that Normal(x̂_0, b_1²), or one of another deviation, gives to the bin of the
 * byte, 1 / 255 to both sides of its place on [−1, 1]; the first and the last bin are open (Ho et al. 2020, eq. 13).
 */
export function discretizedLoss(context: LoweringContext, diffusion: DiscreteDiffusion, { place, error }: Pick<StepDraw, "place" | "error">, deviation: TensorNode | number = diffusion.time.forward.noise[1]!): TensorNode {
  const { b, space } = context;
  const { type, time: { forward }, prediction } = diffusion;
  const isFirst = b.equal(place.node, b.scalar(0, "i32"));
  const wide = b.reshape(isFirst, [...isFirst.shape, ...type.shape.map(() => 1)]);
  // x_0 − x̂_0 is the error of the output, up to its factor. Other steps, where it may be large, put nothing into the gradient.
  const apart = b.multiply(b.select(wide, error.node, 0), datumOf(prediction, marginalsOf(forward)).ofOutput[1]!);
  const datum = expanded(b, space, datumOfRows(context, diffusion), error.axes);
  const mass = logBinMass(b, datum, apart, deviation);
  return b.select(isFirst, b.negate(b.sumLast(mass, type.shape.length)), 0);
}

/** log of the mass of the bin of a byte at `datum` on [−1, 1] under a Normal whose mean is `apart` below it. */
export function logBinMass(b: TensorBuilder, datum: TensorNode, apart: TensorNode, deviation: TensorNode | number): TensorNode {
  const half = 1 / (2 * byteScale);
  const below = b.divide(b.subtract(apart, half), deviation);
  const above = b.divide(b.add(apart, half), deviation);
  const [first, last] = [b.less(datum, half - 1), b.greater(datum, 1 - half)];
  const open = logNormalCdf(b, b.select(first, above, b.negate(below)));
  return b.select(b.or(first, last), open, logNormalMass(b, below, above, b.divide(b.scalar(2 * half), deviation)));
}
