import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { hostVectorWidth } from "../../src/runtime/node/native/index.js";
import { hasCompiler } from "../native/programs.js";
import { checkPrograms } from "./check-programs.js";
import { compileNative, compileWasm } from "./run-on-devices.js";
import { batchesOf, chosen } from "./seeds.js";
import { buildsOf } from "./ways.js";

// A C compiler takes a third of a second for one program, so `npm test` has fewer of them than of WebAssembly; `npm run fuzz` has them all.
const { first, count } = chosen ?? { first: 100_000, count: 200 };
const level = chosen ? 3 : 1;

// Guards the same of the C kernels, on vectors of 4 and of the machine's width, and that equal kernels give equal bits on both devices.
it.skipIf(!hasCompiler)(`${count} random programs on native, compiled with -O${level}`, { timeout: 60_000 + 4000 * count }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "lvmc-devices-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const lanes = await hostVectorWidth();
  let sameBits = 0;
  for (const seeds of batchesOf(first, count, 40)) {
    const tally = await checkPrograms(seeds, [
      { name: "wasm", compile: compileWasm(false), build: (seed) => buildsOf(seed, lanes).wasm },
      { name: "native", compile: compileNative(folder, level), build: (seed) => buildsOf(seed, lanes).native },
    ]);
    sameBits += tally.sameBits;
  }
  if (count >= 40) expect(sameBits).toBeGreaterThanOrEqual(Math.floor(count / 5));
});
