import type { KernelExpr, Statement } from "../../ir/kernel/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { renderExpression, renderIndex, renderPlace, renderType, unwrapped } from "./expressions.js";
import { renderName } from "./names.js";
import { type For, type Prefetch, prefetchOf, shortTurns, type Updates, updatesOfBand } from "./prefetch.js";

type Rules<K extends Statement["kind"]> = (statement: Extract<Statement, { readonly kind: K }>, indent: string) => readonly string[];

function simtOnly(): never {
  throw new InternalError("C has no groups with memory of their own");
}

const statementRules: { readonly [K in Statement["kind"]]: Rules<K> } = {
  let: ({ name, value }, indent) => [`${indent}const ${renderType(value)} ${renderName(name)} = ${unwrapped(renderExpression(value))};`],
  var: ({ name, value }, indent) => [`${indent}${renderType(value)} ${renderName(name)} = ${unwrapped(renderExpression(value))};`],
  set: ({ name, value }, indent) => [`${indent}${renderName(name)} = ${unwrapped(renderExpression(value))};`],
  for: (loop, indent) => renderStatements([loop], indent),
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
  "load-four": simtOnly,
  "store-four": simtOnly,
  barrier: simtOnly,
};

/** A line, or a few, for each statement. `band`: what an epilogue further out will update, for the products among them. */
export function renderStatements(statements: readonly Statement[], indent: string, band?: Updates): string[] {
  return statements.flatMap((statement, at) => {
    if (statement.kind !== "for") return (statementRules[statement.kind] as Rules<typeof statement.kind>)(statement as never, indent);
    const after = statements.slice(at + 1);
    const prefetch = prefetchOf(statement, after, band);
    if (prefetch) return renderProduct(statement, prefetch, indent);
    const turns = shortTurns(statement);
    return [
      ...(turns === undefined ? [] : [`${indent}#pragma GCC unroll ${turns}`]),
      ...renderLoop(statement, indent, (inner) => renderStatements(statement.body, inner, updatesOfBand(statement, after))),
    ];
  });
}

function renderLoop({ name, from, to, step }: For, indent: string, body: (indent: string) => readonly string[]): string[] {
  const i = renderName(name);
  const increment = step === 1 ? `${i}++` : `${i} += ${step}`;
  return [`${indent}for (int ${i} = ${unwrapped(renderIndex(from))}; ${i} < ${renderIndex(to)}; ${increment}) {`, ...body(`${indent}  `), `${indent}}`];
}

/** The same turns in the same order, in as many parts as there are of the epilogue: each begins with hints of what that part will need. */
function renderProduct(loop: For, { ahead, updates }: Prefetch, indent: string): string[] {
  const turns = (each: For, inner: string): string[] =>
    renderLoop(each, inner, (own) => each.body.flatMap((statement) => {
      const words = statement.kind === "let" ? ahead.get(statement.name) : undefined;
      return [...renderStatements([statement], own), ...(words === undefined || statement.kind !== "let" ? [] : [`${own}READ_SOON(${renderName(statement.name)} + ${words});`])];
    }));
  if (!updates || loop.from.kind !== "constant" || loop.to.kind !== "constant") return turns(loop, indent);
  const [first, count] = [loop.from.value, loop.to.value - loop.from.value];
  const part: KernelExpr = { kind: "name", name: updates.name, ...scalar };
  const edge = (at: KernelExpr): KernelExpr => binary("add", binary("divide", binary("multiply", at, integer(count)), integer(updates.turns)), integer(first));
  return renderLoop({ ...loop, name: updates.name, from: integer(0), to: integer(updates.turns) }, indent, (inner) => [
    ...renderHints(updates, part, inner),
    ...turns({ ...loop, from: edge(part), to: edge(binary("add", part, integer(1))) }, inner),
  ]);
}

function renderHints({ lets, indices, turns, band }: Updates, part: KernelExpr, indent: string): string[] {
  if (!band) return [...renderStatements(lets, indent), ...indices.map((index) => `${indent}UPDATE_SOON(${renderIndex(index)});`)];
  const share = Math.ceil(band.words / turns);
  const from = binary("add", binary("multiply", { kind: "name", name: band.panel, ...scalar }, integer(band.words)), binary("multiply", part, integer(share)));
  return [
    `${indent}{`,
    ...band.zero.map((name) => `${indent}  const int ${renderName(name)} = 0;`),
    ...renderStatements(lets, `${indent}  `),
    ...indices.flatMap((index) => Array.from({ length: Math.ceil(share / lineWords) }, (_, line) => `${indent}  UPDATE_SOON(${renderIndex(binary("add", binary("add", index, from), integer(line * lineWords)))});`)),
    `${indent}}`,
  ];
}

/** Of the cache. */
const lineWords = 16;
const scalar = { type: "i32", width: "scalar" } as const;
const integer = (value: number): KernelExpr => ({ kind: "constant", value, ...scalar });
const binary = (op: "add" | "multiply" | "divide", left: KernelExpr, right: KernelExpr): KernelExpr => ({ kind: "binary", op, left, right, ...scalar });
