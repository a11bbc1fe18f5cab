import type { LayerName } from "../ir/model/layers.js";
import type { Expr } from "../ir/model/model.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { samePadding } from "../ir/tensor/shape-rules.js";
import { InternalError } from "../util/internal-error.js";
import { selfAttention } from "./attention.js";
import type { LoweringContext } from "./context.js";
import { lowerGru, lowerLstm, lowerRnn } from "./cells.js";
import { asNumber } from "./elementwise.js";
import { groupNorm, layerNorm } from "./normalization.js";
import { residualBlock } from "./residual-block.js";
import { eventShape, unionAxes, type Value } from "./value.js";

export interface LayerCall {
  readonly context: LoweringContext;
  readonly expr: Extract<Expr, { kind: "layer" }>;
  readonly args: readonly Value[];
}

function attribute(call: LayerCall, name: string, fallback?: number): number {
  const value = call.expr.attributes[name] ?? fallback;
  if (typeof value !== "number") throw new InternalError(`${call.expr.layer} lacks ${name}`);
  return value;
}

/** A weight by its role; undefined when the layer was declared without it (`bias = false`). */
function weight(call: LayerCall, role: string): TensorNode | undefined {
  const name = call.expr.parameters[role];
  return name === undefined ? undefined : call.context.parameter(name).node;
}

function required(call: LayerCall, role: string): TensorNode {
  const node = weight(call, role);
  if (!node) throw new InternalError(`${call.expr.layer} has no ${role}`);
  return node;
}

/** Of a normalization. */
const normalizing = (call: LayerCall) => ({ epsilon: attribute(call, "epsilon", 1e-5), scale: weight(call, "scale"), offset: weight(call, "offset") });

function withBias(call: LayerCall, node: TensorNode): TensorNode {
  const bias = weight(call, "bias");
  return bias ? call.context.b.add(node, bias) : node;
}

const imageSize = (node: TensorNode): [number, number] => {
  const [h, w] = [node.shape.at(-3), node.shape.at(-2)];
  if (typeof h !== "number" || typeof w !== "number") throw new InternalError("an image has no fixed size");
  return [h, w];
};

function convolution(call: LayerCall, size: readonly [number, number]) {
  const kernel = attribute(call, "kernel");
  const stride = attribute(call, "stride", 1);
  const dilation = attribute(call, "dilation", 1);
  const same = (call.expr.attributes["padding"] ?? "same") === "same";
  const padding = same
    ? ([samePadding(size[0], kernel, stride, dilation), samePadding(size[1], kernel, stride, dilation)] as const)
    : ([[0, 0], [0, 0]] as const);
  return { strides: [stride, stride] as const, padding, dilation: [dilation, dilation] as const };
}

/** How each layer becomes tensor operations. */
export const layerLowerings: Readonly<Record<LayerName, (call: LayerCall) => Value>> = {
  dense: (call) => {
    const { b } = call.context;
    const x = asNumber(call.context, call.args[0]!);
    const kernel = required(call, "kernel");
    if (x.node.shape.length > 1) return { node: withBias(call, b.dot(x.node, kernel)), axes: x.axes };
    const product = b.dot(b.expandDims(x.node, [0]), kernel);
    return { node: withBias(call, b.reshape(product, [product.shape[1]!])), axes: x.axes };
  },

  conv2d: (call) => {
    const x = asNumber(call.context, call.args[0]!);
    return { node: withBias(call, call.context.b.conv2d(x.node, required(call, "kernel"), convolution(call, imageSize(x.node)))), axes: x.axes };
  },

  // The gradient of a convolution to its input, whose output size is the declared one. The filter is [k, k, channels, in].
  conv_transpose2d: (call) => {
    const x = asNumber(call.context, call.args[0]!);
    const size = call.expr.type.shape.slice(0, 2).map((dim) => dim.value) as [number, number];
    const node = call.context.b.conv2dInputGradient(x.node, required(call, "kernel"), size, convolution(call, size));
    return { node: withBias(call, node), axes: x.axes };
  },

  embedding: (call) => {
    const { b } = call.context;
    const index = call.args[0]!;
    const table = required(call, "table");
    return { node: index.soft ? b.dot(index.soft, table) : b.gather(table, b.cast(index.node, "i32")), axes: index.axes };
  },

  // Ba, Kiros & Hinton 2016: over the last axis.
  layer_norm: (call) => {
    const x = asNumber(call.context, call.args[0]!);
    return { node: layerNorm(call.context.b, x.node, normalizing(call)), axes: x.axes };
  },

  group_norm: (call) => {
    const x = asNumber(call.context, call.args[0]!);
    return { node: groupNorm(call.context.b, x.node, eventShape(x).length, attribute(call, "groups"), normalizing(call)), axes: x.axes };
  },

  // Ioffe & Szegedy 2015: statistics of the batch in training (over every axis but the last), running ones in evaluation.
  batch_norm: (call) => {
    const { b, mode, stateUpdates } = call.context;
    const x = call.args[0]!;
    const epsilon = attribute(call, "epsilon", 1e-5);
    const [runningMean, runningVariance] = [required(call, "mean"), required(call, "variance")];
    let [mean, variance] = [runningMean, runningVariance];
    if (mode === "train" && x.node.shape.length > 1) {
      const over = x.node.shape.slice(0, -1).map((_, axis) => axis);
      mean = b.mean(x.node, over);
      variance = b.mean(b.square(b.subtract(x.node, mean)), over);
      const momentum = attribute(call, "momentum", 0.9);
      const moved = (running: TensorNode, batch: TensorNode) => b.add(b.multiply(running, momentum), b.multiply(b.stopGradient(batch), 1 - momentum));
      stateUpdates.set(call.expr.parameters["mean"]!, moved(runningMean, mean));
      stateUpdates.set(call.expr.parameters["variance"]!, moved(runningVariance, variance));
    }
    const normalized = b.divide(b.subtract(x.node, mean), b.sqrt(b.add(variance, epsilon)));
    return { node: b.add(b.multiply(normalized, required(call, "scale")), required(call, "offset")), axes: x.axes };
  },

  // Of an image the positions are its pixels, row by row.
  self_attention: (call) => {
    const { b } = call.context;
    const x = asNumber(call.context, call.args[0]!);
    const [channels, ...before] = eventShape(x).toReversed();
    const positions = before.reduce<number>((count, dim) => count * Number(dim), 1);
    const flat = b.reshape(x.node, [...x.node.shape.slice(0, x.axes.length), positions, channels!]);
    const projection = (role: string) => [required(call, role), required(call, `${role}_bias`)] as const;
    const heard = selfAttention(b, flat, attribute(call, "heads"), { queries: projection("queries"), keys: projection("keys"), values: projection("values"), output: projection("output") });
    return { node: b.reshape(heard, x.node.shape), axes: x.axes };
  },

  position_embedding: (call) => {
    const x = asNumber(call.context, call.args[0]!);
    return { node: call.context.b.add(x.node, required(call, "table")), axes: x.axes };
  },

  residual_block: (call) => {
    const [x, condition] = call.args.map((arg) => asNumber(call.context, arg));
    const axes = unionAxes(call.context.space, condition ? [x!, condition] : [x!]);
    return residualBlock(call.context.b, { x: x!, condition, axes, groups: attribute(call, "groups"), weight: (role) => weight(call, role) });
  },

  rnn: (call) => lowerRnn(call, (role) => required(call, role)),
  gru: (call) => lowerGru(call, (role) => required(call, role)),
  lstm: (call) => lowerLstm(call, (role) => required(call, role)),
};
