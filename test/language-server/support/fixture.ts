import type { Position, Range } from "vscode-languageserver-protocol";
import { lineStarts } from "../../../src/diagnostics/span.js";
import { pointOf } from "../../../src/language-server/positions.js";

/** A text with the place of its `‸`, which is taken out. */
export interface Fixture {
  readonly text: string;
  readonly offset: number;
  readonly position: Position;
}

export function cursor(marked: string): Fixture {
  const offset = marked.indexOf("‸");
  if (offset < 0 || marked.includes("‸", offset + 1)) throw new Error("a fixture has one ‸");
  const text = marked.slice(0, offset) + marked.slice(offset + 1);
  return { text, offset, position: pointOf({ path: "fixture.lvm", text }, offset) };
}

/** A text with what was found drawn under its lines: `^^^^ label`. */
export function draw(text: string, found: readonly { readonly range: Range; readonly label?: string }[]): string {
  const source = { path: "fixture.lvm", text };
  const lines = text.split("\n");
  const marks = new Map<number, { readonly from: number; readonly to: number; readonly label: string }[]>();
  for (const { range, label = "" } of found) {
    for (let line = range.start.line; line <= range.end.line; line++) {
      const from = line === range.start.line ? range.start.character : 0;
      const to = line === range.end.line ? range.end.character : (lines[line] ?? "").length;
      if (line !== range.start.line && from === to) continue;
      marks.set(line, [...(marks.get(line) ?? []), { from, to: Math.max(to, from), label: line === range.start.line ? label : "…" }]);
    }
  }
  if (lineStarts(source).length !== lines.length) throw new Error("lines of a fixture end with \\n");
  return lines.flatMap((line, at) => [line, ...(marks.get(at) ?? []).sort((a, b) => a.from - b.from).map(({ from, to, label }) => `${" ".repeat(from)}${from === to ? "▴" : "^".repeat(to - from)}${label === "" ? "" : ` ${label}`}`)]).join("\n");
}
