import { execFileSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasRelaxedSimd } from "../../src/runtime/wasm/host.js";
import { lowerText } from "../support/lowered.js";
import { emitted } from "../emitted/support.js";
import { isBuilt, repository, userProject, type UserProject } from "../emitted/user-project.js";
import { chromiumPath, startChromium } from "./chromium.js";
import { serveFolder } from "./serve-folder.js";

/**
 * Guards that an emitted module runs in a browser page: compiled by tsc, served from a plain folder, it trains, samples and infers, with threads where
 * the page may share memory and without them elsewhere, and computes the same bits as in Node.
 */

/** Wide enough that its products are worth threads. */
const model = `
network encoder(x: binary[144]) -> (mean: real[4], scale: positive[4]) {
  h = x |> dense(96) |> tanh
  mean = h |> dense(4)
  scale = h |> dense(4) |> softplus
}
network decoder(z: real[4]) -> (logits: real[144]) {
  logits = z |> dense(96) |> tanh |> dense(144)
}
model pages(x: binary[144]) {
  z: real[4] ~ Normal(0, 1)
  x ~ Bernoulli(logits = decoder(z))
}
guide pages {
  q = encoder(x)
  z ~ Normal(q.mean, q.scale)
}
train pages {
  maximize elbo
  optimizer = adam(rate = 1e-2)
  batch = 64
  epochs = 4
}
`;

/** What a page does; in plain JavaScript, so that Node runs the very same. */
const script = `
import { create } from "./pages.js";

export async function run(options) {
  const rows = 200, size = 144;
  const x = { rows, shape: [size], values: Float32Array.from({ length: rows * size }, (_, at) => (Math.floor(at / size) % 2 === 0 ? at % 3 === 0 : at % 2 === 0) ? 1 : 0) };
  const model = await create({ device: "wasm", seed: 5, ...options });
  const losses = [];
  for await (const { metrics, fresh } of model.train({ x }, { steps: 40, epochs: 100, metricsEvery: 1 })) if (fresh) losses.push(metrics.loss);
  const { elbo } = await model.evaluate({ x });
  const sample = await model.sample(3, { draw: 0 });
  const { z } = await model.infer({ x }, { draw: 0 });
  const bytes = await model.save();
  const result = { device: model.device, losses, elbo, sample: [...sample.x.values], z: [...z.values], saved: bytes.length };
  model.dispose();
  return result;
}
`;

/** A page's own script: shows what came out. Options stand behind the #. */
const main = `
import { run } from "./run.js";
const show = (value) => document.body.append(Object.assign(document.createElement("pre"), { id: "outcome", textContent: JSON.stringify(value) }));
run(JSON.parse(decodeURIComponent(location.hash.slice(1)))).then((result) => show({ isolated: crossOriginIsolated, result }), (error) => show({ error: String(error?.stack ?? error) }));
`;

const importMap = JSON.stringify({ imports: { "lvmc/runtime": "/lvmc/runtime/index.js", fflate: "/fflate/browser.js" } });
/** Of the text of an inline script, as a policy names it. */
const hashOf = async (text: string): Promise<string> => `'sha256-${Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toString("base64")}'`;

const workerFile = "/lvmc/runtime/wasm/kernel-worker.js";
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const runs = chromiumPath !== undefined && isBuilt;
const why = chromiumPath === undefined ? " (skipped: no Chromium)" : isBuilt ? "" : " (skipped: dist is not built)";

interface Result {
  readonly device: string;
  readonly losses: readonly number[];
  readonly elbo: number;
  readonly sample: readonly number[];
  readonly z: readonly number[];
}

/** Browsers have relaxed multiply-adds, which are rounded once; Node from 22 on as well, Node 20 with a flag. */
function runInNode(folder: string): Result {
  const flags = hasRelaxedSimd() ? [] : ["--experimental-wasm-relaxed-simd"];
  const text = `import { run } from ${JSON.stringify(pathToFileURL(join(folder, "run.js")).href)}; console.log(JSON.stringify(await run({ threads: 2 })));`;
  return JSON.parse(execFileSync(process.execPath, [...flags, "--input-type=module", "--eval", text], { encoding: "utf8", maxBuffer: 1 << 26 })) as Result;
}

describe.skipIf(!runs)(`an emitted module in a page${why}`, () => {
  let browser: Browser;
  let project: UserProject;
  let inNode: Result;

  beforeAll(async () => {
    project = userProject({ pages: await emitted(lowerText(model), { path: "pages.lvm", text: model }) });
    expect(project.compile()).toEqual([]);
    writeFileSync(join(project.folder, "run.js"), script);
    writeFileSync(join(project.folder, "main.js"), main);
    // A plain folder: the run time's files and the one library that they import.
    for (const part of ["runtime", "util"]) cpSync(join(repository, "dist", part), join(project.folder, "lvmc", part), { recursive: true });
    cpSync(join(repository, "node_modules/fflate/esm/browser.js"), join(project.folder, "fflate/browser.js"));
    inNode = runInNode(project.folder);
    browser = await startChromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    project?.remove();
  });

  async function visit(headers: Readonly<Record<string, string>>, options: object = {}, missing: readonly string[] = []) {
    const html = `<!doctype html><title>lvmc</title><link rel="icon" href="data:,"><script type="importmap">${importMap}</script><body><script type="module" src="/main.js"></script>`;
    const server = await serveFolder(project.folder, { "/": html }, headers, missing);
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => (message.type() === "error" ? errors.push(message.text()) : undefined));
    try {
      let workers = 0;
      page.on("worker", () => workers++);
      await page.goto(`${server.address}/#${encodeURIComponent(JSON.stringify(options))}`);
      const shown = (await page.locator("#outcome").textContent({ timeout: 60_000 })) ?? "";
      const { error, isolated: shares, result } = JSON.parse(shown) as { error?: string; isolated: boolean; result: Result };
      if (error !== undefined) throw new Error(error);
      return { shares, result, workers, errors, asked: server.asked };
    } finally {
      await page.close();
      await server.close();
    }
  }

  it("trains in Node to begin with", () => {
    expect(inNode.losses).toHaveLength(40);
    expect(inNode.losses[39]!).toBeLessThan(0.8 * inNode.losses[0]!);
    expect(inNode.sample).toHaveLength(3 * 144);
  });

  it("runs with threads where the page is isolated, with the same bits as in Node", async () => {
    const { shares, result, workers, errors } = await visit(isolated, { threads: 2 });
    expect(shares).toBe(true);
    expect(workers).toBeGreaterThan(0);
    expect(errors).toEqual([]);
    expect(result).toEqual(inNode);
  }, 120_000);

  it("runs on one thread elsewhere, with the same bits", async () => {
    const { shares, result, workers, errors } = await visit({}, { threads: 2 });
    expect(shares).toBe(false);
    expect(workers).toBe(0);
    expect(errors).toEqual([]);
    expect(result).toEqual(inNode);
  }, 120_000);

  it("keeps a strict content security policy: scripts and workers from the folder alone", async () => {
    const policy = `default-src 'none'; img-src data:; script-src 'self' 'wasm-unsafe-eval' ${await hashOf(importMap)}; worker-src 'self'`;
    const { result, workers, errors, asked } = await visit({ ...isolated, "content-security-policy": policy }, { threads: 2 });
    expect(workers).toBeGreaterThan(0);
    expect(asked).toContain(workerFile);
    expect(errors).toEqual([]);
    expect(result).toEqual(inNode);
  }, 120_000);

  // Bundled pages may lack the worker's file: its text is in the module as well.
  it("starts threads without the worker's file", async () => {
    const { result, workers, asked } = await visit(isolated, { threads: 2 }, [workerFile]);
    expect(asked).toContain(workerFile);
    expect(workers).toBeGreaterThan(1);
    expect(result).toEqual(inNode);
  }, 120_000);

  it("asks for nothing of Node and nothing of TensorFlow.js", async () => {
    const { asked } = await visit({});
    expect(asked.filter((path) => path.includes("/node/") || path.includes("tfjs") || path.includes("tensorflow"))).toEqual([]);
    expect(asked).toContain("/lvmc/runtime/index.js");
  }, 120_000);
});
