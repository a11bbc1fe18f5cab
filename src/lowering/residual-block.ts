import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { samePadding } from "../ir/tensor/shape-rules.js";
import { groupNorm } from "./normalization.js";
import { aligned, type AxisName, type Value } from "./value.js";

const epsilon = 1e-5;

export interface ResidualBlock {
  readonly x: Value;
  readonly condition: Value | undefined;
  /** Compiler axes of both. */
  readonly axes: readonly AxisName[];
  readonly groups: number;
  /** By role; undefined for what the block does without. */
  readonly weight: (role: string) => TensorNode | undefined;
}

/** x' + conv(silu(norm(conv(silu(norm(x))) + silu(condition)·W + b))), x' the input or its 1 by 1 convolution (Ho et al. 2020, appendix B). */
export function residualBlock(b: TensorBuilder, { x, condition, axes, groups, weight }: ResidualBlock): Value {
  const silu = (node: TensorNode): TensorNode => b.multiply(node, b.sigmoid(node));
  const normalized = (node: TensorNode, part: 1 | 2): TensorNode =>
    silu(groupNorm(b, node, 3, groups, { epsilon, scale: weight(`scale_${part}`), offset: weight(`offset_${part}`) }));
  const convolved = (node: TensorNode, kernel: TensorNode, bias: TensorNode): TensorNode => {
    const around = (axis: -3 | -2, at: 0 | 1): readonly [number, number] => samePadding(Number(node.shape.at(axis)), Number(kernel.shape[at]), 1);
    return b.add(b.conv2d(node, kernel, { strides: [1, 1], padding: [around(-3, 0), around(-2, 1)], dilation: [1, 1] }), bias);
  };
  let inner = aligned(b, { node: convolved(normalized(x.node, 1), weight("kernel_1")!, weight("bias_1")!), axes: x.axes }, axes, 3);
  if (condition) {
    const told = silu(condition.node);
    const row = b.reshape(told, [...(told.shape.length > 1 ? told.shape.slice(0, -1) : [1]), told.shape.at(-1)!]);
    const product = b.add(b.dot(row, weight("condition_kernel")!), weight("condition_bias")!);
    const vector = b.reshape(product, [...condition.node.shape.slice(0, -1), product.shape.at(-1)!]);
    inner = b.add(inner, aligned(b, { node: vector, axes: condition.axes }, axes, 3));
  }
  const skip = weight("skip_kernel");
  const kept = skip ? convolved(x.node, skip, weight("skip_bias")!) : x.node;
  return { node: b.add(aligned(b, { node: kept, axes: x.axes }, axes, 3), convolved(normalized(inner, 2), weight("kernel_2")!, weight("bias_2")!)), axes };
}
