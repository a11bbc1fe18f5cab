import { afterEach, describe, expect, it } from "vitest";
import type { DocumentSymbol, SelectionRange, SemanticTokens, SemanticTokensDelta } from "vscode-languageserver-protocol";
import { analyze } from "../../src/language-server/analysis.js";
import { callerAt, incoming, outgoing } from "../../src/language-server/features/call-hierarchy.js";
import { foldsOf } from "../../src/language-server/features/folding.js";
import { selectionAt } from "../../src/language-server/features/selection.js";
import { difference, legend, tokensOf } from "../../src/language-server/features/semantic-tokens.js";
import { outline } from "../../src/language-server/features/symbols.js";
import { likeness, symbolsLike } from "../../src/language-server/features/workspace-symbols.js";
import { rangeOf } from "../../src/language-server/positions.js";
import { type Client, startClient } from "./support/client.js";
import { cursor, draw } from "./support/fixture.js";
import { drawFiles, filesWith } from "./support/workspace.js";

const model = `/// A small one.
/// In two lines.

import encoder from "nets.lvm"
import decoder from "nets.lvm"

const T = 3

network f(x: real[2]) -> (y: real[4]) {
  y = x
    |> dense(8)
    |> relu
    |> dense(4)
}

model m(x: real[T]) {
  z[1] ~ Normal(0, 1)
  chain t in 2..T {
    z[t] ~ Normal(z[t-1], 1)
  }
  each t in 1..T {
    x[t] ~ Normal(z[t], 1)
  }
}

train m {
  maximize elbo
  epochs = 3
}
`;

const lines = (symbols: readonly DocumentSymbol[], depth = 0): string => symbols.map(({ name, detail, range, children }) => `${"  ".repeat(depth)}${name}${detail ? ` — ${detail}` : ""} (${range.start.line}–${range.end.line})\n${lines(children ?? [], depth + 1)}`).join("");

describe("the outline", () => {
  it("has items with their columns, latents, bindings and layers, with sizes", () => {
    expect(lines(outline(analyze({ path: "a.lvm", text: model })))).toMatchInlineSnapshot(`
      "nets.lvm — encoder (3–3)
      nets.lvm — decoder (4–4)
      T — 3 (6–6)
      f — network (8–13)
        x — real[2] (8–8)
        y — real[4] (8–8)
        y — real[4] (9–12)
          dense(8) (10–10)
          relu (11–11)
          dense(4) (12–12)
      m — model (15–23)
        x — real[3] (15–15)
        z[1] — ~ Normal(0, 1) (16–16)
        chain t — 2..T (17–19)
          z[t] — ~ Normal(z[t-1], 1) (18–18)
        each t — 1..T (20–22)
          x[t] — real ~ Normal(z[t], 1) (21–21)
      m — train (25–28)
        maximize — elbo (26–26)
        epochs — 3 (27–27)
      "
    `);
  });
  // Guards what a client refuses: names that are empty, and a name outside of its range.
  it("has a name for everything, inside its range, in broken files too", () => {
    for (let end = 0; end < model.length; end += 11) {
      const check = (symbols: readonly DocumentSymbol[]): void => {
        for (const { name, range, selectionRange, children } of symbols) {
          expect(name).not.toBe("");
          const inside = (a: typeof range.start, b: typeof range.start): boolean => a.line < b.line || (a.line === b.line && a.character <= b.character);
          expect(inside(range.start, selectionRange.start) && inside(selectionRange.end, range.end), `${name} at ${end}`).toBe(true);
          check(children ?? []);
        }
      };
      check(outline(analyze({ path: "a.lvm", text: model.slice(0, end) })));
    }
  });
  it("of a workspace is found by a few letters", () => {
    const { workspace } = filesWith({ "a.lvm": model, "b.lvm": "network full_encoder(x: real) -> (y: real) {\n  y = x\n}\nmodel fringe(x: real) {\n  x ~ Normal(0, 1)\n}\n" });
    expect(symbolsLike(workspace, "fe").map(({ name }) => name)).toEqual(["full_encoder", "fringe"]);
    expect(symbolsLike(workspace, "T").map(({ name }) => name)).toEqual(["T"]);
    expect(symbolsLike(workspace, "zz")).toEqual([]);
    expect(symbolsLike(workspace, "").length).toBeGreaterThan(6);
    expect(likeness("full_encoder", "fe")).toBeGreaterThan(likeness("fringe", "fe")!);
  });
});

describe("folding", () => {
  it("items, loops, long expressions, comments and imports; the closing bracket stays", () => {
    const { workspace, uri } = filesWith({ "a.lvm": model });
    expect(foldsOf(workspace.syntax(uri)!).map(({ startLine, endLine, kind }) => `${startLine}–${endLine}${kind ? ` ${kind}` : ""}`)).toEqual(["0–1 comment", "3–4 imports", "8–12", "9–12", "15–22", "17–18", "20–21", "25–27"]);
  });
});

describe("selections", () => {
  it("grow from the name to the file", () => {
    const { text, offset } = cursor(model.replace("z[t-1], 1", "z[‸t-1], 1"));
    const file = filesWith({ "a.lvm": text });
    const grown: string[] = [];
    for (let each: SelectionRange | undefined = selectionAt(file.workspace.syntax(file.uri)!, offset); each; each = each.parent) {
      const { start, end } = each.range;
      grown.push(text.split("\n").slice(start.line, end.line + 1).map((line, at, all) => line.slice(at === 0 ? start.character : 0, at === all.length - 1 ? end.character : undefined)).join("⏎").replace(/(.{30}).*/, "$1…"));
    }
    expect(grown).toMatchInlineSnapshot(`
      [
        "t",
        "t-1",
        "z[t-1]",
        "Normal(z[t-1], 1)",
        "z[t] ~ Normal(z[t-1], 1)",
        "chain t in 2..T {⏎    z[t] ~ N…",
        "z[1] ~ Normal(0, 1)⏎  chain t …",
        "model m(x: real[T]) {⏎  z[1] ~…",
        "/// A small one.⏎/// In two li…",
      ]
    `);
  });
});

describe("semantic tokens", () => {
  const source = `/// Doc.
param w: positive = 1
const model = 2

model m(on: real[model]) { // where
  global z ~ Normal(0, w) by score(samples = 2)
  on ~ Normal(sum(z) + zeros[2], 1)
}

train m {
  optimizer = adam(rate = 1e-3)
}
`;
  it("tell keywords from names, and names by what they stand for", () => {
    const { workspace, uri } = filesWith({ "a.lvm": source });
    const tokens = tokensOf(workspace, uri, workspace.syntax(uri)!);
    const skipped = new Set(["operator", "number", "comment"]);
    expect(draw(source, tokens.filter(({ type }) => !skipped.has(type)).map(({ start, end, type, modifiers }) => ({ range: rangeOf({ source: { path: "a.lvm", text: source }, start, end }), label: [type, ...modifiers].join(".") })))).toMatchInlineSnapshot(`
      "/// Doc.
      param w: positive = 1
      ^^^^^ keyword
            ^ variable.declaration.learnt
               ^^^^^^^^ type.defaultLibrary
      const model = 2
      ^^^^^ keyword
            ^^^^^ variable.declaration.readonly

      model m(on: real[model]) { // where
      ^^^^^ keyword
            ^ class.declaration
              ^^ parameter.declaration
                  ^^^^ type.defaultLibrary
                       ^^^^^ variable.readonly
        global z ~ Normal(0, w) by score(samples = 2)
        ^^^^^^ keyword
               ^ variable.declaration.latent
                   ^^^^^^ class.defaultLibrary
                             ^ variable.learnt
                                ^^ keyword
                                   ^^^^^ function.defaultLibrary
                                         ^^^^^^^ parameter
        on ~ Normal(sum(z) + zeros[2], 1)
        ^^ parameter.modification
             ^^^^^^ class.defaultLibrary
                    ^^^ function.defaultLibrary
                        ^ variable.latent
                             ^^^^^ function.defaultLibrary
      }

      train m {
      ^^^^^ keyword
            ^ class
        optimizer = adam(rate = 1e-3)
        ^^^^^^^^^ property.defaultLibrary
                    ^^^^ function.defaultLibrary
                         ^^^^ parameter
      }
      "
    `);
    expect(new Set(tokens.map(({ type }) => type))).toEqual(new Set(legend.tokenTypes.filter((each) => each !== "string")));
  });
  it("of a difference are what is there now", () => {
    for (const [before, after] of [[[1, 2, 3], [1, 9, 3]], [[], [1]], [[1, 1], [1]], [[1], [1, 1]], [[1, 2], [1, 2]], [[1, 2, 1], [1, 2, 1, 2, 1]]]) {
      const now = [...before!];
      for (const { start, deleteCount, data = [] } of difference(before!, after!).edits) now.splice(start, deleteCount, ...data);
      expect(now).toEqual(after);
    }
  });
});

describe("calls of networks", () => {
  const files = {
    "nets.lvm": "network inner(x: real) -> (y: real) {\n  y = x\n}\n\nnetwork outer(x: real) -> (y: real) {\n  y = inner(x) + inner(x)\n}\n",
    "m.lvm": 'import outer from "nets.lvm"\n\nmodel m(x: real) {\n  z ~ Normal(0, 1)\n  x ~ Normal(outer(z), 1)\n}\n\nguide m {\n  z ~ Normal(x |> outer, 1)\n}\n',
  };
  it("are known from both sides, over files", () => {
    const { workspace, uri, offset } = filesWith({ ...files, "nets.lvm": files["nets.lvm"].replace("network outer", "network out‸er") });
    const outer = callerAt(workspace, uri, offset)!;
    expect(incoming(workspace, outer).map(({ from, fromRanges }) => `${from.detail} ${from.name} ${fromRanges.map(({ start }) => start.line).join()}`)).toEqual(["model m 4", "guide m 8"]);
    expect(outgoing(workspace, outer).map(({ to, fromRanges }) => `${to.name} ×${fromRanges.length}`)).toEqual(["inner ×2"]);
  });
  it("of a guide lead into the other file", () => {
    const found = filesWith({ ...files, "m.lvm": files["m.lvm"].replace("guide m", "guide m‸") });
    const guide = callerAt(found.workspace, found.uri, found.offset)!;
    expect(guide.item.kind).toBe("guide");
    expect(drawFiles(found, outgoing(found.workspace, guide).map(({ to }) => ({ uri: to.uri, range: to.selectionRange })))).toContain("network outer(x: real) -> (y: real) {\n        ^^^^^\n");
  });
});

describe("over the protocol", () => {
  let client: Client | undefined;
  afterEach(async () => {
    await client?.close();
    client = undefined;
  });
  // Guards that each feature is there and answers under its method.
  it("answers every request", async () => {
    client = await startClient({ "nets.lvm": "network encoder(x: real) -> (y: real) {\n  y = x\n}\n" });
    const { connection } = client;
    const uri = client.open("a.lvm", model);
    const textDocument = { uri };
    const position = { line: 16, character: 2 };
    const ask = async (method: string, params: object): Promise<unknown> => connection.sendRequest(method, { textDocument, ...params });
    for (const [method, params] of [["textDocument/definition", { position }], ["textDocument/references", { position, context: { includeDeclaration: true } }], ["textDocument/documentHighlight", { position }], ["textDocument/documentSymbol", {}], ["textDocument/foldingRange", {}], ["textDocument/selectionRange", { positions: [position] }], ["textDocument/prepareCallHierarchy", { position: { line: 8, character: 8 } }], ["textDocument/documentLink", {}]] as const) {
      expect(await ask(method, params), method).toSatisfy((found: unknown) => Array.isArray(found) && found.length > 0);
    }
    expect(await connection.sendRequest<unknown[]>("workspace/symbol", { query: "enc" })).toHaveLength(1);
    expect(await ask("textDocument/implementation", { position })).toEqual([]);
    const whole = (await ask("textDocument/semanticTokens/full", {})) as SemanticTokens;
    client.replace(uri, model.replace("const T = 3", "const T = 30"));
    const { edits } = (await ask("textDocument/semanticTokens/full/delta", { previousResultId: whole.resultId })) as SemanticTokensDelta;
    expect(edits).toHaveLength(1);
    const now = [...whole.data];
    for (const { start, deleteCount, data = [] } of edits) now.splice(start, deleteCount, ...data);
    expect(((await ask("textDocument/semanticTokens/full", {})) as SemanticTokens).data).toEqual(now);
    const part = (await ask("textDocument/semanticTokens/range", { range: { start: { line: 6, character: 0 }, end: { line: 7, character: 0 } } })) as SemanticTokens;
    expect(part.data).toHaveLength(5 * 4);
  });
});
