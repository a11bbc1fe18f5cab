import type { SelectionRange } from "vscode-languageserver";
import type { Span } from "../../diagnostics/span.js";
import { nodesAt } from "../../parser/visit.js";
import type { Feature } from "../feature.js";
import { contains, offsetOf, rangeOf } from "../positions.js";
import type { Syntax } from "../analysis.js";

/** Selections that grow: name, expression, statement, body, item, file. */
export const selection: Feature = {
  capabilities: () => ({ selectionRangeProvider: true }),
  register({ connection, workspace }) {
    connection.onSelectionRanges(({ textDocument: { uri }, positions }) => {
      const file = workspace.syntax(uri);
      return file ? positions.map((position) => selectionAt(file, offsetOf(file.source, position))) : null;
    });
  },
};

export function selectionAt({ source, module }: Syntax, offset: number): SelectionRange {
  const spans: Span[] = [{ source, start: 0, end: source.text.length }];
  const add = (span: Span): void => {
    const outer = spans.at(-1)!;
    const same = span.start === outer.start && span.end === outer.end;
    // A broken node may be wider than the one around it.
    if (!same && contains(span, offset) && outer.start <= span.start && span.end <= outer.end) spans.push(span);
  };
  for (const node of nodesAt(module, offset)) {
    add(node.span);
    if (node.kind === "string" && node.span.end - node.span.start >= 2) add({ source, start: node.span.start + 1, end: node.span.end - 1 });
    const [first, last] = "body" in node ? [node.body[0], node.body.at(-1)] : [];
    if (first && last) add({ source, start: first.span.start, end: last.span.end });
  }
  const comment = module.comments.find(({ span }) => contains(span, offset));
  if (comment) add(comment.span);
  return spans.reduce<SelectionRange | undefined>((parent, span) => ({ range: rangeOf(span), ...(parent ? { parent } : {}) }), undefined)!;
}
