import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { it } from "vitest";
import { withFolder } from "./support/data-file.js";
import { median } from "./support/measure.js";
import { noPeers, peerScript, python } from "./support/peers.js";
import { report } from "./support/report.js";
import { type Bar, figures, limitBar, rowsOf, type Section } from "./support/result.js";

/**
 * models/vae.lvm on MNIST end to end, from the start of the process to the test −ELBO, by `lvmc train` on native kernels and by the same model in
 * JAX, taking turns. LVMC_MNIST names the folder with the idx.gz files, LVMC_PEERS the Python environment; BENCH_ROUNDS (default 1), BENCH_EPOCHS (20).
 */
const folder = process.env["LVMC_MNIST"] ?? "";
const epochs = Number(process.env["BENCH_EPOCHS"] ?? 20);
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 1);
const [train, test] = ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"].map((name) => join(folder, name)) as [string, string];
const root = new URL("../", import.meta.url);
/** Nats by which the two may differ. */
const elboSpread = 0.5;

interface Trained {
  readonly seconds: number;
  /** Nats per image, of the test images. */
  readonly elbo: number;
  readonly version?: string;
}

it.skipIf(folder === "" || !existsSync(train))("measures MNIST end to end (LVMC_MNIST names the folder with the idx.gz files)", async () => {
  const trainers: readonly (readonly [string, (seed: number) => Promise<Trained>])[] = [["lvmc train, native", lvmc], ...(python ? [["JAX jit", jax] as const] : [])];
  const done = new Map<string, Trained[]>(trainers.map(([name]) => [name, []]));
  for (let seed = 0; seed < rounds; seed++) for (const [name, run] of trainers) done.get(name)?.push(await run(seed));
  const of = (name: string, what: "seconds" | "elbo"): number | undefined => done.get(name) && median((done.get(name) ?? []).map((each) => each[what]));
  const [own, other] = [of("lvmc train, native", "elbo"), of("JAX jit", "elbo")];
  const rows = rowsOf(new Map([...done].map(([name, list]) => [name, list.map(({ seconds }) => seconds)])), Object.fromEntries([...done].map(([name, list]) => [name, `test −ELBO ${list.map(({ elbo }) => (-elbo).toFixed(2)).join(", ")}`])));
  const ratio = (of("JAX jit", "seconds") ?? NaN) / (of("lvmc train, native", "seconds") ?? NaN);
  const faster: Bar = { work: "native against JAX, seconds", bar: "> 1 ×", found: Number.isNaN(ratio) ? "absent" : `${figures(ratio)} ×`, met: Number.isNaN(ratio) ? undefined : ratio > 1 };
  const section: Section = {
    title: "MNIST",
    work: `models/vae.lvm (784-400-20, batch 128, Adam), ${epochs} epochs of 60,000 images binarized afresh, then the −ELBO of the 10,000 test images, one draw each: whole processes. lvmc reads, checks and keeps a checkpoint of each epoch; its cache of kernels is empty, as JAX's.`,
    unit: "s",
    rows,
    bars: [faster, limitBar("difference of test −ELBO", own === undefined || other === undefined ? undefined : Math.abs(own - other), elboSpread, "nat")],
    skipped: python ? [] : [noPeers],
    versions: [...done.values()].flatMap((list) => list.flatMap(({ version }) => version ?? [])),
  };
  report("mnist", "MNIST end to end", "npm run bench:mnist", [section]);
});

async function lvmc(seed: number): Promise<Trained> {
  return withFolder(async (out) => {
    const begin = performance.now();
    const options = ["--data", `x=${train}`, "--test-data", `x=${test}`, "--epochs", String(epochs), "--seed", String(seed), "--device", "native", "--no-samples", "--out", out, "--json"];
    const text = execFileSync(process.execPath, [fileURLToPath(new URL("dist/cli/main.js", root)), "train", fileURLToPath(new URL("models/vae.lvm", root)), ...options], { encoding: "utf8", maxBuffer: 2 ** 28, env: { ...process.env, XDG_CACHE_HOME: join(out, "cache") } });
    const seconds = (performance.now() - begin) / 1000;
    const evaluation = text.trim().split("\n").map((line) => JSON.parse(line) as { readonly type: string; readonly on?: string; readonly elbo?: number }).find(({ type, on }) => type === "evaluation" && on === "test");
    return { seconds, elbo: evaluation?.elbo ?? NaN };
  });
}

async function jax(seed: number): Promise<Trained> {
  const begin = performance.now();
  const text = execFileSync(python ?? "", ["-B", peerScript("mnist"), folder, String(epochs), String(seed)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const result = JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as { readonly elbo: number; readonly version: string };
  return { seconds: (performance.now() - begin) / 1000, ...result };
}
