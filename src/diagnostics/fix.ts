import type { Fix } from "./diagnostic.js";
import { textOf, type SourceFile, type Span } from "./span.js";
import { suggest } from "./suggest.js";

/** Writes something else in a place. */
export function replacement(span: Span, text: string, title = `Change to \`${text}\``): Fix {
  return { title, edits: [{ span, text }] };
}

export function insertion(at: Span, text: string, title: string): Fix {
  return { title, edits: [{ span: { ...at, start: at.end }, text }] };
}

/** A fix that an editor offers and nobody takes unasked: it loses what was written, or is one of several meanings. */
export function choice(fix: Fix): Fix {
  return { ...fix, choice: true };
}

/** `real` of `real?`, at the end of a type or of a column's head. */
export function withoutQuestionMark(type: Span): Fix {
  const mark = type.start + textOf(type).lastIndexOf("?");
  return { title: "Remove `?`", edits: mark < type.start ? [] : [{ span: { ...type, start: mark, end: mark + 1 }, text: "" }] };
}

/** The known name that was probably meant; undefined when none is near. */
export function correction(span: Span, name: string, known: Iterable<string>): readonly Fix[] | undefined {
  const near = suggest(name, known);
  return near === undefined ? undefined : [replacement(span, near)];
}

/** Takes a statement or an item out, with its lines where nothing else stands on them. */
export function removal(span: Span, title: string): Fix {
  return { title, edits: [{ span: linesOf(span), text: "" }] };
}

/** Takes an element out of a list with commas; parentheses that would be left empty go with it. */
export function removalFromList(span: Span, title: string): Fix {
  const { text } = span.source;
  const after = /^\s*,\s*/.exec(text.slice(span.end));
  if (after) return { title, edits: [{ span: { ...span, end: span.end + after[0].length }, text: "" }] };
  const before = /\s*,\s*$/.exec(text.slice(0, span.start));
  if (before) return { title, edits: [{ span: { ...span, start: span.start - before[0].length }, text: "" }] };
  const open = /\(\s*$/.exec(text.slice(0, span.start));
  const close = /^\s*\)/.exec(text.slice(span.end));
  return { title, edits: [{ span: open && close ? { ...span, start: span.start - open[0].length, end: span.end + close[0].length } : span, text: "" }] };
}

/** Takes the lines of a statement to a place above (or below) another's. Both must have lines of their own; undefined otherwise. */
export function move(moved: Span, other: Span, title: string, side: "above" | "below" = "above"): Fix | undefined {
  const [from, to] = [linesOf(moved), linesOf(other)];
  if (moved.source !== other.source || !wholeLines(from) || !wholeLines(to) || (from.start < to.end && to.start < from.end)) return undefined;
  const indent = indentOf(other);
  const block = textOf(from).replace(/\n?$/, "\n");
  const own = indentOf(moved);
  const shifted = block.replace(/^[^\n]+/gm, (line) => (line.startsWith(own) ? indent + line.slice(own.length) : line));
  return { title, edits: [{ span: side === "above" ? { ...to, end: to.start } : { ...to, start: to.end }, text: shifted }, { span: from, text: "" }] };
}

/** Lines above a statement, with its indentation. */
export function lineAbove(span: Span, line: string): Fix["edits"][number] {
  const { start } = linesOf(span);
  return wholeLines(linesOf(span)) ? { span: { ...span, start, end: start }, text: `${indentOf(span)}${line}\n` } : { span: { ...span, end: span.start }, text: `${line}\n${indentOf(span)}` };
}

/** A name like this one that does not stand in the text yet: `h_2`. */
export function freshName(name: string, { source }: Span): string {
  const stem = name.replace(/_\d+$/, "");
  for (let number = 2; ; number++) {
    const fresh = `${stem}_${number}`;
    if (!new RegExp(`\\b${fresh}\\b`).test(source.text)) return fresh;
  }
}

/** `const K = 10` above the file's other constants, or below its imports, or above its first item. */
export function constantLine(source: SourceFile, name: string, value: string): Fix["edits"][number] {
  const { text } = source;
  const item = /^const\b/m.exec(text);
  const last = [...text.matchAll(/^import\b[^"\n]*(?:\n[^"\n]*)*"[^"\n]*"[^\n]*\n?/gm)].at(-1);
  const line = `const ${name} = ${value}\n`;
  const at = (place: number, written: string): Fix["edits"][number] => ({ span: { source, start: place, end: place }, text: written });
  if (item) return at(item.index, line);
  if (last) return at(last.index + last[0].length, `${last[0].endsWith("\n") ? "" : "\n"}\n${line}`);
  // Above the comment of the first item, which stands right over it.
  const first = /^(?:\/\/\/[^\n]*\n)*(?:param|network|model|guide|train)\b/m.exec(text);
  return at(first?.index ?? 0, `${line}\n`);
}

/** The spaces in front of a span's line. */
function indentOf({ source, start }: Span): string {
  return /^[ \t]*/.exec(source.text.slice(source.text.lastIndexOf("\n", start - 1) + 1))![0];
}

/** The span with its whole lines where nothing else stands on them, a comment behind included; otherwise with the spaces in front of it. */
function linesOf(span: Span): Span {
  const { text } = span.source;
  const lineStart = text.lastIndexOf("\n", span.start - 1) + 1;
  const lineEnd = text.indexOf("\n", span.end);
  const end = lineEnd < 0 ? text.length : lineEnd;
  const alone = /^[ \t]*$/.test(text.slice(lineStart, span.start)) && /^[ \t\r]*(\/\/.*)?$/.test(text.slice(span.end, end));
  if (alone) return { ...span, start: lineStart, end: lineEnd < 0 ? end : end + 1 };
  const before = /[ \t]*$/.exec(text.slice(0, span.start))![0].length;
  return { ...span, start: span.start - before };
}

function wholeLines({ source: { text }, start, end }: Span): boolean {
  return (start === 0 || text[start - 1] === "\n") && (end === text.length || text[end - 1] === "\n");
}
