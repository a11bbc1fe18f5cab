import type { TextEdit, WorkspaceEdit } from "vscode-languageserver";
import { printString } from "../../parser/print-expression.js";
import type { Feature } from "../feature.js";
import { rangeOf } from "../positions.js";
import type { Workspace } from "../workspace.js";

/** Before model files are renamed or moved: the imports that name them, and their own, are rewritten. */
export const fileRename: Feature = {
  capabilities: (client) => (client.workspace?.fileOperations?.willRename ? { workspace: { fileOperations: { willRename: { filters: [{ scheme: "file", pattern: { glob: "**/*.lvm", matches: "file" } }] } } } } : {}),
  register({ connection, workspace, client }) {
    if (client.workspace?.fileOperations?.willRename) connection.workspace.onWillRenameFiles(({ files }) => importsAfter(workspace, new Map(files.map(({ oldUri, newUri }) => [oldUri, newUri]))));
  },
};

/** What imports must say when files move, by their addresses before and after. */
export function importsAfter(workspace: Workspace, moved: ReadonlyMap<string, string>): WorkspaceEdit | null {
  const changes: Record<string, TextEdit[]> = {};
  for (const uri of workspace.files()) {
    for (const item of workspace.syntax(uri)?.module.items ?? []) {
      if (item.kind !== "import") continue;
      const target = workspace.resolve(item.path.value, item.span.source);
      if (target === undefined || (!moved.has(target) && !moved.has(uri))) continue;
      const path = relative(moved.get(uri) ?? uri, moved.get(target) ?? target);
      if (path !== undefined && path !== item.path.value) (changes[uri] ??= []).push({ range: rangeOf(item.path.span), newText: printString(path) });
    }
  }
  return Object.keys(changes).length > 0 ? { changes } : null;
}

/** `../nets.lvm`: the way from one file to another; undefined where there is none. */
function relative(from: string, to: string): string | undefined {
  const [start, end] = [new URL(from), new URL(to)];
  if (start.protocol !== end.protocol || start.host !== end.host) return undefined;
  const [folders, path] = [start.pathname.split("/").slice(0, -1), end.pathname.split("/")];
  let same = 0;
  while (same < folders.length && same < path.length - 1 && folders[same] === path[same]) same++;
  return [...folders.slice(same).map(() => ".."), ...path.slice(same).map(decodeURIComponent)].join("/");
}
