import type { TextEdit } from "vscode-languageserver";
import { hasErrors } from "../../diagnostics/diagnostic.js";
import { lineStarts, positionAt, type SourceFile } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { lex } from "../../parser/lex.js";
import { format, print } from "../../parser/print.js";
import { brackets } from "../../parser/tokens.js";
import { visit } from "../../parser/visit.js";
import type { Feature } from "../feature.js";
import { type LineEdit, lineEdits, spanEdit } from "../line-edits.js";
import { offsetOf, rangeOf } from "../positions.js";
import type { Syntax } from "../analysis.js";

/** The one layout (`lvmc fmt`), as the fewest edits: cursors and folds stay where they are. A broken file is left alone, but for the indentation of what is typed. */
export const formatting: Feature = {
  capabilities: () => ({ documentFormattingProvider: true, documentRangeFormattingProvider: true, documentOnTypeFormattingProvider: { firstTriggerCharacter: "}", moreTriggerCharacter: ["\n"] } }),
  register({ connection, workspace }) {
    connection.onDocumentFormatting(({ textDocument: { uri } }) => {
      const file = workspace.syntax(uri);
      return file ? textEdits(file.source, formattingOf(file) ?? []) : null;
    });
    connection.onDocumentRangeFormatting(({ textDocument: { uri }, range: { start, end } }) => {
      const file = workspace.syntax(uri);
      // A selection of whole lines ends at the beginning of the next.
      return file ? textEdits(file.source, formattingOfLines(file, start.line, end.character === 0 && end.line > start.line ? end.line - 1 : end.line)) : null;
    });
    connection.onDocumentOnTypeFormatting(({ textDocument: { uri }, position, ch }) => {
      const file = workspace.syntax(uri);
      if (!file) return null;
      return textEdits(file.source, ch === "}" ? formattingOfBlock(file, offsetOf(file.source, position)) : formattingOfNewLine(file.source, position.line));
    });
  },
};

function textEdits(source: SourceFile, edits: readonly LineEdit[]): TextEdit[] {
  const starts = lineStarts(source);
  return edits.map((edit) => spanEdit(source, starts, edit)).map(({ span, text }) => ({ range: rangeOf(span), newText: text }));
}

/** What `lvmc fmt` changes, in the document's own line ends; undefined for a file with syntax errors. */
export function formattingOf({ source, module, syntaxErrors }: Syntax): readonly LineEdit[] | undefined {
  return hasErrors(syntaxErrors) ? undefined : editsTo(source, print(module));
}

function editsTo(source: SourceFile, value: string | undefined): readonly LineEdit[] | undefined {
  if (value === undefined) return undefined;
  const after = source.text.includes("\r\n") ? value.replaceAll("\n", "\r\n") : value;
  return lineEdits(source.text.split("\n"), after.split("\n"));
}

/** The edits that touch lines (from 0, both included). */
export function formattingOfLines(file: Syntax, first: number, last: number): readonly LineEdit[] {
  return (formattingOf(file) ?? []).filter(({ from, to }) => (from === to ? first <= from && from <= last + 1 : from <= last && to > first));
}

/** After a `}`: its whole block; in a broken file only the line's indentation. */
export function formattingOfBlock(file: Syntax, offset: number): readonly LineEdit[] {
  const { source, module } = file;
  const last = positionAt(source, offset).line - 1;
  let closed: ast.Node | undefined;
  visit(module, { enter: (node) => void (node.span.end === offset && "body" in node && (closed = node)) });
  const edits = closed ? formattingOf(file) : undefined;
  if (!closed || !edits) return indent(source, last, indentationOf(source, last));
  const first = positionAt(source, closed.span.start).line - 1;
  return edits.filter(({ from, to }) => from >= first && to <= last + 1);
}

/** After a line end: the line before, and how far the new one is indented. The new line itself stays, although it is empty. */
export function formattingOfNewLine(source: SourceFile, line: number): readonly LineEdit[] {
  const lines = source.text.split("\n");
  const written = lines[line];
  if (written === undefined || line === 0) return [];
  if (written.trim() !== "") return indent(source, line, indentationOf(source, line));
  // A comment in its place shows where a statement would stand.
  const marked: SourceFile = { path: source.path, text: lines.map((each, at) => (at === line ? `//${each.endsWith("\r") ? "\r" : ""}` : each)).join("\n") };
  const edits = editsTo(marked, format(marked).value);
  const before = (edits ?? []).filter(({ from, to }) => from === line - 1 && to === line);
  const here = edits && (edits.find(({ from, to }) => from === line && to === line + 1)?.lines[0] ?? (edits.some(({ from, to }) => from <= line && line < to) ? undefined : "//"));
  return [...before, ...indent(source, line, here === undefined ? indentationOf(source, line) : here.indexOf("//"))];
}

function indent(source: SourceFile, line: number, columns: number): readonly LineEdit[] {
  const written = source.text.split("\n")[line] ?? "";
  const mended = " ".repeat(columns) + written.replace(/^[^\S\r]+/, "");
  return mended === written ? [] : [{ from: line, to: line + 1, lines: [mended] }];
}

/** Columns before the first word of a line, from the brackets that are open there: two for each line that opened some. */
export function indentationOf(source: SourceFile, line: number): number {
  const { tokens } = lex(source);
  const start = lineStarts(source)[line] ?? source.text.length;
  const open: { readonly image: string; readonly line: number }[] = [];
  const lineAt = (offset: number): number => positionAt(source, offset).line;
  let first: string | undefined;
  for (const { image, startOffset } of tokens) {
    if (startOffset >= start) {
      if (lineAt(startOffset) === line + 1) first = image;
      break;
    }
    if (opening.has(image)) open.push({ image, line: lineAt(startOffset) });
    else if (closing.has(image)) open.pop();
  }
  if (first !== undefined && closing.has(first)) {
    const opener = open.pop();
    // What was opened in one line is closed by one step.
    while (opener && open.at(-1)?.line === opener.line) open.pop();
  }
  return 2 * (new Set(open.map((each) => each.line)).size + (first === "|>" ? 1 : 0));
}

const opening: ReadonlySet<string> = new Set(brackets.map(([open]) => String(open.PATTERN)));
const closing: ReadonlySet<string> = new Set(brackets.map(([, close]) => String(close.PATTERN)));
