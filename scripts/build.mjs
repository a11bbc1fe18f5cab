// Builds dist/ with the TypeScript compiler and makes the command executable.
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundleServer } from "./bundle-server.mjs";

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
loadParserFromOneFile();
await writeWorkerFile();
await bundleServer(root);
writeBuildId();
chmodSync(main, 0o755);

/**
 * Chevrotain's entry loads some 600 small files, a third of a second at each start; it ships the same as one file, which its package.json does
 * not let programs import. So dist has a copy of that file, with its licence, and whoever installs lvmc needs no Chevrotain.
 */
function loadParserFromOneFile() {
  const library = join(root, "node_modules", "chevrotain");
  const bundle = join(library, "lib", "chevrotain.min.mjs");
  const licence = join(library, "LICENSE.txt");
  if (!existsSync(bundle) || !existsSync(licence)) {
    console.error("lvmc: Chevrotain is not installed: run npm ci");
    process.exit(1);
  }
  const vendor = join(root, "dist", "vendor");
  mkdirSync(vendor, { recursive: true });
  copyFileSync(bundle, join(vendor, "chevrotain.js"));
  copyFileSync(licence, join(vendor, "chevrotain.LICENSE.txt"));
  const parser = join(root, "dist", "parser");
  for (const name of readdirSync(parser).filter((each) => each.endsWith(".js"))) {
    const text = readFileSync(join(parser, name), "utf8");
    const after = text.replace(/ from "chevrotain";$/gm, ' from "../vendor/chevrotain.js";');
    if (after !== text) writeFileSync(join(parser, name), after);
  }
}

/** What tells programs that this compiler made from those of another: a hash of all that is in dist. */
function writeBuildId() {
  const dist = join(root, "dist");
  const hash = createHash("sha256");
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((each) => each.endsWith(".js")).sort()) hash.update(name).update("\0").update(readFileSync(join(dist, name)));
  writeFileSync(join(dist, "build-id"), hash.digest("hex"));
}

/** The worker script of the wasm device as a file, which pages with a strict content security policy can load. */
async function writeWorkerFile() {
  const folder = join(root, "dist", "runtime", "wasm");
  const { workerScript } = await import(pathToFileURL(join(folder, "worker-script.js")).href);
  writeFileSync(join(folder, "kernel-worker.js"), workerScript);
}
