import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { real, unit } from "../../types/support.js";
import { tensorArgument, type Arguments, type ParameterSpec } from "../distribution.js";
import { argument } from "./arguments.js";
import { scalarParameter } from "./specs.js";

/** A probability given by `probs` or `logits`, with what stays accurate near 0 and 1. */
export interface Probability {
  readonly p: TensorNode;
  /** 1 − p */
  readonly q: TensorNode;
  /** log p where the condition holds, else 0; the gradient of the other branch is not NaN. */
  logPWhere(condition: TensorNode): TensorNode;
  logQWhere(condition: TensorNode): TensorNode;
  readonly logP: TensorNode;
  readonly logQ: TensorNode;
  readonly logits: TensorNode;
}

export function probability(b: TensorBuilder, args: Arguments): Probability {
  const logits = tensorArgument(args, "logits");
  if (logits) {
    const logP = b.negate(b.softplus(b.negate(logits)));
    const logQ = b.negate(b.softplus(logits));
    return {
      p: b.sigmoid(logits),
      q: b.sigmoid(b.negate(logits)),
      logP,
      logQ,
      logPWhere: (condition) => b.select(condition, logP, 0),
      logQWhere: (condition) => b.select(condition, logQ, 0),
      logits,
    };
  }
  const p = argument(args, "probs");
  return {
    p,
    q: b.subtract(1, p),
    get logP() {
      return b.log(p);
    },
    get logQ() {
      return b.log1p(b.negate(p));
    },
    logPWhere: (condition) => b.log(b.select(condition, p, 1)),
    logQWhere: (condition) => b.log1p(b.negate(b.select(condition, p, 0))),
    get logits() {
      return b.subtract(b.log(p), b.log1p(b.negate(p)));
    },
  };
}

/** The parameters `probs` and `logits` of a success. */
export function probabilityParameters(what: string): ParameterSpec[] {
  return [
    scalarParameter("probs", unit, `probability of ${what}, p`),
    scalarParameter("logits", real, `log odds of ${what}, log p/(1 − p)`),
  ];
}
