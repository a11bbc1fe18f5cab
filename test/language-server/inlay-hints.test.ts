import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { InlayHint } from "vscode-languageserver-protocol";
import { analyze } from "../../src/language-server/analysis.js";
import { hintsIn } from "../../src/language-server/features/inlay-hints.js";
import { offsetOf } from "../../src/language-server/positions.js";
import { defaultSettings, type Settings } from "../../src/language-server/settings.js";
import { type Client, startClient } from "./support/client.js";

const labelOf = ({ label }: InlayHint): string => (typeof label === "string" ? label : label.map(({ value }) => value).join(""));

/** A text with its hints written into it as ‹…›. */
function hinted(text: string, settings: Settings["inlayHints"] = defaultSettings.inlayHints, from = 0, to = text.length): string {
  const source = { path: "test.lvm", text };
  const hints = hintsIn(analyze(source), { source, start: from, end: to }, ({ path }) => path, settings);
  return [...hints].reverse().reduce((all, hint) => {
    const at = offsetOf(source, hint.position);
    return `${all.slice(0, at)}${hint.paddingLeft ? " " : ""}‹${labelOf(hint)}›${all.slice(at)}`;
  }, text);
}

const model = (name: string): string => readFileSync(new URL(`../../models/${name}.lvm`, import.meta.url), "utf8");
const body = (text: string): string => text.slice(text.search(/^network/m), text.indexOf("\ntrain"));

describe("hints in the text", () => {
  // Guards: the sizes that layers make, the types of names, how each site is estimated.
  it("tell sizes, types and estimators of the VAE", () => {
    expect(body(hinted(model("vae")))).toMatchInlineSnapshot(`
      "network encoder(x: binary[784]) -> (mean: real[LATENT], scale: positive[LATENT]) {
        h‹: nonnegative[400]› = x |> dense(400) ‹[400]› |> relu
        mean‹: real[20]› = h |> dense(LATENT)
        scale‹: positive[20]› = h |> dense(LATENT) ‹[20]› |> softplus
      }

      network decoder(z: real[LATENT]) -> (logits: real[784]) {
        logits‹: real[784]› = z |> dense(400) ‹[400]› |> relu |> dense(784)
      }

      model vae(x: binary[784]) {
        z: real[LATENT] ~ Normal(0, 1)
        x‹: binary[784]› ~ Bernoulli(logits = decoder(z))
      }

      guide vae {
        q‹: (mean: real[20], scale: positive[20])› = encoder(x)
        z‹: real[20]› ~ Normal(q.mean, q.scale) ‹reparameterized, KL in closed form›
      }
      "
    `);
  });

  it("tell sizes of images at the end of each line", () => {
    expect(body(hinted(model("conv_vae")))).toMatchInlineSnapshot(`
      "network encoder(x: binary[28, 28, 1]) -> (mean: real[LATENT], scale: positive[LATENT]) {
        h‹: nonnegative[3136]› = x
          |> conv2d(32, kernel = 4, stride = 2) ‹[14, 14, 32]› |> relu
          |> conv2d(64, kernel = 4, stride = 2) ‹[7, 7, 64]› |> relu
          |> flatten ‹[3136]›
        mean‹: real[16]› = h |> dense(LATENT)
        scale‹: positive[16]› = h |> dense(LATENT) ‹[16]› |> softplus
      }

      network decoder(z: real[LATENT]) -> (logits: real[28, 28, 1]) {
        logits‹: real[28, 28, 1]› = z
          |> dense(7 * 7 * 64) ‹[3136]› |> relu
          |> reshape(7, 7, 64) ‹[7, 7, 64]›
          |> conv_transpose2d(32, kernel = 4, stride = 2) ‹[14, 14, 32]› |> relu
          |> conv_transpose2d(1, kernel = 4, stride = 2) ‹[28, 28, 1]›
      }

      model conv_vae(x: binary[28, 28, 1]) {
        z: real[LATENT] ~ Normal(0, 1)
        x‹: binary[28, 28, 1]› ~ Bernoulli(logits = decoder(z))
      }

      guide conv_vae {
        q‹: (mean: real[16], scale: positive[16])› = encoder(x)
        z‹: real[16]› ~ Normal(q.mean, q.scale) ‹reparameterized, KL in closed form›
      }
      "
    `);
  });

  it("tell what is summed out and what is drawn automatically", () => {
    const text = hinted(model("mixture"));
    expect(text.slice(text.indexOf("guide"), text.indexOf("\ntrain"))).toMatchInlineSnapshot(`
      "guide mixture {
        auto mean_field weights, centers ‹reparameterized›
        marginalize k ‹summed out›
      }
      "
    `);
  });

  it("tell the values of a chain at one step", () => {
    const text = hinted("network cell(h: real[4], x: real) -> (n: real[4]) { n = gru(h, reshape(x, 1)) }\nmodel m(x: real[5], y: real) {\n  h[0] = zeros[4]\n  chain t in 1..5 {\n    h[t] = cell(h[t - 1], x[t])\n  }\n  y ~ Normal(sum(h[5]), 1)\n}\n");
    expect(text.slice(text.indexOf("model"))).toMatchInlineSnapshot(`
      "model m(x: real[5], y: real) {
        h[0]‹: real[4]› = zeros[4]
        chain t in 1..5 {
          h[t]‹: real[4]› = cell(h[t - 1], x[t])
        }
        y‹: real› ~ Normal(sum(h[5]), 1)
      }
      "
    `);
  });

  // Guards: what is right in a broken file is told, and nothing of what is wrong.
  it("stay in a file with mistakes", () => {
    expect(hinted("network f(x: real[8]) -> (y: real[3]) {\n  h = x |> dense(5) |> rellu\n  g = x |> dense(7)\n  y = g |> dense(3)\n}\n\nmodel m(x: real[8] {\n  z: real[3] ~ Normal(f(x), 1\n")).toMatchInlineSnapshot(`
      "network f(x: real[8]) -> (y: real[3]) {
        h = x |> dense(5) ‹[5]› |> rellu
        g‹: real[7]› = x |> dense(7)
        y‹: real[3]› = g |> dense(3)
      }

      model m(x: real[8] {
        z: real[3] ~ Normal(f(x), 1
      "
    `);
  });

  // Guards each switch.
  it("can be switched off", () => {
    expect(hinted(model("vae"), { shapes: false, estimators: false })).toBe(model("vae"));
    expect(hinted(model("vae"), { shapes: false, estimators: true })).toContain("z ~ Normal(q.mean, q.scale) ‹reparameterized, KL in closed form›");
    expect(hinted(model("vae"), { shapes: true, estimators: false })).not.toContain("reparameterized");
  });

  // Guards: an editor asks for what it shows.
  it("are given for the part that is asked", () => {
    const text = model("vae");
    const [from, to] = [text.indexOf("network decoder"), text.indexOf("model vae")];
    const part = hinted(text, defaultSettings.inlayHints, from, to);
    expect(part.slice(0, from)).toBe(text.slice(0, from));
    expect(part.endsWith(text.slice(to))).toBe(true);
    expect(part).toContain("‹");
  });

  // Guards: a size leads to the declaration that fixed it, an estimator says why it was chosen.
  it("lead to declarations and give reasons", () => {
    const text = model("vae");
    const source = { path: "vae.lvm", text };
    const hints = hintsIn(analyze(source), { source, start: 0, end: text.length }, ({ path }) => path);
    const parts = hints.flatMap(({ label }) => (typeof label === "string" ? [] : label));
    const dense = parts.find(({ value, location }) => value === "400" && location)?.location;
    expect(dense && text.split("\n")[dense.range.start.line]?.slice(dense.range.start.character, dense.range.end.character)).toBe("dense(400)");
    expect(hints.at(-1)!.tooltip).toBe("closed-form KL; Normal: drawn as mean + scale · ε, so the gradient passes through the draw");
  });
});

describe("hints over the protocol", () => {
  let client: Client | undefined;
  afterEach(async () => {
    await client?.close();
    client = undefined;
  });

  it("follow the settings that a client sends", async () => {
    const text = model("vae");
    const ask = async (settings: unknown): Promise<readonly string[]> => {
      client = await startClient({}, {}, settings);
      const uri = client.open("vae.lvm", text);
      const hints = await client.connection.sendRequest<InlayHint[]>("textDocument/inlayHint", { textDocument: { uri }, range: { start: { line: 0, character: 0 }, end: { line: 999, character: 0 } } });
      await client.close();
      client = undefined;
      return hints.map(labelOf);
    };
    expect(await ask({})).toContain("reparameterized, KL in closed form");
    expect(await ask({ inlayHints: { shapes: false } })).toEqual(["reparameterized, KL in closed form"]);
  });
});

describe("a model that reads what is broken", () => {
  // Guards: a mistake in a network's head, or in a line's syntax, leaves holes in the model that reads it; such a model has no objective.
  it.each([
    ["network cell(h: real[4, x: real) -> (n: real[4]) {\n  n = gru(h, reshape(x, 1))\n}\n", "cell(h[t - 1], x[t])"],
    ["", ""],
  ])("has no program: %j", (network, value) => {
    const text = `${network}model m(x: real[5]) {\n  h[0] = zeros[4]\n  chain t in 1..5 {\n    h[t] = ${value}\n    z[t]: real ~ Normal(sum(h[t]), 1)\n    x[t] ~ Normal(z[t], 1)\n  }\n}\n\nguide m {\n  each t in 1..5 {\n    z[t] ~ Normal(x[t], 1)\n  }\n}\n`;
    expect(analyze({ path: "test.lvm", text }).programs).toEqual([]);
    expect(hinted(text)).toContain("z[t]‹: real› ~ Normal(x[t], 1)");
  });
});
