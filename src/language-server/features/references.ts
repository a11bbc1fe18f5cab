import { type DocumentHighlight, DocumentHighlightKind, type Location } from "vscode-languageserver";
import type { Feature } from "../feature.js";
import { meaningAt, placesIn, placesOf } from "../meaning.js";
import { offsetOf, rangeOf } from "../positions.js";
import type { Workspace } from "../workspace.js";

/** Where else a name stands: in the workspace, and in this document. */
export const references: Feature = {
  capabilities: () => ({ referencesProvider: true, documentHighlightProvider: true }),
  register({ connection, workspace }) {
    connection.onReferences(({ textDocument: { uri }, position, context }) => {
      const file = workspace.syntax(uri);
      return file ? [...referencesAt(workspace, uri, offsetOf(file.source, position), context.includeDeclaration)] : null;
    });
    connection.onDocumentHighlight(({ textDocument: { uri }, position }) => {
      const file = workspace.syntax(uri);
      return file ? [...highlightsAt(workspace, uri, offsetOf(file.source, position))] : null;
    });
  },
};

export function referencesAt(workspace: Workspace, uri: string, offset: number, withDeclaration: boolean): readonly Location[] {
  const meaning = meaningAt(workspace, uri, offset);
  if (!meaning) return [];
  return placesOf(workspace, meaning)
    .filter(({ role }) => withDeclaration || role !== "declaration")
    .map((place) => ({ uri: place.uri, range: rangeOf(place.span) }));
}

export function highlightsAt(workspace: Workspace, uri: string, offset: number): readonly DocumentHighlight[] {
  const meaning = meaningAt(workspace, uri, offset);
  if (!meaning) return [];
  return placesIn(workspace, uri, meaning).map(({ span, role }) => ({ range: rangeOf(span), kind: role === "read" ? DocumentHighlightKind.Read : DocumentHighlightKind.Write }));
}
