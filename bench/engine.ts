import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { it } from "vitest";
import { kernelDefinition } from "../src/driver/kernel-programs.js";
import type { Columns, Model } from "../src/runtime/model.js";
import { createKernelModel } from "../src/runtime/kernels/index.js";
import { hostVectorWidth } from "../src/runtime/node/native/index.js";
import { lowerText } from "../test/support/lowered.js";
import { compiledModel } from "../test/codegen/support/load-emitted.js";

/**
 * The training loop of models/vae.lvm (784-400-20, batch 128, Adam, fresh binarization) by kernels, on TensorFlow.js, and by the peers of a Python
 * environment that LVMC_PEERS names, taking turns in one run. Medians of milliseconds per step and ratios to the first device; kept in
 * bench/results/. Times of a shared machine say little, their ratios more.
 */

const rows = 8192;
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 7);
const stepsPerRound = Number(process.env["BENCH_STEPS"] ?? 60);
const peers = process.env["LVMC_PEERS"];

interface Candidate {
  readonly name: string;
  /** Milliseconds per step of one round. */
  readonly round: () => Promise<number>;
  readonly dispose: () => void;
}

const data: Columns = { x: { rows, values: Uint8Array.from({ length: rows * 784 }, (_, at) => ((at * 2654435761) >>> 16) & 255), shape: [784] } };

function training(name: string, model: Model, steps = stepsPerRound): Candidate {
  const run = model.train(data, { epochs: 1e9, yieldEvery: 10, metricsEvery: 10 });
  return {
    name,
    round: async () => {
      const until = model.step + steps;
      const start = performance.now();
      const from = model.step;
      while (model.step < until) await run.next();
      return (performance.now() - start) / (model.step - from);
    },
    dispose: () => model.dispose(),
  };
}

function peer(name: string): Candidate {
  const script = fileURLToPath(new URL("peers.py", import.meta.url));
  return {
    name,
    // Each round is a process of its own: a peer's threads do not spin while others are measured.
    round: async () => {
      const times: number[] = JSON.parse(execFileSync(`${peers}/bin/python`, [script, name, "2", String(stepsPerRound)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim().split("\n").at(-1) ?? "[]");
      return median(times);
    },
    dispose: () => undefined,
  };
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;

it("measures", async () => {
  const path = "models/vae.lvm";
  const text = readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
  const lowered = lowerText(text, path);
  const definition = kernelDefinition(lowered, { path, text }, () => hostVectorWidth());
  const starts: Record<string, number> = {};
  const kernels = async (device: "native" | "wasm", threads: number): Promise<Candidate> => {
    const name = `${device}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
    const begin = performance.now();
    const candidate = training(name, await createKernelModel(definition, { device, threads, seed: 1 }));
    await candidate.round();
    starts[name] = Number((performance.now() - begin).toFixed(0));
    return candidate;
  };
  const candidates = [await kernels("native", 2), await kernels("native", 1), await kernels("wasm", 2), await kernels("wasm", 1)];
  if (process.env["BENCH_TFJS"] !== "0") candidates.push(training("tfjs wasm", await compiledModel(text)({ device: "tfjs-wasm", seed: 1 }), 10));
  if (peers && existsSync(`${peers}/bin/python`)) candidates.push(...["jax", "torch", "torch-compiled"].map(peer));
  const times = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) for (const { name, round: measure } of candidates) if (round < 3 || !["jax", "torch", "torch-compiled"].includes(name)) times.get(name)?.push(await measure());
  const medians = Object.fromEntries([...times].map(([name, list]) => [name, Number(median(list).toFixed(2))]));
  const first = medians[candidates[0]?.name ?? ""] ?? NaN;
  const result = {
    date: new Date().toISOString().slice(0, 10),
    machine: { cpu: cpus()[0]?.model ?? "", cores: cpus().length, node: process.version, vectors: await hostVectorWidth() },
    work: `${path}, batch 128, ${stepsPerRound} steps a round, ${rounds} rounds`,
    unit: "ms/step",
    medians,
    ratios: Object.fromEntries(Object.entries(medians).map(([name, value]) => [name, Number((value / first).toFixed(2))])),
    firstRound: starts,
  };
  for (const candidate of candidates) candidate.dispose();
  console.log(JSON.stringify(result, undefined, 2));
  if (process.env["BENCH_KEEP"] === "1") {
    const folder = new URL("results/", import.meta.url);
    mkdirSync(folder, { recursive: true });
    writeFileSync(new URL(`engine-${result.date}.json`, folder), `${JSON.stringify(result, undefined, 2)}\n`);
  }
});
