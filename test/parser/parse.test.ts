import { describe, expect, it } from "vitest";
import type { Expression, Item, Module, Statement } from "../../src/parser/ast.js";
import { Grammar } from "../../src/parser/grammar.js";
import { moduleDoc, parse } from "../../src/parser/parse.js";
import { vocabulary } from "../../src/parser/tokens.js";
import { children, nodesAt, visit } from "../../src/parser/visit.js";
import { textOf } from "../../src/diagnostics/span.js";

/** Guards the shape of the tree, precise spans, and that a mistake hurts nothing but its own statement. */

function read(text: string): Module {
  const { value, diagnostics } = parse({ path: "t.lvm", text });
  expect(diagnostics.map(({ message }) => message)).toEqual([]);
  return value;
}

function item(text: string): Item {
  const [first] = read(text).items;
  if (!first) throw new Error("no item");
  return first;
}

function statement(text: string): Statement {
  const model = item(`model m(x: real) { ${text} }`);
  if (model.kind !== "model" || !model.body[0]) throw new Error("no statement");
  return model.body[0];
}

function value(text: string): Expression {
  const found = item(`const A = ${text}`);
  if (found.kind !== "const") throw new Error("no const");
  return found.value;
}

/** Fully bracketed, so that precedence can be read. */
function grouped(node: Expression): string {
  switch (node.kind) {
    case "number": return node.text;
    case "string": return JSON.stringify(node.value);
    case "name": return node.name;
    case "unary": return `(-${grouped(node.operand)})`;
    case "binary": return `(${grouped(node.left)} ${node.operator} ${grouped(node.right)})`;
    case "call": return `${grouped(node.callee)}(${node.args.map((arg) => (arg.name ? `${arg.name.name}${(arg.indices ?? []).map((index) => `[${grouped(index)}]`).join("")}=` : "") + grouped(arg.value)).join(", ")})`;
    case "index": return `${grouped(node.target)}[${node.indices.map(grouped).join(", ")}]`;
    case "member": return `${grouped(node.target)}.${node.name.name}`;
    case "pipe": return `(${grouped(node.value)} |> ${grouped(node.into)})`;
    case "range": return `(${grouped(node.from)} .. ${grouped(node.to)})`;
    case "array": return `[${node.elements.map(grouped).join(", ")}]`;
    case "condition": return `{${grouped(node.value)} | ${node.given.map(grouped).join(", ")}}`;
    case "parenthesized": return grouped(node.expression);
    case "missing": return "?";
  }
}

describe("expressions", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["1 + 2 * 3", "(1 + (2 * 3))"],
    ["1 - 2 - 3", "((1 - 2) - 3)"],
    ["a @ b @ c / d", "(((a @ b) @ c) / d)"],
    ["-a^b", "(-(a ^ b))"],
    ["a^-b^c", "(a ^ (-(b ^ c)))"],
    ["a^b^c", "(a ^ (b ^ c))"],
    ["2 * -3 + 1", "((2 * (-3)) + 1)"],
    ["- - a * b", "((-(-a)) * b)"],
    ["a + b <= c * d", "((a + b) <= (c * d))"],
    ["x |> f(1) |> g", "((x |> f(1)) |> g)"],
    ["x + 1 |> f", "((x + 1) |> f)"],
    ["1..T", "(1 .. T)"],
    ["1 .. T - 1", "(1 .. (T - 1))"],
    ["a[i, j].b[0]", "a[i, j].b[0]"],
    ["f(1, scale = 2,)", "f(1, scale=2)"],
    ["[1, [2], ]", "[1, [2]]"],
    ["(a + b) * c", "((a + b) * c)"],
    ["guide(x[t-1] | x[t], noise = f(x[t], t))", "guide({x[(t - 1)] | x[t]}, noise=f(x[t], t))"],
    ["guide(a | b, c, d = e)", "guide({a | b, c}, d=e)"],
    ["guide(a | b, x[0] = f(b))", "guide({a | b}, x[0]=f(b))"],
    ["x\n  |> f\n  |> g", "((x |> f) |> g)"],
    ["1_000 + 1e-3 + 0.5", "((1_000 + 1e-3) + 0.5)"],
  ];
  for (const [text, expected] of cases) {
    it(text.replace(/\n */g, " "), () => expect(grouped(value(text))).toBe(expected));
  }
  it("numbers have their values", () => {
    expect(value("1_000")).toMatchObject({ kind: "number", value: 1000, text: "1_000" });
    expect(value("2.5E+4")).toMatchObject({ value: 25000 });
  });
  it("texts are unescaped", () => expect(value('"a\\"b\\\\\\n"')).toMatchObject({ value: 'a"b\\\n' }));
});

describe("items and statements", () => {
  it("words of the language are free as names", () => {
    const module = read("model on(data: real, in: real, by: real) { model = in\n global = by\n each = 3\n chain[1] = 2\n auto ~ Normal(model, global)\n local: real ~ Normal(0, 1)\n to ~ Normal(auto, 1) by score\n by = 2 }");
    expect(module.items[0]).toMatchObject({ kind: "model", name: { name: "on" } });
    if (module.items[0]?.kind !== "model") throw new Error("no model");
    expect(module.items[0].body.map((found) => found.kind)).toEqual(["let", "let", "let", "let", "sample", "sample", "sample", "let"]);
  });
  it("sample statements", () => {
    expect(statement("global w[1]: index(K)[2, 3] ~ Categorical(logits = 0) autoregressive by score(baseline = none)")).toMatchObject({
      kind: "sample", global: true, autoregressive: true, indices: [{ text: "1" }],
      type: { name: { name: "index" }, args: [{ name: "K" }], sizes: [{ text: "2" }, { text: "3" }], optional: false },
      by: { kind: "call" },
    });
  });
  it("loops", () => expect(statement("chain t in T..1 { each i in 1..2 { a = 1 } }")).toMatchObject({ kind: "loop", loop: "chain", variable: { name: "t" }, body: [{ kind: "loop", loop: "each" }] }));
  it("statements on one line need no separator", () => {
    const guide = item("guide m { auto mean_field weights, centers   marginalize k a = 1 b ~ N(a) local c: real d = 2 }");
    if (guide.kind !== "guide") throw new Error("no guide");
    expect(guide.body.map((found) => found.kind)).toEqual(["auto", "marginalize", "let", "sample", "local", "let"]);
  });
  it("train", () => {
    expect(item("train a on b.z { maximize elbo(beta = 4) subject to kl(z) <= 20, kl(w) >= 1 observe y = 0.1 rate = 2 }")).toMatchObject({
      kind: "train", on: { kind: "member" },
      body: [{ kind: "maximize", constraints: [{ operator: "<=" }, { operator: ">=" }] }, { kind: "observe", name: { name: "y" } }, { kind: "setting", name: { name: "rate" } }],
    });
    expect(item("train code_prior on vqvae.k")).toMatchObject({ kind: "train", body: [] });
  });
  it("columns", () => {
    expect(item("model m(x[0]: real[2], y: index(10)?) where length(x) <= T {}")).toMatchObject({
      kind: "model", columns: [{ name: { name: "x" }, indices: [{ text: "0" }] }, { type: { optional: true } }], where: { operator: "<=" },
    });
  });
  it("documentation belongs to the item below, and to the file", () => {
    const module = read("/// File.\n\n// plain\n/// One.\n/// Two.\nconst A = 1\nconst B = 2 /// not\n");
    expect(module.items.map(({ doc }) => doc)).toEqual(["One.\nTwo.", ""]);
    expect(moduleDoc(module)).toBe("File.");
    expect(module.comments.map(({ doc, ownLine }) => [doc, ownLine])).toEqual([[true, true], [false, true], [true, true], [true, true], [true, false]]);
  });
});

describe("spans", () => {
  it("cover exactly the text of each node", () => {
    const text = "/// d\nmodel m(x: real[2]?) {\n  z: real[ 2 ] ~ f(a, s = -b) |> g by h\n}\r\nconst A = (1 + x[t].q)";
    const found: string[] = [];
    visit(read(text), { enter: (node) => void (node.kind !== "module" && found.push(`${node.kind}: ${textOf(node.span)}`)) });
    expect(found).toEqual([
      "model: model m(x: real[2]?) {\n  z: real[ 2 ] ~ f(a, s = -b) |> g by h\n}",
      "identifier: m", "column: x: real[2]?", "identifier: x", "type: real[2]?", "identifier: real", "number: 2",
      "sample: z: real[ 2 ] ~ f(a, s = -b) |> g by h", "identifier: z", "type: real[ 2 ]", "identifier: real", "number: 2",
      "pipe: f(a, s = -b) |> g", "call: f(a, s = -b)", "name: f", "argument: a", "name: a", "argument: s = -b", "identifier: s", "unary: -b", "name: b", "name: g", "name: h",
      "const: const A = (1 + x[t].q)", "identifier: A", "parenthesized: (1 + x[t].q)", "binary: 1 + x[t].q", "number: 1", "member: x[t].q", "index: x[t]", "name: x", "name: t", "identifier: q",
    ]);
  });
  it("children stand inside their parents, in order", () => {
    visit(read("network f(x: real) -> (y: real) { y = x |> g(1, a = 2) }\ntrain m { maximize elbo }"), {
      enter: (node) => {
        let from = node.span.start;
        for (const child of children(node)) {
          expect(child.span.start).toBeGreaterThanOrEqual(from);
          expect(child.span.end).toBeLessThanOrEqual(node.span.end);
          from = child.span.end;
        }
      },
    });
  });
  it("the nodes at a cursor", () => {
    const text = "const A = f(q.mean)";
    expect(nodesAt(read(text), text.indexOf("mean") + 2).map(({ kind }) => kind)).toEqual(["module", "const", "call", "argument", "member", "identifier"]);
  });
});

describe("recovery", () => {
  const codes = (text: string): string[] => parse({ path: "t.lvm", text }).diagnostics.map(({ code, primary }) => `${code}@${textOf(primary.span)}`);

  it("ten mistakes give ten messages, and everything else is read", () => {
    const text = `const LATENT = = 20
network encoder(x: binary[784]) -> (mean real[LATENT]) {
  h = x |> dense(400 |> relu
  mean = h |> dense(LATENT) |>
}
model vae(x: binary[784]) {
  z: real[LATENT] = Normal(0, 1)
  x <- Bernoulli(logits = decoder(z))
  w ~ Normal(0 1)
  u ~ Normal(0, 1)
}
guid vae {
  q = encoder(x))
  z ~ Normal(q.mean, q.scale)
}
train vae {
  optimizer adam(rate = 1e-3)
  epochs = 20
}
const LAST = 1
`;
    const { value, diagnostics } = parse({ path: "t.lvm", text });
    expect(diagnostics.length).toBe(10);
    expect(value.items.map(({ kind }) => kind)).toEqual(["const", "network", "model", "guide", "train", "const"]);
    const [, , model, guide, train] = value.items;
    if (model?.kind !== "model" || guide?.kind !== "guide" || train?.kind !== "train") throw new Error("not read");
    expect(model.body.at(-1)).toMatchObject({ kind: "sample", name: { name: "u" } });
    expect(guide.body.at(-1)).toMatchObject({ kind: "sample", name: { name: "z" } });
    expect(train.body.at(-1)).toMatchObject({ kind: "setting", name: { name: "epochs" } });
  });

  const single: readonly (readonly [name: string, text: string, expected: string])[] = [
    ["a member without a name", "guide g { z ~ Normal(q., 1) }", "LVM1001@,"],
    ["an open block at the end", "model m(x: real) {\n  x ~ N(1)\n", "LVM1003@)"],
    ["an open block before an item", "model m(x: real) {\n  x ~ N(1)\n\nguide m {\n  a = 1\n}\n", "LVM1003@)"],
    ["an open ( before the next statement", "guide g {\n  a = f(1\n  b = 2\n  c ~ N(b)\n}", "LVM1003@1"],
    ["an open ( in a head", "model m(x: real {\n  x ~ N(1)\n}", "LVM1003@real"],
    ["a brace too many", "model m(x: real) {\n  x ~ N(1)\n}\n}\nguide m { a = 1 }", "LVM1004@}"],
    ["a wrong closing bracket", "guide g { a = f(1] b = 2 }", "LVM1004@]"],
    ["a closing bracket too many", "guide g { a = f(1))\n b = 2 }", "LVM1004@)"],
    ["a declaration inside a block", "guide g {\n  const K = 3\n  a = K\n}", "LVM1011@const"],
    ["a statement outside of blocks", "z ~ Normal(0, 1)\ny ~ Normal(z, 1)\nconst A = 1", "LVM1011@z"],
    ["a block of another language", "data {\n  int N;\n}\nconst A = 1".replace(";", ""), "LVM1019@data"],
    ["a text without an end", 'import a from "b.lvm\nconst A = 1', 'LVM1005@"b.lvm'],
    ["a text without an end in a call", 'train a {\n  data = csv("x.csv)\n  epochs = 3\n}', 'LVM1005@"x.csv)'],
    ["a bracket on a new line", "guide g {\n  a = f\n  (1)\n  b = 2\n}", "LVM1001@("],
    ["a missing comma between columns", "model m(x: real y: real) { x ~ N(y) }", "LVM1001@y"],
    ["a missing body", "model m(x: real)\nguide m { a = 1 }", "LVM1016@)"],
    ["a missing arrow", "network f(x: real) (y: real) { y = x }", "LVM1001@("],
    ["a chained comparison", "train a { maximize elbo subject to 1 < kl(z) < 2 }", "LVM1014@<"],
    ["a call of a value", "const A = 2(3)", "LVM1015@2"],
    ["a late condition", "guide g { a ~ guide(b, c | d) }", "LVM1018@|"],
    ["a draw in train", "train a {\n  z ~ Normal(0, 1)\n  epochs = 2\n}", "LVM1011@~"],
    ["a word of another language", "guide g {\n  return 3\n  a = 1\n}", "LVM1001@return"],
  ];
  for (const [name, text, expected] of single) it(`${name}: one message`, () => expect(codes(text)).toEqual([expected]));
});

describe("grammar", () => {
  it("has nothing that Chevrotain finds ambiguous or unreachable", () => {
    for (const recovers of [false, true]) expect(() => new Grammar(recovers, true)).not.toThrow();
  });
});

describe("vocabulary", () => {
  it("is plain data with valid patterns", () => {
    for (const { pattern } of vocabulary) expect(() => new RegExp(pattern, "u")).not.toThrow();
    expect(vocabulary.some(({ name, category }) => name === "marginalize" && category === "keyword")).toBe(true);
  });
});
