import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Hover } from "vscode-languageserver-protocol";
import { distributionNames } from "../../src/distributions/names.js";
import { analyze } from "../../src/language-server/analysis.js";
import { settings } from "../../src/language-server/documentation/training.js";
import { hoverAt } from "../../src/language-server/features/hover.js";
import { offsetOf } from "../../src/language-server/positions.js";
import { keywordRoles } from "../../src/parser/tokens.js";
import { readDoc, root, tableOf } from "../docs/blocks.js";
import { type Client, startClient } from "./support/client.js";
import { cursor } from "./support/fixture.js";

let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  client = undefined;
});

const language = readDoc("language.md");
const code = (cell: string): string => /`([^`]*)`/.exec(cell)?.[1] ?? cell;

/** What is said at the `‸`, as plain text, with the word that it is said of. */
function said(marked: string): { readonly of: string; readonly text: string } | undefined {
  const { text, offset } = cursor(marked);
  const analysis = analyze({ path: "fixture.lvm", text });
  const found = hoverAt(analysis, offset, "plaintext");
  const range = found?.range;
  return found && range ? { of: text.slice(offsetOf(analysis.source, range.start), offsetOf(analysis.source, range.end)), text: (found.contents as { value: string }).value } : undefined;
}

/** A shipped model with the cursor in front of some text of it. */
function inModel(name: string, before: string, within = 0): string {
  const text = readFileSync(join(root, "models", `${name}.lvm`), "utf8");
  const at = text.indexOf(before) + within;
  if (at < within) throw new Error(`${name} has no ${before}`);
  return `${text.slice(0, at)}‸${text.slice(at)}`;
}

describe("hovering over names", () => {
  it("of a latent shows its type, how it is drawn and inferred, its term and its estimator", () => {
    expect(said(inModel("vae", "z: real[LATENT] ~"))?.text).toMatchInlineSnapshot(`
      "z: real[20]

      A latent of vae, drawn afresh in each row.

      z: real[LATENT] ~ Normal(0, 1)

      Parents: none

      In the guide:

      z ~ Normal(q.mean, q.scale)

      Given: x · learnt: encoder

      Term kl.z: closed-form, exact (closed form for the pair (Normal, Normal)).

      −KL(Normal(encoder(x).mean, encoder(x).scale) ‖ Normal(0, 1))

      Gradient of the draws: reparameterization (closed-form KL; Normal: drawn as mean + scale · ε, so the gradient passes through the draw)."
    `);
  });

  it("of a guide site shows the same", () => {
    const text = said(inModel("vae", "z ~ Normal(q"))!.text;
    for (const part of ["z: real[20]", "Given: x · learnt: encoder", "−KL(Normal(encoder(x).mean, encoder(x).scale) ‖ Normal(0, 1))", "Declared on line 18."]) expect(text).toContain(part);
  });

  it("of an observed column shows its reconstruction", () => {
    const text = said(inModel("vae", "x ~ Bernoulli"))!.text;
    for (const part of ["x: binary[784]", "Parents: z · learnt: decoder", "reconstruction.x: reparameterization, unbiased", "E_{q(z | x)}[log Bernoulli(x; logits = decoder(z))]"]) expect(text).toContain(part);
  });

  it("of a network shows sizes behind each layer and what it learns", () => {
    expect(said(inModel("vae", "encoder(x)"))?.text).toMatchInlineSnapshot(`
      "network encoder(x: binary[784]) -> (mean: real[LATENT], scale: positive[LATENT])

      h = x: binary[784] → dense(400): real[400] → relu: nonnegative[400]
      mean = h: nonnegative[400] → dense(LATENT): real[20]
      scale = h: nonnegative[400] → dense(LATENT): real[20] → softplus: positive[20]

      330,040 learnt numbers.

      dense_1.kernel  [784, 400]  313,600
      dense_1.bias    [400]           400
      dense_2.kernel  [400, 20]     8,000
      dense_2.bias    [20]             20
      dense_3.kernel  [400, 20]     8,000
      dense_3.bias    [20]             20

      Declared on line 7."
    `);
  });

  it("of a model shows what is maximized and how much is learnt", () => {
    const text = said(inModel("vae", "vae(x"))!.text;
    // 784·400 + 400 + 2 (400·20 + 20) of the encoder, 20·400 + 400 + 400·784 + 784 of the decoder.
    expect(text).toContain(`${(784 * 400 + 400 + 2 * (400 * 20 + 20) + 20 * 400 + 400 + 400 * 784 + 784).toLocaleString("en-US")} numbers`);
    expect(text).toContain("evidence lower bound");
  });

  it("of a latent that is summed out says so", () => {
    const text = said(inModel("hmm", "k[1]: index"))!.text;
    for (const part of ["Parents: start", "Term evidence", "summed out exactly by the forward algorithm"]) expect(text).toContain(part);
  });

  it("of the states of a diffusion shows the terms of its bound", () => {
    const text = said(inModel("ddpm_2d", "x[T] ~"))!.text;
    for (const part of ["x: real[2]", "prior-matching.x", "denoising.x", "learnt: denoise"]) expect(text).toContain(part);
  });

  it.each([
    ["a constant that is computed", "const K = 2^3 - 1\nconst L = K‸\n", "K", "= 7"],
    ["an array", "const A‸ = 2 * ones[3]\n", "A", "[2, 2, 2], an array of the shape [3]"],
    ["a parameter", "param w‸: real[3, 2] = normal(0, 1)\n", "w", "real[3, 2], 6 numbers"],
    ["a result of a network", inModel("vae", "q = encoder"), "q", ".mean: real[20]\n.scale: positive[20]"],
    ["an output of a result", inModel("vae", "q.mean", 3), "mean", "mean: real[20]"],
    ["a computed value", inModel("vae", "h = x"), "h", "h: nonnegative[400]"],
    ["a loop variable", inModel("ddpm_2d", "t in T..1"), "t", "chain t in T..1"],
    ["a partly observed column", inModel("semi_supervised", "y: index(10)?"), "y", "known in some rows only"],
    ["an input", inModel("vae", "x |> dense(400)"), "x", "An input of the network encoder."],
    ["a label", inModel("classifier", "y ~"), "y", "log Categorical(y"],
    ["an input column", "model m(x‸: real, y: real) {\n  y ~ Normal(x, 1)\n}\n", "x", "An input: the model is conditional on it"],
  ])("of %s", (_, marked, of, part) => {
    const found = said(marked);
    expect(found?.of).toBe(of);
    expect(found?.text).toContain(part);
  });

  it("of a broken file still says what makes sense", () => {
    const broken = "network f(x: real[4]) -> (y: real[2]) {\n  h = x |> dense(3) |>\n  y = h |> dense(2)\n}\nmodel m(x: real[2]) {\n  z‸: real[4] ~ Normal(0, 1)\n  x ~ Normal(f(z), \n}\n";
    const text = said(broken)!.text;
    for (const part of ["z: real[4]", "Parents: none"]) expect(text).toContain(part);
    expect(said(broken.replace("z‸", "z").replace("f(z)", "‸f(z)"))?.text).toContain("network f(x: real[4]) -> (y: real[2])");
  });
});

// Guards that a long chain of computed values is followed without recursion.
it("hovering over a latent at the end of 5,000 values tells its parents", () => {
  const bindings = Array.from({ length: 5000 }, (_, at) => `  h${at + 1} = h${at} + 1`).join("\n");
  expect(said(`model m(x: real, y: real) {\n  h0 = 2 * y\n${bindings}\n  x‸ ~ Normal(h5000, \n}\n`)?.text).toContain("Parents: y");
}, 60_000);

describe("hovering over words of the language", () => {
  it.each(Object.keys(keywordRoles))("tells of the keyword %s", (word) => {
    const places: Readonly<Record<string, string>> = { from: 'import a ‸from "b.lvm"', where: "model m(x: real[3]) ‸where length(x) <= 3 {}", on: "train a ‸on b.z", in: "model m(x: real[2]) { each t ‸in 1..2 { x[t] ~ Normal(0, 1) } }", by: "guide m { z ~ Normal(0, 1) ‸by score }", subject: "train m { maximize elbo ‸subject to kl(z) <= 1 }", to: "train m { maximize elbo subject ‸to kl(z) <= 1 }", dropout: "model m(x[0]: real, k: index(3) ‸dropout 0.1) {}", autoregressive: "model m(x: real) { x ~ Normal(0, 1) ‸autoregressive }", global: "model m(x: real) { ‸global w: real ~ Normal(0, 1) }", local: "guide m { ‸local w: real = 0 }", auto: "guide m { ‸auto mean_field z }", marginalize: "guide m { ‸marginalize z }", chain: "model m(x: real[2]) { ‸chain t in 1..2 { x[t] ~ Normal(0, 1) } }", each: "model m(x: real[2]) { ‸each t in 1..2 { x[t] ~ Normal(0, 1) } }", maximize: "train m { ‸maximize elbo }", observe: "train m { ‸observe y = 0.1 }", import: '‸import a from "b.lvm"', const: "‸const K = 3", param: "‸param w: real", network: "‸network f(x: real) -> (y: real) { y = x }", model: "‸model m(x: real) { x ~ Normal(0, 1) }", guide: "‸guide m { }", train: "‸train m { }" };
    const found = said(`${places[word]!}\n`);
    expect(found?.of).toBe(word);
    expect(found?.text).toContain(word);
  });

  it.each(distributionNames)("documents %s with its support", (name) => {
    expect(said(`model m(x: real) {\n  x ~ ‸${name}(0)\n}\n`)?.text).toContain("Support: ");
  });

  it.each([...tableOf(language, "functions"), ...tableOf(language, "layers")].map(([name = "", meaning = ""]) => [code(name), meaning] as const).filter(([name]) => /^(?!add$|subtract$|multiply$|divide$|negate$|less|greater|equal$|not_equal$)\w+$/.test(name)))("documents %s as the language does", (name, meaning) => {
    const text = said(`network f(x: real[4]) -> (y: real[4]) {\n  y = x |> ‸${name}\n}\n`)!.text;
    expect(text).toContain(meaning.replaceAll("`", "").replaceAll("\\|", "|").replace(/\.$/, ""));
  });

  it.each(tableOf(language, "settings").map(([name = "", value = "", , meaning = ""]) => [code(name), code(value), meaning] as const).filter(([name]) => settings.has(name)))("documents the setting %s as the language does", (name, value, meaning) => {
    const text = said(`train m {\n  ‸${name} = 1\n}\n`)!.text;
    if (name !== "data") expect(text.toLowerCase()).toContain(meaning.replaceAll("`", "").toLowerCase());
    expect(text).toContain(value === "none" ? "Without it: none" : `Default: ${value}`);
  });

  it.each(tableOf(language, "elbo").map(([name = "", , , meaning = ""]) => [code(name), meaning] as const))("documents the option %s of elbo as the language does", (name, meaning) => {
    expect(said(`train m {\n  maximize elbo(‸${name} = 1)\n}\n`)?.text.toLowerCase()).toContain(meaning.replaceAll("`", "").toLowerCase());
  });

  it.each(tableOf(language, "types").map(([name = "", meaning = ""]) => [code(name), meaning] as const))("documents the type %s as the language does", (name, meaning) => {
    expect(said(`param w: ‸${name.replace("K", "3").replace("a, b", "0, 1")}\n`)?.text.toLowerCase()).toContain(meaning.toLowerCase());
  });

  it.each(tableOf(readDoc("data.md"), "builtin").map(([call = "", columns = ""]) => [code(call), columns] as const))("documents the data %s as it is documented", (call, columns) => {
    const text = said(`train m {\n  data = ‸${call}\n}\n`)!.text;
    expect(text).toContain(call);
    expect(text).toContain(columns.replaceAll("`", ""));
  });

  it.each([
    ["a parameter by name", inModel("vae", "logits = decoder(z))"), "logits", "A parameter of Bernoulli."],
    ["a layer in its place", inModel("vae", "dense(400)"), "dense", "encoder.dense_1: kernel [784, 400], bias [400], 314,000 numbers.\n\nHere: real[400]."],
    ["an optimizer", inModel("vae", "adam"), "adam", "Kingma & Ba 2015"],
    ["a schedule of noise", inModel("ddpm_2d", "linear_schedule"), "linear_schedule", "Ho et al. 2020"],
    ["a schedule of rates", inModel("ddpm_2d", "cosine(2e-3"), "cosine", "warmup"],
    ["the guide's step", inModel("ddpm_2d", "guide(x[t-1]"), "guide", "The guide's own step backwards"],
    ["a word of an option", inModel("ddpm_2d", "simple)"), "simple", "Ho et al. 2020"],
    ["an estimator", inModel("semi_supervised", "enumeration"), "enumeration", "exact"],
    ["a family", inModel("hmm", "mean_field"), "mean_field", "diagonal covariance"],
    ["a pipe", inModel("vae", "|> relu"), "|>", "nonnegative[400]"],
    ["an operator", inModel("ddpm_2d", "* x[t-1]"), "*", "real[2]"],
    ["π", "const A = ‸pi\n", "pi", "3.14159"],
  ])("tells of %s", (_, marked, of, part) => {
    const found = said(marked);
    expect(found?.of).toBe(of);
    expect(found?.text).toContain(part);
  });

  it("says nothing of comments, numbers, texts and space", () => {
    for (const marked of ["// com‸ment\n", "/// doc‸\nconst K = 3\n", "const K = 3‸5\n", 'import a from "ne‸t.lvm"\n', "const K = 35\n‸\n", "model m(x: real) ‸ {\n}\n"]) expect([marked, said(marked)]).toEqual([marked, undefined]);
  });
});

describe("hover over the wire", () => {
  it("is Markdown for clients that know it, and follows imports", async () => {
    client = await startClient({ "nets.lvm": "/// Doubles.\nnetwork double(x: real) -> (y: real) {\n  y = 2 * x\n}\n" });
    const { text, position } = cursor('import double from "nets.lvm"\nmodel m(x: real, y: real) {\n  y ~ Normal(dou‸ble(x), 1)\n}\n');
    const uri = client.open("m.lvm", text);
    const found = await client.connection.sendRequest<Hover>("textDocument/hover", { textDocument: { uri }, position });
    expect(found.contents).toMatchObject({ kind: "markdown" });
    const { value } = found.contents as { value: string };
    expect(value).toContain("```lvm\nnetwork double(x: real) -> (y: real)\n```\n\nDoubles.");
    expect(value).toContain("Declared in `nets.lvm`, line 2.");
  });
});
