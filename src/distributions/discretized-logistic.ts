import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { byte, index, positive, real } from "../types/support.js";
import { InternalError } from "../util/internal-error.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import { argument, constantValue } from "./support/arguments.js";
import { allOf } from "./support/numerics.js";
import { scalarParameter } from "./support/specs.js";

const defaultLevels = 256;

function levelsOf(args: Arguments): number {
  const given = tensorArgument(args, "levels");
  const levels = given ? constantValue(given) : defaultLevels;
  if (levels === undefined) throw new InternalError("DiscretizedLogistic's levels are not a constant");
  return levels;
}

/** Place of a level in [−1, 1], and half the distance between two. */
const halfBin = (levels: number): number => 1 / (levels - 1);
const placeOf = (b: TensorBuilder, x: TensorNode, levels: number): TensorNode => b.subtract(b.multiply(2 * halfBin(levels), x), 1);

export const discretizedLogistic: Distribution = {
  name: "DiscretizedLogistic",
  doc: `The mass that a Logistic(μ, s) gives to the bin of level x: levels 0 … L − 1 lie evenly on [−1, 1] at c = 2x/(L − 1) − 1, a bin reaches 1/(L − 1) to both sides, and the first and last take the tails (PixelCNN++, Salimans et al. 2017). \`mean\` and \`scale\` are on the scale of [−1, 1].

With a, b the standardized ends of the bin, log(σ(a) − σ(b)) = −softplus(−a) − softplus(b) + log(1 − e^(−(a−b))), which does not cancel. Draws are rounded Logistic draws.`,
  parameters: [
    scalarParameter("mean", real, "μ, on the scale of [−1, 1]"),
    scalarParameter("scale", positive, "s, on the scale of [−1, 1]"),
    scalarParameter("levels", { kind: "count" }, "number of levels L", { default: defaultLevels, constant: true }),
  ],
  parameterizations: [["mean", "scale", "levels"]],
  eventRank: 0,
  reparameterization: "none",
  support: ({ constants }) => ((constants["levels"] ?? defaultLevels) === 256 ? byte : index(constants["levels"] ?? defaultLevels)),
  logDensity: (b, x, args) => {
    const levels = levelsOf(args);
    const level = b.cast(x, "f32");
    const scale = argument(args, "scale");
    const distance = b.subtract(placeOf(b, level, levels), argument(args, "mean"));
    const above = b.divide(b.add(distance, halfBin(levels)), scale);
    const below = b.divide(b.subtract(distance, halfBin(levels)), scale);
    const first = b.lessEqual(level, 0);
    const last = b.greaterEqual(level, levels - 1);
    const width = b.divide(2 * halfBin(levels), scale);
    const value = b.addAll([
      b.negate(b.select(last, 0, b.softplus(b.negate(above)))),
      b.negate(b.select(first, 0, b.softplus(below))),
      b.select(b.or(first, last), 0, b.log(b.negate(b.expm1(b.negate(width))))),
    ]);
    return b.select(allOf(b, b.greaterEqual(level, 0), b.lessEqual(level, levels - 1), b.equal(level, b.floor(level))), value, -Infinity);
  },
  sample: (b, stream, args, shape) => {
    const levels = levelsOf(args);
    const u = b.uniform(stream, shape);
    const draw = b.add(argument(args, "mean"), b.multiply(argument(args, "scale"), b.subtract(b.log(u), b.log1p(b.negate(u)))));
    const level = b.floor(b.add(b.multiply(b.add(draw, 1), (levels - 1) / 2), 0.5));
    const kept = b.maximum(b.minimum(level, levels - 1), 0);
    return b.stopGradient(levels === 256 ? kept : b.cast(kept, "i32"));
  },
  // Σ_{x ≥ 1} P(X ≥ x), L − 1 terms.
  mean: (b, args, shape) => {
    const levels = levelsOf(args);
    const ends = b.subtract(b.multiply(2 * halfBin(levels), b.add(b.cast(b.iota(levels - 1), "f32"), 0.5)), 1);
    const [mean, scale] = [argument(args, "mean"), argument(args, "scale")].map((arg) => b.expandDims(arg, [arg.shape.length])) as [TensorNode, TensorNode];
    return b.broadcast(b.sumLast(b.sigmoid(b.divide(b.subtract(mean, ends), scale)), 1), shape);
  },
};
