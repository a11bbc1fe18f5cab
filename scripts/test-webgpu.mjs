// All of WebGPU's tests: those of `npm test`, with every model and more random programs. SwiftShader, which comes with Chromium, plays the GPU.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync(process.execPath, [join(root, "node_modules", "vitest", "vitest.mjs"), "run", "test/webgpu", "test/devices/webgpu.test.ts"], {
  cwd: root, stdio: "inherit", env: { ...process.env, LVMC_WEBGPU_MODELS: "all", LVMC_PROGRAMS: "400" },
});
process.exit(status ?? 1);
