// One start of lvmc as a program that imports it: prints, in milliseconds, [from compile() to the first step done, from the start of the process].
// usage: node start.mjs native|wasm CACHE      What was built must be in dist/.
import { readFileSync } from "node:fs";
import { compile } from "../../dist/driver/compile.js";

const [, , device, cacheFolder] = process.argv;
const path = "models/vae.lvm";
const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const rows = 8192;
const values = Uint8Array.from({ length: rows * 784 }, (_, at) => ((at * 2654435761) >>> 16) & 255);

const began = performance.now();
const { value } = compile({ path, text });
const [{ kernelDefinition }, { createKernelModel }, { hostVectorWidth }] = await Promise.all([import("../../dist/driver/kernel-programs.js"), import("../../dist/runtime/kernels/index.js"), import("../../dist/runtime/node/native/index.js")]);
const model = await createKernelModel(kernelDefinition(value.lowered, { path, text }, () => hostVectorWidth()), { device, cacheFolder, seed: 1 });
await model.train({ x: { rows, values, shape: [784] } }, { steps: 1 }).next();
const ended = performance.now();
console.log(JSON.stringify([ended - began, ended]));
process.exit(0);
