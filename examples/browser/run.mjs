// Compiles models/vae.lvm with two latent numbers to TypeScript for pages, and starts Vite on it; with --build it makes a static folder instead.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, createServer } from "vite";

const folder = dirname(fileURLToPath(import.meta.url));
const repository = resolve(folder, "../..");
const outAt = process.argv.indexOf("--out");

mkdirSync(join(folder, "generated"), { recursive: true });
const compiled = spawnSync(process.execPath, [join(repository, "dist/cli/main.js"), "compile", "models/vae.lvm", "--set", "LATENT=2", "--device", "webgpu,wasm", "-o", join(folder, "generated/vae.ts")], { cwd: repository, stdio: "inherit" });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

// Pages share memory with threads only when they are isolated; without these headers WebAssembly runs on one thread.
const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const config = {
  configFile: false,
  root: folder,
  // Works from any folder of any server.
  base: "./",
  // What a page outside of this repository imports from the package.
  resolve: { alias: { "lvmc/runtime": join(repository, "dist/runtime/index.js") } },
  optimizeDeps: { include: ["fflate"] },
  worker: { format: "es" },
  server: { headers, fs: { allow: [repository] } },
  build: { target: "es2022", emptyOutDir: true, outDir: outAt < 0 ? join(folder, "dist") : resolve(process.argv[outAt + 1] ?? "") },
};

if (process.argv.includes("--build")) {
  await build(config);
} else {
  const server = await createServer(config);
  await server.listen();
  server.printUrls();
}
