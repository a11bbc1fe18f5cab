import type { Span } from "../diagnostics/span.js";
import type * as ast from "../parser/ast.js";
import type { Syntax } from "./analysis.js";
import type { Declaration, ForeignName, Occurrence } from "./names.js";
import { contains } from "./positions.js";
import type { Workspace } from "./workspace.js";

/** What a name means: a declaration, in the file that declares it. */
export interface Meaning {
  readonly uri: string;
  readonly file: Syntax;
  readonly declaration: Declaration;
}

/** A place where a name of some meaning stands. */
export interface Place {
  readonly uri: string;
  readonly span: Span;
  readonly role: Occurrence["role"];
  /** The item in which it stands. */
  readonly item: ast.Item;
}

const shared: ReadonlySet<Declaration["kind"]> = new Set(["constant", "parameter", "network"]);

/** What the name at an offset means, and where exactly it stands; imports are followed where they lead somewhere. */
export function meaningAt(workspace: Workspace, uri: string, offset: number): (Meaning & { readonly span: Span }) | undefined {
  const file = workspace.syntax(uri);
  const foreign = file?.names.foreign.find(({ span }) => contains(span, offset));
  if (file && foreign) {
    const meaning = foreignMeaning(workspace, file, foreign);
    if (meaning) return { ...meaning, span: foreign.span };
  }
  const occurrence = file?.names.at(offset);
  return file && occurrence && { ...resolved(workspace, uri, file, occurrence.declaration), span: occurrence.span };
}

/** A declaration of a file; one that is an import leads to that of the other file, if it is there. */
export function resolved(workspace: Workspace, uri: string, file: Syntax, declaration: Declaration): Meaning {
  return (declaration.kind === "import" ? exported(workspace, file, declaration) : undefined) ?? { uri, file, declaration };
}

/** What an import brings: a constant, parameter or network that the other file declares itself. */
function exported(workspace: Workspace, file: Syntax, { node, name }: Declaration): Meaning | undefined {
  const uri = node.kind === "import" ? workspace.resolve(node.path.value, file.source) : undefined;
  const other = uri === undefined ? undefined : workspace.syntax(uri);
  const declaration = other?.names.declarations.find((each) => each.owner === undefined && each.name === name && shared.has(each.kind));
  return uri !== undefined && other && declaration ? { uri, file: other, declaration } : undefined;
}

function foreignMeaning(workspace: Workspace, file: Syntax, { network, name, kind }: ForeignName): Meaning | undefined {
  const from = exported(workspace, file, network);
  const declaration = from?.file.names.declarations.find((each) => each.owner === from.declaration.node && each.name === name && each.kind === kind);
  return from && declaration && { ...from, declaration };
}

/** Every place where a name of this meaning stands: in its file, then in all files of the workspace that import it. */
export function placesOf(workspace: Workspace, meaning: Meaning): readonly Place[] {
  const { uri, declaration } = meaning;
  // What an importer must name: the item itself, or the network whose input or output this is.
  const imported = shared.has(declaration.kind) ? declaration.name : declaration.owner?.kind === "network" && (declaration.kind === "input" || declaration.kind === "output") ? declaration.owner.name.name : undefined;
  const here = placesIn(workspace, uri, meaning);
  if (imported === undefined) return here;
  const importers = workspace.files().filter((each) => each !== uri && workspace.textOf(each)?.includes(imported));
  return [...here, ...importers.flatMap((each) => placesIn(workspace, each, meaning))];
}

/** The places of a meaning in one file. */
export function placesIn(workspace: Workspace, uri: string, meaning: Meaning): readonly Place[] {
  const file = workspace.syntax(uri);
  if (!file) return [];
  const { names } = file;
  if (uri === meaning.uri) return names.of(meaning.declaration).map(({ span, role, item }) => ({ uri, span, role, item }));
  const same = (other: Meaning | undefined): boolean => other !== undefined && other.uri === meaning.uri && other.declaration.span.start === meaning.declaration.span.start;
  const brought = names.declarations.filter((each) => each.kind === "import" && each.name === meaning.declaration.name && same(exported(workspace, file, each)));
  const foreign = names.foreign.filter((each) => each.name === meaning.declaration.name && same(foreignMeaning(workspace, file, each)));
  const places = [...brought.flatMap((each) => names.of(each)).map(({ span, role, item }) => ({ uri, span, role: role === "declaration" ? ("read" as const) : role, item })), ...foreign.map(({ span, item }) => ({ uri, span, role: "read" as const, item }))];
  return places.sort((a, b) => a.span.start - b.span.start);
}
