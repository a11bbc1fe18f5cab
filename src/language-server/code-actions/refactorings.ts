import { CodeActionKind } from "vscode-languageserver";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { constantLine, freshName, removal } from "../../diagnostics/fix.js";
import { type Span, textOf } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { children } from "../../parser/visit.js";
import type { Analysis } from "../analysis.js";

export interface Refactoring {
  readonly kind: string;
  readonly fix: Fix;
}

/** What can be written otherwise at a place: a size as a constant, a name as its value. */
export function refactorings(analysis: Analysis, asked: Span): readonly Refactoring[] {
  return [...extractions(analysis, asked).map((fix) => ({ kind: CodeActionKind.RefactorExtract, fix })), ...inlinings(analysis, asked).map((fix) => ({ kind: CodeActionKind.RefactorInline, fix }))];
}

const sized: ReadonlySet<string> = new Set(["dense", "conv2d", "embedding", "zeros", "ones", "reshape", "broadcast", "residual_block"]);

/** A number that stands as a size becomes a constant, wherever the same number stands as a size. */
function extractions({ source, module }: Analysis, asked: Span): readonly Fix[] {
  const sizes = sizesIn(module);
  const here = sizes.find(({ span }) => span.start <= asked.start && asked.end <= span.end);
  if (!here) return [];
  const same = sizes.filter(({ value }) => value === here.value);
  const name = /\bSIZE\b/.test(source.text) ? freshName("SIZE", here.span) : "SIZE";
  const make = (title: string, places: readonly ast.NumberLiteral[]): Fix => ({ title, edits: [constantLine(source, name, here.text), ...places.map(({ span }) => ({ span, text: name }))] });
  const all = same.length > 1 ? [make(`Make \`${here.text}\` a constant in all ${same.length} places where it is a size`, same)] : [];
  return [...all, make(`Make this \`${here.text}\` a constant`, [here])];
}

/** Numbers in types, in brackets behind `zeros` and the like, and as sizes of layers. */
function sizesIn(root: ast.Node): readonly ast.NumberLiteral[] {
  const found: ast.NumberLiteral[] = [];
  const take = (expressions: readonly ast.Expression[]): void => void found.push(...expressions.filter((each) => each.kind === "number"));
  const stack: ast.Node[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.kind === "type") take([...node.args, ...node.sizes]);
    else if (node.kind === "index" && node.target.kind === "name" && sized.has(node.target.name)) take(node.indices);
    else if (node.kind === "call" && node.callee.kind === "name" && sized.has(node.callee.name)) take(node.args.flatMap((arg) => (arg.name ? [] : [arg.value])));
    for (const child of children(node)) stack.push(child);
  }
  return found.sort((a, b) => a.span.start - b.span.start);
}

/** A name that is read once becomes its value. More often would make copies of the layers in it. */
function inlinings({ names, facts }: Analysis, asked: Span): readonly Fix[] {
  const occurrence = names.at(asked.start);
  const statement = occurrence?.declaration.node;
  if (!occurrence || statement?.kind !== "let" || statement.indices.length > 0 || occurrence.declaration.kind !== "binding" || asked.end > occurrence.span.end) return [];
  const places = names.of(occurrence.declaration);
  const [read, ...more] = places.filter(({ role }) => role === "read");
  const outputs = facts.context.hover.get(statement.name)?.type === undefined;
  if (!read || more.length > 0 || outputs || places.some(({ role }) => role === "write") || read.span.start < statement.span.end) return [];
  const { kind } = statement.value;
  const whole = kind === "binary" || kind === "unary" || kind === "pipe";
  const text = textOf(statement.value.span);
  const title = `Write the value of \`${occurrence.declaration.name}\` in its place`;
  return [{ title, edits: [...removal(statement.span, title).edits, { span: read.span, text: whole ? `(${text})` : text }] }];
}
