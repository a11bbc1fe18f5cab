import { describe, expect, it } from "vitest";
import { definitionsAt, implementationsAt, type Target, typeDefinitionsAt } from "../../src/language-server/features/definition.js";
import { highlightsAt, referencesAt } from "../../src/language-server/features/references.js";
import { linksOf } from "../../src/language-server/features/links.js";
import { rangeOf } from "../../src/language-server/positions.js";
import { drawFiles, type Files, filesWith } from "./support/workspace.js";

const nets = `const LATENT = 2

network encoder(x: real[4]) -> (mean: real[LATENT], scale: positive[LATENT]) {
  mean = x |> dense(LATENT)
  scale = x |> dense(LATENT) |> softplus
}
`;
const vae = `import encoder, LATENT from "nets.lvm"

model vae(x: real[4]) {
  z: real[LATENT] ~ Normal(0, 1)
  x ~ Normal(sum(z), 1)
}

guide vae {
  q = encoder(x)
  z ~ Normal(q.mean, q.scale)
}

train vae {
  data = factors(100, 4, 2)
}
`;

function drawTargets(files: Files, targets: readonly Target[]): string {
  return drawFiles(files, targets.map(({ uri, name }) => ({ uri, range: rangeOf(name) })));
}

/** `vae.lvm` with the cursor where `‸` stands in `marked`, which is written in place of the same text without it. */
function at(marked: string): Files {
  const plain = marked.replace("‸", "");
  expect(vae.split(plain)).toHaveLength(2);
  return filesWith({ "nets.lvm": nets, "vae.lvm": vae.replace(plain, marked) });
}

const definition = (marked: string): string => {
  const files = at(marked);
  return drawTargets(files, definitionsAt(files.workspace, files.uri, files.offset));
};

describe("definition", () => {
  // Guards the way over an import: the item of the other file, not the import.
  it("of an imported network is in its file", () => {
    expect(definition("q = enc‸oder(x)")).toContain("network encoder(x: real[4])");
    expect(definition("q = enc‸oder(x)")).toMatch(/^── nets\.lvm\n[^]*\n {8}\^{7}\n/);
    expect(definition("import enc‸oder")).toMatch(/^── nets\.lvm/);
  });
  it("of an output is where the network declares it", () => {
    expect(definition("q.sc‸ale")).toMatchInlineSnapshot(`
      "── nets.lvm
      const LATENT = 2

      network encoder(x: real[4]) -> (mean: real[LATENT], scale: positive[LATENT]) {
                                                          ^^^^^
        mean = x |> dense(LATENT)
        scale = x |> dense(LATENT) |> softplus
      }
      "
    `);
  });
  it("of a guide's site is the model's, of a guide and a train block the model", () => {
    expect(definition("z‸ ~ Normal(q.mean")).toMatch(/\n {2}z: real\[LATENT\] ~ Normal\(0, 1\)\n {2}\^\n/);
    for (const marked of ["guide v‸ae", "train vae‸ {"]) expect(definition(marked)).toMatch(/\nmodel vae\(x: real\[4\]\) \{\n {6}\^\^\^\n/);
  });
  it("of a path is the file", () => {
    const files = at('"nets‸.lvm"');
    expect(definitionsAt(files.workspace, files.uri, files.offset).map(({ uri }) => uri.split("/").at(-1))).toEqual(["nets.lvm"]);
  });
  // Guards broken files: what can be told is told, and nothing throws.
  it("holds in a broken file, and is nothing where nothing is meant", () => {
    const files = filesWith({ "a.lvm": "import f from \"absent.lvm\"\nmodel m(x: real) {\n  z ~ Normal(0,\n  x ~ Normal(‸z, 1)\n" });
    expect(drawTargets(files, definitionsAt(files.workspace, files.uri, files.offset))).toContain("  z ~ Normal(0,\n  ^\n");
    expect(definition("Nor‸mal(sum")).toBe("");
    expect(definition("‸data =")).toBe("");
  });
  it("of a result's type is its network, and a latent is implemented by its guide", () => {
    const type = at("Normal(q‸.mean");
    expect(drawTargets(type, typeDefinitionsAt(type.workspace, type.uri, type.offset))).toMatch(/^── nets\.lvm[^]*\n {8}\^{7}\n/);
    const latent = at("z‸: real[LATENT]");
    expect(drawTargets(latent, implementationsAt(latent.workspace, latent.uri, latent.offset))).toMatch(/\n {2}z ~ Normal\(q\.mean, q\.scale\)\n {2}\^\n/);
    const model = at("model va‸e");
    expect(drawTargets(model, implementationsAt(model.workspace, model.uri, model.offset))).toMatch(/\nguide vae \{\n {6}\^\^\^\n/);
  });
});

describe("references", () => {
  it("are found in every file that imports the name", () => {
    const files = filesWith({ "nets.lvm": nets.replace("(mean:", "(me‸an:"), "vae.lvm": vae, "other.lvm": "network encoder(x: real) -> (mean: real) { mean = x }\nmodel m(x: real) {\n  q = encoder(x)\n  x ~ Normal(q.mean, 1)\n}\n" });
    expect(drawFiles(files, referencesAt(files.workspace, files.uri, files.offset, true))).toMatchInlineSnapshot(`
      "── nets.lvm
      const LATENT = 2

      network encoder(x: real[4]) -> (mean: real[LATENT], scale: positive[LATENT]) {
                                      ^^^^
        mean = x |> dense(LATENT)
        ^^^^
        scale = x |> dense(LATENT) |> softplus
      }

      ── vae.lvm
      import encoder, LATENT from "nets.lvm"

      model vae(x: real[4]) {
        z: real[LATENT] ~ Normal(0, 1)
        x ~ Normal(sum(z), 1)
      }

      guide vae {
        q = encoder(x)
        z ~ Normal(q.mean, q.scale)
                     ^^^^
      }

      train vae {
        data = factors(100, 4, 2)
      }
      "
    `);
    expect(referencesAt(files.workspace, files.uri, files.offset, false)).toHaveLength(2);
  });
  it("from the importing file are the same ones", () => {
    const files = at("q.me‸an");
    expect(referencesAt(files.workspace, files.uri, files.offset, true)).toHaveLength(3);
    const constant = at("z: real[LAT‸ENT]");
    expect(referencesAt(constant.workspace, constant.uri, constant.offset, true)).toHaveLength(5 + 2);
  });
  it("are highlighted in the document, and tell reading from writing", () => {
    const files = at("sum(z‸)");
    const kinds = highlightsAt(files.workspace, files.uri, files.offset).map(({ range, kind }) => `${range.start.line}:${kind}`);
    expect(kinds).toEqual(["3:3", "4:2", "9:3"]);
  });
});

describe("links", () => {
  it("lead to files of the workspace only", () => {
    const { workspace, uri } = filesWith({ "a.lvm": 'import f from "nets.lvm"\nimport g from "absent.lvm"\nimport h from "https://example.org/x.lvm"\ntrain m {\n  data = csv("rows.csv")\n  seed = of("../../x.csv")\n  batch = of("http://x.org/x.csv")\n  clip = of("/etc/x.csv")\n}\n', "nets.lvm": "" });
    expect(linksOf(workspace, uri).map(({ target, range }) => `${range.start.line}:${range.start.character} ${target}`)).toEqual(["0:15 file:///workspace/nets.lvm", "4:14 file:///workspace/rows.csv"]);
  });
});
