import { afterEach, describe, expect, it } from "vitest";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { WorkspaceEdit } from "vscode-languageserver-protocol";
import { importsAfter } from "../../src/language-server/features/file-rename.js";
import { renamable, renameAt } from "../../src/language-server/features/rename.js";
import { type Client, root, startClient } from "./support/client.js";
import { filesWith } from "./support/workspace.js";

/** The files after a renaming at the cursor, or why it is refused. */
function renamed(marked: Readonly<Record<string, string>>, newName: string): Readonly<Record<string, string>> | string {
  const { workspace, uri, offset, texts } = filesWith(marked);
  const renaming = renameAt(workspace, uri, offset, newName);
  if ("refused" in renaming) return renaming.refused;
  const changed = [...renaming.edits].map(([each, edits]) => {
    const text = edits.toSorted((a, b) => b.span.start - a.span.start).reduce((before, { span, text: now }) => before.slice(0, span.start) + now + before.slice(span.end), texts.get(each)!);
    return [each.slice(root.length + 1), text] as const;
  });
  return Object.fromEntries(changed);
}

const file = `network enc(x: real) -> (mean: real) {
  mean = x |> dense(1) |> sum
}

model m(x: real) {
  z ~ Normal(0, 1)
  h = 2 * z
  x ~ Normal(h, 1)
}

guide m {
  q = enc(x = x)
  z ~ Normal(q.mean, 1)
}

train m {
  maximize elbo
  epochs = 3
}

model prior(z: real) {
  z ~ Normal(0, 1)
}

train prior on m.z {
  epochs = 2
}
`;
const at = (marked: string): Readonly<Record<string, string>> => {
  const plain = marked.replace("‸", "");
  expect(file.split(plain), plain).toHaveLength(2);
  return { "a.lvm": file.replace(plain, marked) };
};

describe("renaming", () => {
  it("of a model renames its guide, its training and the stage on it", () => {
    expect(renamed(at("guide m‸ {"), "vae")).toEqual({ "a.lvm": file.replace("model m(", "model vae(").replace("guide m {", "guide vae {").replace("train m {", "train vae {").replace("on m.z", "on vae.z") });
  });
  it("of a latent renames the guide's site, its readers and the stage on it", () => {
    expect(renamed(at("2 * ‸z"), "code")).toEqual({ "a.lvm": file.replace("  z ~ Normal(0, 1)\n  h = 2 * z", "  code ~ Normal(0, 1)\n  h = 2 * code").replace("  z ~ Normal(q.mean", "  code ~ Normal(q.mean").replace("m.z", "m.code") });
  });
  it("of an input renames the names of arguments", () => {
    expect(renamed(at("enc(x‸: real)"), "v")).toEqual({ "a.lvm": file.replace("enc(x: real)", "enc(v: real)").replace("mean = x |>", "mean = v |>").replace("enc(x = x)", "enc(v = x)") });
  });

  // Guards imports: the file that declares, and every file that imports, from whichever side it is asked.
  it("of an imported network and of its output goes through all files", () => {
    const nets = "network enc(x: real) -> (mean: real) {\n  mean = x\n}\n";
    const user = 'import enc from "nets.lvm"\nmodel m(x: real) {\n  q = enc(x)\n  x ~ Normal(q.mean, 1)\n}\n';
    const far = 'import enc from "../nets.lvm"\nmodel m(x: real) {\n  x ~ Normal(x |> enc, 1)\n}\n';
    const marked = { "nets.lvm": nets, "user.lvm": user.replace("q = enc", "q = en‸c"), "far/far.lvm": far };
    expect(renamed(marked, "code")).toEqual({ "nets.lvm": nets.replace("enc", "code"), "user.lvm": user.replaceAll("enc", "code"), "far/far.lvm": far.replaceAll("enc", "code") });
    expect(renamed({ "nets.lvm": nets.replace("  mean", "  me‸an"), "user.lvm": user, "far/far.lvm": far }, "centre")).toEqual({ "nets.lvm": nets.replaceAll("mean", "centre"), "user.lvm": user.replace("mean", "centre") });
    // The other file has the name already: nothing is changed anywhere.
    expect(renamed({ ...marked, "far/far.lvm": far.replace("model m", "model code") }, "code")).toBe("`code` is taken: line 2 of far/far.lvm declares the model of that name");
  });

  it.each([
    ["taken by another item", "network e‸nc", "m", "`m` is taken: line 5 of a.lvm declares the model of that name"],
    ["taken in the model", "h‸ = 2", "z", "`z` is taken: line 6 of a.lvm declares the latent of that name"],
    ["would be captured in the guide", "h = 2 * z‸", "q", "`q` is taken"],
    ["would capture", "x: real) {\n  ‸z ~", "enc", "`enc` is taken: line 1"],
    ["a built-in function", "network ‸enc", "relu", "`relu` is built in: no network can be called so"],
    ["no identifier", "h‸ = 2", "2h", "`2h` is not a name"],
    ["no identifier", "h‸ = 2", "a b", "`a b` is not a name"],
    ["nothing", "h‸ = 2", "", "`` is not a name"],
  ])("is refused where the name is %s", (_why, marked, name, reason) => {
    expect(renamed(at(marked), name)).toSatisfy((found: unknown) => typeof found === "string" && found.startsWith(reason));
  });

  // A column may be called `data`: a word of the language is a name where the grammar has room for one.
  it("to a word of the language is done where it can stand", () => {
    expect(renamed(at("h‸ = 2"), "data")).toMatchObject({ "a.lvm": file.replace("  h = 2", "  data = 2").replace("Normal(h,", "Normal(data,") });
  });

  it.each([
    ["z ~ Nor‸mal(0, 1)\n  h", "`Normal` is built in, and keeps its name"],
    ["x: re‸al) -> (", "`real` is built in, and keeps its name"],
    ["gui‸de m", "`guide` is a word of the language"],
    ["ep‸ochs = 3", "nothing called `epochs` is declared: only what a file declares can be renamed"],
    ["‸= 2 *", "there is no name here"],
  ])("of what no file declares is refused: %s", (marked, reason) => {
    const { workspace, uri, offset } = filesWith(at(marked));
    expect(renamable(workspace, uri, offset)).toEqual({ refused: reason });
  });
});

describe("of files", () => {
  it("rewrites the imports that name them, and their own", () => {
    const { workspace, texts } = filesWith({ "nets.lvm": "const K = 1\n", "a.lvm": 'import K from "nets.lvm"\n', "far/b%20c.lvm": 'import K from "../nets.lvm"\nimport L from "../a.lvm"\n' });
    const after = (moved: Readonly<Record<string, string>>): readonly string[] =>
      Object.entries(importsAfter(workspace, new Map(Object.entries(moved).map(([from, to]) => [`${root}/${from}`, `${root}/${to}`])))?.changes ?? {}).flatMap(([uri, edits]) => [TextDocument.applyEdits(TextDocument.create(uri, "lvm", 1, texts.get(uri)!), edits)]);
    expect(after({ "nets.lvm": "lib/my%20nets.lvm" })).toEqual(['import K from "lib/my nets.lvm"\n', 'import K from "../lib/my nets.lvm"\nimport L from "../a.lvm"\n']);
    expect(after({ "a.lvm": "far/a.lvm" })).toEqual(['import K from "../nets.lvm"\n', 'import K from "../nets.lvm"\nimport L from "a.lvm"\n']);
    expect(after({ "nets.lvm": "far/nets.lvm", "a.lvm": "far/a.lvm" })).toEqual(['import K from "nets.lvm"\nimport L from "a.lvm"\n']);
    expect(after({ "far/b%20c.lvm": "c.lvm" })).toEqual(['import K from "nets.lvm"\nimport L from "a.lvm"\n']);
  });
});

describe("over the protocol", () => {
  let client: Client | undefined;
  afterEach(async () => {
    await client?.close();
    client = undefined;
  });
  it("prepares, renames, and refuses with its reason", async () => {
    client = await startClient();
    const uri = client.open("a.lvm", file);
    const position = { line: 6, character: 2 };
    expect(await client.connection.sendRequest("textDocument/prepareRename", { textDocument: { uri }, position })).toEqual({ range: { start: position, end: { line: 6, character: 3 } }, placeholder: "h" });
    const edit = await client.connection.sendRequest<WorkspaceEdit>("textDocument/rename", { textDocument: { uri }, position, newName: "twice" });
    expect(edit.changes?.[uri]?.map(({ range, newText }) => `${range.start.line}:${range.start.character} ${newText}`)).toEqual(["6:2 twice", "7:13 twice"]);
    await expect(client.connection.sendRequest("textDocument/prepareRename", { textDocument: { uri }, position: { line: 5, character: 8 } })).rejects.toThrow("`Normal` is built in, and keeps its name");
    await expect(client.connection.sendRequest("textDocument/rename", { textDocument: { uri }, position, newName: "z" })).rejects.toThrow("`z` is taken");
  });
});
