import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Dim, TensorNode } from "../ir/tensor/nodes.js";
import { InternalError } from "../util/internal-error.js";

/** Zero mean and unit variance over the last axis, or over groups of it and all positions. */

export interface NormalizationOptions {
  readonly epsilon: number;
  /** [channels], of the last axis; neither with `affine = false`. */
  readonly scale?: TensorNode | undefined;
  readonly offset?: TensorNode | undefined;
}

export function layerNorm(b: TensorBuilder, x: TensorNode, { epsilon, scale, offset }: NormalizationOptions): TensorNode {
  const centered = b.subtract(x, b.mean(x, [-1], true));
  const variance = b.mean(b.square(centered), [-1], true);
  const normalized = b.divide(centered, b.sqrt(b.add(variance, epsilon)));
  return scale && offset ? b.add(b.multiply(normalized, scale), offset) : normalized;
}

/**
 * Wu & He 2018, over [...lead, ...positions, channels] with `rank` axes of the user's. Positions are summed first, channel by channel, and then the few channels of a group:
 * neighbours in memory stay neighbours, which sums over [positions, channels of a group] would cut into pieces of a few numbers. The scale is divided by the deviation, once
 * for each channel, so that an element costs no division.
 */
export function groupNorm(b: TensorBuilder, x: TensorNode, rank: number, groups: number, { epsilon, scale, offset }: NormalizationOptions): TensorNode {
  const lead = x.shape.length - rank;
  const channels = x.shape.at(-1)!;
  if (typeof channels !== "number") throw new InternalError("channels have no fixed number");
  const positions = Array.from({ length: rank - 1 }, (_, at) => lead + at);
  const count = positions.reduce((n, axis) => n * Number(x.shape[axis]), channels / groups);
  const front: readonly Dim[] = [...x.shape.slice(0, lead), ...positions.map(() => 1)];
  /** Σ over a group and all positions, divided by their number, at each channel of the group. */
  const groupMean = (value: TensorNode): TensorNode => {
    const split = b.reshape(b.sum(value, positions, true), [...front, groups, channels / groups]);
    const mean = b.multiply(b.sum(split, [-1], true), 1 / count);
    return b.reshape(b.broadcast(mean, [...front, groups, channels / groups]), [...front, channels]);
  };
  const centered = b.subtract(x, groupMean(x));
  const factor = b.divide(scale ?? 1, b.sqrt(b.add(groupMean(b.square(centered)), epsilon)));
  const normalized = b.multiply(centered, factor);
  return offset ? b.add(normalized, offset) : normalized;
}
