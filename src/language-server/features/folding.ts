import { type FoldingRange, FoldingRangeKind } from "vscode-languageserver";
import { lineStarts, positionAt, type Span } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { visit } from "../../parser/visit.js";
import type { Feature } from "../feature.js";
import type { Syntax } from "../analysis.js";

/** What can be folded away: items, loops, lists over several lines, blocks of comments, groups of imports. */
export const folding: Feature = {
  capabilities: () => ({ foldingRangeProvider: true }),
  register({ connection, workspace }) {
    connection.onFoldingRanges(({ textDocument: { uri } }) => {
      const file = workspace.syntax(uri);
      return file ? [...foldsOf(file)] : null;
    });
  },
};

const foldable: ReadonlySet<ast.Node["kind"]> = new Set(["const", "param", "network", "model", "guide", "train", "loop", "call", "array", "let", "sample"]);

/** In the order of the file; no two begin in one line. */
export function foldsOf({ source, module }: Syntax): readonly FoldingRange[] {
  const lineAt = (offset: number): number => positionAt(source, offset).line - 1;
  const folds = new Map<number, FoldingRange>();
  const add = (startLine: number, endLine: number, kind?: FoldingRangeKind): void => {
    if (endLine > startLine && !folds.has(startLine)) folds.set(startLine, { startLine, endLine, ...(kind === undefined ? {} : { kind }) });
  };
  const lastLine = ({ start, end }: Span): number => lineAt(Math.max(start, end - 1));
  visit(module, {
    enter(node) {
      if (!foldable.has(node.kind)) return;
      const last = lastLine(node.span);
      // A bracket that closes stays in sight.
      const closes = /^[)\]}]/.test(source.text.slice(lineStarts(source)[last], node.span.end).trimStart());
      add(lineAt(node.span.start), closes ? last - 1 : last);
    },
  });
  const blocks = (spans: readonly Span[], kind: FoldingRangeKind): void => {
    let begin = 0;
    for (let at = 1; at <= spans.length; at++) {
      const [before, next] = [spans[at - 1]!, spans[at]];
      if (next && lineAt(next.start) === lastLine(before) + 1) continue;
      add(lineAt(spans[begin]!.start), lastLine(before), kind);
      begin = at;
    }
  };
  blocks(module.comments.filter(({ ownLine }) => ownLine).map(({ span }) => span), FoldingRangeKind.Comment);
  blocks(module.items.filter(({ kind }) => kind === "import").map(({ span }) => span), FoldingRangeKind.Imports);
  return [...folds.values()].sort((a, b) => a.startLine - b.startLine);
}
