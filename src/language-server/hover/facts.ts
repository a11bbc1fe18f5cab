import { textOf, type Span } from "../../diagnostics/span.js";
import type { ModelProgram } from "../../ir/model/model.js";
import type * as ast from "../../parser/ast.js";
import { printType, type Type } from "../../types/type.js";
import type { Analysis } from "../analysis.js";
import type { Declaration } from "../names.js";

/** The type that the checker found for a declaration; undefined where it has a mistake. */
export function typeOf({ facts }: Analysis, { node }: Declaration): Type | undefined {
  const { hover } = facts.context;
  if ("name" in node && typeof node.name === "object") {
    const found = hover.get(node.name)?.type;
    if (found) return found;
  }
  return "type" in node && node.type ? hover.get(node.type)?.type : undefined;
}

/** `z: real[20]`; the type as it is written, where the checker found none. */
export function typedName(analysis: Analysis, declaration: Declaration): string {
  const type = typeOf(analysis, declaration);
  const { node, name } = declaration;
  const written = type ? printType(type) : "type" in node && node.type ? oneLine(textOf(node.type.span)) : undefined;
  return written === undefined ? name : `${name}: ${written}`;
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** A statement's text, its lines set to the margin of the first. */
export function statementText(span: Span): string {
  const lines = textOf(span).trimEnd().split("\n");
  const margin = Math.min(...lines.slice(1).filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length));
  const shown = lines.slice(0, 12).map((line, at) => (at === 0 ? line : `  ${line.slice(Math.min(margin, line.length))}`));
  return [...shown, ...(lines.length > 12 ? ["  …"] : [])].join("\n");
}

/** The program of the model around a declaration, or of that name; undefined where the model has a mistake. */
export function programOf({ programs }: Analysis, item: ast.Item | undefined): ModelProgram | undefined {
  return item && (item.kind === "model" || item.kind === "guide" || item.kind === "train") ? programs.find(({ name }) => name === item.name.name) : undefined;
}

export const count = (number: number): string => number.toLocaleString("en-US");

/** `a`, `b` and `c` as code. */
export function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}
