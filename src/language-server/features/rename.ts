import { LSPErrorCodes, type Range, ResponseError, type TextEdit, type WorkspaceEdit } from "vscode-languageserver";
import { reservedNames } from "../../checker/expressions/calls.js";
import { typeNames } from "../../checker/type-expressions.js";
import { lineOf, type SourceFile, type Span, textOf } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { keywordRoles, vocabulary } from "../../parser/tokens.js";
import { readSyntax } from "../analysis.js";
import type { Feature } from "../feature.js";
import { meaningAt, type Meaning, type Place, placesOf } from "../meaning.js";
import type { NameTable } from "../names.js";
import { offsetOf, rangeOf } from "../positions.js";
import type { Workspace } from "../workspace.js";

const identifier = new RegExp(`^(?:${vocabulary.find(({ name }) => name === "Identifier")!.pattern})$`, "u");

/** A new name, or why it cannot be. */
export type Renaming = { readonly edits: ReadonlyMap<string, readonly { readonly span: Span; readonly text: string }[]> } | { readonly refused: string };

/** Renames what a name means in all files that name it, or says why not: what files mean never changes. */
export const rename: Feature = {
  capabilities: (client) => ({ renameProvider: client.textDocument?.rename?.prepareSupport ? { prepareProvider: true } : true }),
  register({ connection, workspace, client }) {
    connection.onPrepareRename(({ textDocument: { uri }, position }) => {
      const file = workspace.syntax(uri);
      if (!file) return null;
      const found = renamable(workspace, uri, offsetOf(file.source, position));
      return "refused" in found ? refusal(found.refused) : { range: rangeOf(found.span), placeholder: textOf(found.span) };
    });
    connection.onRenameRequest(({ textDocument: { uri }, position, newName }) => {
      const file = workspace.syntax(uri);
      if (!file) return null;
      const renaming = renameAt(workspace, uri, offsetOf(file.source, position), newName);
      return "refused" in renaming ? refusal(renaming.refused) : workspaceEdit(workspace, renaming.edits, client.workspace?.workspaceEdit?.documentChanges === true);
    });
  },
};

function refusal(reason: string): ResponseError<void> {
  return new ResponseError(LSPErrorCodes.RequestFailed, reason);
}

function workspaceEdit(workspace: Workspace, edits: Extract<Renaming, { edits: unknown }>["edits"], versioned: boolean): WorkspaceEdit {
  const changes = [...edits].map(([uri, each]) => [uri, each.map(({ span, text }): TextEdit => ({ range: rangeOf(span) satisfies Range, newText: text }))] as const);
  if (!versioned) return { changes: Object.fromEntries(changes) };
  return { documentChanges: changes.map(([uri, each]) => ({ textDocument: { uri, version: workspace.documents.get(uri)?.version ?? null }, edits: [...each] })) };
}

/** What may be renamed at an offset. */
export function renamable(workspace: Workspace, uri: string, offset: number): (Meaning & { readonly span: Span }) | { readonly refused: string } {
  const meaning = meaningAt(workspace, uri, offset);
  if (meaning) return meaning.declaration.kind === "import" ? { refused: `\`${meaning.declaration.name}\` is not declared in the file that it is imported from` } : meaning;
  const word = wordAt(workspace.syntax(uri)!.source, offset);
  if (word === "") return { refused: "there is no name here" };
  if (reservedNames.includes(word) || Object.hasOwn(typeNames, word)) return { refused: `\`${word}\` is built in, and keeps its name` };
  if (Object.hasOwn(keywordRoles, word)) return { refused: `\`${word}\` is a word of the language` };
  return { refused: `nothing called \`${word}\` is declared: only what a file declares can be renamed` };
}

/** All edits of a renaming. It is refused where some name, in any of the files, would mean something else afterwards. */
export function renameAt(workspace: Workspace, uri: string, offset: number, newName: string): Renaming {
  const meaning = renamable(workspace, uri, offset);
  if ("refused" in meaning) return meaning;
  const { declaration } = meaning;
  if (!identifier.test(newName)) return { refused: `\`${newName}\` is not a name: names are made of letters, digits and \`_\`, and begin with no digit` };
  if (newName === declaration.name) return { edits: new Map() };
  if (declaration.kind === "network" && reservedNames.includes(newName)) return { refused: `\`${newName}\` is built in: no network can be called so` };
  const byFile = new Map<string, Place[]>();
  for (const place of placesOf(workspace, meaning)) byFile.set(place.uri, [...(byFile.get(place.uri) ?? []), place]);
  for (const [each, places] of byFile) {
    const reason = changedMeaning(workspace, each, places, newName);
    if (reason !== undefined) return { refused: reason };
  }
  return { edits: new Map([...byFile].map(([each, places]) => [each, places.map(({ span }) => ({ span, text: newName }))])) };
}

/** Why a file would mean something else with the new name at these places; undefined where it would not. The names of the new text are compared with those of the old one. */
function changedMeaning(workspace: Workspace, uri: string, places: readonly Place[], newName: string): string | undefined {
  const { source, names, syntaxErrors } = workspace.syntax(uri)!;
  const starts = places.map(({ span }) => span.start);
  const oldLength = textOf(places[0]!.span).length;
  let text = "";
  let from = 0;
  for (const start of starts) {
    text += source.text.slice(from, start) + newName;
    from = start + oldLength;
  }
  text += source.text.slice(from);
  const renamed = readSyntax({ path: source.path, text });
  if (renamed.syntaxErrors.length > syntaxErrors.length) return `\`${newName}\` is a word of the language, and cannot stand in line ${lineOf(places[0]!.span)}`;
  const moved = (offset: number): number => offset + (newName.length - oldLength) * starts.filter((start) => start < offset).length;
  const at = firstDifference(names, renamed.names, moved);
  if (at === undefined) return undefined;
  const own = places.find(({ role }) => role === "declaration")?.item;
  const taken = names.declarations.find((each) => each.name === newName && (each.owner === undefined || each.owner === own || (familyOf(each.owner) !== undefined && familyOf(each.owner) === familyOf(own))));
  if (taken) return `\`${newName}\` is taken: line ${lineOf(taken.span)} of ${source.path} declares the ${taken.kind} of that name`;
  // Back to the old text: places before it have moved what stands behind them.
  const before = starts.filter((start) => moved(start) < at).length;
  return `with the name \`${newName}\`, line ${lineOf({ source, start: at - (newName.length - oldLength) * before, end: at })} of ${source.path} would mean something else`;
}

/** A model's name, of it and of its guide: they read each other's names. */
function familyOf(item: ast.Item | undefined): string | undefined {
  return item?.kind === "model" || item?.kind === "guide" ? item.name.name : undefined;
}

/** The first place of the new text whose name has another meaning than in the old one. */
function firstDifference(before: NameTable, after: NameTable, moved: (offset: number) => number): number | undefined {
  const words = ({ declarations, occurrences, foreign }: NameTable, place: (offset: number) => number): readonly { readonly key: string; readonly at: number }[] => {
    const numbers = new Map(declarations.map((each, index) => [each, index]));
    return [
      ...occurrences.map(({ span, declaration, role }) => ({ key: `${place(span.start)} ${numbers.get(declaration)} ${role}`, at: place(span.start) })),
      ...foreign.map(({ span, network, kind }) => ({ key: `${place(span.start)} ${kind} of ${numbers.get(network)}`, at: place(span.start) })),
    ];
  };
  const [old, now] = [words(before, moved), words(after, (offset) => offset)];
  const index = Array.from({ length: Math.max(old.length, now.length) }, (_, each) => each).find((each) => old[each]?.key !== now[each]?.key);
  return index === undefined ? undefined : Math.min(old[index]?.at ?? Infinity, now[index]?.at ?? Infinity);
}

function wordAt({ text }: SourceFile, offset: number): string {
  const before = /[\p{L}\p{M}\p{N}_]*$/u.exec(text.slice(Math.max(0, offset - 200), offset))?.[0] ?? "";
  const after = /^[\p{L}\p{M}\p{N}_]*/u.exec(text.slice(offset, offset + 200))?.[0] ?? "";
  return before + after;
}
