import type { Position, Range } from "vscode-languageserver";
import { lineStarts, positionAt, type SourceFile, type Span } from "../diagnostics/span.js";

/** A span as the protocol writes it: lines and UTF-16 columns from 0. */
export function rangeOf({ source, start, end }: Span): Range {
  return { start: pointOf(source, start), end: pointOf(source, end) };
}

export function pointOf(source: SourceFile, offset: number): Position {
  const { line, column } = positionAt(source, offset);
  return { line: line - 1, character: column - 1 };
}

/** The offset of a place, which is moved into the text where it lies outside, and to the end of its line where that is shorter. */
export function offsetOf(source: SourceFile, { line, character }: Position): number {
  const starts = lineStarts(source);
  if (line < 0) return 0;
  const start = starts[line];
  if (start === undefined) return source.text.length;
  const next = starts[line + 1];
  const end = next === undefined ? source.text.length : next - 1;
  return Math.min(start + Math.max(0, character), end);
}

export function spanOf(source: SourceFile, range: Range): Span {
  return { source, start: offsetOf(source, range.start), end: offsetOf(source, range.end) };
}

export function contains({ start, end }: Pick<Span, "start" | "end">, offset: number): boolean {
  return start <= offset && offset <= end;
}
