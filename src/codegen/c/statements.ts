import type { Statement } from "../../ir/kernel/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { renderExpression, renderIndex, renderPlace, renderType, unwrapped } from "./expressions.js";
import { renderName } from "./names.js";

type Rules<K extends Statement["kind"]> = (statement: Extract<Statement, { readonly kind: K }>, indent: string) => readonly string[];

function simtOnly(): never {
  throw new InternalError("C has no groups with memory of their own");
}

const statementRules: { readonly [K in Statement["kind"]]: Rules<K> } = {
  let: ({ name, value }, indent) => [`${indent}const ${renderType(value)} ${renderName(name)} = ${unwrapped(renderExpression(value))};`],
  var: ({ name, value }, indent) => [`${indent}${renderType(value)} ${renderName(name)} = ${unwrapped(renderExpression(value))};`],
  set: ({ name, value }, indent) => [`${indent}${renderName(name)} = ${unwrapped(renderExpression(value))};`],
  for: ({ name, from, to, step, body }, indent) => {
    const i = renderName(name);
    const increment = step === 1 ? `${i}++` : `${i} += ${step}`;
    return [`${indent}for (int ${i} = ${unwrapped(renderIndex(from))}; ${i} < ${renderIndex(to)}; ${increment}) {`, ...renderStatements(body, `${indent}  `), `${indent}}`];
  },
  if: ({ condition, then, otherwise }, indent) => [
    `${indent}if (${unwrapped(renderExpression(condition))}) {`,
    ...renderStatements(then, `${indent}  `),
    ...(otherwise.length === 0 ? [] : [`${indent}} else {`, ...renderStatements(otherwise, `${indent}  `)]),
    `${indent}}`,
  ],
  store: ({ index, value }, indent) => {
    const text = renderExpression(value);
    // Bools are stored as 0 and 1; a mask's lanes are 0 and −1.
    return [`${indent}${renderPlace(value, index)} = ${value.type === "bool" && value.width === "vector" ? `-${text}` : unwrapped(text)};`];
  },
  "store-shared": simtOnly,
  barrier: simtOnly,
};

/** A line, or a few, for each statement. */
export function renderStatements(statements: readonly Statement[], indent: string): string[] {
  return statements.flatMap((statement) => (statementRules[statement.kind] as Rules<typeof statement.kind>)(statement as never, indent));
}
