import type * as ast from "../../parser/ast.js";
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
