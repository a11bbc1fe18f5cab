import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { connectionOptions, serve } from "./server.js";
import type { Host } from "./workspace.js";

/** Largest file that is read; the parser takes less. */
const maxBytes = 8 * 1024 ** 2;
/** Most model files that are looked for in a workspace, and folders deep. */
const mostFiles = 2000;
const mostDepth = 8;

/** The package's page of codes. */
const pages = new URL("../../docs/diagnostics.md", import.meta.url);

/** The language server on standard input and output. It reads `.lvm` files, and nothing else. */
export function serveStdio(version: string): void {
  const connection = createConnection(ProposedFeatures.all, process.stdin, process.stdout, connectionOptions);
  // A bug of ours must not take the editor's answers away; editors show standard error.
  process.on("uncaughtException", (error) => process.stderr.write(`${error.stack ?? String(error)}\n`));
  serve(connection, fileHost(), version);
}

/** Model files on disk. */
export function fileHost(): Host {
  return {
    pageOf: (code) => `${pages.href}#${code.toLowerCase()}`,
    read(uri) {
      const path = pathOf(uri);
      if (path === undefined || !path.endsWith(".lvm")) return undefined;
      try {
        const stat = statSync(path);
        return stat.isFile() && stat.size <= maxBytes ? readFileSync(path, "utf8") : undefined;
      } catch {
        return undefined;
      }
    },
    list(folders) {
      const found: string[] = [];
      const walk = (folder: string, depth: number): void => {
        let entries;
        try {
          entries = readdirSync(folder, { withFileTypes: true });
        } catch {
          return;
        }
        for (const entry of entries) {
          if (found.length >= mostFiles) return;
          if (entry.isDirectory() && depth < mostDepth && !entry.name.startsWith(".") && entry.name !== "node_modules") walk(join(folder, entry.name), depth + 1);
          else if (entry.isFile() && entry.name.endsWith(".lvm")) found.push(pathToFileURL(join(folder, entry.name)).href);
        }
      };
      for (const uri of folders) {
        const path = pathOf(uri);
        if (path !== undefined) walk(path, 0);
      }
      return found;
    },
  };
}

function pathOf(uri: string): string | undefined {
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined;
  }
}
