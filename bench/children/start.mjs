// One start of lvmc as a program that imports it: prints, in milliseconds, [from compile() to the first step done, from the start of the process].
// Both caches, of programs and of libraries, are in CACHE.
// usage: node start.mjs native|wasm CACHE      What was built must be in dist/.
import { readFileSync } from "node:fs";
import { compile } from "../../dist/driver/compile.js";

const [, , device, cacheFolder] = process.argv;
const path = "models/vae.lvm";
const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const rows = 8192;
const values = new Uint8Array(rows * 784);
for (let at = 0; at < values.length; at++) values[at] = Math.imul(at, 0x9e3779b1) >>> 24;

const began = performance.now();
const { value } = compile({ path, text });
const [{ kernelDefinition }, { createKernelModel }, { hostVectorWidth }, { openProgramStore }] = await Promise.all([import("../../dist/driver/kernel-programs.js"), import("../../dist/runtime/kernels/index.js"), import("../../dist/runtime/node/native/index.js"), import("../../dist/runtime/node/program-store.js")]);
const store = await openProgramStore(`${cacheFolder}/programs`);
const model = await createKernelModel(kernelDefinition(value.lowered, { path, text }, () => hostVectorWidth(), undefined, store), { device, cacheFolder, seed: 1 });
await model.train({ x: { rows, values, shape: [784] } }, { steps: 1 }).next();
const ended = performance.now();
console.log(JSON.stringify([ended - began, ended]));
// What was compiled is kept once training runs.
await new Promise((resolve) => setTimeout(resolve, 300));
process.exit(0);
