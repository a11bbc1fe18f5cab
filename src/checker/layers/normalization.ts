import { choice, replacement } from "../../diagnostics/fix.js";
import type { CallParameter } from "../functions/function-rule.js";
import { realOf, wrongRank } from "../functions/shapes.js";
import type { LayerRule } from "./layer-rules.js";
import { input, ones, zeros } from "./weights.js";

/** Layers that bring values to zero mean and unit variance. */

const epsilon: CallParameter = { name: "epsilon", doc: "added to the variance", kind: "number", default: 1e-5, from: 0 };
const affine: CallParameter = { name: "affine", doc: "whether a learnt scale and offset follow", kind: "flag", default: true };

export const layerNorm: LayerRule = {
  doc: "`layer_norm`: zero mean and unit variance over the last axis, then a learnt scale and offset (Ba, Kiros & Hinton 2016); none with `affine = false`.",
  parameters: [input, epsilon, affine],
  type(call) {
    const [x] = call.args;
    const last = x?.type.shape[x.type.shape.length - 1];
    if (!x) return undefined;
    if (!last) return wrongRank(call, x, "a vector", "a single number has nothing to be normalized over");
    const learnt = call.words["affine"] === true;
    return { type: realOf(x.type.shape), attributes: { epsilon: call.numbers["epsilon"] ?? 1e-5, affine: learnt }, weights: learnt ? [ones("scale", last), zeros("offset", last)] : [] };
  },
};

export const groupNorm: LayerRule = {
  doc: "`group_norm(8)`: the channels (the last axis) in that many groups of neighbours, each brought to zero mean and unit variance over its channels and all positions of the row, then a learnt scale and offset for each channel (Wu & He 2018).",
  parameters: [input, { name: "groups", doc: "how many groups; their number divides that of the channels", kind: "size" }, epsilon, affine],
  type(call) {
    const [x] = call.args;
    const { groups } = call.numbers;
    if (!x || groups === undefined) return undefined;
    const channels = x.type.shape[x.type.shape.length - 1];
    if (!channels) return wrongRank(call, x, "a vector", "a single number has nothing to be normalized over");
    if (channels.value % groups !== 0) {
      const fitting = divisorBelow(channels.value, groups);
      call.context.error({ code: "LVM3016", message: `${channels.value} channels make no ${groups} groups of equal size`, span: call.at("groups"), label: `does not divide ${channels.value}`, related: [{ span: x.origin, text: `this has ${channels.value} channels` }], help: `for example \`group_norm(${fitting})\``, fixes: [choice(replacement(call.at("groups"), String(fitting)))] });
      return undefined;
    }
    const learnt = call.words["affine"] === true;
    return {
      type: realOf(x.type.shape),
      attributes: { groups, epsilon: call.numbers["epsilon"] ?? 1e-5, affine: learnt },
      weights: learnt ? [ones("scale", channels), zeros("offset", channels)] : [],
    };
  },
};

/** The largest divisor of `whole` that is at most `most`. */
export function divisorBelow(whole: number, most: number): number {
  for (let each = Math.min(whole, most); each > 1; each--) if (whole % each === 0) return each;
  return 1;
}

export const batchNorm: LayerRule = {
  doc: "`batch_norm`: zero mean and unit variance over the rows of a batch (and over height and width), for each entry of the last axis; running statistics in evaluation (Ioffe & Szegedy 2015).",
  parameters: [input, epsilon, { name: "momentum", doc: "share of the old running statistics that is kept at a step", kind: "number", default: 0.9, from: 0, to: 1 }],
  type(call) {
    const [x] = call.args;
    const last = x?.type.shape[x.type.shape.length - 1];
    if (!x) return undefined;
    if (!last) return wrongRank(call, x, "a vector", "make a vector of one of it: `reshape(1)`");
    return {
      type: realOf(x.type.shape),
      attributes: { epsilon: call.numbers["epsilon"] ?? 1e-5, momentum: call.numbers["momentum"] ?? 0.9 },
      weights: [ones("scale", last), zeros("offset", last), zeros("mean", last, false), ones("variance", last, false)],
    };
  },
};
