import type { TensorNode } from "../../ir/tensor/nodes.js";

/** What a value without the user's name is called. */
export function hintOf(node: TensorNode): string {
  const { op } = node;
  switch (op.kind) {
    case "unary":
    case "binary":
    case "compare":
      return elementwiseHints[op.function] ?? op.function.split("_").map((word, at) => (at === 0 ? word : (word[0]?.toUpperCase() ?? "") + word.slice(1))).join("");
    case "random":
    case "random-log-gamma":
      return "noise";
    case "reduce":
      return op.function === "sum" ? "total" : op.function;
    case "dot":
      return "product";
    case "select":
      return "chosen";
    case "log-softmax":
      return "logits";
    case "loop":
      return op.carried > 0 ? "state" : "steps";
    case "loop-result": {
      const loop = node.inputs[0]?.op;
      return loop?.kind === "loop" && op.result < loop.carried ? "state" : "steps";
    }
    case "softmax":
      return "probabilities";
    default:
      return op.kind.replace(/2d|-/g, "_").split("_")[0] || "value";
  }
}

const elementwiseHints: Readonly<Record<string, string>> = {
  add: "sum", subtract: "difference", multiply: "scaled", divide: "ratio", negate: "negative", reciprocal: "inverse", log: "logarithm", exp: "exponential",
  less: "below", less_equal: "below", greater: "above", greater_equal: "above", equal: "matches", not_equal: "differs",
};

