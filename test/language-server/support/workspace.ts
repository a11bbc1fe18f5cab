import { type Host, Workspace } from "../../../src/language-server/workspace.js";
import { root } from "./client.js";
import { cursor, draw } from "./fixture.js";

/** A workspace of files on disk, by path; and the place of the one `‸` in them. */
export interface Files {
  readonly workspace: Workspace;
  readonly uri: string;
  readonly offset: number;
  readonly texts: ReadonlyMap<string, string>;
}

export function filesWith(marked: Readonly<Record<string, string>>): Files {
  const texts = new Map<string, string>();
  let place: { readonly uri: string; readonly offset: number } | undefined;
  for (const [path, text] of Object.entries(marked)) {
    const fixture = text.includes("‸") ? cursor(text) : undefined;
    if (fixture) place = { uri: `${root}/${path}`, offset: fixture.offset };
    texts.set(`${root}/${path}`, fixture?.text ?? text);
  }
  const host: Host = { read: (uri) => texts.get(uri), list: () => [...texts.keys()], pageOf: () => undefined };
  const workspace = new Workspace(host);
  workspace.folders = [root];
  const [first] = texts.keys();
  return { workspace, texts, ...(place ?? { uri: first!, offset: 0 }) };
}

/** Every file in which something was found, with it drawn under the lines. */
export function drawFiles({ texts }: Files, found: readonly { readonly uri: string; readonly range: Parameters<typeof draw>[1][number]["range"]; readonly label?: string }[]): string {
  return [...texts]
    .map(([uri, text]) => ({ uri, text, here: found.filter((each) => each.uri === uri) }))
    .filter(({ here }) => here.length > 0)
    .map(({ uri, text, here }) => `── ${uri.slice(root.length + 1)}\n${draw(text, here)}`)
    .join("\n");
}
