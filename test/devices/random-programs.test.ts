import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { hostVectorWidth } from "../../src/runtime/node/native/index.js";
import { hasCompiler } from "../native/programs.js";
import { checkPrograms, type Device } from "./check-programs.js";
import { compileNative, compileWasm } from "./run-on-devices.js";
import { batchesOf, chosen } from "./seeds.js";
import { buildsOf } from "./ways.js";

const { first, count, device } = chosen ?? { first: 0, count: 2000, device: undefined };
const native = hasCompiler && device !== "wasm";
const names = [...(device === "native" ? [] : ["wasm"]), ...(native ? ["native"] : [])];
const batch = 40;

/**
 * How gcc optimizes a batch. The kernels and their C are tested, not the compiler: most are compiled in the least time, one batch in twenty as users' are.
 * `npm run fuzz` compiles all as users' are.
 */
const levelOf = (at: number): "g" | "1" | "3" => (chosen || at % 20 === 7 ? "3" : at % 20 === 17 ? "1" : "g");

// Guards values and gradients of everything that a model can become, with each pass left out in turn: kernels as WebAssembly and as C, on vectors of 4 and of the
// machine's width, against the float64 reference; and that equal kernels give equal bits on both.
it(`${count} random programs: ${names.join(" and ")} as the reference`, { timeout: 60_000 + 2000 * count }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "lvmc-devices-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const lanes = native ? await hostVectorWidth() : 4;
  const sum = { checked: 0, skipped: 0, sameBits: 0 };
  const batches = batchesOf(first, count, batch).entries();
  // While the C compiler works on one batch, another's programs are made and run here.
  const work = async (): Promise<void> => {
    for (const [at, seeds] of batches) {
      const devices: Device[] = [];
      if (device !== "native") devices.push({ name: "wasm", compile: compileWasm(at % 2 === 1), build: (seed) => buildsOf(seed, lanes).wasm });
      if (native) devices.push({ name: "native", compile: compileNative(folder, levelOf(at)), build: (seed) => buildsOf(seed, lanes).native });
      const tally = await checkPrograms(seeds, devices);
      sum.checked += tally.checked;
      sum.skipped += tally.skipped;
      sum.sameBits += tally.sameBits;
    }
  };
  await Promise.all([work(), work()]);
  process.stdout.write(`${names.join(" and ")}: ${count} programs, ${sum.checked} outputs as the reference has them, ${sum.skipped} that float32 does not determine, ${sum.sameBits} programs with equal bits\n`);
  expect(sum.checked).toBeGreaterThan(count);
  // Where float32 does not determine a value, nothing is checked: that must stay the exception.
  if (count >= 500) expect(sum.skipped / (sum.checked + sum.skipped)).toBeLessThan(0.05);
  if (names.length === 2 && count >= 40) expect(sum.sameBits).toBeGreaterThanOrEqual(Math.floor(count / 5));
});
