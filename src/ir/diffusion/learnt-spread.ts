import { type ForwardChain, marginalsOf, posteriorsOf } from "./coefficients.js";

/** Between what a learnt variance lies at each step t ≥ 1: deviation `small` and log(large / small) of the variances, `large` being that of the forward step. Place 0 is of no use. */
export interface LearntSpread {
  readonly small: readonly number[];
  readonly logRatio: readonly number[];
}

/** The small variance is the posterior's; at t = 1, where that is 0, it is that of t = 2 (Nichol & Dhariwal 2021), and that of the only step where there is no other. */
export function learntSpread(forward: ForwardChain): LearntSpread {
  const { deviation } = posteriorsOf(forward, marginalsOf(forward));
  const floor = deviation[2] ?? forward.noise[1]!;
  const small = deviation.map((each, t) => (t === 1 ? floor : each));
  return { small, logRatio: small.map((each, t) => (t === 0 ? 0 : 2 * Math.log(forward.noise[t]! / each))) };
}
