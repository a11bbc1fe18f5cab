// Builds dist/ with the TypeScript compiler and makes the command executable.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const main = join(root, "dist", "cli", "main.js");

let compiler;
try {
  compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
} catch {
  // `npm ci --omit=dev` leaves the compiler out; what was built before is all there is.
  console.log(existsSync(main) ? "lvmc: TypeScript is not installed; dist is left as it is" : "lvmc: TypeScript is not installed, so lvmc is not built: run npm ci");
  process.exit(0);
}

// The compiler writes only what changed since its notes; where dist is gone the notes lie.
if (!existsSync(main)) rmSync(join(root, "node_modules", ".cache", "tsc", "build.tsbuildinfo"), { force: true });

const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit", cwd: root });
if (status !== 0) process.exit(status ?? 1);
chmodSync(main, 0o755);
