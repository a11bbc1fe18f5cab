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
 * Wu & He 2018, over [...lead, ...positions, channels] with `rank` axes of the user's. Positions are summed first, channel by channel, and then the few channels of a group, by a
 * product with the matrix that is 1 where two channels are of one group: it leaves a group's sum at each of its channels, so that everything of the size of x reads neighbours in
 * memory. The scale is divided by the deviation once for each channel, not for each element.
 */
export function groupNorm(b: TensorBuilder, x: TensorNode, rank: number, groups: number, { epsilon, scale, offset }: NormalizationOptions): TensorNode {
  const lead = x.shape.slice(0, x.shape.length - rank);
  const channels = x.shape.at(-1)!;
  if (typeof channels !== "number") throw new InternalError("channels have no fixed number");
  const width = channels / groups;
  const positions = Array.from({ length: rank - 1 }, (_, at) => lead.length + at);
  const count = positions.reduce((n, axis) => n * Number(x.shape[axis]), width);
  const groupOf = Array.from({ length: channels }, (_, at) => Math.floor(at / width));
  const together = b.cast(b.equal(b.constant(groupOf, [channels, 1], "i32"), b.constant(groupOf, [channels], "i32")), "f32");
  const rows: readonly Dim[] = lead.length > 0 ? [...lead, channels] : [1, channels];
  const spread: readonly Dim[] = [...lead, ...positions.map(() => 1), channels];
  /** Σ over a group and all positions, divided by their number, at each channel of the group. */
  const groupMean = (value: TensorNode): TensorNode => b.reshape(b.multiply(b.dot(b.reshape(b.sum(value, positions), rows), together), 1 / count), spread);
  const centered = b.subtract(x, groupMean(x));
  const factor = b.divide(scale ?? 1, b.sqrt(b.add(groupMean(b.square(centered)), epsilon)));
  const normalized = b.multiply(centered, factor);
  return offset ? b.add(normalized, offset) : normalized;
}
