// Bundles editors/playground into a static folder: dist/playground, or what --out names.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const outAt = process.argv.indexOf("--out");
const out = outAt < 0 ? join(root, "dist/playground") : resolve(process.argv[outAt + 1] ?? "");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const define = { lvmcVersion: JSON.stringify(version) };
// Monaco's own client of language servers: the package's main entry would bring eighty languages along.
const alias = [
  { find: "monaco-lsp-client", replacement: join(root, "node_modules/monaco-editor/esm/external/monaco-lsp-client/out/index.js") },
  // What is built, with the parser's library in one file and the worker's text.
  { find: /^\.\.\/\.\.\/src\//, replacement: join(root, "dist/") },
];

await build({
  configFile: false,
  root: join(root, "editors/playground"),
  // Works from any folder of any server.
  base: "./",
  define,
  resolve: { alias },
  worker: { format: "es" },
  logLevel: process.argv.includes("--quiet") ? "warn" : "info",
  build: { target: "es2022", emptyOutDir: true, outDir: out, chunkSizeWarningLimit: 8000 },
});
const { catalog } = await import(join(root, "dist/diagnostics/catalog.js"));
writeFileSync(join(out, "diagnostics.html"), codesPage(catalog));

/** What each code means, for links from the editor. */
function codesPage(all) {
  const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const entries = Object.entries(all).map(([code, { title, explanation }]) => `<h2 id="${code.toLowerCase()}">${code}: ${escape(title)}</h2>\n<pre>${escape(explanation)}</pre>`);
  return `<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>lvmc: codes</title>\n<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap;font:inherit}</style>\n${entries.join("\n")}\n</html>\n`;
}
