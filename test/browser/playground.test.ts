import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isBuilt, repository } from "../emitted/user-project.js";
import { chromiumPath, startChromium } from "./chromium.js";
import { serveFolder } from "./serve-folder.js";

/** Guards the playground as a visitor has it: a static folder, served by any server, in which one writes a model, is told of mistakes, mends them, sees shapes, the objective and the graph, and trains. */

const runs = chromiumPath !== undefined && isBuilt;
const why = chromiumPath === undefined ? " (skipped: no Chromium)" : isBuilt ? "" : " (skipped: dist is not built)";
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const patience = 120_000;

/** A model of points that trains in a blink, with a mistake: no network is called `decodr`. */
const mistaken = `network decoder(z: real[1]) -> (mean: real[2]) {
  mean = z |> dense(8) |> tanh |> dense(2)
}

model curve(x: real[2]) {
  z: real[1] ~ Normal(0, 1)
  x ~ Normal(decodr(z), 0.1)
}

guide curve {
  auto mean_field z
}

train curve {
  data = moons(512)
  batch = 128
  epochs = 3
}
`;

describe.skipIf(!runs)(`the playground${why}`, () => {
  let browser: Browser;
  let site: string;

  beforeAll(async () => {
    const cache = join(repository, "node_modules/.cache");
    mkdirSync(cache, { recursive: true });
    site = mkdtempSync(join(cache, "playground-"));
    const built = spawnSync(process.execPath, [join(repository, "scripts/build-playground.mjs"), "--quiet", "--out", site], { encoding: "utf8" });
    expect(built.stderr + built.stdout, "the page is bundled").not.toMatch(/error/i);
    expect(built.status).toBe(0);
    browser = await startChromium();
  }, patience);

  afterAll(async () => {
    await browser?.close();
    if (site) rmSync(site, { recursive: true, force: true });
  });

  async function visit(hash: string, use: (page: Page) => Promise<void>): Promise<void> {
    const server = await serveFolder(site, { "/": readFileSync(join(site, "index.html"), "utf8") }, isolated);
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (message) => (message.type() === "error" ? wrong.push(message.text()) : undefined));
    page.on("request", (request) => (/^(data|blob):/.test(request.url()) || request.url().startsWith(server.address) ? undefined : wrong.push(`asked for ${request.url()}`)));
    page.setDefaultTimeout(patience);
    try {
      await page.goto(`${server.address}/${hash}`, { timeout: patience });
      await use(page);
      expect(wrong).toEqual([]);
    } finally {
      await page.close();
      await server.close();
    }
  }

  it("shows the objective and the graph of the model, and sizes in its lines", async () => {
    await visit("", async (page) => {
      await page.waitForSelector("#objective math");
      expect(await page.textContent("#objective h2")).toMatch(/^vae: /);
      await page.click("#tab-graph");
      await page.waitForSelector("#graph [data-id=z]");
      await page.click("#graph [data-id=z]");
      // The node leads to its line: Monaco tells the place of the cursor in the line numbers.
      const line = await page.locator(".line-numbers.active-line-number").textContent();
      const text = readFileSync(join(repository, "models/vae.lvm"), "utf8").split("\n");
      expect(text[Number(line) - 1]).toMatch(/^\s*z: /);
      await page.waitForFunction(() => [...document.querySelectorAll(".view-lines")].some((lines) => (lines.textContent ?? "").replace(/\u00a0/g, " ").includes("[400]")));
    });
  }, patience);

  it("tells of a mistake, mends it, and trains what is right", async () => {
    const { deflateSync } = await import("node:zlib");
    // Links hold raw DEFLATE: zlib's without head and checksum.
    const packed = deflateSync(mistaken).subarray(2, -4).toString("base64url");
    await visit(`#model=${packed}`, async (page) => {
      await page.waitForSelector(".squiggly-error");
      expect(await page.textContent("#message")).toMatch(/decodr/);
      // The cursor onto the mistake, then the quick fix by its key.
      await page.click(".view-line:has-text('decodr') >> nth=0");
      await page.evaluate(() => undefined);
      await page.keyboard.press("Home");
      for (let step = 0; step < "  x ~ Normal(de".length; step++) await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Control+.");
      await page.waitForSelector(".action-widget, .codeActionMenuWidget, .context-view .action");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".squiggly-error", { state: "detached" });
      await page.click("#train");
      await page.waitForFunction(() => document.body.dataset["training"] === "finished");
      expect(await page.textContent("#status")).toMatch(/^Finished curve on WebAssembly/);
      expect(await page.textContent("#figures")).toMatch(/reconstruction\.x/);
      // Something is drawn: the canvas of samples is not empty.
      expect(await page.locator("#samples").evaluate((canvas) => (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, (canvas as HTMLCanvasElement).width, (canvas as HTMLCanvasElement).height).data.some((value) => value > 0))).toBe(true);
      await page.click("#share");
      expect(await page.evaluate(() => location.hash)).toMatch(/^#model=[\w-]+$/);
    });
  }, patience);

  // Guards that a broken link is no way in, and no dead page.
  it("opens with its own model where the address holds none", async () => {
    await visit("#model=AAAA_not_a_model", async (page) => {
      await page.waitForSelector("#objective math");
      expect(await page.textContent("#objective h2")).toMatch(/^vae: /);
    });
  }, patience);

  it("is served by the command to this machine alone, with the headers that threads need", async () => {
    const child = spawn(process.execPath, [join(repository, "dist/cli/main.js"), "playground", join(repository, "models/vae.lvm"), "--port", "0", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const url = await new Promise<string>((done) => {
        let text = "";
        child.stdout.on("data", (chunk: Buffer) => {
          text += chunk.toString();
          const ready = text.split("\n").find((line) => line.includes('"ready"'));
          if (ready) done((JSON.parse(ready) as { url: string }).url);
        });
      });
      const answer = await fetch(url);
      expect([answer.status, answer.headers.get("cross-origin-opener-policy"), answer.headers.get("content-type")]).toEqual([200, "same-origin", "text/html; charset=utf-8"]);
      expect(await answer.text()).toContain("lvmc playground");
      for (const path of ["..%2f..%2fpackage.json", "%2e%2e/%2e%2e/package.json", "nothing.js", "%00"]) expect((await fetch(url + path)).status).toBe(404);
    } finally {
      child.kill("SIGINT");
    }
    expect(await new Promise((done) => child.once("exit", (code) => done(code)))).toBe(0);
  }, patience);
});
