// Bytes that training steps allocate after the first: prints {"count" of kernels, bytes per step of "kernels" alone and of the "loop" around them}.
// usage: node --expose-gc --max-semi-space-size=256 --min-semi-space-size=256 allocation.mjs native|wasm STEPS      What was built must be in dist/.
//
// The young generation is so large that nothing is collected in between: what the heap has grown by is what was allocated.
import { readFileSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { compile } from "../../dist/driver/compile.js";
import { kernelDefinition } from "../../dist/driver/kernel-programs.js";
import { createRandom } from "../../dist/runtime/random/index.js";
import { bindData } from "../../dist/runtime/train/bind-data.js";
import { createHost } from "../../dist/runtime/kernels/host.js";
import { createState, materialize } from "../../dist/runtime/kernels/state.js";
import { createTrainer } from "../../dist/runtime/kernels/trainer.js";
import { hostVectorWidth } from "../../dist/runtime/node/native/index.js";

const [, , device, count] = process.argv;
const steps = Number(count);
const runs = 12;
const path = "models/vae.lvm";
const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const { value } = compile({ path, text });
const definition = kernelDefinition(value.lowered, { path, text }, () => hostVectorWidth());
const host = createHost({ device });

let collections = 0;
new PerformanceObserver((list) => (collections += list.getEntries().length)).observe({ entryTypes: ["gc"] });

const { trainer, module, artifact } = await open(128, runs * steps);
const measuring = await bytes(() => undefined);
const kernels = (await bytes(() => module.run(steps))) - measuring;
const loop = (await bytes(() => trainer.run(steps))) - measuring;
console.log(JSON.stringify({ count: artifact.kernels.length, kernels: kernels / steps, loop: loop / steps }));
process.exit(0);

/** A training program with its data, of which one epoch holds all steps: the turn of an epoch makes its order of rows. */
async function open(batch, most) {
  const rows = batch * (most + 1);
  const { artifact, module } = await host.open((on) => definition.programs.step({ batch, slots: 8, dataset: rows }, on));
  const state = createState(definition, createRandom(1));
  materialize(state, undefined);
  const data = bindData(definition, { x: { rows, values: new Uint8Array(rows * 784).fill(100), shape: [784] } });
  return { artifact, module, trainer: createTrainer(state, artifact, module, data, { dataset: rows, rate: 1 }) };
}

/** What a run allocates when others went before, on the heap and outside: the least of some, since the host optimizes its code meanwhile. */
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
