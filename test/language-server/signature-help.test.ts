import { afterEach, describe, expect, it } from "vitest";
import type { SignatureHelp } from "vscode-languageserver-protocol";
import { analyze } from "../../src/language-server/analysis.js";
import { signaturesAt } from "../../src/language-server/features/signature-help.js";
import { distributionNames } from "../../src/distributions/names.js";
import { distributions } from "../../src/distributions/registry.js";
import { readDoc, tableOf } from "../docs/blocks.js";
import { type Client, startClient } from "./support/client.js";
import { cursor } from "./support/fixture.js";

let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  client = undefined;
});

function help(marked: string): SignatureHelp | null {
  const { text, offset } = cursor(marked);
  return signaturesAt(analyze({ path: "fixture.lvm", text }), offset, { markup: "markdown", offsets: true });
}

/** `Normal(mean: real, «scale: positive»)`: the active signature with its active parameter. */
function drawn(marked: string): string | undefined {
  const found = help(marked);
  const signature = found?.signatures[found.activeSignature ?? 0];
  const place = signature?.parameters?.[signature.activeParameter ?? -1]?.label as [number, number] | undefined;
  return place && signature ? `${signature.label.slice(0, place[0])}«${signature.label.slice(...place)}»${signature.label.slice(place[1])}` : signature?.label;
}

const network = "network encoder(x: binary[784]) -> (mean: real[20], scale: positive[20]) {\n  h = x |> dense(400) |> relu\n  mean = h |> dense(20)\n  scale = h |> dense(20) |> softplus\n}\n";
const inModel = (statement: string): string => `${network}model m(x: binary[784]) {\n  ${statement}\n}\n`;
const inNetwork = (statement: string): string => `network f(x: real[4]) -> (y: real[2]) {\n  ${statement}\n}\n`;
const inTrain = (statement: string): string => `model m(x: real) {\n  z: real ~ Normal(0, 1)\n  x ~ Normal(z, 1)\n}\nguide m { z ~ Normal(x, 1) }\ntrain m {\n  ${statement}\n}\n`;

describe("signatures", () => {
  it.each([
    [inModel("z: real[20] ~ Normal(‸"), "Normal(«mean: real», scale: positive)"],
    [inModel("z: real[20] ~ Normal(0, ‸)"), "Normal(mean: real, «scale: positive»)"],
    [inModel("z: real[20] ~ Normal(0, variance = ‸)"), "Normal(mean: real, «variance: positive»)"],
    [inModel("z: real[20] ~ Normal(log_scale = 0, ‸)"), "Normal(«mean: real», log_scale: real)"],
    [inModel("q = encoder(‸"), "encoder(«x: binary[784]») -> (mean: real[20], scale: positive[20])"],
    [inNetwork("y = x |> dense(‸)"), 'dense(x, «units: size», bias = true, init = "lecun")'],
    [inNetwork("y = x |> dense(2, init = ‸)"), 'dense(x, units: size, bias = true, «init = "lecun"»)'],
    [inNetwork("y = dense(x, ‸"), 'dense(x, «units: size», bias = true, init = "lecun")'],
    [inNetwork("y = concat(x, x, ‸"), "concat(«parts, …», axis = -1)"],
    [inNetwork("y = x |> repeat(‸, 3)"), "repeat(x, «block», times: size, more, …)"],
    [inNetwork("y = exp(sum(x[1, ‸"), "sum(«x», axis = …)"],
    [inTrain("optimizer = adam(‸"), "adam(«rate = 1e-3», beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8)"],
    [inTrain("optimizer = adam(rate = cosine(1e-3, steps = ‸"), "cosine(rate, «steps», end = 0, warmup = 0)"],
    [inTrain("maximize elbo(beta = 4, anneal = ‸)"), "elbo(beta = 1, samples = 1, free_bits = 0, «anneal = 0», supervision = 0, balance = …, overshooting = 1, gradient = total)"],
    [inTrain("data = blobs(100, ‸"), "blobs(n = 1000, «k = 4»)"],
    ["const alpha = linear_schedule(100, to = ‸)\n", "linear_schedule(T: size, from: unit = 0.0001, «to: unit = 0.02»)"],
    ["param w: real[3] = normal(0, ‸", "normal(mean: number, «scale: positive»)"],
    ["param w: interval(‸", "interval(«low: number», high: number)"],
    ["guide m { k ~ Bernoulli(0.5) by score(samples = ‸", "score(baseline = leave_one_out, «samples = 2»)"],
    ["guide m { auto low_rank(‸) a }", "low_rank(«rank»)"],
    ["model m(x: real) {\n  x ~ Mixture([0.5, 0.5], Normal(‸", "Normal(«mean: real», scale: positive)"],
  ])("%j", (marked, expected) => {
    expect(drawn(marked)).toBe(expected);
  });

  it("of the guide's own step follow what the network says", () => {
    expect(drawn("model m(x[0]: real[2]) {\n  chain t in 3..1 {\n    x[t-1] ~ guide(x[t-1] | x[t], velocity = ‸")).toContain("guide(x[t-1] | x[t], «velocity», variance = small");
    expect(drawn("model m(x[0]: real[2]) {\n  chain t in 3..1 {\n    x[t-1] ~ guide(‸")).toContain("guide(«x[t-1] | x[t]», noise,");
  });

  it("are none outside of calls, of comments and of unknown names", () => {
    for (const marked of [inModel("z: real ~ Normal(0, 1) ‸"), inModel("h = (1 + ‸)"), inModel("h = unknown(‸"), "const A = 3 ‸\n"]) expect(help(marked)).toBeNull();
  });

  // Guards that every way to write a distribution is shown, with all of its parameters, from the registry.
  it.each(distributionNames)("of %s are its parameterizations", (name) => {
    const found = help(inModel(`z: real ~ ${name}(‸`));
    expect(found?.signatures.map(({ label, parameters }) => parameters?.map(({ label: place }) => /^\w+/.exec(label.slice(...(place as [number, number])))?.[0]))).toEqual(distributions[name].parameterizations);
  });

  // Guards the parameters of functions and layers against docs/language.md.
  it.each([...tableOf(readDoc("language.md"), "functions"), ...tableOf(readDoc("language.md"), "layers")].flatMap(([name = "", , options = ""]) => {
    const called = /^`([a-z]\w*)`$/.exec(name)?.[1];
    const named = [...options.matchAll(/`(\w+)/g)].map(([, option = ""]) => option);
    return called && named.length > 0 ? [[called, named] as const] : [];
  }))("of %s have %j", (name, options) => {
    const labels = help(inNetwork(`y = ${name}(‸`))?.signatures.map(({ label }) => label) ?? [];
    for (const option of options) expect(labels[0]).toMatch(new RegExp(`[(, ]${option}\\b`));
  });

  it("are given to a client that takes no places in labels, as plain text", async () => {
    client = await startClient();
    const { text, position } = cursor(inModel("z: real[20] ~ Normal(0, ‸)"));
    const uri = client.open("m.lvm", text);
    const found = await client.connection.sendRequest<SignatureHelp>("textDocument/signatureHelp", { textDocument: { uri }, position });
    expect(found.signatures[0]?.parameters?.[1]?.label).toBe("scale: positive");
    expect(found.signatures[0]?.documentation).toMatchObject({ kind: "plaintext" });
    expect(found.activeParameter).toBe(1);
  });
});
