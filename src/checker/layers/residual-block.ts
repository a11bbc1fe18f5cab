import { sizeOf } from "../../types/type.js";
import { madeBy, realOf, wrongRank } from "../functions/shapes.js";
import type { LayerRule, Weight } from "./layer-rules.js";
import { divisorBelow } from "./normalization.js";
import { input, ones, zeros } from "./weights.js";

/** The block of which U-Nets of diffusion are made. One layer, as its parts have other sizes in each place of a network. */
export const residualBlock: LayerRule = {
  doc: "`residual_block(64, condition = e)` over [height, width, channels]: x + conv2d(silu(group_norm(h))) with h = conv2d(silu(group_norm(x))) + dense(silu(e)) at every position; where the channels change, x goes through a 1 by 1 convolution. The second convolution begins at zero, so the block as the identity (He et al. 2016; Ho et al. 2020).",
  parameters: [
    input,
    { name: "channels", doc: "channels of the output", kind: "size" },
    { name: "condition", doc: "a vector that is told to the block, such as a time embedding", kind: "value", optional: true },
    { name: "groups", doc: "groups of the normalizations; their number divides that of the channels", kind: "size", default: 8 },
    { name: "kernel", doc: "height and width of the kernels", kind: "size", default: 3 },
  ],
  type(call) {
    const [x, condition] = call.args;
    const [out] = call.sizes["channels"] ?? [];
    const { groups = 8, kernel = 3 } = call.numbers;
    if (!x || !out) return undefined;
    const [height, width, channels] = x.type.shape;
    if (x.type.shape.length !== 3 || !height || !width || !channels) return wrongRank(call, x, "[height, width, channels]", "reshape it first: `reshape(28, 28, 1)`");
    const [told] = condition?.type.shape ?? [];
    if (condition && (condition.type.shape.length !== 1 || !told)) return wrongRank(call, condition, "a vector as condition", "make a vector of it: `flatten`, `dense`");
    for (const size of [channels.value, out.value]) {
      if (size % groups === 0) continue;
      call.context.error({ code: "LVM3016", message: `${size} channels make no ${groups} groups of equal size`, span: call.at("groups"), label: `does not divide ${size}`, related: [{ span: x.origin, text: `this has ${channels.value} channels` }], help: `for example \`groups = ${commonDivisor(channels.value, out.value, groups)}\`` });
      return undefined;
    }
    const side = sizeOf(kernel);
    const lecun = (role: string, shape: Weight["shape"], fanIn: number): Weight => ({ role, shape, init: { kind: "lecun_uniform", fanIn }, trainable: true });
    return {
      type: realOf([madeBy(call, height.value), madeBy(call, width.value), madeBy(call, out.value, out.text)]),
      attributes: { channels: out.value, groups, kernel },
      weights: [
        ones("scale_1", channels), zeros("offset_1", channels),
        lecun("kernel_1", [side, side, channels, out], kernel * kernel * channels.value), zeros("bias_1", out),
        ...(told ? [lecun("condition_kernel", [told, out], told.value), zeros("condition_bias", out)] : []),
        ones("scale_2", out), zeros("offset_2", out),
        { role: "kernel_2", shape: [side, side, out, out], init: { kind: "constant", value: 0 }, trainable: true }, zeros("bias_2", out),
        ...(channels.value === out.value ? [] : [lecun("skip_kernel", [sizeOf(1), sizeOf(1), channels, out], channels.value), zeros("skip_bias", out)]),
      ],
    };
  },
};

/** The largest number of groups, at most `most`, that both numbers of channels have. */
function commonDivisor(left: number, right: number, most: number): number {
  for (let each = most; each > 1; each--) if (divisorBelow(left, each) === each && divisorBelow(right, each) === each) return each;
  return 1;
}
