// Bytes that training steps allocate after the first: prints {"count" of kernels, bytes per step of "kernels" alone and of the "loop" around them}.
// usage: node --expose-gc --max-semi-space-size=256 --min-semi-space-size=256 allocation.mjs native|wasm STEPS      What was built must be in dist/.
//
// The young generation is so large that nothing is collected in between: what the heap has grown by is what was allocated.
import { readFileSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { compile } from "../../dist/driver/compile.js";
import { kernelDefinition } from "../../dist/driver/kernel-programs.js";
import { createKernelModel } from "../../dist/runtime/kernels/index.js";
import { hostVectorWidth } from "../../dist/runtime/node/native/index.js";

const [, , device, count] = process.argv;
const steps = Number(count);
const runs = 24;
const rows = 8192;
const path = "models/vae.lvm";
const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const { value } = compile({ path, text });
const model = await createKernelModel(kernelDefinition(value.lowered, { path, text }, () => hostVectorWidth()), { device, seed: 1 });
await model.train({ x: { rows, values: new Uint8Array(rows * 784).fill(100), shape: [784] } }, { steps: 1 }).next();
// Private, but what `train` calls between two looks at the metrics.
const { trainer } = model;

let collections = 0;
new PerformanceObserver((list) => (collections += list.getEntries().length)).observe({ entryTypes: ["gc"] });

const measuring = await bytes(() => undefined);
const kernels = (await bytes(() => trainer.module.run(steps))) - measuring;
const loop = (await bytes(() => trainer.run(steps))) - measuring;
console.log(JSON.stringify({ count: trainer.artifact.kernels.length, kernels: kernels / steps, loop: loop / steps }));
process.exit(0);

/**
 * What a run allocates when others went before, on the heap and outside. The least of some: the host optimizes its code meanwhile, and at the
 * turn of an epoch the order of its rows is made.
 */
async function bytes(run) {
  const found = [];
  for (let time = 0; time < runs; time++) {
    measured();
    globalThis.gc();
    await sleep(50);
    collections = 0;
    const before = measured();
    run();
    const after = measured();
    await sleep(0);
    if (collections === 0) found.push(after - before);
  }
  return Math.min(...found);
}

function measured() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
