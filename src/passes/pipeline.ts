import type { TensorProgram } from "../ir/tensor/nodes.js";
import { shareCommonSubexpressions } from "./common-subexpressions.js";
import { removeDeadCode } from "./dead-code.js";
import { simplify } from "./simplify.js";
import { splitLoops } from "./split-loops.js";

export type PassName = "simplify" | "split-loops" | "common-subexpressions" | "dead-code";

/**
 * The passes over tensor programs, in order. Simplification first: it makes equal what was written differently. Then what need not run step after step leaves its loop. Then common subexpressions, so
 * that what is left is computed once. Dead code last, for what the others cut off. Fusion, merging and the memory plan follow in `schedule`.
 */
export const passes: readonly { readonly name: PassName; readonly run: (program: TensorProgram) => TensorProgram }[] = [
  { name: "simplify", run: simplify },
  { name: "split-loops", run: splitLoops },
  { name: "common-subexpressions", run: shareCommonSubexpressions },
  { name: "dead-code", run: removeDeadCode },
];

/** Runs the passes but for those in `without`; `after` sees the program after each. */
export function optimize(program: TensorProgram, options: { readonly without?: readonly PassName[]; readonly after?: (name: PassName, program: TensorProgram) => void } = {}): TensorProgram {
  return passes.reduce((current, { name, run }) => {
    if (options.without?.includes(name)) return current;
    const next = run(current);
    options.after?.(name, next);
    return next;
  }, program);
}
