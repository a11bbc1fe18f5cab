import type { LayerName } from "../../ir/model/layers.js";
import type { Attributes, Expr, Initializer } from "../../ir/model/model.js";
import { real } from "../../types/support.js";
import type { Size, Type } from "../../types/type.js";
import { sizeOf } from "../../types/type.js";
import type { BoundCall, CallParameter } from "../functions/function-rule.js";
import { windowed } from "../functions/reductions.js";
import { madeBy, realOf, wrongRank } from "../functions/shapes.js";
import { positionEmbedding, selfAttention } from "./attention.js";
import { gru, lstm, rnn } from "./cells.js";
import { batchNorm, groupNorm, layerNorm } from "./normalization.js";
import { residualBlock } from "./residual-block.js";
import { biasFlag, initChoice, input, kernel as kernelOf, zeros } from "./weights.js";

/** A weight that a layer brings with it. */
export interface Weight {
  readonly role: string;
  readonly shape: readonly Size[];
  readonly init: Initializer;
  /** False for running statistics. */
  readonly trainable: boolean;
}

export interface TypedLayer {
  readonly type: Type;
  readonly attributes: Attributes;
  readonly weights: readonly Weight[];
}

export interface LayerRule {
  /** Markdown, one or two sentences. */
  readonly doc: string;
  readonly parameters: readonly CallParameter[];
  /** Type, attributes and weights of a call; undefined when a mistake was reported. */
  type(call: BoundCall): TypedLayer | undefined;
}

const dense: LayerRule = {
  doc: "`dense(400)`: kernelᵀ·x + bias on the last axis. Kernel uniform with variance 1 / inputs (LeCun et al. 1998), or zero (`init = zero`); zero bias.",
  parameters: [input, { name: "units", doc: "size of the output", kind: "size" }, biasFlag, initChoice],
  type(call) {
    const [x] = call.args;
    const [units] = call.sizes["units"] ?? [];
    if (!x || !units) return undefined;
    const last = x.type.shape[x.type.shape.length - 1];
    if (!last) return wrongRank(call, x, "a vector", "make a vector of one of it: `reshape(1)`");
    const bias = call.words["bias"] === true;
    const kernel = kernelOf(call, "kernel", [last, units], last.value);
    return {
      type: realOf([...x.type.shape.slice(0, -1), madeBy(call, units.value, units.text)]),
      attributes: { units: units.value, bias },
      weights: bias ? [kernel, zeros("bias", units)] : [kernel],
    };
  },
};

const convolutionParameters: readonly CallParameter[] = [
  input,
  { name: "channels", doc: "channels of the output", kind: "size" },
  { name: "kernel", doc: "height and width of the kernel", kind: "size" },
  { name: "stride", doc: "step of the kernel", kind: "size", default: 1 },
  { name: "padding", doc: "`\"same\"` or `\"valid\"`", kind: "choice", choices: ["same", "valid"], default: "same" },
  { name: "dilation", doc: "distance of the kernel's taps", kind: "size", default: 1 },
  biasFlag,
  initChoice,
];

function convolution(doc: string, transposed: boolean): LayerRule {
  return {
    doc,
    parameters: convolutionParameters,
    type(call) {
      const [x] = call.args;
      const [out] = call.sizes["channels"] ?? [];
      const { kernel, stride = 1, dilation = 1 } = call.numbers;
      if (!x || !out || kernel === undefined) return undefined;
      const [height, width, channels] = x.type.shape;
      if (x.type.shape.length !== 3 || !height || !width || !channels) return wrongRank(call, x, "[height, width, channels]", reshapeHelp(x));
      const padding = String(call.words["padding"]);
      const grow = (size: number): number => (padding === "same" ? size * stride : (size - 1) * stride + dilation * (kernel - 1) + 1);
      const place = (size: number): number => (transposed ? grow(size) : windowed(size, kernel, stride, padding, dilation));
      const [rows, columns] = [place(height.value), place(width.value)];
      if (rows < 1 || columns < 1) {
        call.context.error({ code: "LVM3016", message: `a kernel of ${kernel} does not fit`, span: call.at("kernel"), label: `the input is ${height.value} by ${width.value}`, help: 'use a smaller kernel, or `padding = "same"`' });
        return undefined;
      }
      const bias = call.words["bias"] === true;
      const area = kernel * kernel;
      const side = sizeOf(kernel);
      // Each output of a transposed convolution sees one in stride² of the kernel's places.
      const fanIn = (area * channels.value) / (transposed ? stride * stride : 1);
      const shape = transposed ? [side, side, out, channels] : [side, side, channels, out];
      const weight = kernelOf(call, "kernel", shape, fanIn);
      return {
        type: realOf([madeBy(call, rows), madeBy(call, columns), madeBy(call, out.value, out.text)]),
        attributes: { channels: out.value, kernel, stride, padding, dilation, bias },
        weights: bias ? [weight, zeros("bias", out)] : [weight],
      };
    },
  };
}

function reshapeHelp(x: Expr): string {
  const total = x.type.shape.reduce((product, size) => product * size.value, 1);
  const side = Math.sqrt(total);
  if (x.type.shape.length === 2) return `add a channel axis: \`reshape(${x.type.shape.map((size) => size.text ?? size.value).join(", ")}, 1)\``;
  return Number.isInteger(side) && side > 1 ? `reshape it first: \`reshape(${side}, ${side}, 1)\`` : "reshape it first: `reshape(height, width, channels)`";
}

const embedding: LayerRule = {
  doc: "`embedding(32)`: a learnt vector for each label of an `index(K)`.",
  parameters: [{ name: "k", doc: "a value of type `index(K)`", kind: "label" }, { name: "width", doc: "size of the vectors", kind: "size" }],
  type(call) {
    const [k] = call.args;
    const [width] = call.sizes["width"] ?? [];
    if (!k || !width) return undefined;
    const { support } = k.type;
    if (support.kind !== "index") {
      call.context.error({ code: "LVM3005", message: "`embedding` takes a label", span: k.origin, label: `this is ${support.kind}, not an \`index(K)\``, help: "declare it as `index(K)`, or use `dense` for numbers" });
      return undefined;
    }
    return {
      type: realOf([...k.type.shape, madeBy(call, width.value, width.text)]),
      attributes: { width: width.value },
      weights: [{ role: "table", shape: [sizeOf(support.size), width], init: { kind: "normal", mean: 0, scale: 1 / Math.sqrt(width.value) }, trainable: true }],
    };
  },
};

/** Type rules and weights of every layer: total over the model IR's names. */
export const layerRules: Readonly<Record<LayerName, LayerRule>> = {
  dense,
  conv2d: convolution("`conv2d(32, kernel = 3)`: a convolution over [height, width, channels].", false),
  conv_transpose2d: convolution("`conv_transpose2d(32, kernel = 4, stride = 2)`: the transpose of a convolution; grows height and width by the stride.", true),
  embedding,
  layer_norm: layerNorm,
  group_norm: groupNorm,
  batch_norm: batchNorm,
  self_attention: selfAttention,
  position_embedding: positionEmbedding,
  residual_block: residualBlock,
  rnn,
  gru,
  lstm,
};

/** The support that weights have. */
export const weightSupport = real;
