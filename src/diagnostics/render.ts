import type { Diagnostic, Label, Severity } from "./diagnostic.js";
import { lineStarts, positionAt, type Position, type SourceFile, type Span } from "./span.js";

export interface RenderOptions {
  /** Whether to colour with ANSI sequences. */
  readonly color: boolean;
}

/** Widest excerpt of a source line. */
const widest = 120;
/** How much of a trimmed line stands before its first label. */
const lead = 30;
const tabWidth = 4;

type Ink = (text: string) => string;

/** Text of diagnostics for a terminal, as docs/language.md shows them, with an empty line between two. */
export function render(diagnostics: readonly Diagnostic[], options: RenderOptions): string {
  return diagnostics.map((diagnostic) => renderOne(diagnostic, options)).join("\n");
}

const inkOf: Readonly<Record<Severity, string>> = { error: "31", warning: "33", information: "36" };

function renderOne(diagnostic: Diagnostic, { color }: RenderOptions): string {
  const ink = (code: string): Ink => (color ? (text) => (text === "" ? "" : `\u001b[${code}m${text}\u001b[0m`) : (text) => text);
  const strong = ink(`1;${inkOf[diagnostic.severity]}`);
  const bold = ink("1");
  const dim = ink("34");
  const { primary } = diagnostic;
  const file = primary.span.source;
  const here = [primary, ...diagnostic.related.filter((label) => label.span.source.path === file.path)];
  const elsewhere = groupBySource(diagnostic.related.filter((label) => label.span.source.path !== file.path));
  const blocks = [{ source: file, labels: here }, ...elsewhere];
  const lastLine = Math.max(...blocks.flatMap(({ labels }) => labels.flatMap((label) => [startOf(label.span).line, endOf(label.span).line])));
  const gutter = String(lastLine).length;
  const blank = " ".repeat(gutter);

  const lines = [`${strong(`${diagnostic.severity} ${diagnostic.code}`)}${bold(`: ${printable(diagnostic.message)}`)}`];
  for (const { source, labels } of blocks) {
    const first = startOf((labels.find((label) => label === primary) ?? labels[0] ?? primary).span);
    lines.push(`${blank}${dim("┌")} ${printable(source.path)}:${first.line}:${first.column}`);
    lines.push(...excerpt(source, labels, primary, gutter, strong, dim));
  }
  for (const note of diagnostic.notes) lines.push(`${blank} ${dim("=")} ${indented(note, gutter + 3)}`);
  if (diagnostic.help !== undefined) lines.push(`${blank} ${bold("help")}: ${indented(diagnostic.help, gutter + 7)}`);
  return `${lines.join("\n")}\n`;
}

function groupBySource(labels: readonly Label[]): { source: SourceFile; labels: Label[] }[] {
  const groups = new Map<string, { source: SourceFile; labels: Label[] }>();
  for (const label of labels) {
    const group = groups.get(label.span.source.path);
    if (group) group.labels.push(label);
    else groups.set(label.span.source.path, { source: label.span.source, labels: [label] });
  }
  return [...groups.values()];
}

/** Where something is to be drawn under one line. */
interface Mark {
  readonly line: number;
  /** Offsets within the line's text. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly primary: boolean;
}

function excerpt(source: SourceFile, labels: readonly Label[], primary: Label, gutter: number, strong: Ink, dim: Ink): string[] {
  const marks = labels.flatMap((label) => marksOf(label, label === primary)).sort((a, b) => a.line - b.line || a.from - b.from || Number(b.primary) - Number(a.primary));
  const lines: string[] = [];
  let line = 0;
  marks.forEach((mark, index) => {
    const text = lineText(source, mark.line);
    const row = marks.filter((other) => other.line === mark.line);
    const window = windowOf(text, row);
    if (mark.line !== line) {
      line = mark.line;
      lines.push(`${dim(`${String(line).padStart(gutter)} │`)} ${window.shown}`.trimEnd());
    } else if (marks[index - 1]?.from === mark.from && marks[index - 1]?.to === mark.to && marks[index - 1]?.text === mark.text) return;
    const start = window.column(mark.from);
    const width = Math.max(1, window.column(mark.to) - start);
    const under = mark.primary ? strong("^".repeat(width)) : dim("─".repeat(width));
    const words = mark.text === "" ? "" : ` ${printable(mark.text)}`;
    lines.push(`${" ".repeat(gutter)} ${dim("│")} ${" ".repeat(start)}${under}${mark.primary ? strong(words) : dim(words)}`);
  });
  return lines;
}

/** One mark for a span on one line; a longer span is marked to the end of its first line and on its last one, which has the words. */
function marksOf(label: Label, primary: boolean): Mark[] {
  const { source } = label.span;
  const start = startOf(label.span);
  const end = endOf(label.span);
  if (start.line === end.line) return [{ line: start.line, from: start.column - 1, to: end.column - 1, text: label.text, primary }];
  const firstText = lineText(source, start.line);
  const lastText = lineText(source, end.line);
  const indent = lastText.length - lastText.trimStart().length;
  return [
    { line: start.line, from: start.column - 1, to: Math.max(start.column, firstText.trimEnd().length), text: "from here …", primary },
    { line: end.line, from: Math.min(indent, end.column - 2), to: end.column - 1, text: `… to here: ${label.text}`, primary },
  ];
}

function clamp(source: SourceFile, offset: number): number {
  return Math.max(0, Math.min(source.text.length, Number.isFinite(offset) ? offset : 0));
}

function startOf(span: Span): Position {
  return positionAt(span.source, clamp(span.source, span.start));
}

/** The end; a span that ends right after a line feed ends on the line before. */
function endOf(span: Span): Position {
  const start = clamp(span.source, span.start);
  let end = Math.max(start, clamp(span.source, span.end));
  while (end > start && (span.source.text[end - 1] === "\n" || span.source.text[end - 1] === "\r")) end -= 1;
  return positionAt(span.source, end);
}

function lineText(source: SourceFile, line: number): string {
  const starts = lineStarts(source);
  const text = source.text.slice(starts[line - 1] ?? source.text.length, starts[line] ?? source.text.length);
  return text.replace(/\r?\n$/, "").replace(/\r$/, "");
}

/** The part of a line that is shown, and where an offset of the line stands in it. */
function windowOf(text: string, marks: readonly Mark[]): { readonly shown: string; readonly column: (offset: number) => number } {
  let begin = 0;
  let end = text.length;
  if (text.length > widest) {
    const first = Math.min(text.length, Math.min(...marks.map((mark) => mark.from)));
    begin = first + lead < widest ? 0 : first - lead;
    end = Math.min(text.length, begin + widest);
  }
  if (isLowSurrogate(text, begin)) begin -= 1;
  if (isLowSurrogate(text, end)) end -= 1;
  const before = begin > 0 ? "…" : "";
  const columns: number[] = [];
  let shown = before;
  let width = before.length;
  for (let at = begin; at < end; ) {
    const letter = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const drawn = letter === "\t" ? " ".repeat(tabWidth) : printable(letter);
    for (let unit = 0; unit < letter.length; unit += 1) columns.push(width);
    shown += drawn;
    width += widthOf(drawn);
    at += letter.length;
  }
  const after = end < text.length ? "…" : "";
  return {
    shown: shown + after,
    column: (offset) => (offset <= begin ? before.length : offset - begin < columns.length ? (columns[offset - begin] ?? width) : Math.min(width + Math.max(0, offset - end), width + 1)),
  };
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  const before = text.charCodeAt(at - 1);
  return code >= 0xdc00 && code <= 0xdfff && before >= 0xd800 && before <= 0xdbff;
}

/** Columns a terminal gives to printable text: none to combining marks, two to wide East Asian letters and pictures. */
function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) {
    if (/\p{M}/u.test(letter)) continue;
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(letter) ? 2 : 1;
  }
  return width;
}

/** Text whose control, invisible and direction characters are written out, so that a file cannot speak to the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (letter) => {
    const code = letter.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** A note of several lines, with the later ones under the first. */
function indented(text: string, width: number): string {
  return text.split("\n").map(printable).join(`\n${" ".repeat(width)}`);
}
