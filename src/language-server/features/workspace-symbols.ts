import { type SymbolInformation, SymbolKind } from "vscode-languageserver";
import type { Feature } from "../feature.js";
import type { DeclarationKind } from "../names.js";
import { rangeOf } from "../positions.js";
import type { Workspace } from "../workspace.js";

/** Most answers to one question: nobody reads the rest. */
const most = 256;

/** What the files of a workspace declare, by a few of its letters. */
export const workspaceSymbols: Feature = {
  capabilities: () => ({ workspaceSymbolProvider: true }),
  register({ connection, workspace }) {
    connection.onWorkspaceSymbol(({ query }) => [...symbolsLike(workspace, query)]);
  },
};

const kinds: Readonly<Partial<Record<DeclarationKind, SymbolKind>>> = {
  constant: SymbolKind.Constant, parameter: SymbolKind.Variable, network: SymbolKind.Function, model: SymbolKind.Class, column: SymbolKind.Field, latent: SymbolKind.Variable,
};

/** Items, columns and latents whose names have the letters of `query` in their order, the closest first. */
export function symbolsLike(workspace: Workspace, query: string): readonly SymbolInformation[] {
  const found: { readonly score: number; readonly symbol: SymbolInformation }[] = [];
  for (const uri of workspace.files()) {
    const file = workspace.syntax(uri);
    for (const { name, kind, span, owner } of file?.names.declarations ?? []) {
      const symbolKind = kinds[kind];
      const score = symbolKind === undefined ? undefined : likeness(name, query);
      if (symbolKind === undefined || score === undefined) continue;
      // Of equal names an item comes before what stands inside of one.
      found.push({ score: score + (owner ? 0 : 0.5), symbol: { name, kind: symbolKind, location: { uri, range: rangeOf(span) }, containerName: owner && "name" in owner ? owner.name.name : file!.source.path } });
    }
  }
  return found.sort((a, b) => b.score - a.score || a.symbol.name.length - b.symbol.name.length || (a.symbol.name < b.symbol.name ? -1 : 1)).slice(0, most).map(({ symbol }) => symbol);
}

/**
 * How well a name fits a few letters, which must stand in it in their order; undefined where they do not. Letters that follow each other count twice, those that
 * begin the name or one of its words three times.
 */
export function likeness(name: string, query: string): number | undefined {
  const [letters, wanted] = [name.toLowerCase(), query.toLowerCase()];
  let score = 0;
  let from = 0;
  for (const letter of wanted) {
    const at = letters.indexOf(letter, from);
    if (at < 0) return undefined;
    const begins = at === 0 || name[at - 1] === "_" || (name[at] !== letters[at] && name[at - 1] === letters[at - 1]);
    score += begins ? 3 : at === from && from > 0 ? 2 : 1;
    from = at + letter.length;
  }
  return score - 0.01 * (name.length - query.length);
}
