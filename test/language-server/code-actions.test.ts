import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { type CodeAction, CodeActionTriggerKind, type Diagnostic, type TextEdit } from "vscode-languageserver-protocol";
import { parse } from "../../src/parser/parse.js";
import { actionsAt } from "../../src/language-server/features/code-actions.js";
import { offsetOf, rangeOf } from "../../src/language-server/positions.js";
import { Workspace } from "../../src/language-server/workspace.js";
import { type Client, root, startClient } from "./support/client.js";
import { cursor } from "./support/fixture.js";

const folder = new URL("../errors/", import.meta.url);
const disk = new Map(readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".lvm")).map((name) => [`${root}/${name}`, readFileSync(new URL(name, folder), "utf8")]));

function workspaceOf(files: ReadonlyMap<string, string>): Workspace {
  const workspace = new Workspace({ read: (uri) => files.get(uri), list: () => [...files.keys()], pageOf: () => undefined });
  workspace.folders = [root];
  return workspace;
}

function apply(text: string, edits: readonly TextEdit[]): string {
  const source = { path: "", text };
  const places = edits.map(({ range, newText }) => ({ start: offsetOf(source, range.start), end: offsetOf(source, range.end), newText })).sort((a, b) => b.start - a.start);
  return places.reduce((all, { start, end, newText }) => all.slice(0, start) + newText + all.slice(end), text);
}

/** Actions for the whole of a file, or at an offset, with the texts that they lead to. */
function offered(files: ReadonlyMap<string, string>, uri: string, at?: number, only?: string[]): readonly { readonly action: CodeAction; readonly text: string }[] {
  const workspace = workspaceOf(files);
  const analysis = workspace.analysis(uri)!;
  const range = rangeOf({ source: analysis.source, start: at ?? 0, end: at ?? analysis.source.text.length });
  return actionsAt(workspace, analysis, { range, context: { diagnostics: [], ...(only ? { only } : {}) } }).map((action) => {
    expect(Object.keys(action.edit!.changes!)).toEqual([uri]);
    return { action, text: apply(files.get(uri)!, action.edit!.changes![uri]!) };
  });
}

const errorsIn = (uri: string, text: string): number => workspaceOf(new Map([...disk, [uri, text]])).analysis(uri)!.diagnostics.filter(({ severity }) => severity === "error").length;

describe("quick fixes", () => {
  const uris = [...disk.keys()].filter((uri) => !uri.slice(root.length + 1).includes("/"));

  // Guards: every action that an editor would offer for the mistakes of the goldens leads to a text that parses and has no more mistakes; the kinds are many.
  it("mend the mistakes that compilers know by heart", () => {
    const codes = new Set<string>();
    for (const uri of uris) {
      const text = disk.get(uri)!;
      const before = errorsIn(uri, text);
      const broken = parse({ path: "", text }).diagnostics.length;
      for (const { action, text: mended } of offered(disk, uri, undefined, ["quickfix"])) {
        const [{ code }, ...others] = action.diagnostics as [Diagnostic, ...Diagnostic[]];
        expect(others).toEqual([]);
        codes.add(String(code));
        expect(parse({ path: "", text: mended }).diagnostics.length, `${uri}: ${action.title}\n${mended}`).toBeLessThanOrEqual(broken);
        expect(errorsIn(uri, mended), `${uri}: ${action.title}\n${mended}`).toBeLessThanOrEqual(before);
      }
    }
    expect(codes.size).toBeGreaterThan(70);
  });

  const fixed = (marked: string, title: string): string => {
    const { text, offset } = cursor(marked);
    const uri = `${root}/test.lvm`;
    const found = offered(new Map([[uri, text]]), uri, offset);
    const fix = found.find(({ action }) => action.title === title);
    expect(fix, found.map(({ action }) => action.title).join(", ")).toBeDefined();
    return fix!.text;
  };

  // Guards what the fixes write, as one reads it.
  it("make two sizes one constant", () => {
    expect(fixed("network decoder(z: real[20]) -> (y: real[5]) {\n  y = z |> dense(5)\n}\n\nmodel m(x: real[5]) {\n  z: real[16] ~ Normal(0, 1)\n  x ~ Normal(decoder(‸z), 1)\n}\n\nguide m {\n  auto mean_field z\n}\n", "Make both the constant `Z`")).toMatchInlineSnapshot(`
      "const Z = 20

      network decoder(z: real[Z]) -> (y: real[5]) {
        y = z |> dense(5)
      }

      model m(x: real[5]) {
        z: real[Z] ~ Normal(0, 1)
        x ~ Normal(decoder(z), 1)
      }

      guide m {
        auto mean_field z
      }
      "
    `);
  });
  it("begin a chain with zeros of the network's state", () => {
    expect(fixed("network cell(h: real[4], x: real) -> (n: real[4]) {\n  n = gru(h, reshape(x, 1))\n}\n\nmodel m(x: real[5], y: real) {\n  chain t in 1..5 {\n    h[t] = cell(‸h[t - 1], x[t])\n  }\n  y ~ Normal(sum(h[5]), 1)\n}\n", "Add `h[0] = zeros[4]`")).toMatchInlineSnapshot(`
      "network cell(h: real[4], x: real) -> (n: real[4]) {
        n = gru(h, reshape(x, 1))
      }

      model m(x: real[5], y: real) {
        h[0] = zeros[4]
        chain t in 1..5 {
          h[t] = cell(h[t - 1], x[t])
        }
        y ~ Normal(sum(h[5]), 1)
      }
      "
    `);
  });
  it("bring a value into its support", () => {
    expect(fixed("network f(x: real[5]) -> (scale: positive[2]) {\n  scale = ‸x |> dense(2)\n}\n\nmodel m(x: real[5], y: real[2]) {\n  y ~ Normal(0, f(x))\n}\n", "Add `|> softplus`")).toContain("scale = x |> dense(2) |> softplus\n");
  });
  it("give a size to a layer", () => {
    expect(fixed("network f(x: real[5]) -> (y: real[2]) {\n  y = x |> dense(9)‸\n}\n\nmodel m(x: real[5], y: real[2]) {\n  y ~ Normal(f(x), 1)\n}\n", "Change `dense(9)` to `dense(2)`")).toContain("y = x |> dense(2)\n");
  });
  it("add a parameter that is missing", () => {
    expect(fixed("model m(x: real, y: real) {\n  y ~ Nor‸mal(x)\n}\n", "Add `scale = 1`")).toContain("y ~ Normal(x, scale = 1)\n");
  });
  it("change a likelihood to one of the column's values", () => {
    expect(fixed("model m(x: unit[4], y: real[4]) {\n  x ~ Bern‸oulli(logits = y)\n}\n", "Change to `ContinuousBernoulli`")).toContain("x ~ ContinuousBernoulli(logits = y)\n");
  });
  it("add the guide entry of a latent, by its support", () => {
    expect(fixed("model m(x: real) {\n  a: real ~ Normal(0, 1)\n  b: positive ~ LogNormal(0, 1)\n  x ~ Normal(a, b)\n}\n\nguide m‸ {\n  a ~ Normal(x, 1)\n}\n", "Add `b ~ LogNormal(0, 1)`")).toContain("  a ~ Normal(x, 1)\n  b ~ LogNormal(0, 1)\n}\n");
  });
  it("put statements into their order", () => {
    expect(fixed("network f(x: real) -> (y: real) {\n  y = 2 * x\n}\n\nmodel m(x: real, u: real) {\n  x ~ Normal(‸h, 1)\n  h = f(u)\n}\n", "Move `h` up")).toContain("  h = f(u)\n  x ~ Normal(h, 1)\n}\n");
  });

  // Guards: a name that another file of the workspace declares is imported from there, relative to this file, together with what is imported already.
  it("import what another file declares", () => {
    const files = new Map([
      [`${root}/nets/layers.lvm`, "network f(x: real) -> (y: real) {\n  y = 2 * x\n}\n\nnetwork g(x: real) -> (y: real) {\n  y = 3 * x\n}\n"],
      [`${root}/models/line.lvm`, "model line(x: real, y: real) {\n  y ~ Normal(f(x), 1)\n}\n"],
    ]);
    const uri = `${root}/models/line.lvm`;
    const [first] = offered(files, uri, files.get(uri)!.indexOf("f(x)"));
    expect(first!.action.title).toBe('Import `f` from "../nets/layers.lvm"');
    expect(first!.action.isPreferred).toBe(true);
    expect(first!.text.split("\n")[0]).toBe('import f from "../nets/layers.lvm"');
    files.set(uri, first!.text.replace("f(x)", "f(g(x))"));
    const [second] = offered(files, uri, files.get(uri)!.indexOf("g(x)"));
    expect(second!.text.split("\n")[0]).toBe('import f, g from "../nets/layers.lvm"');
    files.set(uri, second!.text);
    expect(workspaceOf(files).analysis(uri)!.diagnostics).toEqual([]);
  });
});

describe("all fixes at once", () => {
  // Guards: what needs no choice is mended in one action, what does is left.
  it("mend what is certain", () => {
    const uri = `${root}/test.lvm`;
    const text = "network f(x: real) -> (y: real) {\n  y := 2 ** x # two\n  unused = x\n}\n\nmodel m(x: real, y: real) {\n  y ~ Norml(f(x), 1)\n}\n";
    const [all, ...more] = offered(new Map([[uri, text]]), uri, 0, ["source.fixAll"]);
    expect(more).toEqual([]);
    expect(all!.action.kind).toBe("source.fixAll.lvmc");
    expect(all!.text).toMatchInlineSnapshot(`
      "network f(x: real) -> (y: real) {
        y = 2 ^ x // two
        unused = x
      }

      model m(x: real, y: real) {
        y ~ Normal(f(x), 1)
      }
      "
    `);
    expect(offered(new Map([[uri, "model m(x: real) {\n  x ~ Normal(0, 1)\n}\n"]]), uri, 0, ["source"])).toEqual([]);
  });
});

describe("refactorings", () => {
  const refactored = (marked: string): Readonly<Record<string, string>> => {
    const { text, offset } = cursor(marked);
    const uri = `${root}/test.lvm`;
    const made = offered(new Map([[uri, text]]), uri, offset, ["refactor"]);
    for (const { text: result } of made) expect(workspaceOf(new Map([[uri, result]])).analysis(uri)!.diagnostics).toEqual([]);
    return Object.fromEntries(made.map(({ action, text: result }) => [action.title, result]));
  };

  it("make a size a constant", () => {
    expect(refactored("network f(x: real[‸8]) -> (y: real[3]) {\n  y = x |> dense(8) |> dense(3)\n}\n\nmodel m(x: real[8], y: real[3]) {\n  y ~ Normal(f(x), 8)\n}\n")).toMatchInlineSnapshot(`
      {
        "Make \`8\` a constant in all 3 places where it is a size": "const SIZE = 8

      network f(x: real[SIZE]) -> (y: real[3]) {
        y = x |> dense(SIZE) |> dense(3)
      }

      model m(x: real[SIZE], y: real[3]) {
        y ~ Normal(f(x), 8)
      }
      ",
        "Make this \`8\` a constant": "const SIZE = 8

      network f(x: real[SIZE]) -> (y: real[3]) {
        y = x |> dense(8) |> dense(3)
      }

      model m(x: real[8], y: real[3]) {
        y ~ Normal(f(x), 8)
      }
      ",
      }
    `);
  });

  it("write a value in its name's place, where it is read once", () => {
    expect(refactored("network f(x: real) -> (y: real) {\n  h = x + 1\n  y = 2 * ‸h\n}\n\nmodel m(x: real, y: real) {\n  y ~ Normal(f(x), 1)\n}\n")).toEqual({
      "Write the value of `h` in its place": "network f(x: real) -> (y: real) {\n  y = 2 * (x + 1)\n}\n\nmodel m(x: real, y: real) {\n  y ~ Normal(f(x), 1)\n}\n",
    });
    expect(refactored("network f(x: real) -> (y: real) {\n  h = x + 1\n  y = ‸h * h\n}\n\nmodel m(x: real, y: real) {\n  y ~ Normal(f(x), 1)\n}\n")).toEqual({});
  });
});

describe("actions over the protocol", () => {
  let client: Client | undefined;
  afterEach(async () => {
    await client?.close();
    client = undefined;
  });

  // Guards: an editor sees which of its messages an action mends, takes the first, and the edit is for the version that it has.
  it("name the message that the client has and the document's version", async () => {
    client = await startClient({}, { textDocument: { codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ["quickfix"] } } } }, workspace: { workspaceEdit: { documentChanges: true } } });
    const uri = client.open("line.lvm", "model line(x: real, y: real) {\n  y ~ Norml(x, 1)\n}\n");
    const [message] = await client.diagnostics(uri);
    const given = { ...message!, data: "the client's own" };
    const context = { diagnostics: [given], triggerKind: CodeActionTriggerKind.Invoked };
    const actions = await client.connection.sendRequest<CodeAction[]>("textDocument/codeAction", { textDocument: { uri }, range: message!.range, context: { ...context, only: ["quickfix"] } });
    expect(actions).toEqual([
      {
        title: "Change to `Normal`", kind: "quickfix", diagnostics: [given], isPreferred: true,
        edit: { documentChanges: [{ textDocument: { uri, version: 1 }, edits: [{ range: message!.range, newText: "Normal" }] }] },
      },
    ]);
    const elsewhere = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
    expect(await client.connection.sendRequest<CodeAction[]>("textDocument/codeAction", { textDocument: { uri }, range: elsewhere, context: { ...context, only: ["quickfix"] } })).toEqual([]);
  });
});
