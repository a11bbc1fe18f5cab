import { afterEach, describe, expect, it } from "vitest";
import type { CompletionItem } from "vscode-languageserver-protocol";
import { builtinData } from "../../src/runtime/builtin-data/registry.js";
import { analyze } from "../../src/language-server/analysis.js";
import { parse } from "../../src/parser/parse.js";
import { readDoc, tableOf } from "../docs/blocks.js";
import { type Client, startClient } from "./support/client.js";
import { completions, filled, labels } from "./support/completions.js";
import { cursor } from "./support/fixture.js";

let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  client = undefined;
});

const language = readDoc("language.md");
const code = (cell: string): string => /`([^`]*)`/.exec(cell)?.[1] ?? cell;
const named = (table: string): readonly string[] => tableOf(language, table).map(([name = ""]) => code(name).replace(/[([].*$/, ""));

const network = "network encoder(x: binary[784]) -> (mean: real[20], scale: positive[20]) {\n  h = x |> dense(400) |> relu\n  mean = h |> dense(20)\n  scale = h |> dense(20) |> softplus\n}\n";
const model = "model m(x: binary[784]) {\n  z: real[20] ~ Normal(0, 1)\n  k: index(3) ~ Categorical(logits = 0)\n  x ~ Bernoulli(logits = sum(z) + sum(one_hot(k)))\n}\n";
const chain = "model c(x: real[9]) {\n  z[1]: real ~ Normal(0, 1)\n  chain t in 2..9 {\n    z[t] ~ Normal(z[t-1], 1)\n  }\n  each t in 1..9 {\n    x[t] ~ Normal(z[t], 1)\n  }\n}\n";
const inNetwork = (statement: string): string => `const K = 3\n${network}network f(x: real[4]) -> (y: real[2], w: real) {\n  a = x |> dense(3)\n  ${statement}\n  b = a\n}\n`;
const inModel = (statement: string): string => `const K = 3\nconst A = [1, 2]\nparam spread: positive = 1\n${network}model m(x: binary[784], y: real[2]) {\n  z: real[20] ~ Normal(0, 1)\n  ${statement}\n  late: real ~ Normal(0, 1)\n}\n`;
const inGuide = (statement: string): string => `${network}${model}guide m {\n  q = encoder(x)\n  ${statement}\n}\n`;
const inTrain = (statement: string): string => `const K = 3\n${network}${model}guide m {\n  q = encoder(x)\n  z ~ Normal(q.mean, q.scale)\n  marginalize k\n}\ntrain m {\n  ${statement}\n}\n`;

describe("what is offered", () => {
  it.each([
    ["settings", inTrain("‸"), named("settings").map((name) => (name === "maximize" ? name : `${name} =`)).filter((name) => !name.startsWith("observe"))],
    ["types of columns", "model m(x: ‸) {\n}\n", named("types")],
    ["sizes", inModel("w: real[‸"), ["K"]],
    ["objectives", inTrain("maximize ‸"), [...tableOf(`<!-- t -->\n${language.split("### Objectives")[1]!.split("\n\n")[1]!}\n<!-- end t -->\n`, "t").map(([name = ""]) => code(name)), "map"]],
    ["options of elbo", inTrain("maximize elbo(‸)"), named("elbo").map((name) => `${name} = `)],
    ["options of elbo that are not given", inTrain("maximize elbo(beta = 4, ‸)"), named("elbo").filter((name) => name !== "beta").map((name) => `${name} = `)],
    ["optimizers", inTrain("optimizer = ‸"), named("optimizers")],
    ["rates", inTrain("optimizer = adam(rate = ‸)"), ["cosine", "linear", "exponential", "K"]],
    ["built-in data", inTrain("data = ‸"), Object.keys(builtinData)],
    ["ways to binarize", inTrain("binarize = ‸"), ["fresh", "threshold"]],
    ["what bounds terms", inTrain("maximize elbo subject to ‸"), ["kl", "reconstruction"]],
    ["latents of kl", inTrain("maximize elbo subject to kl(‸) <= 3"), ["z", "k"]],
    ["columns of reconstruction", inTrain("maximize elbo subject to kl(z) <= 3, reconstruction(‸"), ["x"]],
    ["what goes on with an objective", inTrain("maximize elbo ‸"), ["subject to"]],
    ["what anneals", inTrain("maximize elbo(anneal = ‸)"), ["cyclical", "K"]],
    ["words of an option", inTrain("maximize elbo(gradient = ‸)"), ["total", "path"]],
    ["what a row lacks in a guide", inGuide("z ~ Normal(q.mean, 1)\n  ‸"), ["k ~", "auto", "marginalize", "local", "each", "chain"]],
    ["steps of a chain that the guide lacks", `${chain}guide c {\n  z[1] ~ Normal(0, 1)\n  chain s in 2..9 {\n    ‸\n  }\n}\n`, ["z[s] ~", "auto", "marginalize", "local", "each", "chain"]],
    ["the start of a chain that the guide lacks", `${chain}guide c {\n  ‸\n}\n`, ["z[1] ~", "auto", "marginalize", "local", "each", "chain"]],
    ["nothing of what is in a group", `${chain}guide c {\n  auto mean_field z\n  ‸\n}\n`, ["auto", "marginalize", "local", "each", "chain"]],
    ["outputs of a network", inGuide("z ~ Normal(q.‸"), ["mean", "scale"]],
    ["families", inGuide("auto ‸"), ["mean_field", "full_rank", "low_rank"]],
    ["latents of an automatic guide", inGuide("auto mean_field ‸"), ["z"]],
    ["latents that can be summed", inGuide("marginalize ‸"), ["k"]],
    ["estimators of a Normal", inGuide("z ~ Normal(q.mean, q.scale) by ‸"), ["reparameterization", "score"]],
    ["estimators of a label", inGuide("k ~ Categorical(logits = 0) by ‸"), ["enumeration", "score", "relaxation", "straight_through"]],
    ["what goes on with a guide site", inGuide("k ~ Categorical(logits = 0) ‸"), ["by"]],
    ["outputs that are not assigned", inNetwork("y = a |> dense(2)\n  ‸"), ["w ="]],
    ["columns that are not drawn", inModel("x ~ Bernoulli(0.5)\n  ‸"), ["y ~", "global", "each", "chain"]],
    ["words of a layer", inNetwork("c = x |> dense(3, init = ‸)"), ['"lecun"', '"zero"']],
    ["networks that repeat", inNetwork("c = x |> repeat(‸, 3)"), ["encoder", "f"]],
    ["models without a train block", `${model}model n(x: real) {\n  x ~ Normal(0, 1)\n}\ntrain m {\n}\ntrain ‸`, ["n"]],
    ["what a loop goes on with", inModel("each t ‸"), ["in"]],
    ["models of a stage", `${model}train p on ‸`, ["m"]],
    ["latents of a stage", `${model}train p on m.‸`, ["z", "k", "x"]],
    ["items", "const K = 3\n‸\n", ["import", "const", "param", "network", "model", "guide", "train"]],
  ])("%s", (_, marked, expected) => {
    expect(labels(marked).toSorted()).toEqual([...expected].toSorted());
  });

  it.each([
    ["behind a pipe, in networks: layers and functions of the documentation", inNetwork("c = x |> ‸"), [...named("layers"), ...named("functions").filter((name) => !["add", "subtract", "multiply", "divide", "negate", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal"].includes(name)), "encoder", "repeat"], ["f", "K"]],
    ["behind a pipe, in models: no layers", inModel("h = z |> ‸"), ["relu", "encoder"], ["dense", "gru"]],
    ["parameters by name, and what can be read", inModel("x ~ Bernoulli(‸)"), ["probs = ", "logits = ", "x", "y", "z", "K", "A", "spread", "encoder", "exp"], ["late", "m", "h", "dense"]],
    ["parameters that go with what is given", inModel("y ~ Normal(0, ‸)"), ["scale = ", "variance = ", "precision = ", "log_scale = "], ["mean = "]],
    ["values of a named argument, no names of arguments", inModel("y ~ Normal(mean = ‸)"), ["z", "K"], ["scale = ", "mean = "]],
    ["values behind an operator", inModel("h = 2 * ‸"), ["z", "spread", "encoder"], ["h", "late"]],
    ["in a guide what it has drawn, not what the model has", inGuide("z ~ Normal(q.mean, 1)\n  h = ‸"), ["x", "z", "q", "encoder"], ["k", "h"]],
    ["the steps before, in chains", "model m(x: real[9]) {\n  z[1]: real ~ Normal(0, 1)\n  chain t in 2..9 {\n    z[t] ~ Normal(‸\n  }\n}\n", ["z", "t", "x"], []],
    ["constants and schedules", `${inModel("x ~ Bernoulli(0.5)")}const B = ‸`, ["K", "A", "pi", "linear_schedule", "cosine_schedule", "sigmoid_schedule", "zero_terminal_snr", "floor"], ["spread", "encoder", "relu"]],
    ["first values", "const K = 2\nparam w: real[K] = ‸", ["normal", "uniform", "identity", "K"], ["w", "relu"]],
    ["types of what is learnt: no discrete ones", "param w: ‸", ["real", "positive", "simplex"], ["binary", "index", "count", "byte"]],
    ["the guide's step, in the chain of a diffusion", "model m(x[0]: real[2]) {\n  x[9] ~ Normal(0, 1)\n  chain t in 9..1 {\n    x[t-1] ~ ‸\n  }\n}\n", ["guide", "Normal"], []],
  ])("%s", (_, marked, some, none) => {
    const found = labels(marked);
    for (const label of some) expect(found).toContain(label);
    for (const label of none) expect(found).not.toContain(label);
  });

  it("is nothing in comments, texts, numbers, behind what is complete and where a name is made", () => {
    for (const marked of ["// mod‸\n", "/// a ‸\nconst K = 3\n", "const K = 1‸2\n", "const K = 12 ‸\n", "const ‸", "model ‸", inNetwork('c = x |> dense(3, init = "le‸")'), inModel("global ‸"), "model m(‸"]) expect([marked, labels(marked)]).toEqual([marked, []]);
  });

  it("comes at a sign only where the sign asks", () => {
    expect(labels(inModel("x ~ ‸"), " ").length).toBeGreaterThan(0);
    expect(labels(inModel("x ~‸"), "~").length).toBeGreaterThan(0);
    expect(labels(inNetwork("c = x |>‸"), ">").length).toBeGreaterThan(0);
    expect(labels(inModel("h = z >‸"), ">")).toEqual([]);
    expect(labels(inModel("h = z + ‸"), " ")).toEqual([]);
    expect(labels(inTrain("optimizer =‸"), "=").length).toBeGreaterThan(0);
    expect(labels(inModel("h =‸"), "=")).toEqual([]);
    expect(labels(inModel("‸"), " ")).toEqual([]);
  });
});

describe("what is inserted", () => {
  // Guards that no completion breaks a file: each snippet, with its places filled in, parses.
  it.each([inTrain("‸"), inTrain("optimizer = ‸"), inTrain("maximize ‸"), inTrain("maximize elbo(‸)"), inTrain("data = ‸"), inTrain("maximize elbo subject to ‸"), inNetwork("c = x |> ‸"), inNetwork("c = ‸"), inNetwork("‸"), inModel("‸"), inModel("x ~ ‸"), inModel("y ~ Normal(‸)"),
    inModel("h = z |> ‸"), inGuide("‸"), inGuide("auto ‸ z"), inGuide("k ~ Categorical(logits = 0) by ‸"), "‸\n", "param w: ‸\n", "param w: real = ‸\n", "const A = ‸\n", "model m(x: ‸) {\n}\n", "guide ‸ {\n}\nmodel m(x: real) {\n}\n",
    "model m(x[0]: real[2]) {\n  chain t in 9..1 {\n    x[t-1] ~ ‸\n  }\n}\n"])("%j", (marked) => {
    const offers = completions(marked);
    expect(offers.length).toBeGreaterThan(0);
    for (const { label, item, made } of offers) {
      const snippet = (item.textEdit as { newText: string }).newText;
      // What is yet to come: a distribution, a value.
      const rest = /~ $/.test(snippet) ? "Normal(0, 1)" : /= $/.test(snippet) ? "1" : label === "by" ? " score" : "";
      const at = made.indexOf(snippet, marked.indexOf("‸")) + snippet.length;
      const text = filled(made.slice(0, at) + rest + made.slice(at), (name) => name);
      expect([label, parse({ path: "fixture.lvm", text }).diagnostics.map(({ message }) => message)]).toEqual([label, []]);
    }
  });

  // Guards that what is offered can be read and called there: no name is unknown, hidden, not drawn yet, recursive, or a layer outside of a network.
  it.each([inNetwork("c = ‸"), inNetwork("c = x |> ‸"), inModel("h = ‸"), inModel("h = z |> ‸"), inGuide("h = ‸"), inGuide("z ~ Normal(q.mean, 1)\n  h = ‸"), `${chain}guide c {\n  z[1] ~ Normal(0, 1)\n  chain t in 2..9 {\n    z[t] ~ Normal(0, 1)\n    h = ‸\n  }\n}\n`,
    "model r(x: real[9], y: index(3)?) {\n  y ~ Categorical(logits = 0)\n  x ~ Normal(0, 1)\n}\nguide r {\n  h = ‸\n  y ~ Categorical(logits = 0)\n}\n"])("can be read in %j", (marked) => {
    const offers = completions(marked);
    expect(offers.length).toBeGreaterThan(0);
    for (const { label, made } of offers) {
      const text = filled(made, (name) => (name === "K" ? "3" : name === "units" || name === "channels" || name === "width" ? "2" : "x"));
      const wrong = analyze({ path: "fixture.lvm", text }).diagnostics.filter(({ code: each }) => /^LVM(2001|2003|2004|2008|2010|3008|4012|4014|4044|4045)$/.test(each)).map(({ message }) => message);
      expect([label, wrong]).toEqual([label, []]);
    }
  }, 60_000);

  it("replaces the word that is being written, and keeps the brackets behind it", () => {
    const [normal] = completions(inModel("x ~ Nor‸(0, 1)")).filter(({ label }) => label === "Normal");
    expect(normal!.made).toContain("x ~ Normal(0, 1)");
    const [relu] = completions(inNetwork("c = x |> re‸lu")).filter(({ label }) => label === "relu");
    expect(relu!.made).toContain("c = x |> relu\n");
  });
});

describe("completion over the wire", () => {
  const ask = async (uri: string, position: { line: number; character: number }): Promise<CompletionItem[]> => (await client!.connection.sendRequest<CompletionItem[] | null>("textDocument/completion", { textDocument: { uri }, position })) ?? [];

  it("names files and what they declare", async () => {
    client = await startClient({ "nets/vae.lvm": `const K = 3\n${network}${model}` });
    const path = cursor('import encoder from "‸"\n');
    expect((await ask(client.open("a.lvm", path.text), path.position)).map(({ label }) => label)).toEqual(["nets/vae.lvm"]);
    const up = cursor('import encoder from "‸"\n');
    expect((await ask(client.open("models/b.lvm", up.text), up.position)).map(({ label }) => label)).toContain("../nets/vae.lvm");
    const names = cursor('import encoder, ‸ from "nets/vae.lvm"\n');
    expect((await ask(client.open("c.lvm", names.text), names.position)).map(({ label, detail }) => [label, detail])).toEqual([["K", "= 3"]]);
    const used = cursor('import encoder, K from "nets/vae.lvm"\nmodel m(x: binary[784]) {\n  h = x |> ‸\n}\n');
    expect((await ask(client.open("d.lvm", used.text), used.position)).map(({ label }) => label)).toContain("encoder");
  });

  it("documents an item when it is looked at, and knows clients without snippets", async () => {
    client = await startClient({}, { textDocument: { completion: { completionItem: { documentationFormat: ["plaintext"] } } } });
    const { text, position } = cursor(inNetwork("c = x |> ‸"));
    const items = await ask(client.open("m.lvm", text), position);
    const dense = items.find(({ label }) => label === "dense")!;
    expect(dense.documentation).toBeUndefined();
    expect((dense.textEdit as { newText: string }).newText).toBe("dense");
    const resolved = await client.connection.sendRequest<CompletionItem>("completionItem/resolve", dense);
    expect(resolved.documentation).toMatchObject({ kind: "plaintext", value: expect.stringContaining("LeCun et al. 1998") });
    const encoder = await client.connection.sendRequest<CompletionItem>("completionItem/resolve", items.find(({ label }) => label === "encoder")!);
    expect(encoder.documentation).toMatchObject({ value: expect.stringContaining("330,040 learnt numbers") });
  });
});
