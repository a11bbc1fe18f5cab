import { describe, expect, it } from "vitest";
import { printType } from "../../src/types/type.js";
import { brief, elaborateText, typeOf } from "./expressions-support.js";

const columns = "i: real[28, 28, 4], p: real[5, 8], v: real[8], w: real[4], a: real, k: index(9), u: unit[8], q: positive[5, 8], r: real[6, 12, 1]";

describe("functions of diffusion networks", () => {
  it.each([
    ["time_embedding(a, 8)", "interval(-1, 1)[8]"],
    ["time_embedding(k, 8)", "interval(-1, 1)[8]"],
    ["time_embedding(v, 6)", "interval(-1, 1)[8, 6]"],
    ["time_embedding(a, 7)", "LVM3016"],
    ["time_embedding(a, 2)", "LVM3016"],
    ["time_embedding(a, 8, period = 0.5)", "LVM3016"],
    ["i |> patchify(4)", "real[49, 64]"],
    ["i |> patchify(4) |> unpatchify(4)", "real[28, 28, 4]"],
    ["i |> patchify(5)", "LVM3016"],
    ["p |> patchify(2)", "LVM3024"],
    ["r |> patchify(3) |> unpatchify(3, height = 6)", "real[6, 12, 1]"],
    ["r |> patchify(3) |> unpatchify(3)", "LVM3016"],
    ["r |> patchify(3) |> unpatchify(3, height = 9)", "LVM3016"],
    ["p |> unpatchify(3)", "LVM3016"],
    ["i |> unpatchify(3)", "LVM3024"],
    ["add_channels(p, v)", "real[5, 8]"],
    ["i |> add_channels(w)", "real[28, 28, 4]"],
    ["add_channels(q, exp(v))", "positive[5, 8]"],
    ["scale_channels(q, u)", "nonnegative[5, 8]"],
    ["modulate(q, u, u)", "positive[5, 8]"],
    ["add_channels(p, w)", "LVM3004"],
    ["add_channels(p, a)", "LVM3024"],
    ["add_channels(a, v)", "LVM3024"],
    ["modulate(p, v)", "LVM3007"],
    ["downsample(i, 2)", "real[14, 14, 4]"],
  ])("%s: %s", (expression, type) => {
    expect(typeOf(columns, expression)).toBe(type);
  });
});

/** Weights of `x |> layer`, with their first values where they are no kernels; or the messages. */
function weightsOf(type: string, layer: string): readonly string[] {
  const { context, messages } = elaborateText(`network f(x: ${type}, e: real[5]) -> (y: real) {\n  y = sum(x |> ${layer}) + sum(e)\n}\n`);
  if (messages.length > 0) return brief(messages);
  return [...context.parameters.values()].map(({ name, type: of, init }) => `${name.replace(/^f\.\w+\./, "")} ${printType(of)} ${init.kind === "constant" ? init.value : init.kind}`);
}

describe("layers of diffusion networks", () => {
  it.each([
    ["real[6]", "dense(2, init = zero)", ["kernel real[6, 2] 0", "bias real[2] 0"]],
    ["real[4, 4, 2]", "conv2d(3, kernel = 3, init = zero, bias = false)", ["kernel real[3, 3, 2, 3] 0"]],
    ["real[4, 4, 2]", "conv_transpose2d(3, kernel = 2, bias = false)", ["kernel real[2, 2, 3, 2] lecun_uniform"]],
    ["real[6]", "dense(2, init = one)", ["LVM3016 2 one: none of these"]],
    ["real[6]", "layer_norm(affine = false)", []],
    ["real[4, 6]", "group_norm(3)", ["scale real[6] 1", "offset real[6] 0"]],
    ["real[4, 6]", "group_norm(3, affine = false)", []],
    ["real[4, 6]", "group_norm(4)", ["LVM3016 2 4: does not divide 6"]],
    ["real", "group_norm(1)", ["LVM3024 2 x: this is a single number"]],
    ["real[5, 8]", "self_attention(heads = 4, init = zero)", ["queries real[8, 8] lecun_uniform", "queries_bias real[8] 0", "keys real[8, 8] lecun_uniform", "keys_bias real[8] 0", "values real[8, 8] lecun_uniform", "values_bias real[8] 0", "output real[8, 8] 0", "output_bias real[8] 0"]],
    ["real[2, 2, 8]", "self_attention(heads = 3)", ["LVM3016 2 3: does not divide 8"]],
    ["real[8]", "self_attention", ["LVM3024 2 x: this has one axis: [8]"]],
    ["real[5, 8]", "position_embedding", ["table real[5, 8] normal"]],
    ["real[8]", "position_embedding", ["LVM3024 2 x: this has one axis: [8]"]],
    ["real[4, 4, 2]", "residual_block(2, groups = 1)", ["scale_1 real[2] 1", "offset_1 real[2] 0", "kernel_1 real[3, 3, 2, 2] lecun_uniform", "bias_1 real[2] 0", "scale_2 real[2] 1", "offset_2 real[2] 0", "kernel_2 real[3, 3, 2, 2] 0", "bias_2 real[2] 0"]],
    ["real[4, 4, 2]", "residual_block(4, e, groups = 2, kernel = 1)", ["scale_1 real[2] 1", "offset_1 real[2] 0", "kernel_1 real[1, 1, 2, 4] lecun_uniform", "bias_1 real[4] 0", "condition_kernel real[5, 4] lecun_uniform", "condition_bias real[4] 0", "scale_2 real[4] 1", "offset_2 real[4] 0", "kernel_2 real[1, 1, 4, 4] 0", "bias_2 real[4] 0", "skip_kernel real[1, 1, 2, 4] lecun_uniform", "skip_bias real[4] 0"]],
    ["real[4, 4, 2]", "residual_block(8)", ["LVM3016 2 x |> residual_block(8): does not divide 2"]],
    ["real[4, 4, 2]", "residual_block(4, condition = x, groups = 1)", ["LVM3024 2 x: this has 3 axes: [4, 4, 2]"]],
    ["real[5, 8]", "residual_block(8)", ["LVM3024 2 x: this has 2 axes: [5, 8]"]],
  ])("%s |> %s", (type, layer, weights) => {
    expect(weightsOf(type, layer)).toEqual(weights);
  });

  it("`repeat` gives every copy what follows the number", () => {
    const block = "network block(x: real[8], c: real[3]) -> (y: real[8]) {\n  y = x + dense(concat(x, c), 8)\n}\n";
    const repeated = (call: string): ReturnType<typeof elaborateText> => elaborateText(`${block}network f(x: real[8], c: real[3]) -> (y: real[8]) {\n  y = x |> ${call}\n}\n`);
    const { context, messages } = repeated("repeat(block, 2, c)");
    expect(messages).toEqual([]);
    expect([...context.networks.keys()]).toEqual(["block", "block_1", "block_2", "f"]);
    const call = context.networks.get("f")?.network?.outputs[0]?.value;
    const [before, condition] = call?.kind === "call" ? call.args : [];
    expect([before?.kind, condition]).toMatchObject(["call", { kind: "reference", to: { name: "c" } }]);
    expect(brief(repeated("repeat(block, 2)").messages)[0]).toBe("LVM3007 5 x |> repeat(block, 2): 1 given");
    expect(brief(repeated("repeat(block, 2, x)").messages)).toEqual(["LVM3004 5 x: this has 8"]);
  });
});
