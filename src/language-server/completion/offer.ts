import { type CompletionItem, CompletionItemKind, InsertTextFormat, type Range } from "vscode-languageserver";
import { isRequired, type Documented, type FormParameter } from "../documentation/documented.js";
import type { Realm } from "../vocabulary.js";

/** One thing that may be written. */
export interface Offer {
  readonly label: string;
  readonly kind: CompletionItemKind;
  /** What is inserted; the label where it is left out. A snippet, with a text for clients that know none. */
  readonly insert?: { readonly snippet: string; readonly plain: string };
  /** A type, a value. */
  readonly detail?: string;
  /** Why it does not fit. */
  readonly note?: string;
  /** Before others with a higher one. */
  readonly rank: number;
  readonly about?: About;
}

/** Where the documentation of an offer is found, when it is asked for. */
export type About =
  | { readonly kind: "word"; readonly realm: Realm; readonly name: string }
  | { readonly kind: "keyword" | "setting"; readonly name: string }
  | { readonly kind: "parameter"; readonly called: string; readonly doc: string }
  | { readonly kind: "name"; readonly name: string; readonly start: number };

const kinds: Readonly<Record<Documented["kind"], CompletionItemKind>> = {
  function: CompletionItemKind.Function, layer: CompletionItemKind.Method, distribution: CompletionItemKind.Class, "noise schedule": CompletionItemKind.Function, constant: CompletionItemKind.Constant,
  type: CompletionItemKind.Struct, "first value": CompletionItemKind.Function, setting: CompletionItemKind.Property, objective: CompletionItemKind.Event, option: CompletionItemKind.Property, value: CompletionItemKind.EnumMember,
  optimizer: CompletionItemKind.Class, "rate schedule": CompletionItemKind.Function, data: CompletionItemKind.File, term: CompletionItemKind.Function, estimator: CompletionItemKind.EnumMember, family: CompletionItemKind.EnumMember,
  keyword: CompletionItemKind.Keyword, sign: CompletionItemKind.Operator, network: CompletionItemKind.Module,
};

/** A word of the language with its required arguments as places to fill in; `piped`: the first of them stands before the `|>`. */
export function callOffer(documented: Documented, rank: number, about: About, options: { readonly piped?: boolean; readonly bare?: boolean; readonly detail?: string } = {}): Offer {
  const { name, kind, forms } = documented;
  const required = (forms[0]?.parameters ?? []).slice(options.piped ? 1 : 0).filter(isRequired);
  const insert = options.bare || forms.length === 0 || required.length === 0 ? undefined : { snippet: `${name}(${required.map(placeholder).join(", ")})`, plain: name };
  return { label: name, kind: kinds[kind], rank, about, ...(insert ? { insert } : {}), ...(options.detail === undefined ? {} : { detail: options.detail }) };
}

const placeholder = ({ name, choices }: FormParameter, at: number): string => `\${${at + 1}:${choices?.[0] ?? name}}`;

export interface ItemStyle {
  readonly snippets: boolean;
  /** What is replaced. */
  readonly range: Range;
  readonly uri: string;
}

/** @param at its place among those of its rank */
export function completionItem({ label, kind, insert, detail, note, rank, about }: Offer, at: number, { snippets, range, uri }: ItemStyle): CompletionItem {
  const newText = insert ? (snippets ? insert.snippet : insert.plain) : label;
  return {
    label,
    kind,
    sortText: `${String(rank).padStart(2, "0")}${String(at).padStart(4, "0")}`,
    textEdit: { range, newText },
    ...(insert && snippets ? { insertTextFormat: InsertTextFormat.Snippet } : {}),
    ...(detail === undefined ? {} : { detail }),
    ...(note === undefined ? {} : { labelDetails: { description: note } }),
    ...(about ? { data: { uri, about } } : {}),
  };
}

/** Text within a snippet. */
export const escaped = (text: string): string => text.replace(/[\\$}]/g, "\\$&");
