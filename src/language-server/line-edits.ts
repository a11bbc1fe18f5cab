import type { SourceFile, Span } from "../diagnostics/span.js";

/** Lines `from` to `to` (without `to`) of a text, from 0, and what stands there instead. */
export interface LineEdit {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

/** Most lines that may differ before a whole stretch is replaced. */
const mostDifferences = 500;

/**
 * The fewest lines that change one text into another (Myers 1986, "An O(ND) difference algorithm"). Lines that differ in spaces only are the same line: it is
 * replaced by an edit of its own, and so are others where as many are replaced as stood there.
 */
export function lineEdits(before: readonly string[], after: readonly string[]): readonly LineEdit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let same = 0;
  while (same < Math.min(before.length, after.length) - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same++;
  const [left, right] = [before.slice(start, before.length - same), after.slice(start, after.length - same)];
  const edits: LineEdit[] = [];
  const replace = (from: number, to: number, lines: readonly string[]): void => {
    if (to - from === lines.length) lines.forEach((line, at) => line !== left[from + at] && edits.push({ from: start + from + at, to: start + from + at + 1, lines: [line] }));
    else edits.push({ from: start + from, to: start + to, lines });
  };
  let [x, y] = [0, 0];
  const unspaced = (line: string): string => line.replace(/\s+/g, "");
  for (const [nextX, nextY, length] of [...matches(left.map(unspaced), right.map(unspaced)), [left.length, right.length, 0] as const]) {
    if (nextX > x || nextY > y) replace(x, nextX, right.slice(y, nextY));
    replace(nextX, nextX + length, right.slice(nextY, nextY + length));
    [x, y] = [nextX + length, nextY + length];
  }
  return edits;
}

/** Runs of equal lines that a shortest edit keeps: where they begin in both, and how long they are. */
function matches(left: readonly string[], right: readonly string[]): readonly (readonly [number, number, number])[] {
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let d = 0; d <= left.length + right.length; d++) {
    if (d > mostDifferences) return [];
    trace.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1)) ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1;
      while (x < left.length && x - k < right.length && left[x] === right[x - k]) x++;
      furthest.set(k, x);
      if (x >= left.length && x - k >= right.length) return backtrack(trace, left.length, right.length);
    }
  }
  return [];
}

function backtrack(trace: readonly ReadonlyMap<number, number>[], endX: number, endY: number): readonly (readonly [number, number, number])[] {
  const runs: (readonly [number, number, number])[] = [];
  let [x, y] = [endX, endY];
  for (let d = trace.length - 1; d >= 0; d--) {
    const furthest = trace[d]!;
    const k = x - y;
    const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
    const previous = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : (furthest.get(previous) ?? 0) + (down ? 0 : 1);
    const length = x - fromX;
    if (length > 0) runs.unshift([fromX, fromX - k, length]);
    x = d === 0 ? 0 : (furthest.get(previous) ?? 0);
    y = x - previous;
  }
  return runs;
}

/** An edit of lines as one of characters, without what stays the same at its ends. `starts`: where the lines of the text begin. */
export function spanEdit(source: SourceFile, starts: readonly number[], { from, to, lines }: LineEdit): { readonly span: Span; readonly text: string } {
  const { text } = source;
  const atEnd = to >= starts.length;
  // Where the last lines go, the line end before them goes too; where lines are added behind the last, one is added.
  const begin = from >= starts.length ? text.length : atEnd && lines.length === 0 && from > 0 ? starts[from]! - 1 : starts[from]!;
  const end = atEnd ? text.length : starts[to]!;
  const old = text.slice(begin, end);
  const replacement = atEnd ? (from >= starts.length ? "\n" : "") + lines.join("\n") : lines.map((line) => `${line}\n`).join("");
  let first = 0;
  while (first < old.length && first < replacement.length && old[first] === replacement[first]) first++;
  let last = 0;
  while (last < Math.min(old.length, replacement.length) - first && old[old.length - 1 - last] === replacement[replacement.length - 1 - last]) last++;
  // No place lies inside of a line end.
  const inside = (at: number): boolean => text[at - 1] === "\r" && text[at] === "\n";
  if (inside(begin + first)) first--;
  if (inside(end - last)) last--;
  return { span: { source, start: begin + first, end: end - last }, text: replacement.slice(first, replacement.length - last) };
}
