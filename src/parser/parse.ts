import type { IToken } from "chevrotain";
import type { Checked, Diagnostic } from "../diagnostics/diagnostic.js";
import { sortDiagnostics } from "../diagnostics/sort.js";
import { lineStarts, type SourceFile } from "../diagnostics/span.js";
import type { Comment, Item, Module } from "./ast.js";
import { astBuilder } from "./build-ast.js";
import { Grammar } from "./grammar.js";
import { lex, maxTokens } from "./lex.js";
import { parseSegments } from "./parse-segments.js";
import { syntaxError } from "./syntax-error.js";
import { brackets, endOf } from "./tokens.js";

/** Largest source, in UTF-16 units. */
export const maxCharacters = 1_000_000;
/** Most brackets and blocks inside each other: the grammar recurses on them. */
export const maxNesting = 64;
/** Most messages about one file. */
export const maxDiagnostics = 200;

let strict: Grammar | undefined;

/** Reads a source. Any text yields a tree; a mistake yields one message, and what stands around it is read all the same. */
export function parse(source: SourceFile): Checked<Module> {
  if (source.text.length > maxCharacters) return tooLarge(source, source.text.length, maxCharacters, "characters");
  const { tokens, comments, diagnostics: lexical, tooMany, dropped } = lex(source);
  if (tooMany) return tooLarge(source, source.text.length, maxTokens, "words and signs");
  const tooDeep = nestingDiagnostic(source, tokens);
  if (tooDeep) return { value: emptyModule(source, comments), diagnostics: limit(source, [...lexical, tooDeep]) };

  const docOf = docReader(source, comments);
  strict ??= new Grammar(false);
  const whole = strict.read(strict.module, tokens);
  const found: Diagnostic[] = [];
  const builder = astBuilder(source, (diagnostic) => found.push(diagnostic));
  const items: readonly Item[] = whole.tree && !whole.error
    ? builder.items(whole.tree, docOf)
    : parseSegments({ source, tokens, dropped, builder, docOf, report: (diagnostic) => found.push(diagnostic), most: maxDiagnostics });
  const value: Module = { kind: "module", source, items, comments, span: { source, start: 0, end: source.text.length } };
  return { value, diagnostics: limit(source, [...lexical, ...found]) };
}

function tooLarge(source: SourceFile, characters: number, most: number, of: string): Checked<Module> {
  const diagnostic = syntaxError("LVM1009", "file too large", { source, start: 0, end: 0 }, {
    label: `${characters.toLocaleString("en-US")} characters`,
    notes: [`a model file has at most ${most.toLocaleString("en-US")} ${of}`],
    help: "data is read from data files, not from the model: `lvmc train --data x=FILE`",
  });
  return { value: emptyModule(source, []), diagnostics: [diagnostic] };
}

function emptyModule(source: SourceFile, comments: readonly Comment[]): Module {
  return { kind: "module", source, items: [], comments, span: { source, start: 0, end: source.text.length } };
}

/** Counted before parsing, so that no recursion is deeper than the limit. */
function nestingDiagnostic(source: SourceFile, tokens: readonly IToken[]): Diagnostic | undefined {
  const opening = new Set(brackets.map(([open]) => open));
  const closing = new Set(brackets.map(([, close]) => close));
  let depth = 0;
  for (const token of tokens) {
    if (closing.has(token.tokenType)) depth = Math.max(0, depth - 1);
    else if (opening.has(token.tokenType)) {
      depth += 1;
      if (depth > maxNesting) {
        return syntaxError("LVM1008", "nested too deeply", { source, start: token.startOffset, end: endOf(token) }, {
          label: `bracket number ${depth} inside another`,
          help: "name intermediate values: `a = …`",
        });
      }
    }
  }
  return undefined;
}

function limit(source: SourceFile, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const sorted = sortDiagnostics(diagnostics);
  if (sorted.length <= maxDiagnostics) return sorted;
  const kept = sorted.slice(0, maxDiagnostics);
  const next = sorted[maxDiagnostics];
  const more = syntaxError("LVM1010", `too many mistakes: ${sorted.length - maxDiagnostics} more are not shown`, next?.primary.span ?? { source, start: 0, end: 0 }, {
    label: "the next one",
    help: "is this a model file?",
  });
  return [...kept, more];
}

/** The `///` lines that end on the line above an offset. */
function docReader(source: SourceFile, comments: readonly Comment[]): (at: number) => string {
  const docs = new Map<number, Comment>();
  const starts = lineStarts(source);
  const lineAt = lineFinder(starts);
  for (const comment of comments) if (comment.doc && comment.ownLine) docs.set(lineAt(comment.span.start), comment);
  return (at) => {
    const lines: string[] = [];
    for (let line = lineAt(at) - 1; ; line -= 1) {
      const comment = docs.get(line);
      if (!comment) break;
      lines.push(comment.text.replace(/^ /, ""));
    }
    return lines.reverse().join("\n");
  };
}

function lineFinder(starts: readonly number[]): (offset: number) => number {
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
}

/** The `///` block at the top of a file, which describes the model as a whole. */
export function moduleDoc(module: Module): string {
  const lines: string[] = [];
  let line = -1;
  const lineAt = lineFinder(lineStarts(module.source));
  const first = module.items[0]?.span.start ?? Infinity;
  for (const comment of module.comments) {
    if (!comment.doc || !comment.ownLine || comment.span.start > first) break;
    const here = lineAt(comment.span.start);
    if (line >= 0 && here !== line + 1) break;
    line = here;
    lines.push(comment.text.replace(/^ /, ""));
  }
  return lines.join("\n");
}
