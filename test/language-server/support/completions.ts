import type { CompletionItem } from "vscode-languageserver-protocol";
import { analyze } from "../../../src/language-server/analysis.js";
import { completionsAt } from "../../../src/language-server/features/completion.js";
import { offsetOf } from "../../../src/language-server/positions.js";
import { cursor } from "./fixture.js";

const alone = { files: () => [], resolve: () => undefined, analysis: () => undefined, uriOf: () => "file:///workspace/fixture.lvm" };

/** What is offered at the `‸` of a text, best first, each with the text that it would make. */
export function completions(marked: string, trigger?: string): readonly { readonly label: string; readonly item: CompletionItem; readonly made: string }[] {
  const { text, offset } = cursor(marked);
  const source = { path: "fixture.lvm", text };
  const items = completionsAt(analyze(source), offset, alone, { uri: "file:///workspace/fixture.lvm", snippets: true, trigger }) ?? [];
  return items
    .toSorted((a, b) => ((a.sortText ?? "") < (b.sortText ?? "") ? -1 : (a.sortText ?? "") > (b.sortText ?? "") ? 1 : 0))
    .map((item) => {
      const edit = item.textEdit as { range: { start: { line: number; character: number }; end: { line: number; character: number } }; newText: string };
      return { label: item.label, item, made: text.slice(0, offsetOf(source, edit.range.start)) + edit.newText + text.slice(offsetOf(source, edit.range.end)) };
    });
}

export const labels = (marked: string, trigger?: string): readonly string[] => completions(marked, trigger).map(({ label }) => label);

/** A snippet's text, with its places filled in by their names. */
export function filled(snippet: string, value: (name: string, at: number) => string): string {
  return snippet.replace(/\$\{(\d+):([^}]*)\}|\$\{(\d+)\|([^},]*)[^}]*\}|\$0/g, (whole, at: string | undefined, name: string | undefined, choiceAt: string | undefined, choice: string | undefined) => (choiceAt !== undefined ? (choice ?? "") : at === undefined ? "" : value(name ?? "", Number(at)))).replace(/\\([\\$}])/g, "$1");
}
