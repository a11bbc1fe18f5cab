import type { Diagnostic, Fix } from "../../diagnostics/diagnostic.js";
import { textOf } from "../../diagnostics/span.js";
import type { Analysis } from "../analysis.js";
import type { Workspace } from "../workspace.js";

const unknownNames: ReadonlySet<string> = new Set(["LVM2001", "LVM2004"]);

/** Most files of a workspace that are searched for a name. */
const mostFiles = 500;

/** `import encoder from "vae.lvm"` for a name that this file does not know, and another of the workspace declares. */
export function importFixes(workspace: Workspace, { source, module }: Analysis, diagnostic: Diagnostic): readonly Fix[] {
  if (!unknownNames.has(diagnostic.code)) return [];
  const name = textOf(diagnostic.primary.span);
  if (!/^\w+$/.test(name)) return [];
  const here = workspace.uriOf(source);
  return workspace.files().slice(0, mostFiles).flatMap((uri): readonly Fix[] => {
    if (uri === here || !workspace.textOf(uri)?.includes(name)) return [];
    const path = relativePath(here, uri);
    const declares = workspace.syntax(uri)?.module.items.some((item) => (item.kind === "network" || item.kind === "const" || item.kind === "param") && item.name.name === name);
    if (path === undefined || !declares) return [];
    const title = `Import \`${name}\` from "${path}"`;
    const known = module.items.find((item) => item.kind === "import" && item.path.value === path);
    if (known?.kind === "import" && known.names.length > 0) {
      const { span } = known.names.at(-1)!;
      return [{ title, edits: [{ span: { ...span, start: span.end }, text: `, ${name}` }] }];
    }
    const last = module.items.filter((item) => item.kind === "import").at(-1);
    const line = `import ${name} from "${path}"`;
    return [{ title, edits: [last ? { span: { ...last.span, start: last.span.end }, text: `\n${line}` } : { span: { source, start: 0, end: 0 }, text: `${line}\n\n` }] }];
  });
}

/** The way from one file to another, as an import writes it; undefined where none of them leads there. */
function relativePath(from: string, to: string): string | undefined {
  const [here, there] = [new URL(from), new URL(to)];
  if (here.protocol !== there.protocol || here.host !== there.host) return undefined;
  const [up, down] = [here.pathname.split("/").slice(0, -1), there.pathname.split("/")];
  let common = 0;
  while (common < up.length && common < down.length - 1 && up[common] === down[common]) common++;
  const path = [...up.slice(common).map(() => ".."), ...down.slice(common)].join("/");
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
