import type { Size } from "../../types/type.js";
import { simplex } from "../../types/support.js";
import type { CallParameter, FunctionRule } from "./function-rule.js";
import * as ranges from "./ranges.js";
import { rangeOf, supportOfRange, type Range } from "./ranges.js";
import { madeBy, resolveAxis, wrongRank } from "./shapes.js";

const value: CallParameter = { name: "x", doc: "a value", kind: "value" };
const axisParameter: CallParameter = { name: "axis", doc: "the axis that is summed over, from 1 or from the end as -1; all when it is left out", kind: "axis", optional: true };

/** A reduction over all axes, or over one: that axis is gone from the result. */
export function reduction(doc: string, image: (range: Range, terms: number) => Range): FunctionRule {
  return {
    doc,
    parameters: [value, axisParameter],
    type(call) {
      const [x] = call.args;
      if (!x) return undefined;
      const { shape } = x.type;
      if (call.numbers["axis"] === undefined) {
        const terms = shape.reduce((total, size) => total * size.value, 1);
        return { type: { support: supportOfRange(image(rangeOf(x), terms)), shape: [] } };
      }
      const axis = resolveAxis(call, "axis", shape.length);
      if (axis === undefined) return undefined;
      const kept = shape.filter((_, at) => at !== axis);
      return { type: { support: supportOfRange(image(rangeOf(x), shape[axis]?.value ?? 1)), shape: kept }, attributes: { axis: axis + 1 } };
    },
  };
}

/** Same shape, along one axis (the last when it is left out). */
export function along(doc: string, result: "simplex" | ((range: Range, terms: number) => Range)): FunctionRule {
  return {
    doc,
    parameters: [value, { ...axisParameter, doc: "the axis; the last when it is left out", default: -1, optional: false }],
    type(call) {
      const [x] = call.args;
      if (!x) return undefined;
      const { shape } = x.type;
      if (shape.length === 0) return wrongRank(call, x, "a vector", "a single number has no axis");
      const axis = resolveAxis(call, "axis", shape.length);
      if (axis === undefined) return undefined;
      const last = axis === shape.length - 1;
      const support = result !== "simplex" ? supportOfRange(result(rangeOf(x), shape[axis]?.value ?? 1)) : last ? simplex : ({ kind: "unit" } as const);
      return { type: { support, shape }, attributes: { axis: axis + 1 } };
    },
  };
}

export const cumsum = along("`cumsum(x)`: running sums along the last axis, or `axis`.", (range, terms) => {
  const whole = ranges.sum(range, terms);
  return { ...whole, low: Math.min(range.low, whole.low), high: Math.max(range.high, whole.high) };
});

// ── Pooling and resampling of [height, width, channels] ──────────────────────────────────────────────────────────────

/** Places that a window takes along an axis: the "same" and "valid" rules of TensorFlow. */
export function windowed(input: number, kernel: number, stride: number, padding: string, dilation = 1): number {
  return padding === "same" ? Math.ceil(input / stride) : Math.floor((input - (kernel - 1) * dilation - 1) / stride) + 1;
}

export function pool(doc: string, integer: boolean): FunctionRule {
  return {
    doc,
    parameters: [
      value,
      { name: "size", doc: "height and width of the window", kind: "size" },
      { name: "stride", doc: "the window's step; its size when it is left out", kind: "size", optional: true },
      { name: "padding", doc: "`\"valid\"` or `\"same\"`", kind: "choice", choices: ["same", "valid"], default: "valid" },
    ],
    type(call) {
      const [x] = call.args;
      const size = call.numbers["size"];
      if (!x || size === undefined) return undefined;
      const [height, width, channels] = x.type.shape;
      if (x.type.shape.length !== 3 || !height || !width || !channels) return wrongRank(call, x, "[height, width, channels]", "reshape it first: `reshape(28, 28, 1)`");
      const stride = call.numbers["stride"] ?? size;
      const padding = String(call.words["padding"]);
      const [rows, columns] = [windowed(height.value, size, stride, padding), windowed(width.value, size, stride, padding)];
      if (rows < 1 || columns < 1) {
        call.context.error({ code: "LVM3016", message: `a window of ${size} does not fit`, span: call.at("size"), label: `the input is ${height.value} by ${width.value}`, help: 'use a smaller window, or `padding = "same"`' });
        return undefined;
      }
      const shape: readonly Size[] = [madeBy(call, rows), madeBy(call, columns), channels];
      const range = rangeOf(x);
      return { type: { support: supportOfRange({ ...range, integer: integer && range.integer }), shape }, attributes: { size, stride, padding } };
    },
  };
}

export const globalAveragePool: FunctionRule = {
  doc: "`global_avg_pool(x)`: the mean over height and width, one number for each channel.",
  parameters: [value],
  type(call) {
    const [x] = call.args;
    if (!x) return undefined;
    const channels = x.type.shape[2];
    if (x.type.shape.length !== 3 || !channels) return wrongRank(call, x, "[height, width, channels]", "reshape it first: `reshape(28, 28, 1)`");
    return { type: { support: supportOfRange({ ...rangeOf(x), integer: false }), shape: [channels] } };
  },
};

export const upsample: FunctionRule = {
  doc: "`upsample(x, 2)`: every pixel repeated `factor` times along height and width.",
  parameters: [value, { name: "factor", doc: "how many times", kind: "size" }],
  type(call) {
    const [x] = call.args;
    const factor = call.numbers["factor"];
    if (!x || factor === undefined) return undefined;
    const [height, width, channels] = x.type.shape;
    if (x.type.shape.length !== 3 || !height || !width || !channels) return wrongRank(call, x, "[height, width, channels]", "reshape it first: `reshape(7, 7, 64)`");
    const shape = [madeBy(call, height.value * factor), madeBy(call, width.value * factor), channels];
    return { type: { support: supportOfRange(rangeOf(x)), shape }, attributes: { factor } };
  },
};

export const dropout: FunctionRule = {
  doc: "`dropout(x, 0.3)`: in training, each number is zero with that probability, and the others are scaled up (Srivastava et al. 2014).",
  parameters: [value, { name: "rate", doc: "the share that is dropped", kind: "number", from: 0, to: 0.999 }],
  type(call) {
    const [x] = call.args;
    const rate = call.numbers["rate"];
    if (!x || rate === undefined) return undefined;
    const range = rangeOf(x);
    return { type: { support: supportOfRange(ranges.range(range.low >= 0 ? 0 : -Infinity, Infinity)), shape: x.type.shape }, attributes: { rate } };
  },
};
