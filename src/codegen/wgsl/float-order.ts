import type { KernelCompare } from "../../ir/kernel/nodes.js";
import { bitsOf } from "./literals.js";

/**
 * Floats compared with a constant by their bits. WGSL may assume that there is no NaN, and compilers turn `!(x < c)` into `x >= c`; whether bits lie in a
 * range is the same question for every float, and costs a subtraction and a comparison.
 */
export interface BitRange {
  readonly low: number;
  /** How far it goes beyond `low`. */
  readonly span: number;
}

const sign = 0x80000000;
const infinity = 0x7f800000;

const range = (low: number, high: number): BitRange[] => (low > high ? [] : [{ low, span: high - low }]);
const positives = (low: number, high = infinity): BitRange[] => range(low, high);
/** By their magnitudes. */
const negatives = (low: number, high = infinity): BitRange[] => range(sign + low, sign + high);

/** The bits of all x for which `x op value` holds, in at most two ranges; `value` is no NaN, and `op` is not `not_equal`. */
export function bitRanges(op: Exclude<KernelCompare, "not_equal">, value: number): BitRange[] {
  const size = bitsOf(Math.abs(value));
  const beyond = (own: typeof positives, other: typeof positives, inward: boolean, included: 0 | 1): BitRange[] =>
    // `own`: the side to which the comparison points. Where the constant is on the other side, all of it and a piece of that one.
    inward ? [...own(0), ...other(0, size - 1 + included)] : [...own(size + 1 - included), ...(size === 0 && included === 1 ? other(0, 0) : [])];
  switch (op) {
    case "equal":
      return size === 0 ? [...positives(0, 0), ...negatives(0, 0)] : value > 0 ? positives(size, size) : negatives(size, size);
    case "greater":
      return beyond(positives, negatives, value < 0, 0);
    case "greater_equal":
      return beyond(positives, negatives, value < 0, 1);
    case "less":
      return beyond(negatives, positives, value > 0, 0);
    case "less_equal":
      return beyond(negatives, positives, value > 0, 1);
  }
}

/** The bits of all x for which `min(x, value)` or `max(x, value)` is `value` and not x: −0 is less than +0. */
export function replacedRanges(op: "min" | "max", value: number): BitRange[] {
  const negativeZero = Object.is(value, -0);
  if (value === 0) return op === "max" ? negatives(negativeZero ? 1 : 0) : positives(negativeZero ? 0 : 1);
  return bitRanges(op === "max" ? "less" : "greater", value);
}
