import type { CallParameter, FunctionRule } from "./function-rule.js";
import { madeBy, wrongRank } from "./shapes.js";
import { apart } from "./shape-functions.js";

/** Images as rows of patches, and back: what a transformer sees of them (Dosovitskiy et al. 2021). */

const size: CallParameter = { name: "size", doc: "height and width of a patch", kind: "size" };

export const patchify: FunctionRule = {
  doc: "`patchify(x, 4)`: [height, width, channels] cut into patches of 4 by 4, row by row: [height/4 · width/4, 4·4·channels]. Within a patch the order is that of the image.",
  parameters: [{ name: "x", doc: "a value", kind: "value" }, size],
  type(call) {
    const [x] = call.args;
    const side = call.numbers["size"];
    if (!x || side === undefined) return undefined;
    const [height, width, channels] = x.type.shape;
    if (x.type.shape.length !== 3 || !height || !width || !channels) return wrongRank(call, x, "[height, width, channels]", "reshape it first: `reshape(28, 28, 1)`");
    if (height.value % side !== 0 || width.value % side !== 0) {
      call.context.error({ code: "LVM3016", message: `patches of ${side} do not fill the image`, span: call.at("size"), label: `the image is ${height.value} by ${width.value}`, help: "take a size that divides both" });
      return undefined;
    }
    const shape = [madeBy(call, (height.value / side) * (width.value / side)), madeBy(call, side * side * channels.value)];
    return { type: { support: apart(x.type.support), shape }, attributes: { size: side } };
  },
};

export const unpatchify: FunctionRule = {
  doc: "`unpatchify(x, 4)`: what `patchify` cut, put together: [patches, 4·4·channels] to [height, width, channels]; a square unless `height` is given.",
  parameters: [{ name: "x", doc: "a value", kind: "value" }, size, { name: "height", doc: "the image's height, where it is no square", kind: "size", optional: true }],
  type(call) {
    const [x] = call.args;
    const side = call.numbers["size"];
    if (!x || side === undefined) return undefined;
    const [patches, width] = x.type.shape;
    if (x.type.shape.length !== 2 || !patches || !width) return wrongRank(call, x, "[patches, numbers of a patch]", "reshape it first: `reshape(patches, size · size · channels)`");
    const fail = (message: string, at: string, label: string, help: string): undefined => call.context.error({ code: "LVM3016", message, span: call.at(at), label, help }) as undefined;
    const area = side * side;
    if (width.value % area !== 0) return fail(`a row of ${width.value} numbers is no patch of ${side} by ${side}`, "size", `${side} · ${side} does not divide ${width.value}`, `end with \`dense(${area} * channels)\``);
    const given = call.numbers["height"];
    const tall = given === undefined ? Math.sqrt(patches.value) : given / side;
    if (!Number.isInteger(tall) || patches.value % tall !== 0) {
      return given === undefined
        ? fail(`${patches.value} patches make no square`, "size", "of what height?", `name it: \`unpatchify(${side}, height = …)\``)
        : fail(`${patches.value} patches of ${side} make no image of height ${given}`, "height", `${patches.value} patches in rows of ${side}`, "give the height of the image that `patchify` cut");
    }
    const shape = [madeBy(call, tall * side), madeBy(call, (patches.value / tall) * side), madeBy(call, width.value / area)];
    return { type: { support: apart(x.type.support), shape }, attributes: { size: side } };
  },
};
