import type { Location, LocationLink, TextDocumentPositionParams } from "vscode-languageserver";
import type { Span } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import type { Feature } from "../feature.js";
import { type Meaning, meaningAt, placesIn, resolved } from "../meaning.js";
import { contains, offsetOf, rangeOf } from "../positions.js";
import type { Workspace } from "../workspace.js";

/** Where something leads: `whole` is the item or statement, `name` the part to stand on, `from` what was asked about. */
export interface Target {
  readonly uri: string;
  readonly whole: Span;
  readonly name: Span;
  readonly from: Span;
}

/** Definition, type definition (of a network's result: the network) and implementation (of a latent and of a model: what the guide says). */
export const definition: Feature = {
  capabilities: () => ({ definitionProvider: true, typeDefinitionProvider: true, implementationProvider: true }),
  register(server) {
    const { connection } = server;
    const answer = (find: (workspace: Workspace, uri: string, offset: number) => readonly Target[], links: boolean | undefined) =>
      ({ textDocument: { uri }, position }: TextDocumentPositionParams) => {
        const file = server.workspace.syntax(uri);
        return file ? written(find(server.workspace, uri, offsetOf(file.source, position)), links === true) : null;
      };
    const { textDocument } = server.client;
    connection.onDefinition(answer(definitionsAt, textDocument?.definition?.linkSupport));
    connection.onTypeDefinition(answer(typeDefinitionsAt, textDocument?.typeDefinition?.linkSupport));
    connection.onImplementation(answer(implementationsAt, textDocument?.implementation?.linkSupport));
  },
};

function written(targets: readonly Target[], links: boolean): Location[] | LocationLink[] {
  if (links) return targets.map(({ uri, whole, name, from }): LocationLink => ({ targetUri: uri, targetRange: rangeOf(whole), targetSelectionRange: rangeOf(name), originSelectionRange: rangeOf(from) }));
  return targets.map(({ uri, name }): Location => ({ uri, range: rangeOf(name) }));
}

/** Where a name is declared, in another file where that imports it; the file of an `import`. */
export function definitionsAt(workspace: Workspace, uri: string, offset: number): readonly Target[] {
  const meaning = meaningAt(workspace, uri, offset);
  if (meaning) return [targetOf(meaning, meaning.span)];
  const path = importPathAt(workspace, uri, offset);
  const address = path && workspace.resolve(path.value, path.span.source);
  const file = address === undefined ? undefined : workspace.syntax(address);
  if (!path || address === undefined || !file) return [];
  const start: Span = { source: file.source, start: 0, end: 0 };
  return [{ uri: address, whole: start, name: start, from: path.span }];
}

/** Of a network's result, as `q` of `q = encoder(x)`: the network. */
export function typeDefinitionsAt(workspace: Workspace, uri: string, offset: number): readonly Target[] {
  const meaning = meaningAt(workspace, uri, offset);
  const value = meaning?.declaration.node.kind === "let" ? meaning.declaration.node.value : undefined;
  if (!meaning || !value) return [];
  const last = value.kind === "pipe" ? value.into : value;
  const callee = last.kind === "call" ? last.callee : last;
  const called = callee.kind === "name" ? meaning.file.names.at(callee.span.start) : undefined;
  if (!called) return [];
  const network = resolved(workspace, meaning.uri, meaning.file, called.declaration);
  return network.declaration.kind === "network" ? [targetOf(network, meaning.span)] : [];
}

/** Of a latent: its entries in the guide; of a model: its guide. */
export function implementationsAt(workspace: Workspace, uri: string, offset: number): readonly Target[] {
  const meaning = meaningAt(workspace, uri, offset);
  if (!meaning || meaning.declaration.owner?.kind !== "model" && meaning.declaration.kind !== "model") return [];
  const places = placesIn(workspace, meaning.uri, meaning).filter(({ item, role, span }) => item.kind === "guide" && (meaning.declaration.kind === "model" ? span.start === item.name.span.start : role === "write"));
  return places.map((place) => ({ uri: place.uri, whole: meaning.declaration.kind === "model" ? place.item.span : place.span, name: place.span, from: meaning.span }));
}

function targetOf({ uri, declaration }: Meaning, from: Span): Target {
  return { uri, whole: wholeOf(declaration.node, declaration.span), name: declaration.span, from };
}

/** A node's span, which holds its name even where the node is broken. */
function wholeOf(node: ast.Node, name: Span): Span {
  return { source: name.source, start: Math.min(node.span.start, name.start), end: Math.max(node.span.end, name.end) };
}

function importPathAt(workspace: Workspace, uri: string, offset: number): ast.StringLiteral | undefined {
  for (const item of workspace.syntax(uri)?.module.items ?? []) if (item.kind === "import" && contains(item.path.span, offset)) return item.path;
  return undefined;
}
