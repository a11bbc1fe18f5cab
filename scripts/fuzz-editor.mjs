// Random edits and requests against the language server: `npm run fuzz:editor -- --count 100000 --seed 1`. What fails is printed with its step, and its seed runs it again.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { count: { type: "string", default: "100000" }, seed: { type: "string", default: "1" } } });
const number = (name) => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 1 && value <= 2 ** 31) return value;
  console.error(`--${name} is a whole number, from 1`);
  process.exit(2);
};
const env = { ...process.env, LVMC_EDITS: String(number("count")), LVMC_FIRST: String(number("seed")) };
const { status } = spawnSync(process.execPath, [join(root, "node_modules", "vitest", "vitest.mjs"), "run", "test/language-server/random-edits.test.ts"], { cwd: root, stdio: "inherit", env });
process.exit(status ?? 1);
