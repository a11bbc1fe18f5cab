import type { Expr } from "../../ir/model/model.js";
import { partsOf, steppedReference } from "../../ir/model/walk.js";
import type { Context } from "../context.js";

/** Whether networks are given no state of the chain but that of their own time, `x[t]`: others are not known there. Reports otherwise. */
export function checkStateReads(context: Context, name: string, variable: string, exprs: readonly Expr[]): boolean {
  const other = exprs.map((expr) => otherState(name, expr)).find((found) => found !== undefined);
  if (!other) return true;
  context.error({ code: "LVM4060", message: "a step backwards knows no state but its own", span: other.origin, label: "another one", help: `read \`${name}[${variable}]\`: the datum and the states before it are what the network is asked for` });
  return false;
}

function otherState(name: string, expr: Expr): Expr | undefined {
  const read = steppedReference(expr);
  // States count from 0, as an array's elements do from 1: `x[t]` is its element t + 1.
  if (read?.reference.to.kind === "site" && read.reference.to.name === name) return read.steps.length === 1 && read.steps[0]!.offset === 1 ? undefined : expr;
  for (const part of partsOf(expr)) {
    const found = otherState(name, part);
    if (found) return found === part && (expr.kind === "position" || expr.kind === "slice") ? expr : found;
  }
  return undefined;
}
