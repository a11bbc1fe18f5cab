import type { Initializer } from "../../ir/model/model.js";
import type { Size } from "../../types/type.js";
import type { BoundCall, CallParameter } from "../functions/function-rule.js";
import type { Weight } from "./layer-rules.js";

/** What the rules of layers share: parameters that several have, and weights with their first values. */

export const input: CallParameter = { name: "x", doc: "the input", kind: "value" };
export const biasFlag: CallParameter = { name: "bias", doc: "whether a bias is added", kind: "flag", default: true };
/** `zero`: a block that ends so begins as the identity with its skip connection, or as no change (Ho et al. 2020; Goyal et al. 2017). */
export const initChoice: CallParameter = { name: "init", doc: "how the kernel begins", kind: "choice", choices: ["lecun", "zero"], default: "lecun" };

const constant = (value: number): Initializer => ({ kind: "constant", value });

export const zeros = (role: string, size: Size, trainable = true): Weight => ({ role, shape: [size], init: constant(0), trainable });
export const ones = (role: string, size: Size, trainable = true): Weight => ({ role, shape: [size], init: constant(1), trainable });

/** A kernel as the call's `init` says. */
export function kernel(call: BoundCall, role: string, shape: readonly Size[], fanIn: number): Weight {
  return { role, shape, init: call.words["init"] === "zero" ? constant(0) : { kind: "lecun_uniform", fanIn }, trainable: true };
}
