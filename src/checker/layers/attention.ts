import { choice, replacement } from "../../diagnostics/fix.js";
import type { Size } from "../../types/type.js";
import { realOf, wrongRank } from "../functions/shapes.js";
import type { LayerRule, Weight } from "./layer-rules.js";
import { divisorBelow } from "./normalization.js";
import { initChoice, input, kernel, zeros } from "./weights.js";

/** Layers that let positions see each other, and know where they are. */

export const selfAttention: LayerRule = {
  doc: "`self_attention(heads = 4)`: over the positions of [positions, channels], or of [height, width, channels] row by row. Each head has channels / heads of the channels of `queries`, `keys` and `values` (products with weights and bias) and gives softmax(queries·keysᵀ / √(channels / heads))·values; a product with `output` follows, which `init = zero` lets begin at zero (Vaswani et al. 2017).",
  parameters: [input, { name: "heads", doc: "how many heads; their number divides that of the channels", kind: "size", default: 1 }, { ...initChoice, doc: "how the output's product begins" }],
  type(call) {
    const [x] = call.args;
    const { heads = 1 } = call.numbers;
    if (!x) return undefined;
    const rank = x.type.shape.length;
    const channels = x.type.shape[rank - 1];
    if ((rank !== 2 && rank !== 3) || !channels) return wrongRank(call, x, "[positions, channels] or [height, width, channels]", "reshape it first: `reshape(positions, channels)`");
    if (channels.value % heads !== 0) {
      call.context.error({ code: "LVM3016", message: `${channels.value} channels cannot be shared by ${heads} heads`, span: call.at("heads"), label: `does not divide ${channels.value}`, related: [{ span: x.origin, text: `this has ${channels.value} channels` }], help: `for example \`self_attention(heads = ${divisorBelow(channels.value, heads)})\``, fixes: [choice(replacement(call.at("heads"), String(divisorBelow(channels.value, heads))))] });
      return undefined;
    }
    const square: readonly Size[] = [channels, channels];
    const projection = (role: string): readonly Weight[] => [{ role, shape: square, init: { kind: "lecun_uniform", fanIn: channels.value }, trainable: true }, zeros(`${role}_bias`, channels)];
    return {
      type: realOf(x.type.shape),
      attributes: { heads },
      weights: [...projection("queries"), ...projection("keys"), ...projection("values"), kernel(call, "output", square, channels.value), zeros("output_bias", channels)],
    };
  },
};

export const positionEmbedding: LayerRule = {
  doc: "`position_embedding`: adds a learnt number to each entry of [positions, channels], so that positions differ; it begins normal with deviation 0.02 (Vaswani et al. 2017; Dosovitskiy et al. 2021).",
  parameters: [input],
  type(call) {
    const [x] = call.args;
    if (!x) return undefined;
    if (x.type.shape.length < 2) return wrongRank(call, x, "[positions, channels]", "a vector has one position: a layer's bias does the same");
    return { type: realOf(x.type.shape), attributes: {}, weights: [{ role: "table", shape: x.type.shape, init: { kind: "normal", mean: 0, scale: 0.02 }, trainable: true }] };
  },
};
