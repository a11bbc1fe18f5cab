import { learntSpread } from "../ir/diffusion/learnt-spread.js";
import type { DiscreteDiffusion } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import type { DerivationStep } from "../ir/objective/objective.js";
import { call, fraction, log, negative, number, product, relation, squared, subscript, sum, superscript, symbol } from "./formulas.js";

/** What a derivation says of the variance of p(x_{t−1} | x_t), and of the divergence that follows. */
export interface VarianceText {
  readonly variance: Formula;
  readonly rule: string;
  /** Behind the step of p: what a network says of it. */
  readonly steps: readonly DerivationStep[];
  /** KL of one step, of the weight w_t and the error of the network. */
  readonly divergence: (weighted: Formula) => Formula;
  readonly divergenceRule: string;
}

export function varianceText({ name, variance, mix, time: { forward } }: DiscreteDiffusion, table: (of: readonly number[], what: string) => string): VarianceText {
  const t = symbol("t");
  const small = squared(symbol("σ̃"));
  const large = squared(subscript(symbol("b"), t));
  if (variance !== "learnt") {
    const isSmall = variance === "small";
    return {
      variance: isSmall ? small : large, rule: `its variance is ${isSmall ? "the posterior's, at t = 1 that" : "that"} of the forward step`, steps: [],
      divergence: (weighted) => weighted, divergenceRule: `two Gaussians${isSmall ? " of one variance" : ", up to a constant of the schedule"}: the difference of their means`,
    };
  }
  const learnt = subscript(symbol("v"), t);
  const share = call("mix", subscript(symbol(name), t), t);
  const ratio = subscript(symbol("r"), t);
  const each = (mix?.type.shape.length ?? 0) > 0 ? "for each element" : "for all elements";
  return {
    variance: learnt, rule: "its variance is learnt",
    steps: [
      { relation: "", formula: relation(log(learnt), "=", sum(product(share, log(large)), product(call("", sum(number(1), negative(share))), log(small)))), rule: `the network says, ${each}, where it lies between that of the posterior and that of the forward step; at t = 1, where σ̃ is 0, that of t = 2 stands for it (Nichol & Dhariwal 2021). ${table(learntSpread(forward).logRatio, "log b²/σ̃²")}` },
      { relation: "", formula: relation(ratio, "=", log(fraction(learnt, small))), rule: "mix · log b²/σ̃²" },
    ],
    divergence: (weighted) => sum(product(fraction(number(1), number(2)), call("", sum(ratio, superscript(symbol("e"), negative(ratio)), number(-1)))), product(superscript(symbol("e"), negative(ratio)), weighted)),
    divergenceRule: "two Gaussians, the second of the learnt variance",
  };
}
