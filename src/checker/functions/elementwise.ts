import type { Expr } from "../../ir/model/model.js";
import { binary, real } from "../../types/support.js";
import type { Attributes } from "../../ir/model/model.js";
import type { BoundCall, CallParameter, FunctionRule } from "./function-rule.js";
import * as ranges from "./ranges.js";
import { rangeOf, supportOfRange, type Range } from "./ranges.js";
import { commonShape } from "./shapes.js";

const value = (name: string, doc = "a value"): CallParameter => ({ name, doc, kind: "value" });

/** One argument, the same shape; the support follows from the argument's range. */
export function unary(doc: string, image: (range: Range) => Range, fold?: (value: number) => number, options: readonly CallParameter[] = []): FunctionRule {
  return {
    doc,
    parameters: [value("x"), ...options],
    fold: options.length === 0 ? fold : undefined,
    type(call) {
      const [x] = call.args;
      if (!x) return undefined;
      const attributes: Attributes = Object.fromEntries(options.map((option) => [option.name, call.numbers[option.name] ?? 0]));
      return { type: { support: supportOfRange(image(rangeOf(x))), shape: x.type.shape }, attributes };
    },
  };
}

/** Two arguments of equal shape, or one of them a single number. */
export function pair(doc: string, operator: string, image: (left: Range, right: Range) => Range, fold?: (left: number, right: number) => number): FunctionRule {
  return {
    doc,
    parameters: [value("a"), value("b")],
    fold,
    type(call) {
      const [left, right] = call.args;
      const shape = left && right && commonShape(call.context, left, right, operator);
      return shape && { type: { support: supportOfRange(joined(left, right, image)), shape } };
    },
  };
}

/** `x - x` and `x * x` are not treated specially, but `1 - p` and `p * q` are exact by the ranges. */
function joined(left: Expr, right: Expr, image: (left: Range, right: Range) => Range): Range {
  return image(rangeOf(left), rangeOf(right));
}

export function comparison(doc: string, operator: string, fold: (left: number, right: number) => boolean): FunctionRule {
  return {
    doc,
    parameters: [
      { name: "a", doc: "a value", kind: "label" },
      { name: "b", doc: "a value", kind: "label" },
    ],
    fold: (left, right) => (fold(left, right) ? 1 : 0),
    type(call) {
      const [left, right] = call.args;
      const shape = left && right && commonShape(call.context, left, right, operator);
      return shape && { type: { support: binary, shape } };
    },
  };
}

export const where: FunctionRule = {
  doc: "`where(condition, a, b)`: a where the condition is 1, else b.",
  parameters: [value("condition", "0 or 1"), value("a"), value("b")],
  type(call) {
    const [condition, left, right] = call.args;
    if (!condition || !left || !right) return undefined;
    if (condition.type.support.kind !== "binary") {
      call.context.error({ code: "LVM3005", message: "the condition of `where` must be binary", span: condition.origin, label: `this is ${condition.type.support.kind}`, help: "compare: `x > 0`" });
      return undefined;
    }
    const shape = commonShape(call.context, left, right, "where");
    const whole = shape && commonShape(call.context, { ...left, type: { support: real, shape } }, condition, "where");
    return whole && { type: { support: supportOfRange(ranges.join(rangeOf(left), rangeOf(right))), shape: whole } };
  },
};

export const clip: FunctionRule = {
  doc: "`clip(x, low, high)`: x brought between the two bounds.",
  parameters: [value("x"), { name: "low", doc: "the least value", kind: "number" }, { name: "high", doc: "the greatest value", kind: "number" }],
  type(call) {
    const [x] = call.args;
    const { low = 0, high = 1 } = call.numbers;
    if (!x) return undefined;
    if (low >= high) return emptyClip(call, low, high);
    return { type: { support: supportOfRange(ranges.range(low, high)), shape: x.type.shape }, attributes: { low, high } };
  },
};

function emptyClip(call: BoundCall, low: number, high: number): undefined {
  call.context.error({ code: "LVM3016", message: `\`clip\` from ${low} to ${high} leaves nothing`, span: call.at("low"), label: "not below the upper bound", help: "put the lower bound first" });
  return undefined;
}
