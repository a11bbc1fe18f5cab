import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isBuilt, repository } from "../emitted/user-project.js";
import { chromiumPath, startChromium } from "./chromium.js";
import { serveFolder } from "./serve-folder.js";

/** Guards the page of examples/browser as a visitor has it: built by Vite from the emitted module, served from a plain folder, it trains on WebGPU and on WebAssembly. */

const runs = chromiumPath !== undefined && isBuilt;
const why = chromiumPath === undefined ? " (skipped: no Chromium)" : isBuilt ? "" : " (skipped: dist is not built)";
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** SwiftShader takes a second for a step and ten for the pipelines. */
const patience = 200_000;

/** What a model says that gives each of 784 pixels an even chance: every run begins there. */
const untrained = 784 * Math.log(2);

describe.skipIf(!runs)(`the example page${why}`, () => {
  let browser: Browser;
  let site: string;

  beforeAll(async () => {
    const cache = join(repository, "node_modules/.cache");
    mkdirSync(cache, { recursive: true });
    site = mkdtempSync(join(cache, "example-"));
    execFileSync(process.execPath, [join(repository, "examples/browser/run.mjs"), "--build", "--out", site], { stdio: "pipe" });
    execFileSync(process.execPath, [join(repository, "node_modules/typescript/bin/tsc"), "-p", join(repository, "examples/browser")], { stdio: "pipe" });
    browser = await startChromium({ webgpu: true });
  }, patience);

  afterAll(async () => {
    await browser?.close();
    if (site) rmSync(site, { recursive: true, force: true });
  });

  const serve = (headers: Readonly<Record<string, string>>) => serveFolder(site, { "/": readFileSync(join(site, "index.html"), "utf8") }, headers);

  async function visit<T>(query: string, starting: Promise<{ readonly address: string; close(): Promise<void> }>, use: (page: Page) => Promise<T>): Promise<T> {
    const server = await starting;
    const page = await browser.newPage();
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (message) => (["error", "warning"].includes(message.type()) ? wrong.push(message.text()) : undefined));
    page.on("request", (request) => (/^(data|blob):/.test(request.url()) || request.url().startsWith(server.address) ? undefined : wrong.push(`asked for ${request.url()}`)));
    try {
      await page.goto(`${server.address}/?${query}`);
      const result = await use(page);
      expect(wrong).toEqual([]);
      return result;
    } finally {
      await page.close();
      await server.close();
    }
  }

  const until = (page: Page, state: string): Promise<unknown> => page.waitForFunction((wanted) => [wanted, "failed"].includes(document.body.dataset["state"] ?? ""), state, { timeout: patience });
  const figure = async (page: Page, name: string): Promise<number> => Number(((await page.textContent(`#${name}`)) ?? "").replaceAll(",", ""));
  /** How far the opacity of a canvas' pixels spreads, from 0 to 255. */
  const spread = (page: Page, id: string): Promise<number> =>
    page.evaluate((which) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`#${which}`)!;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      const opacities = data.filter((_, at) => at % 4 === 3);
      return opacities.reduce((most, each) => Math.max(most, each), 0) - opacities.reduce((least, each) => Math.min(least, each), 255);
    }, id);

  async function finished(page: Page) {
    await until(page, "finished");
    // What was told last is drawn in the next frame.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    return { status: await page.textContent("#status"), note: await page.textContent("#note"), step: await figure(page, "step"), loss: await figure(page, "loss") };
  }

  const losses = new Map<string, number>();

  it.each([["wasm", /^Finished on WebAssembly$/], ["webgpu", /^Finished on WebGPU, .*SwiftShader/i]])("trains on %s, and repeats itself when it is loaded again", async (device, status) => {
    const [first, again] = await visit(`device=${device}&seed=7&steps=5`, serve(isolated), async (page) => {
      const before = await finished(page);
      for (const canvas of ["loss-curve", "samples", "map", "codes"]) expect(await spread(page, canvas), canvas).toBeGreaterThan(60);
      await page.reload();
      return [before, await finished(page)];
    });
    expect(first).toMatchObject({ status: expect.stringMatching(status), note: "", step: 5 });
    expect(first.loss).toBeGreaterThan(100);
    expect(first.loss).toBeLessThan(0.9 * untrained);
    expect(again).toEqual(first);
    losses.set(device, first.loss);
  }, 2 * patience);

  it("computes the same on both", () => {
    expect(Math.abs(losses.get("webgpu")! - losses.get("wasm")!)).toBeLessThan(0.2);
  });

  it("takes WebAssembly where WebGPU has no GPU behind it, and needs no headers; pause, continue, and another seed", async () => {
    await visit("", serve({}), async (page) => {
      await page.waitForFunction(() => Number(document.querySelector("#step")?.textContent) >= 5, undefined, { timeout: patience });
      expect(await page.textContent("#status")).toBe("Training on WebAssembly");
      expect(await page.textContent("#note")).toMatch(/WebGPU has no GPU behind it.*WebAssembly/);
      await page.getByRole("button", { name: "Pause" }).click();
      await until(page, "paused");
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      const at = await figure(page, "step");
      await page.waitForTimeout(300);
      expect(await figure(page, "step")).toBe(at);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.waitForFunction((step) => Number(document.querySelector("#step")?.textContent?.replaceAll(",", "")) > step, at, { timeout: patience });
      await page.getByLabel("Seed").fill("3");
      await page.getByRole("button", { name: "Restart" }).click();
      await until(page, "training");
      expect(new URL(page.url()).searchParams.get("seed")).toBe("3");
    });
  }, patience);

  it("says what is missing where a device was asked for that is not there", async () => {
    const plain = await startChromium();
    const server = await serve(isolated);
    try {
      const page = await plain.newPage();
      await page.goto(`${server.address}/?device=webgpu`);
      await until(page, "failed");
      expect(await page.textContent("#note")).toMatch(/no WebGPU device/);
    } finally {
      await plain.close();
      await server.close();
    }
  }, patience);

  // Vite serves the modules one by one then, where a bundle may hide in which order they run.
  it("runs from the development server, isolated", async () => {
    await visit("device=wasm&steps=5", developmentServer(), async (page) => {
      expect(await finished(page)).toMatchObject({ status: "Finished on WebAssembly", step: 5 });
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    });
  }, patience);
});

/** What `npm run example:browser` starts. */
function developmentServer(): Promise<{ readonly address: string; close(): Promise<void> }> {
  const child = spawn(process.execPath, [join(repository, "examples/browser/run.mjs")], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, NO_COLOR: "1" } });
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (text: Buffer) => {
      said += text.toString();
      const address = /http:\/\/localhost:\d+/.exec(said)?.[0];
      if (address === undefined) return;
      resolve({ address, close: () => (child.kill(), ended) });
    });
    void ended.then(() => reject(new Error(`the development server ended:\n${said}`)));
  });
}
