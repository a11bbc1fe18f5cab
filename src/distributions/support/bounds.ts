import { nonnegative, positive, real, unit, type Support } from "../../types/support.js";
import type { ArgumentFacts } from "../distribution.js";

/** Support of a draw between `low` and `high`: an interval where both are constants, else what the known one promises. */
export function boundedSupport({ constants }: ArgumentFacts): Support {
  const { low, high } = constants;
  if (low !== undefined && high !== undefined) return low === 0 && high === 1 ? unit : { kind: "interval", low, high };
  if (low !== undefined && low >= 0) return low > 0 ? positive : nonnegative;
  return real;
}
