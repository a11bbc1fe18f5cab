import { afterAll, expect, it } from "vitest";
import { closeGpu, missing, testGpu } from "../webgpu/support.js";
import { checkPrograms, type Device } from "./check-programs.js";
import { compileWebGpu } from "./run-on-devices.js";
import { batchesOf, chosen } from "./seeds.js";
import { webgpuBuildOf } from "./ways.js";

afterAll(closeGpu);

const { first, count } = chosen ?? { first: 0, count: 80 };

// Guards values and gradients of everything that a model can become, loops over steps too, as workgroups in WGSL: with each pass left out in turn, against the
// float64 reference. Programs of a batch share an arena, and their pipelines are built together.
it.skipIf(missing !== undefined)(`${count} random programs: webgpu as the reference`, { timeout: 120_000 + 5000 * count }, async () => {
  const device: Device = { name: "webgpu", compile: compileWebGpu(await testGpu()), build: webgpuBuildOf, flushes: true };
  const sum = { checked: 0, skipped: 0 };
  for (const seeds of batchesOf(first, count, 20)) {
    const { checked, skipped } = await checkPrograms(seeds, [device]);
    sum.checked += checked;
    sum.skipped += skipped;
  }
  process.stdout.write(`webgpu: ${count} programs, ${sum.checked} outputs as the reference has them, ${sum.skipped} that float32 does not determine\n`);
  expect(sum.checked).toBeGreaterThan(count);
  if (count >= 80) expect(sum.skipped / (sum.checked + sum.skipped)).toBeLessThan(0.05);
});
