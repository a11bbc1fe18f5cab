import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Dim, TensorNode } from "../ir/tensor/nodes.js";

export interface AttentionWeights {
  /** Each [channels, channels], and its bias [channels]. */
  readonly queries: readonly [TensorNode, TensorNode];
  readonly keys: readonly [TensorNode, TensorNode];
  readonly values: readonly [TensorNode, TensorNode];
  readonly output: readonly [TensorNode, TensorNode];
}

/** Scaled dot-product attention of [...lead, positions, channels] to itself, head by head (Vaswani et al. 2017, section 3.2). */
export function selfAttention(b: TensorBuilder, x: TensorNode, heads: number, weights: AttentionWeights): TensorNode {
  const [lead, positions, channels]: [readonly Dim[], Dim, number] = [x.shape.slice(0, -2), x.shape.at(-2)!, Number(x.shape.at(-1))];
  const width = channels / heads;
  const first = lead.map((_, axis) => axis);
  const swapped = [...first, lead.length + 1, lead.length, lead.length + 2];
  const project = ([kernel, bias]: readonly [TensorNode, TensorNode]): TensorNode => b.add(b.dot(x, kernel), bias);
  /** [...lead, heads, positions, width] */
  const split = (node: TensorNode): TensorNode => b.transpose(b.reshape(node, [...lead, positions, heads, width]), swapped);
  // Queries are scaled, not scores: there are fewer of them.
  const queries = split(b.multiply(project(weights.queries), 1 / Math.sqrt(width)));
  const shares = b.softmax(b.dot(queries, split(project(weights.keys)), false, true));
  const heard = b.dot(shares, split(project(weights.values)));
  const [kernel, bias] = weights.output;
  return b.add(b.dot(b.reshape(b.transpose(heard, swapped), x.shape), kernel), bias);
}
