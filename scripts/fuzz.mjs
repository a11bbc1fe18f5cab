// Random programs on every device: `npm run fuzz -- --count 10000 --seed 1`. A failing one is shrunk and printed; its seed runs it again.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { count: { type: "string", default: "1000" }, seed: { type: "string", default: "0" }, device: { type: "string" } } });
const number = (name) => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 0 && value <= 2 ** 40) return value;
  console.error(`--${name} is a whole number`);
  process.exit(2);
};
const [count, seed] = [number("count"), number("seed")];
if (values.device !== undefined && !["wasm", "native", "webgpu"].includes(values.device)) {
  console.error("--device is wasm, native or webgpu");
  process.exit(2);
}
// WebGPU is asked for by its name: drivers for CPUs compile slowly.
const file = values.device === "webgpu" ? "webgpu" : "random-programs";
const device = values.device === undefined ? {} : { LVMC_DEVICE: values.device };
const { status } = spawnSync(process.execPath, [join(root, "node_modules", "vitest", "vitest.mjs"), "run", `test/devices/${file}.test.ts`], {
  cwd: root, stdio: "inherit", env: { ...process.env, LVMC_PROGRAMS: String(count), LVMC_FIRST: String(seed), ...device },
});
process.exit(status ?? 1);
