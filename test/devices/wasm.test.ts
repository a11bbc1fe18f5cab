import { expect, it } from "vitest";
import { checkPrograms } from "./check-programs.js";
import { compileWasm } from "./run-on-devices.js";
import { batchesOf, chosen } from "./seeds.js";
import { buildsOf } from "./ways.js";

const { first, count } = chosen ?? { first: 0, count: 2000 };

// Guards values and gradients of everything that a model can become, with each pass left out in turn: kernels as WebAssembly against the float64 reference.
it(`${count} random programs on wasm`, { timeout: 10_000 + 1000 * count }, async () => {
  let [checked, skipped] = [0, 0];
  for (const [at, seeds] of batchesOf(first, count, 40).entries()) {
    const tally = await checkPrograms(seeds, [{ name: "wasm", compile: compileWasm(at % 2 === 1), build: (seed) => buildsOf(seed, 4).wasm }]);
    checked += tally.checked;
    skipped += tally.skipped;
  }
  process.stdout.write(`wasm: ${count} programs, ${checked} outputs as the reference has them, ${skipped} that float32 does not determine\n`);
  expect(checked).toBeGreaterThan(count);
  // Where float32 does not determine a value, nothing is checked: that must stay the exception.
  if (count >= 500) expect(skipped / (checked + skipped)).toBeLessThan(0.05);
});
