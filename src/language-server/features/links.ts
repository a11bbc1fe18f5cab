import type { DocumentLink } from "vscode-languageserver";
import type * as ast from "../../parser/ast.js";
import { visit } from "../../parser/visit.js";
import type { Feature } from "../feature.js";
import { rangeOf } from "../positions.js";
import type { Workspace } from "../workspace.js";

/** Files that are named: those of imports, and data in texts. No link leaves the workspace's folders, and none is an address of a network. */
export const links: Feature = {
  capabilities: () => ({ documentLinkProvider: {} }),
  register({ connection, workspace }) {
    connection.onDocumentLinks(({ textDocument: { uri } }) => [...linksOf(workspace, uri)]);
  },
};

const data = /\.(?:npy|npz|csv|tsv|txt|png|idx[0-9]*-ubyte|gz)$/i;

export function linksOf(workspace: Workspace, uri: string): readonly DocumentLink[] {
  const file = workspace.syntax(uri);
  const found: DocumentLink[] = [];
  const add = (node: ast.StringLiteral, tooltip: string, accepted: (address: string) => boolean): void => {
    const address = node.value === "" ? undefined : workspace.resolve(node.value, node.span.source);
    if (address !== undefined && accepted(address)) found.push({ range: rangeOf({ ...node.span, start: node.span.start + 1, end: Math.max(node.span.start + 1, node.span.end - 1) }), target: address, tooltip });
  };
  if (!file) return found;
  visit(file.module, {
    enter(node, parents) {
      if (node.kind !== "string") return;
      if (parents.at(-1)?.kind === "import") add(node, "Open the file", (address) => workspace.textOf(address) !== undefined);
      else if (data.test(node.value)) add(node, "Open the data", (address) => address.startsWith("file:") && workspace.folders.some((folder) => address.startsWith(`${folder}/`)));
    },
  });
  return found;
}
