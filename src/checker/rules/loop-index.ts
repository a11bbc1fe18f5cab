import type * as ast from "../../parser/ast.js";
import { constantFunctions, evaluateConstant } from "../constants.js";
import type { Context } from "../context.js";
import { expressionsWithin } from "./expressions-within.js";

/** How far an index stands from a loop variable: −1 for `t - 1`, 2 for `LAG + t`; undefined where it is no such index. Says nothing. */
export function offsetFrom(context: Context, variable: string, index: ast.Expression): number | undefined {
  switch (index.kind) {
    case "name":
      return index.name === variable ? 0 : undefined;
    case "parenthesized":
      return offsetFrom(context, variable, index.expression);
    case "binary": {
      if (index.operator !== "+" && index.operator !== "-") return undefined;
      const sign = index.operator === "+" ? 1 : -1;
      const left = offsetFrom(context, variable, index.left);
      const added = left === undefined ? undefined : constantIn(context, variable, index.right);
      if (left !== undefined) return added === undefined ? undefined : left + sign * added;
      const right = sign === 1 ? offsetFrom(context, variable, index.right) : undefined;
      const before = right === undefined ? undefined : constantIn(context, variable, index.left);
      return right === undefined || before === undefined ? undefined : right + before;
    }
    default:
      return undefined;
  }
}

/** The value of a constant expression; undefined for any other. Says nothing, as who takes it as a value will. */
export function constantIn(context: Context, variable: string, expression: ast.Expression): number | undefined {
  const silent: Context = { ...context, error: () => undefined, warning: () => undefined, report: () => undefined };
  for (const part of expressionsWithin(expression)) {
    if (part.kind === "name" && (part.name === variable || !context.constants.has(part.name))) return undefined;
    if (part.kind === "call" && !(part.callee.kind === "name" && constantFunctions.includes(part.callee.name))) return undefined;
  }
  return evaluateConstant(silent, expression);
}

/** Whether a chain goes from the larger number to the smaller: `T..1`. */
export function goesDown(context: Context, { range, variable }: ast.LoopStatement): boolean {
  const [from, to] = [range.from, range.to].map((end) => constantIn(context, variable.name, end));
  return from !== undefined && to !== undefined && runsDown(range, from, to);
}

/** Whether the range of a chain goes down. One of a single step goes as it is written: `T..1` down, also where T is 1. */
export function runsDown({ from, to }: ast.LoopStatement["range"], first: number, last: number): boolean {
  return first > last || (first === last && from.kind !== "number" && to.kind === "number");
}
