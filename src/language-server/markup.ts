import { type MarkupContent, MarkupKind } from "vscode-languageserver";

/** A part of a documentation: code of the language, mathematics or tables as they stand, Markdown. */
export interface Part {
  readonly kind: "code" | "verbatim" | "text";
  readonly text: string;
}

export const code = (text: string): Part => ({ kind: "code", text });
export const verbatim = (text: string): Part => ({ kind: "verbatim", text });
export const text = (markdown: string): Part => ({ kind: "text", text: markdown });

/** How a client that takes these kinds wants documentation: the first that is known; plain text where it says nothing. */
export function preferredMarkup(kinds: readonly MarkupKind[] | undefined): MarkupKind {
  return kinds?.find((kind) => kind === MarkupKind.Markdown || kind === MarkupKind.PlainText) ?? MarkupKind.PlainText;
}

/** Parts one below the other. */
export function markup(parts: readonly Part[], kind: MarkupKind): MarkupContent {
  return { kind, value: parts.filter((part) => part.text !== "").map(kind === MarkupKind.Markdown ? markdownOf : plainOf).join("\n\n") };
}

function markdownOf({ kind, text: content }: Part): string {
  if (kind === "text") return content;
  // A fence longer than any in the content.
  const fence = "`".repeat(Math.max(3, ...[...content.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
  return `${fence}${kind === "code" ? "lvm" : "text"}\n${content}\n${fence}`;
}

function plainOf({ kind, text: content }: Part): string {
  return kind === "text" ? content.replace(/`([^`]*)`/g, "$1").replace(/\*\*([^*]*)\*\*/g, "$1") : content;
}
