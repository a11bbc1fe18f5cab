import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transpile } from "../../src/codegen/typescript/transpile.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The native runtime as JavaScript in a folder, for processes of their own. Gives the path of its index. */
export function buildRuntime(folder: string): string {
  const native = join("node", "native");
  mkdirSync(join(folder, native), { recursive: true });
  for (const file of ["error.ts", "kernel-engine.ts", ...readdirSync(join(root, "src", "runtime", native)).map((name) => join(native, name))]) {
    writeFileSync(join(folder, file.replace(/\.ts$/, ".js")), transpile(readFileSync(join(root, "src", "runtime", file), "utf8")));
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return join(folder, native, "index.js");
}
