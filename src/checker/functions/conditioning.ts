import type { Expr } from "../../ir/model/model.js";
import type { Size } from "../../types/type.js";
import { reportShapeMismatch } from "../shape-messages.js";
import type { BoundCall, CallParameter, FunctionRule } from "./function-rule.js";
import * as ranges from "./ranges.js";
import { rangeOf, supportOfRange, type Range } from "./ranges.js";
import { madeBy, realOf, wrongRank } from "./shapes.js";

/** What conditions a network that works on positions: a moment as a vector, and vectors that act at every position. */

export const timeEmbedding: FunctionRule = {
  doc: "`time_embedding(t, 128)`: [sin ω₁t, …, sin ωₙt, cos ω₁t, …, cos ωₙt] with n = size / 2 and ωᵢ = period^(−(i − 1)/(n − 1)), from 1 down to 1 / `period` (Vaswani et al. 2017; Ho et al. 2020). For |t| < 4096 within 1e-6 on every device: turns are counted in two parts, of which one is exact.",
  parameters: [
    { name: "t", doc: "a number, or several", kind: "label" },
    { name: "size", doc: "size of the vector: even, at least 4", kind: "size" },
    { name: "period", doc: "how many times slower than the first the last wave is", kind: "number", default: 10000, from: 1 },
  ],
  type(call) {
    const [t] = call.args;
    const [size] = call.sizes["size"] ?? [];
    if (!t || !size) return undefined;
    if (size.value % 2 !== 0 || size.value < 4) {
      const even = Math.max(4, size.value + (size.value % 2));
      call.context.error({ code: "LVM3016", message: "the size of a time embedding is even and at least 4", span: call.at("size"), label: `this is ${size.value}`, help: `half are sines and half cosines: \`time_embedding(${even})\`` });
      return undefined;
    }
    const shape = [...t.type.shape, madeBy(call, size.value, size.text)];
    return { type: { support: supportOfRange(ranges.range(-1, 1)), shape }, attributes: { size: size.value, period: call.numbers["period"] ?? 10000 } };
  },
};

const positions: CallParameter = { name: "x", doc: "[positions, channels] or [height, width, channels]", kind: "value" };
const vector = (name: string, doc: string): CallParameter => ({ name, doc, kind: "value" });

/** The shape of x, whose last axis is that of every vector; undefined where it is not (reported). */
function channelsAgree(call: BoundCall, x: Expr, vectors: readonly Expr[]): readonly Size[] | undefined {
  const last = x.type.shape[x.type.shape.length - 1];
  if (!last) return wrongRank(call, x, "[positions, channels] or [height, width, channels]", "for single numbers write `+` and `*`");
  for (const each of vectors) {
    const [size] = each.type.shape;
    if (each.type.shape.length !== 1 || !size) return wrongRank(call, each, `a vector of ${last.value}, one number for each channel`, each.type.shape.length === 0 ? "for a single number write `+` and `*`" : "make a vector of it: `flatten`, `dense`");
    if (size.value !== last.value) {
      reportShapeMismatch(call.context, {
        span: each.origin, actual: each.type, expected: realOf([last]), message: `shape mismatch in \`${call.name}\``,
        wanted: { span: x.origin, text: `this has ${last.value} channels` }, notes: ["the vector has one number for each entry of the last axis"],
        help: `bring it to that size: \`dense(${last.value})\``,
      });
      return undefined;
    }
  }
  return x.type.shape;
}

/** x and vectors of its channels, combined entry by entry at every position. */
function perChannel(doc: string, vectors: readonly CallParameter[], image: (x: Range, ...vectors: Range[]) => Range): FunctionRule {
  return {
    doc,
    parameters: [positions, ...vectors],
    type(call) {
      const [x, ...others] = call.args;
      const shape = x && channelsAgree(call, x, others);
      return shape && { type: { support: supportOfRange(image(rangeOf(x), ...others.map(rangeOf))), shape } };
    },
  };
}

export const addChannels = perChannel("`add_channels(x, v)`: the vector v added at every position of [positions, channels] or [height, width, channels].", [vector("v", "one number for each channel")], ranges.add);

export const scaleChannels = perChannel("`scale_channels(x, v)`: every position of x times the vector v, channel by channel: a gate.", [vector("v", "one number for each channel")], ranges.multiply);

export const modulate = perChannel(
  "`modulate(x, scale, shift)`: (1 + scale)·x + shift with vectors of the channels, at every position: `layer_norm(affine = false) |> modulate(s, b)` is adaptive layer normalization (Perez et al. 2018; Peebles & Xie 2023).",
  [vector("scale", "one number for each channel"), vector("shift", "one number for each channel")],
  (x, scale, shift) => ranges.add(ranges.multiply(ranges.add(ranges.range(1, 1, { integer: true }), scale), x), shift),
);
