import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FromPage, readFromPage, type ToPage } from "../../editors/vscode/src/views/messages.js";
import { pageHtml } from "../../editors/vscode/src/views/page-html.js";
import { type Shown, targetAt, viewKinds } from "../../editors/vscode/src/views/view-kinds.js";
import { analyze } from "../../src/language-server/analysis.js";
import { graphView, objectiveView } from "../../src/language-server/features/views.js";
import { chromiumPath, startChromium } from "../browser/chromium.js";
import { unpackExtension, type Unpacked } from "./support/unpacked-extension.js";

/** Guards the pages of the views, as they are in the package: in a real browser under their own policy they show the server's markup, and nothing that is hidden in it. */

const text = "model m(x: real[2]) {\n  z: real[2] ~ Normal(0, 1)\n  x ~ Normal(z, 0.5)\n}\n\nguide m {\n  z ~ Normal(0.5 * x, 0.5)\n}\n";
const analysis = analyze({ path: "m.lvm", text });
const objective = viewKinds.objective.read(objectiveView(analysis, {}));
const graph = viewKinds.graph.read(graphView(analysis, {}));

describe("what the views show", () => {
  it("has the server's answers for its source", () => {
    expect(objective).toMatchObject({ model: "m", targets: expect.arrayContaining([expect.objectContaining({ range: expect.anything() })]) });
    expect(graph.targets.map(({ id }) => id)).toEqual(["z", "x"]);
  });

  it("marks the smallest target around the cursor", () => {
    const range = (a: number, b: number, c: number, d: number) => ({ start: { line: a, character: b }, end: { line: c, character: d } });
    const shown: Shown = { model: "m", markup: "", targets: [{ id: "outer", range: range(0, 2, 9, 1) }, { id: "inner", range: range(3, 2, 3, 10) }, { id: "same line", range: range(9, 1, 9, 4) }] };
    expect([targetAt(shown, 0, 1), targetAt(shown, 0, 2), targetAt(shown, 3, 1), targetAt(shown, 3, 2), targetAt(shown, 3, 10), targetAt(shown, 3, 11), targetAt(shown, 9, 3), targetAt(shown, 9, 5)]).toEqual([undefined, "outer", "outer", "inner", "inner", "outer", "same line", undefined]);
    expect(targetAt(graph, 2, 5)).toBe("x");
  });

  it("hears only messages", () => {
    expect(readFromPage({ kind: "ready", more: 1 })).toEqual({ kind: "ready" });
    expect(readFromPage({ kind: "open", target: "z" })).toEqual({ kind: "open", target: "z" });
    for (const other of [null, undefined, "ready", 3, {}, { kind: "open" }, { kind: "open", target: 3 }, { kind: "run", target: "z" }, []]) expect(readFromPage(other)).toBeUndefined();
  });
});

describe.skipIf(chromiumPath === undefined)(`the page of a view${chromiumPath === undefined ? " (skipped: no Chromium)" : ""}`, () => {
  let browser: Browser;
  let extension: Unpacked;
  beforeAll(async () => {
    extension = unpackExtension();
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    extension?.remove();
  });

  const origin = "https://page.test";

  /** A page as the editor shows it, with what it asked for and said. */
  async function visit(use: (page: Page, send: (message: ToPage) => Promise<void>, said: () => Promise<readonly FromPage[]>) => Promise<void>): Promise<readonly string[]> {
    const page = await browser.newPage();
    const asked: string[] = [];
    const html = pageHtml({ title: 'A <view> & "more"', source: origin, script: `${origin}/view.js`, style: `${origin}/view.css`, nonce: "abc123" });
    await page.route("**/*", (route) => {
      const address = route.request().url();
      asked.push(address);
      const name = address.slice(origin.length + 1);
      if (address === `${origin}/`) return route.fulfill({ contentType: "text/html", body: html });
      if (name === "view.js" || name === "view.css") return route.fulfill({ contentType: name.endsWith("js") ? "text/javascript" : "text/css", body: extension.text(`extension/dist/page/${name}`) });
      return route.abort();
    });
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    await page.addInitScript(() => {
      const state = window as unknown as { said: unknown[]; ran: number; acquireVsCodeApi: () => unknown };
      state.said = [];
      state.ran = 0;
      state.acquireVsCodeApi = () => ({ postMessage: (message: unknown) => state.said.push(message) });
    });
    await page.goto(`${origin}/`);
    await use(
      page,
      (message) => page.evaluate((data) => new Promise<void>((done) => { window.addEventListener("message", () => done(), { once: true }); window.postMessage(data, "*"); }), message),
      () => page.evaluate(() => (window as unknown as { said: FromPage[] }).said),
    );
    await page.close();
    expect(wrong).toEqual([]);
    return asked;
  }

  const show = (shown: Shown, active?: string): ToPage => ({ kind: "show", model: shown.model, markup: shown.markup, targets: shown.targets.map(({ id }) => id), ...(active === undefined ? {} : { active }) });

  it("shows the graph; its nodes lead to the source, by mouse and by key, and the one at the cursor is marked", async () => {
    const asked = await visit(async (page, send, said) => {
      expect(await page.title()).toBe('A <view> & "more"');
      await send(show(graph, "z"));
      expect(await page.locator("svg g.node").count()).toBe(2);
      expect(await page.locator("svg .edge path").count()).toBeGreaterThan(0);
      expect(await page.locator("svg").evaluate((svg) => [svg.namespaceURI, svg.getBoundingClientRect().width > 50])).toEqual(["http://www.w3.org/2000/svg", true]);
      expect(await page.locator(".active").evaluateAll((all) => all.map((each) => each.getAttribute("data-id")))).toEqual(["z"]);
      expect(await page.locator('[data-id="z"] ellipse').evaluate((shape) => getComputedStyle(shape).strokeWidth), "the style is loaded").toBe("2.5px");
      await page.locator('[data-id="x"] ellipse').click();
      await page.locator('[data-id="z"]').focus();
      await page.keyboard.press("Enter");
      await send({ kind: "active", active: "x" });
      expect(await page.locator(".active").evaluateAll((all) => all.map((each) => each.getAttribute("data-id")))).toEqual(["x"]);
      expect(await said()).toEqual([{ kind: "ready" }, { kind: "open", target: "x" }, { kind: "open", target: "z" }]);
      await send({ kind: "empty" });
      expect(await page.locator("svg").count()).toBe(0);
      expect(await page.locator(".empty").count()).toBe(1);
    });
    expect(asked.filter((address) => !address.startsWith(`${origin}/`) || !/\/(view\.(js|css))?$/.test(address))).toEqual([]);
  });

  it("typesets the derivation; the titles of its terms lead to the source", async () => {
    await visit(async (page, send, said) => {
      await send(show(objective));
      expect(await page.locator("math").count()).toBeGreaterThan(3);
      expect(await page.locator("math").first().evaluate((math) => [math.namespaceURI, math.getBoundingClientRect().height > 10])).toEqual(["http://www.w3.org/1998/Math/MathML", true]);
      // Narrow panels are usual: a formula that does not fit scrolls, and nothing else does.
      await page.setViewportSize({ width: 300, height: 600 });
      expect(await page.locator(".formula").evaluateAll((all) => all.filter((each) => each.scrollWidth > each.clientWidth + 50).length)).toBeGreaterThan(0);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(300);
      const titles = page.locator("h4.target");
      expect(await titles.count()).toBe(objective.targets.length);
      await titles.first().click();
      expect((await said()).at(-1)).toEqual({ kind: "open", target: objective.targets[0]?.id });
    });
  });

  it("takes over nothing but text, formulas and shapes, whatever the server sends", async () => {
    const evil = `
      <script>window.ran++</script><img src="${origin}/stolen.png" onerror="window.ran++"><iframe src="${origin}/frame"></iframe><link rel="stylesheet" href="${origin}/other.css">
      <style>body { display: none }</style><base href="https://elsewhere.test/"><form action="https://elsewhere.test"><input autofocus onfocus="window.ran++"></form>
      <p style="position: fixed" onclick="window.ran++" class="words">plain &lt;b&gt; <a href="javascript:window.ran++">link</a></p>
      <math><mi href="javascript:window.ran++" onmouseover="window.ran++">x</mi><annotation-xml encoding="text/html"><img src=x onerror="window.ran++"></annotation-xml></math>
      <svg onload="window.ran++"><g data-id="z" fill="url(https://elsewhere.test/a#b)" marker-end="url(#arrow)"><title>t</title><rect width="9" height="9"/></g><foreignObject><img src=x onerror="window.ran++"></foreignObject>
      <use href="${origin}/sprite.svg#a"/><image href="${origin}/stolen.png"/><animate onbegin="window.ran++" attributeName="x" dur="1s"/><a xlink:href="javascript:window.ran++"><text>go</text></a><script>window.ran++</script></svg>`;
    const asked = await visit(async (page, send) => {
      await send({ kind: "show", model: "m", markup: evil, targets: ["z"], active: 'x"]<script>' });
      await page.locator("p.words").click();
      await page.waitForTimeout(100);
      expect(await page.evaluate(() => (window as unknown as { ran: number }).ran)).toBe(0);
      const content = await page.locator("#content").evaluate((element) => [...element.querySelectorAll("*")].map((each) => `${each.localName} ${each.getAttributeNames().sort().join(" ")}`.trim()));
      expect(content).toEqual(["p class", "div class", "math", "mi", "svg", "g class data-id marker-end role tabindex", "title", "rect height width"]);
      expect(await page.locator("p.words").textContent()).toBe("plain <b> ");
      // Nor does the policy let anything run, or be loaded, that is written into the page itself; styles of the extension's own files it allows.
      await page.evaluate((html) => { document.body.insertAdjacentHTML("beforeend", html); const script = document.createElement("script"); script.textContent = "window.ran++"; document.body.append(script); }, evil.replace(/<link[^>]*>/, ""));
      await page.waitForTimeout(100);
      expect(await page.evaluate(() => (window as unknown as { ran: number }).ran)).toBe(0);
    });
    expect(asked.filter((address) => !/^https:\/\/page\.test\/(view\.(js|css))?$/.test(address))).toEqual([]);
  });
});
