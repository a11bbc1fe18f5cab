import type * as ast from "../../parser/ast.js";
import type { Expr } from "../../ir/model/model.js";
import { exprsWithin } from "../../ir/model/walk.js";
import type { Context } from "../context.js";

/** Whether a reverse step in continuous time is `x[t-dt] ~ guide(x[t-dt] | x[t], …)`: dt is a word for a step as short as one likes. Reports otherwise. */
export function checkContinuousStep(context: Context, draw: ast.SampleStatement, name: string, variable: string): boolean {
  const call = draw.distribution.kind === "call" ? draw.distribution : undefined;
  const condition = call?.args[0]?.value;
  const given = condition?.kind === "condition" ? [condition.value, ...condition.given] : [];
  const wrong = draw.indices.find((index) => !isBefore(index, variable)) ?? given.find((state, at) => !readsState(state, name, (index) => (at === 0 ? isBefore(index, variable) : index.kind === "name" && index.name === variable)));
  if (!wrong) return true;
  context.error({
    code: "LVM4066",
    message: "a chain over 0..1 has no whole steps",
    span: wrong.span,
    label: `\`${variable}\` is any number from 0 to 1`,
    help: `write \`${name}[${variable}-dt] ~ guide(${name}[${variable}-dt] | ${name}[${variable}], …)\`, where dt is a step as short as one likes; a chain of steps runs over \`T..1\``,
  });
  return false;
}

/** `t - dt` */
function isBefore(index: ast.Expression, variable: string): boolean {
  return index.kind === "binary" && index.operator === "-" && index.left.kind === "name" && index.left.name === variable && index.right.kind === "name" && index.right.name === "dt";
}

function readsState(state: ast.Expression, name: string, at: (index: ast.Expression) => boolean): boolean {
  return state.kind === "index" && state.target.kind === "name" && state.target.name === name && state.indices.length === 1 && at(state.indices[0]!);
}

/** Whether what a network is given has a meaning at every real t: the state x[t] and no other, and no elements of arrays. Reports otherwise. */
export function checkContinuousReads(context: Context, name: string, exprs: readonly Expr[]): boolean {
  for (const part of exprs.flatMap((expr) => [...exprsWithin(expr)])) {
    const isState = "target" in part && part.target.kind === "reference" && part.target.to.kind === "site" && part.target.to.name === name;
    if (part.kind === "step" && isState) continue;
    if (part.kind !== "step" && !isState) continue;
    context.error(isState
      ? { code: "LVM4066", message: `a network is given the state at its own time`, span: part.origin, label: "another one", help: `read \`${name}[t]\`` }
      : { code: "LVM4066", message: "an array has no element at every real number", span: part.origin, label: "t is any number from 0 to 1", help: "write an expression of t in its place" });
    return false;
  }
  return true;
}
