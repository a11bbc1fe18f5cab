// Measures WebGPU on this machine's GPU, in turns with JAX and PyTorch where a Python has them: see docs/webgpu.md, "Measuring".
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findPython, openPeer, precisions } from "./peers.mjs";
import { peakOf } from "./peaks.mjs";

const { values: options } = parseArgs({
  options: {
    /** Small sizes and few rounds: whether everything runs. */
    quick: { type: "boolean", default: false },
    /** Takes an adapter that is a CPU. */
    software: { type: "boolean", default: false },
    /** TFLOP/s of fp32 arithmetic, where the adapter is in no table. */
    peak: { type: "string" },
    /** Folder for gpu-DATE.json and .md; else $OUT, else bench/results. */
    out: { type: "string" },
    /** Some of vae, conv_vae, products, copy, dispatch. */
    only: { type: "string" },
    rounds: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log("run.sh [--quick] [--software] [--peak TFLOPS] [--out FOLDER] [--only vae,conv_vae,products,copy,dispatch] [--rounds N]");
  process.exit(0);
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const [{ createHost }, { createKernelModel }, { secondsPerRun, fillInputs }, { compileMeasureProgram }, { kernelDefinition }, { compile }, { makeBuiltinData }, { checkWebGpu, usefulFeatures }] = await Promise.all([
  dist("runtime/kernels/host.js"), dist("runtime/kernels/index.js"), dist("runtime/kernels/measure-device.js"), dist("driver/measure-programs.js"), dist("driver/kernel-programs.js"), dist("driver/compile.js"),
  dist("runtime/builtin-data/index.js"), dist("cli/devices/check-web-gpu.js"),
]);

const { quick } = options;
const rounds = Number(options.rounds ?? (quick ? 1 : 5));
const wanted = (name) => options.only === undefined || options.only.split(",").includes(name);
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1] ?? NaN;
const digits = (value) => (!Number.isFinite(value) ? "–" : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(3));
const sections = [];
const notes = [];
const print = (title, head, rows) => {
  const widths = head.map((cell, at) => Math.max(cell.length, 3, ...rows.map((row) => row[at].length)));
  const line = (cells) => `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join(" | ")} |`;
  const text = [`## ${title}`, "", line(head), line(widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))), ...rows.map(line), ""].join("\n");
  console.log(text);
  sections.push(text);
};

// --- the adapter

const { gpu, text, help, facts } = await checkWebGpu();
if (!gpu) {
  console.error([`no GPU: ${text}`, help].filter(Boolean).join("\n"));
  process.exit(5);
}
if (gpu.adapter.software && !options.software) {
  console.error(`no GPU: ${text}\n--software measures it all the same`);
  process.exit(5);
}
const names = [gpu.adapter.device, gpu.adapter.description, gpu.adapter.architecture].join(" ");
const known = peakOf(names);
const peak = options.peak === undefined ? known?.teraflops : Number(options.peak);
const versions = new Set([`Node ${process.version.slice(1)}`, `Dawn: webgpu ${facts.package}`]);
const result = { date: new Date().toISOString().slice(0, 10), adapter: facts, peakTeraflops: peak, peakGigabytes: known?.gigabytes, host: `${cpus().length} × ${cpus()[0]?.model.trim() ?? ""}`, rounds, quick };
print("Adapter", ["", "what it says"], [
  ["adapter", facts.adapter], ["driver", gpu.adapter.description || "–"], ["peak", peak === undefined ? "not known: --peak TFLOPS" : `${peak} TFLOP/s of fp32${known ? `, ${known.gigabytes} GB/s` : ""}`],
  ["features", usefulFeatures.filter((name) => gpu.adapter.features.includes(name)).join(", ") || "none of those that kernels could use"],
  ["subgroups", facts.subgroups?.join(" to ") ?? "–"],
  ["subgroup matrices", facts.subgroupMatrices.map(({ componentType, resultComponentType, M, N, K }) => `${M}×${N}×${K} ${componentType}→${resultComponentType}`).join(", ") || "none offered"],
  ...Object.entries(gpu.adapter.limits).map(([name, value]) => [name, value.toLocaleString("en-US")]),
]);

const python = findPython();
if (!python) notes.push("no Python: JAX and PyTorch were not measured (LVMC_PEERS names an environment)");
const missing = new Set();
const peers = async (script, frameworks, args) => {
  const open = [];
  for (const { label, framework } of python ? frameworks : []) {
    if (missing.has(framework.split("-")[0])) continue;
    for (const { name, environment } of precisions) {
      const peer = await openPeer(python, join(root, script), [framework, ...args], environment);
      if (peer.problem === undefined) {
        versions.add(peer.version);
        open.push({ name: `${label}, ${name}`, ...peer });
        continue;
      }
      notes.push(`${label}: ${peer.problem}`);
      // Without the package, or its GPU, no other form of it runs either.
      if (/No module named|not on a GPU|CUDA/.test(peer.problem)) missing.add(framework.split("-")[0]);
      break;
    }
  }
  return open;
};

const lent = { openGpu: async () => gpu, device: "webgpu" };

// --- programs of one kernel

async function timed(which, sizes) {
  const artifact = await compileMeasureProgram(which, { kind: "wgsl", workgroup: gpu.workgroup }, sizes);
  const { module } = await createHost(lent).open(() => artifact);
  try {
    fillInputs(artifact, module);
    const seconds = await secondsPerRun(module, { milliseconds: quick ? 30 : 500 });
    const device = median(await repeated(quick ? 1 : 7, async () => ((await module.timeKernels()) ?? [NaN]).reduce((sum, each) => sum + each, 0)));
    const sum = (of) => artifact.kernels.reduce((total, kernel) => total + kernel[of], 0);
    return { seconds, deviceSeconds: device / 1e9, flops: sum("flops"), bytes: sum("bytes"), kernels: artifact.kernels.length };
  } finally {
    module.dispose();
  }
}

async function repeated(count, measure) {
  const list = [];
  for (let i = 0; i < count; i++) list.push(await measure());
  return list;
}

if (wanted("products")) {
  const sizes = quick ? [64, 256] : [256, 512, 1024, 2048, 4096, 8192];
  result.products = [];
  const rows = [];
  for (const size of sizes) {
    try {
      const own = await timed("product", { product: size });
      const flops = 2 * size ** 3;
      const row = { size, milliseconds: own.seconds * 1e3, teraflops: flops / own.seconds / 1e12, shareOfPeak: peak && flops / own.seconds / 1e12 / peak, kernels: own.kernels, peers: {} };
      for (const peer of await peers("bench/gpu/products.py", [{ label: "JAX", framework: "jax" }, { label: "PyTorch", framework: "torch" }], [String(size)])) {
        const steps = Math.max(3, Math.min(500, Math.ceil(2e12 / flops)));
        row.peers[peer.name] = flops / (median(await repeated(rounds, () => peer.ask(`steps ${steps}`))) / 1e3) / 1e12;
        peer.close();
      }
      result.products.push(row);
      rows.push(row);
    } catch (error) {
      notes.push(`product ${size}: ${error.message.split("\n")[0]}`);
    }
  }
  const others = [...new Set(rows.flatMap((row) => Object.keys(row.peers)))];
  print("Matrix products, fp32 (TFLOP/s)", ["size", "ms", "lvmc", "share of peak", ...others], rows.map((row) => [`${row.size}`, digits(row.milliseconds), digits(row.teraflops), row.shareOfPeak === undefined ? "–" : `${(100 * row.shareOfPeak).toFixed(1)} %`, ...others.map((name) => digits(row.peers[name] ?? NaN))]));
}

if (wanted("copy")) {
  const most = Math.min(gpu.adapter.limits.maxStorageBufferBindingSize, gpu.adapter.limits.maxBufferSize) / 8 - 1024;
  const sizes = (quick ? [18, 20] : [20, 22, 24, 26, 27]).map((power) => 2 ** power).filter((words) => words < most);
  result.copy = [];
  for (const words of sizes) {
    const own = await timed("copy", { copy: words });
    result.copy.push({ mebibytes: words / 2 ** 18, microseconds: own.seconds * 1e6, gigabytes: own.bytes / own.seconds / 1e9 });
  }
  print("Copy, read and written", ["MiB", "µs", "GB/s", "share of peak"], result.copy.map(({ mebibytes, microseconds, gigabytes }) => [`${mebibytes}`, digits(microseconds), digits(gigabytes), known ? `${((100 * gigabytes) / known.gigabytes).toFixed(1)} %` : "–"]));
}

if (wanted("dispatch")) {
  const own = await timed("chain");
  result.dispatch = { kernels: own.kernels, microseconds: (own.seconds * 1e6) / own.kernels, deviceMicroseconds: (own.deviceSeconds * 1e6) / own.kernels };
  print("Cost of a dispatch", ["", "µs a kernel"], [["one after another, in one pass", digits(result.dispatch.microseconds)], ["of that in the kernel, by the device's clock", digits(result.dispatch.deviceMicroseconds)]]);
}

// --- training steps

async function trainingStep(name, shape, frameworks) {
  const path = join(root, "models", `${name}.lvm`);
  const text = readFileSync(path, "utf8");
  const { value } = compile({ path: `models/${name}.lvm`, text });
  const rows = quick ? 64 : 8192;
  const batch = quick ? 8 : undefined;
  const [images] = makeBuiltinData("digits", [rows], 0);
  const folder = mkdtempSync(join(tmpdir(), "lvmc-bench-"));
  const file = join(folder, "rows.bin");
  writeFileSync(file, images.values);
  const inner = createHost(lent);
  const opened = [];
  const host = {
    get device() { return inner.device; },
    get residentWords() { return inner.residentWords; },
    prepare: () => inner.prepare(),
    open: async (make) => {
      const made = await inner.open(make);
      opened.push(made);
      return made;
    },
  };
  const start = performance.now();
  const model = await createKernelModel(kernelDefinition(value.lowered, { path, text }, () => 8), { host, seed: 1 });
  const others = [];
  try {
    const data = { x: { rows, values: images.values, shape } };
    const before = quick ? 1 : 100;
    const over = quick ? 1 : 20;
    let loss = 0;
    let firstStep = NaN;
    for await (const { step, metrics } of model.train(data, { epochs: 1e9, batch, steps: before + over, metricsEvery: 1 })) {
      if (step === 1) firstStep = performance.now() - start;
      if (step > before) loss -= metrics.elbo / over;
    }
    const steps = quick ? 4 : 400;
    const look = quick ? 4 : 100;
    const run = model.train(data, { epochs: 1e9, batch, yieldEvery: look, metricsEvery: look });
    const take = async (count) => {
      const from = model.step;
      while (model.step < from + count) await run.next();
      return model.step - from;
    };
    others.push(...(await peers(`bench/peers/${name}.py`, frameworks, [file])));
    const losses = {};
    for (const peer of others) {
      await peer.ask("steps 80");
      losses[peer.name] = await peer.ask("loss 20");
    }
    if (!quick) await take(steps);
    const times = { lvmc: [] };
    for (let round = 0; round < rounds; round++) {
      const from = performance.now();
      const taken = await take(steps);
      await opened[0].module.finished();
      times.lvmc.push((performance.now() - from) / taken);
      for (const peer of others) (times[peer.name] ??= []).push(await peer.ask("steps 200"));
    }
    const [{ module, artifact }] = opened;
    const profile = await model.profile({ milliseconds: quick ? 1 : 1000 });
    await run.return();
    // The host's own share: what encoding steps takes, with nothing waited for.
    const encodings = await repeated(quick ? 3 : 20, async () => {
      await module.finished();
      const count = quick ? 8 : 64;
      const from = performance.now();
      module.run(count);
      return ((performance.now() - from) * 1e3) / count;
    });
    const encoding = median(encodings);
    await module.finished();
    const own = median(times.lvmc);
    result[name] = { milliseconds: Object.fromEntries(Object.entries(times).map(([key, list]) => [key, { median: median(list), all: list }])), loss, losses, kernels: artifact.kernels.length, encodingMicroseconds: { median: encoding, lowest: Math.min(...encodings) }, toFirstStepMilliseconds: firstStep, profile: profile?.kernels.map(({ title, microseconds, gflops, gbytes }) => ({ title, microseconds, gflops, gbytes })) };
    print(`${name}, a training step of ${artifact.batch} rows`, ["", "µs", "lowest", "highest", "to lvmc", "loss"], Object.entries(times).map(([key, list]) => [key, digits(median(list) * 1e3), digits(Math.min(...list) * 1e3), digits(Math.max(...list) * 1e3), digits(median(list) / own), digits(key === "lvmc" ? loss : losses[key])]));
    print(`${name}, the host`, ["", ""], [["kernels, each a dispatch", String(artifact.kernels.length)], ["encoding, µs a step", digits(encoding)], ["at best", digits(Math.min(...encodings))], ["compile to first step, ms", digits(firstStep)]]);
    if (profile) print(`${name}, kernels by the device's clock`, ["kernel", "µs", "GFLOP/s", "GB/s"], profile.kernels.map(({ title, microseconds, gflops, gbytes }) => [title.slice(0, 72), digits(microseconds), digits(gflops), digits(gbytes)]));
  } catch (error) {
    notes.push(`${name}: ${error.message.split("\n")[0]}`);
  } finally {
    for (const peer of others) peer.close();
    model.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

const torches = [{ label: "PyTorch fused Adam", framework: "torch-fused" }, { label: "PyTorch compiled", framework: "torch-compiled" }];
if (wanted("vae")) await trainingStep("vae", [784], [{ label: "JAX jit", framework: "jax" }, ...torches]);
if (wanted("conv_vae")) await trainingStep("conv_vae", [28, 28, 1], [{ label: "JAX jit", framework: "jax" }, { label: "PyTorch eager", framework: "torch" }, { label: "PyTorch compiled, channels last", framework: "torch-compiled-channels-last" }]);

gpu.dispose();

const folder = options.out ?? process.env["OUT"] ?? join(root, "bench", "results");
mkdirSync(folder, { recursive: true });
const name = `gpu-${quick ? "quick-" : ""}${result.date}`;
const seen = [...new Set(notes)];
writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ ...result, versions: [...versions], notes: seen }, (_, value) => (typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value), 2)}\n`);
writeFileSync(join(folder, `${name}.md`), `# On a GPU: ${facts.adapter}\n\n${result.date}, \`bench/gpu/run.sh ${process.argv.slice(2).join(" ")}\`, ${[...versions].join(", ")}; medians of ${rounds}.\n\n${sections.join("\n")}${seen.length > 0 ? `\n${seen.map((note) => `- ${note}`).join("\n")}\n` : ""}`);
for (const note of seen) console.log(`note: ${note}`);
console.log(`kept: ${join(folder, name)}.{json,md}`);
process.exit(0);
