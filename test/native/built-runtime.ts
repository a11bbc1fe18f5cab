import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transpile } from "../../src/codegen/typescript/transpile.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The runtime of a device (the native one) as JavaScript in a folder, for processes of their own. Gives the path of its index. */
export function buildRuntime(folder: string, device = join("node", "native")): string {
  mkdirSync(join(folder, device), { recursive: true });
  for (const file of ["error.ts", "kernel-engine.ts", ...readdirSync(join(root, "src", "runtime", device)).map((name) => join(device, name))]) {
    writeFileSync(join(folder, file.replace(/\.ts$/, ".js")), transpile(readFileSync(join(root, "src", "runtime", file), "utf8")));
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return join(folder, device, "index.js");
}
