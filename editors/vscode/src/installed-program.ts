import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";

/**
 * `dist/cli/main.js` of the lvmc that one of the folders, or a folder above it, has installed. The package is looked for first: on Windows `node_modules/.bin` holds scripts of a
 * shell; a link there is followed, which finds lvmc in its own repository.
 */
export function installedProgram(folders: readonly string[]): string | undefined {
  for (const folder of folders) {
    for (let at = folder; ; at = dirname(at)) {
      const found = fromPackage(join(at, "node_modules", "lvmc")) ?? fromLink(join(at, "node_modules", ".bin", "lvmc"));
      if (found !== undefined) return found;
      if (dirname(at) === at) break;
    }
  }
  return undefined;
}

function fromPackage(folder: string): string | undefined {
  try {
    const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly bin?: string | Readonly<Record<string, string>> };
    const path = typeof bin === "string" ? bin : bin?.["lvmc"];
    const file = path === undefined ? undefined : resolve(folder, path);
    return file !== undefined && existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

function fromLink(link: string): string | undefined {
  try {
    const file = realpathSync(link);
    return extname(file) === ".js" ? file : undefined;
  } catch {
    return undefined;
  }
}
