import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lineOf, textOf } from "../../src/diagnostics/span.js";
import { functionNames } from "../../src/ir/model/functions.js";
import { functionRules } from "../../src/checker/functions/function-rules.js";
import { layerNames } from "../../src/ir/model/layers.js";
import { layerRules } from "../../src/checker/layers/layer-rules.js";
import { printType } from "../../src/types/type.js";
import { brief, elaborateText, typeOf } from "./expressions-support.js";

const columns = "a: real, p: positive, u: unit, b: binary, k: index(10), v: real[4], w: real[4], s: simplex[4], m: real[3, 4], i: real[28, 28, 1]";

describe("supports are inferred through functions", () => {
  // Each line is a fact about sets of numbers: the image of the argument's set lies in the result's.
  it.each([
    ["exp(a)", "positive"],
    ["softplus(v)", "positive[4]"],
    ["sigmoid(a)", "unit"],
    ["softmax(v)", "simplex[4]"],
    ["softmax(m, axis = 1)", "unit[3, 4]"],
    ["square(a)", "nonnegative"],
    ["abs(v)", "nonnegative[4]"],
    ["relu(a)", "nonnegative"],
    ["p + square(a)", "positive"],
    ["p * p", "positive"],
    ["p / p", "positive"],
    ["u * u", "unit"],
    ["1 - u", "unit"],
    ["0.5 * u", "interval(0, 0.5)"],
    ["0.1 + u", "interval(0.1, 1.1)"],
    ["u - u", "interval(-1, 1)"],
    ["tanh(a)", "interval(-1, 1)"],
    ["sqrt(p)", "positive"],
    ["p ^ 0.5", "positive"],
    ["a ^ 2", "nonnegative"],
    ["a ^ 3", "real"],
    ["-p", "real"],
    ["a - p", "real"],
    ["min(u, p)", "unit"],
    ["max(a, p)", "positive"],
    ["sum(exp(v))", "positive"],
    ["mean(s)", "unit"],
    ["one_hot(k)", "binary[10]"],
    ["1 - b", "binary"],
    ["b * b", "binary"],
    ["b + 1", "interval(1, 2)"],
    ["s[1..2]", "unit[2]"],
    ["s[1]", "unit"],
    ["clip(a, -2, 3)", "interval(-2, 3)"],
    ["a > 0", "binary"],
    ["k == 3", "binary"],
    ["where(a > 0, p, exp(a))", "positive"],
    ["concat(u, s)", "SHAPE"],
    ["v @ w", "real"],
    ["m @ v", "real[3]"],
    ["exp(m) @ exp(v)", "nonnegative[3]"],
    ["log(p)", "real"],
    ["log1p(p)", "positive"],
    ["[1, 2, 3]", "positive[3]"],
    ["[a, p]", "real[2]"],
    ["stack(v, w)", "real[2, 4]"],
    ["zeros[64]", "binary[64]"],
    ["reshape(m, 12)", "real[12]"],
    ["sum(m, axis = 1)", "real[4]"],
    ["sum(m, axis = -1)", "real[3]"],
    ["flatten(i)", "real[784]"],
    ["max_pool(i, 2)", "real[14, 14, 1]"],
    ["max_pool(i, 3, stride = 2, padding = \"same\")", "real[14, 14, 1]"],
    ["avg_pool(i, 3, stride = 2)", "real[13, 13, 1]"],
    ["upsample(i, 2)", "real[56, 56, 1]"],
    ["transpose(m)", "real[4, 3]"],
    ["outer(v, w)", "real[4, 4]"],
    ["diagonal(exp(v))", "cholesky[4]"],
    ["m[2]", "real[4]"],
    ["m[2, 3]", "real"],
    ["m[2..3]", "real[2, 4]"],
    ["v |> softplus |> sum", "positive"],
    ["pow(p, 2)", "positive"],
    ["norm(v)", "nonnegative"],
    ["2 * pi", "positive"],
  ].filter(([, type]) => type !== "SHAPE"))("%s is %s", (expression, type) => {
    expect(typeOf(columns, expression!)).toBe(type);
  });

  it("takes single numbers into a vector by concat", () => {
    expect(typeOf(columns, "concat(v, s, 1)")).toBe("real[9]");
    expect(typeOf(columns, "concat(a, p)")).toBe("real[2]");
    expect(typeOf(columns, "concat(v, one_hot(k))")).toBe("real[14]");
  });
});

describe("mistakes in expressions", () => {
  // One mistake gives one message, with the code of its kind.
  it.each([
    ["v + [1, 2, 3]", "LVM3004"],
    ["m + v", "LVM3004"],
    ["m @ m", "LVM3004"],
    ["a @ v", "LVM3024"],
    ["k + 1", "LVM3021"],
    ["concat(v, k)", "LVM3021"],
    ["v[5]", "LVM3006"],
    ["v[0]", "LVM3006"],
    ["v[1.5]", "LVM3006"],
    ["v[2..7]", "LVM3006"],
    ["v[3..2]", "LVM3006"],
    ["a[1]", "LVM3010"],
    ["v[1, 2]", "LVM3010"],
    ["v[b]", "LVM3010"],
    ["v[k]", "LVM3004"],
    ["reshape(m, 7)", "LVM3011"],
    ["sum(m, axis = 3)", "LVM3023"],
    ["sum(m, axis = 0)", "LVM3023"],
    ["sum(m, dim = 1)", "LVM2011"],
    ["relu(a, p, u)", "LVM3007"],
    ["relu()", "LVM3007"],
    ["reluu(a)", "LVM2004"],
    ["linear(a)", "LVM2004"],
    ["relu", "LVM3001"],
    ["a(3)", "LVM3001"],
    ["undeclared + 1", "LVM2001"],
    ["undeclared + otherwise", "LVM2001 LVM2001"],
    ["Normal(0, 1) + 1", "LVM3020"],
    ["dense(v, 3)", "LVM3008"],
    ["v |> dense(3)", "LVM3008"],
    ["1..3", "LVM3020"],
    ["\"text\"", "LVM3020"],
    ["1 / 0", "LVM3019"],
    ["dropout(v, 1.5)", "LVM3016"],
    ["max_pool(i, 2, padding = \"none\")", "LVM3016"],
    ["max_pool(i, 40)", "LVM3016"],
    ["max_pool(v, 2)", "LVM3024"],
    ["a.mean", "LVM3001"],
    ["where(a, v, w)", "LVM3005"],
    ["one_hot(a)", "LVM3005"],
    ["zeros[0]", "LVM3003"],
    ["zeros[a]", "LVM3002"],
    ["reshape(v, n)", "LVM2001"],
    ["clip(a, 3, 2)", "LVM3016"],
  ])("%s: %s", (expression, codes) => {
    expect(typeOf(columns, expression)).toBe(codes);
  });

  it("walks as deep as the parser allows", () => {
    const deep = (levels: number): readonly string[] => elaborateText(`model m(a: real) {\n  result = ${"a + ".repeat(levels)}a\n}\n`).messages.map((message) => message.code);
    expect(deep(490)).toEqual([]);
    expect(deep(20_000)).toEqual(["LVM1008"]);
  });
});

describe("constants and sizes", () => {
  const sizeOf = (constants: string, size: string, set: Record<string, number> = {}): string => {
    const { messages, scope } = elaborateText(`${constants}\nmodel m(x: real[${size}]) {\n}\n`, set);
    const entity = scope.entities.get("x");
    return messages.length > 0 ? messages.map((message) => message.code).join(" ") : entity?.kind === "column" ? printType(entity.type) : "nothing";
  };

  it("evaluates arithmetic in any order of declarations, and takes --set", () => {
    expect(sizeOf("const A = B * 2\nconst B = 3", "A + 1")).toBe("real[7]");
    expect(sizeOf("const A = B * 2\nconst B = 3", "A + 1", { B: 5 })).toBe("real[11]");
    expect(sizeOf("const A = 7", "floor(A / 2), 2 ^ 3")).toBe("real[3, 8]");
    expect(sizeOf("const T = [4, 5, 6]", "T[2]")).toBe("real[5]");
  });

  it("refuses what is no size", () => {
    expect(sizeOf("const A = 7", "A / 2")).toBe("LVM3003");
    expect(sizeOf("const A = 0", "A")).toBe("LVM3003");
    expect(sizeOf("const A = 65536", "A, A")).toBe("LVM3003");
    expect(sizeOf("const A = B\nconst B = A", "A")).toBe("LVM2015");
    expect(sizeOf("const A = 1 / 0", "A")).toBe("LVM3019");
    expect(sizeOf("const LATENT = 3", "LATNET")).toBe("LVM2001");
  });

  it("survives long chains of constants and of networks", () => {
    const constants = Array.from({ length: 5000 }, (_, at) => `const A${at} = A${at + 1}`).join("\n");
    const { messages } = elaborateText(`${constants}\nconst A5000 = 1\n`);
    expect([...new Set(messages.map((message) => message.code))]).toEqual(["LVM3018"]);
    const networks = Array.from({ length: 3000 }, (_, at) => `network f${at}(x: real) -> (y: real) {\n  y = ${at < 2999 ? `f${at + 1}(x)` : "x"}\n}`).join("\n");
    expect(elaborateText(networks).messages).toEqual([]);
  });
});

describe("positions and steps", () => {
  it("counts positions from 1 in the source and from 0 in the IR", () => {
    const value = elaborateText("model m(v: real[4]) {\n  result = v[3]\n}\n").values.get("result");
    expect(value).toMatchObject({ kind: "position", at: 2 });
  });

  it("shifts steps of a site whose loop begins elsewhere, so that offsets always mean an array counting from 1", () => {
    const { values, messages } = elaborateText("model m(x: real[5]) {\n  each t in 2..5 {\n    z[t]: real ~ Normal(0, 1)\n    here = z[t]\n    data = x[t - 1]\n  }\n  each s in 2..5 {\n    again = z[s]\n  }\n}\n");
    expect(messages).toEqual([]);
    expect(values.get("here")).toMatchObject({ kind: "reference", to: { kind: "site", whole: false } });
    expect(values.get("data")).toMatchObject({ kind: "step", offset: -1 });
    // z counts from 2: at s the element s − 2 (from 0) is read, as in an array that counts from 1 at offset −1.
    expect(values.get("again")).toMatchObject({ kind: "step", offset: -1, target: { to: { whole: true } } });
  });

  it("reports a loop that runs past the end of an array", () => {
    expect(brief(elaborateText("model m(x: real[5]) {\n  each t in 1..6 {\n    h = x[t]\n  }\n}\n").messages)).toEqual(["LVM3006 3 t: `t` runs from 1 to 6; positions go from 1 to 5"]);
  });

  it("gathers by labels, which must be exactly as many as the entries", () => {
    expect(typeOf("k: index(3)[7, 7], codes: real[3, 16]", "codes[k]")).toBe("real[7, 7, 16]");
    const [message] = elaborateText("model m(county: index(80), level: real[85]) {\n  h = level[county]\n}\n").messages;
    expect(message).toMatchObject({ code: "LVM3004", notes: ["level got its size on line 1: `level: real[85]`"] });
    expect(message?.related.map((label) => textOf(label.span))).toEqual(["county: index(80)"]);
  });
});

describe("networks", () => {
  it("makes weights with names, shapes and initial values that follow from the layers", () => {
    const { context, messages } = elaborateText("network f(x: real[28, 28, 1], k: index(5)) -> (y: real[3]) {\n  h = x |> conv2d(8, kernel = 4, stride = 2) |> batch_norm |> relu |> flatten\n  y = concat(h, k |> embedding(6)) |> dense(16) |> layer_norm |> dense(3, bias = false)\n}\n");
    expect(messages).toEqual([]);
    expect([...context.parameters.values()].map((parameter) => `${parameter.name} ${printType(parameter.type)}${parameter.trainable ? "" : " fixed"}`)).toEqual([
      "f.conv2d_1.kernel real[4, 4, 1, 8]",
      "f.conv2d_1.bias real[8]",
      "f.batch_norm_1.scale real[8]",
      "f.batch_norm_1.offset real[8]",
      "f.batch_norm_1.mean real[8] fixed",
      "f.batch_norm_1.variance real[8] fixed",
      "f.embedding_1.table real[5, 6]",
      "f.dense_1.kernel real[1574, 16]",
      "f.dense_1.bias real[16]",
      "f.layer_norm_1.scale real[16]",
      "f.layer_norm_1.offset real[16]",
      "f.dense_2.kernel real[16, 3]",
    ]);
    expect(context.parameters.get("f.conv2d_1.kernel")?.init).toEqual({ kind: "lecun_uniform", fanIn: 16 });
  });

  it("sizes convolutions as TensorFlow does: same and valid, and the transposed ones", () => {
    const shape = (layer: string): string => {
      const { context, messages } = elaborateText(`network f(x: real[7, 7, 2]) -> (y: real[1]) {\n  h = x |> ${layer}\n  y = h |> flatten |> dense(1)\n}\n`);
      const hover = [...context.hover.values()].find((fact) => fact.what === "layer" && fact.name?.startsWith("f.conv"));
      return messages.length > 0 ? brief(messages).join() : hover?.type ? printType(hover.type) : "nothing";
    };
    expect(shape("conv2d(4, kernel = 3, stride = 2)")).toBe("real[4, 4, 4]");
    expect(shape("conv2d(4, kernel = 3, stride = 2, padding = \"valid\")")).toBe("real[3, 3, 4]");
    expect(shape("conv_transpose2d(4, kernel = 4, stride = 2)")).toBe("real[14, 14, 4]");
    expect(shape("conv_transpose2d(4, kernel = 3, stride = 2, padding = \"valid\")")).toBe("real[15, 15, 4]");
  });

  it("copies a network for each step of `repeat`, and refuses one that changes the type", () => {
    const block = "network block(x: real[8]) -> (y: real[8]) {\n  y = x + (x |> dense(8) |> relu)\n}\n";
    const { context, messages } = elaborateText(`${block}network f(x: real[8]) -> (y: real[8]) {\n  y = x |> repeat(block, 3)\n}\n`);
    expect(messages).toEqual([]);
    expect([...context.networks.keys()]).toEqual(["block", "block_1", "block_2", "block_3", "f"]);
    expect(context.parameters.has("block_3.dense_1.kernel")).toBe(true);
    const wrong = elaborateText("network block(x: real[8]) -> (y: real[4]) {\n  y = x |> dense(4)\n}\nnetwork f(x: real[8]) -> (y: real[4]) {\n  y = x |> repeat(block, 3)\n}\n");
    expect(wrong.messages.map((message) => message.code)).toEqual(["LVM3025"]);
  });

  it("finds recursion, directly, through others, and through `repeat`", () => {
    const codes = (text: string): readonly string[] => elaborateText(text).messages.map((message) => message.code);
    expect(codes("network f(x: real) -> (y: real) {\n  y = f(x)\n}\n")).toEqual(["LVM2010"]);
    expect(codes("network f(x: real) -> (y: real) {\n  y = g(x)\n}\nnetwork g(x: real) -> (y: real) {\n  y = f(x)\n}\n")).toEqual(["LVM2010"]);
    expect(codes("network f(x: real) -> (y: real) {\n  y = x |> repeat(f, 2)\n}\n")).toEqual(["LVM2010"]);
  });

  it("stays linear in a chain of results: every second step becomes bindings", () => {
    const steps = Array.from({ length: 60 }, (_, at) => `  q${at + 1} = g(q${at}.c, q${at}.d)`).join("\n");
    const { context, messages } = elaborateText(`network g(a: real, b: real) -> (c: real, d: real) {\n  c = a + b\n  d = a - b\n}\nnetwork f(x: real[2]) -> (y: real) {\n  q0 = g(x[1], x[2])\n${steps}\n  y = q60.c + q60.d\n}\n`);
    expect(messages).toEqual([]);
    const network = context.networks.get("f")?.network;
    expect(network?.bindings.map((binding) => binding.name).slice(0, 3)).toEqual(["q1.c", "q1.d", "q3.c"]);
    const nodes = (value: unknown): number => JSON.stringify(value, (key, inner: unknown) => (key === "origin" || key === "type" ? undefined : inner)).length;
    expect(nodes(network)).toBeLessThan(60_000);
  });

  // The mistake, its place and what its label says.
  it.each([
    ["(y: positive[3])", "y = x |> dense(3)", ["LVM3005 2 x |> dense(3): this is real[3]"]],
    ["(y: real[4])", "y = x |> dense(3)", ["LVM3004 2 x |> dense(3): this has 3"]],
    ["(y: real[3], z: real)", "y = x |> dense(3)", ["LVM3012 1 z: declared here, assigned nowhere"]],
    ["(y: real[3])", "y = x |> dense(3)\n  y = x |> dense(3)", ["LVM2002 3 y: the second time"]],
    ["(y: real[3])", "h = x |> dense(3)\n  y = x |> dense(3)", ["LVM2009 2 h = x |> dense(3): this value has no effect"]],
    ["(y: real[3])", "y = x |> conv2d(3, kernel = 3) |> flatten", ["LVM3024 2 x: this has one axis: [8]"]],
    ["(y: real[3])", "y = x |> dense", ["LVM3007 2 x |> dense: an argument is missing"]],
    ["(y: real[3])", "y = x |> dens(3)", ["LVM2004 2 dens: no function, layer or network of this name"]],
    ["(y: real[3])", "y = h |> dense(3)", ["LVM2001 2 h: nothing of this name is visible here"]],
    ["(y: real[3])", "y ~ Normal(0, 1)", ["LVM3020 2 y: a network is a function of its inputs", "LVM3012 1 y: declared here, assigned nowhere"]],
  ])("%s %s", (outputs, body, expected) => {
    const { messages } = elaborateText(`network f(x: real[8]) -> ${outputs} {\n  ${body}\n}\n`);
    expect(brief(messages).filter((line) => expected.length > 1 || !line.startsWith("LVM2009") || expected[0]!.startsWith("LVM2009"))).toEqual(expected);
  });
});

describe("calls of networks", () => {
  const decoder = "const D = 20\nnetwork decoder(z: real[D]) -> (logits: real[784]) {\n  logits = z |> dense(784)\n}\nnetwork encoder(x: binary[784]) -> (mean: real[D], scale: positive[D]) {\n  mean = x |> dense(D)\n  scale = x |> dense(D) |> softplus\n}\nnetwork labelled(k: index(10)) -> (y: real[3]) {\n  y = k |> embedding(3)\n}\n";

  it("names both declarations of sizes that differ, as docs/language shows", () => {
    const { messages } = elaborateText(`${decoder}model vae(x: binary[784]) {\n  z: real[16] ~ Normal(0, 1)\n  x ~ Bernoulli(logits = decoder(z))\n}\n`);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({
      code: "LVM3004",
      message: "shape mismatch",
      primary: { text: "this has 16" },
      related: [{ text: "the network takes 20 numbers" }],
      notes: ["z got its size on line 13: `z: real[16]`"],
      help: "make both the same constant, or change line 13 to `real[D]`",
    });
    expect(messages[0]?.fixes?.[0]).toMatchObject({ title: "Change the type to `real[D]`", edits: [{ text: "D" }] });
  });

  it.each([
    ["h = decoder()", ["LVM3007"]],
    ["h = decoder(x, x)", ["LVM3007"]],
    ["h = decoder(y = x)", ["LVM2011"]],
    ["h = encoder(x)\n  g = h + 1", ["LVM3013"]],
    ["h = encoder(x)\n  g = h.mena + 1", ["LVM2008"]],
    ["h = encoder(x)\n  g = h.mean + 1", []],
    ["h = encoder(2 * x)", ["LVM3005"]],
    ["h = encoder(zeros[784])", []],
    ["h = decodr(x)", ["LVM2004"]],
    ["h = decoder + 1", ["LVM3001"]],
    ["h = decoder(encoder(x).mean)", []],
    ["h = encoder(nothing)\n  g = h.mean", ["LVM2001"]],
    ["h = labelled(3)", []],
    ["h = labelled(10)", ["LVM3005"]],
    ["h = labelled(x[1])", ["LVM3005"]],
    ["h = decoder(undeclared, undeclared)", ["LVM3007", "LVM2001", "LVM2001"]],
    ["h = nowhere |> relux", ["LVM2001", "LVM2004"]],
  ])("%s", (body, codes) => {
    expect(elaborateText(`${decoder}model m(x: binary[784]) {\n  ${body}\n}\n`).messages.map((message) => message.code)).toEqual(codes);
  });
});

describe("distributions", () => {
  const draw = (statement: string): string => {
    const { messages, draws } = elaborateText(`model m(${columns}) {\n  ${statement}\n}\n`);
    const [call] = draws.values();
    return messages.length > 0 ? messages.map((message) => message.code).join(" ") : call ? printType(call.type) : "nothing";
  };

  it.each([
    ["z: real[20] ~ Normal(0, 1)", "real"],
    ["z ~ Normal(v, 1)", "real[4]"],
    ["z: real[4] ~ Normal(v, p)", "real[4]"],
    ["z: real[4] ~ Normal(mean = v, variance = p)", "real[4]"],
    ["z: real[4] ~ Normal(v, variance = 2)", "real[4]"],
    ["z: positive ~ HalfNormal(1)", "positive"],
    ["z: index(10) ~ Categorical(logits = 0)", "index(10)"],
    ["z ~ Categorical(s)", "index(4)"],
    ["z ~ Categorical(logits = m)", "index(4)[3]"],
    ["z: index(4)[7, 7] ~ Categorical(logits = v)", "index(4)"],
    ["z ~ Dirichlet(ones[5])", "simplex[5]"],
    ["z: simplex[5] ~ Dirichlet(1)", "simplex[5]"],
    ["z: real[2] ~ Mixture(s, Normal([[1, 2], [3, 4], [5, 6], [7, 8]], 0.5))", "real[2]"],
    ["z: real[2] ~ Mixture(s, Normal([[1, 2], [3, 4], [5, 6], [7, 8]], [1, 2, 3, 4]))", "real[2]"],
    ["z ~ Mixture(s, Normal(v, 1))", "real"],
    ["z: real[4] ~ Delta(v)", "real[4]"],
    ["z: unit ~ Beta(2, 3)", "unit"],
    ["z: real[4] ~ MultivariateNormal(v, cholesky = diagonal(exp(w)))", "real[4]"],
    ["z: real[4] ~ MultivariateNormal(v, factor = transpose(m), diagonal = exp(w))", "real[4]"],
    ["z: real ~ StudentT(4)", "real"],
  ])("%s draws %s", (statement, type) => {
    expect(draw(statement)).toBe(type);
  });

  it.each([
    ["z: real ~ Normal(0)", "LVM3007"],
    ["z: real ~ Normal(0, 1, 2)", "LVM3007"],
    ["z: real ~ Normal(0, 1, mean = 3)", "LVM3007"],
    ["z: real ~ Normal(mu = 0, scale = 1)", "LVM2011"],
    ["z: real ~ Normal(mean = 0, scale = 1, variance = 1)", "LVM3009"],
    ["z: real ~ Normal(0, -1)", "LVM3014"],
    ["z: real ~ Normal(0, a)", "LVM3014"],
    ["z: real ~ Normal(0, u)", "LVM3014"],
    ["z: real[4] ~ Normal([1, 2, 3], 1)", "LVM3004"],
    ["z: real ~ Normal(v, 1)", "LVM3004"],
    ["z ~ Normal(v, [1, 2, 3])", "LVM3004"],
    ["z: real ~ normal(0, 1)", "LVM2005"],
    ["z: real ~ N(0, 1)", "LVM2005"],
    ["z: real ~ Gaussian(0, 1)", "LVM2005"],
    ["z: count ~ Multinomial(3, s)", "LVM2005"],
    ["z: real ~ 3", "LVM3001"],
    ["z: real ~ v", "LVM3001"],
    ["z: binary ~ Bernoulli(a)", "LVM3014"],
    ["z: index(10) ~ Categorical(s)", "LVM3004"],
    ["z: index(4) ~ Categorical(v)", "LVM3014"],
    ["z ~ Categorical(logits = 0)", "LVM3004"],
    ["z: real ~ Normal(k, 1)", "LVM3021"],
    ["z: real ~ Uniform(2, 1)", "LVM3014"],
    ["z: real[4] ~ MultivariateNormal(v, cholesky = outer(v, w))", "LVM3014"],
    ["z: real[3] ~ MultivariateNormal(v, scale = exp(v))", "LVM3004"],
    ["z: real[2] ~ Mixture(s, Normal([1, 2, 3], 0.5))", "LVM3004"],
    ["z: real[2] ~ Mixture(s, 3)", "LVM3001"],
    ["z: real ~ Mixture(1, Normal(v, 1))", "LVM3014"],
    ["z: real ~ Normal(nothing, nowhere)", "LVM2001 LVM2001"],
    ["z: real ~ Normal", "LVM3007"],
  ])("%s: %s", (statement, codes) => {
    expect(draw(statement)).toBe(codes);
  });

  it("helps a real value into the support, or names the parameter that takes it", () => {
    const help = (statement: string): string | undefined => elaborateText(`model m(${columns}) {\n  ${statement}\n}\n`).messages[0]?.help;
    expect(help("z: real ~ LogNormal(0, a)")).toBe("add `|> softplus`");
    expect(help("z: binary ~ Bernoulli(a)")).toBe("write `logits = a`, or add `|> sigmoid`");
    expect(help("z: index(4) ~ Categorical(v)")).toBe("write `logits = v`, or add `|> softmax`");
    expect(help("z: real ~ Gaussian(0, 1)")).toBe("did you mean `Normal`?");
    expect(help("z: real ~ Normal(mu = 0, sigma = 1)")).toBe("did you mean `mean`?");
  });
});

describe("the models that ship", () => {
  const directory = new URL("../../models/", import.meta.url);
  const files = readdirSync(directory).filter((name) => name.endsWith(".lvm"));
  it.each(files)("%s: its networks elaborate without a message", (name) => {
    const { context } = elaborateText(readFileSync(new URL(name, directory), "utf8").replace(/^model[\s\S]*/m, ""));
    expect(context.diagnostics.map((each) => `${each.code} ${lineOf(each.primary.span)}`)).toEqual([]);
  });
});

describe("tables", () => {
  it("describe every function and layer", () => {
    for (const name of functionNames) expect(functionRules[name].doc).not.toBe("");
    for (const name of layerNames) expect(layerRules[name].doc).not.toBe("");
  });
});
