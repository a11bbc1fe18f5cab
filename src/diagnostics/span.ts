/** A source text with the name that messages print. Text is kept whole: spans point into it. */
export interface SourceFile {
  /** Path as the user gave it (never resolved to an absolute one: it is printed). */
  readonly path: string;
  readonly text: string;
}

/** A half-open range of UTF-16 offsets in one source file. Every node of every IR carries one. */
export interface Span {
  readonly source: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** 1-based line and column (in UTF-16 units) of an offset. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const lineStartsBySource = new WeakMap<SourceFile, readonly number[]>();

/** Offsets at which the lines of a source begin; computed once per source. */
export function lineStarts(source: SourceFile): readonly number[] {
  const known = lineStartsBySource.get(source);
  if (known) return known;
  const starts = [0];
  for (let at = source.text.indexOf("\n"); at >= 0; at = source.text.indexOf("\n", at + 1)) starts.push(at + 1);
  lineStartsBySource.set(source, starts);
  return starts;
}

/** Position of an offset, by binary search over the line starts. */
export function positionAt(source: SourceFile, offset: number): Position {
  const starts = lineStarts(source);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - starts[low]! + 1 };
}

/** Line number (1-based) on which a span begins. */
export function lineOf(span: Span): number {
  return positionAt(span.source, span.start).line;
}

/** The text that a span covers. */
export function textOf(span: Span): string {
  return span.source.text.slice(span.start, span.end);
}
