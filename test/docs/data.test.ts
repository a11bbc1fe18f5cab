import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { builtinData } from "../../src/runtime/builtin-data/registry.js";
import { checkText } from "../support/check-file.js";
import { blocksOf, faultOf, readDoc, root, sectionOf, table } from "./blocks.js";

const markdown = readDoc("data.md");

const columnType = (support: { readonly kind: string; readonly size?: number }, shape: readonly number[]): string =>
  `${support.kind === "index" ? `index(${support.size})` : support.kind}${shape.length > 0 ? `[${shape.join(", ")}]` : ""}`;

describe("data.md says what the run time reads", () => {
  it("lists every built-in data set with its defaults and columns", () => {
    const rows = Object.entries(builtinData).map(([name, data]) => [
      `\`${name}(${data.parameters.map((parameter) => `${parameter.name} = ${parameter.default}`).join(", ")})\``,
      data.columns(data.parameters.map((parameter) => parameter.default ?? parameter.min)).map((column) => `\`${column.name}: ${columnType(column.support, column.shape)}\``).join(", "),
      data.doc,
    ]);
    const expected = table(["data", "columns", "what"], rows);
    if (process.env["UPDATE_GOLDENS"] !== undefined) writeFileSync(join(root, "docs", "data.md"), markdown.replace(`<!-- builtin -->\n${sectionOf(markdown, "builtin")}`, () => `<!-- builtin -->\n${expected}`));
    expect(sectionOf(readDoc("data.md"), "builtin"), "run with UPDATE_GOLDENS=1, and read the difference").toBe(expected);
  });

  it("the language takes the same data sets with the same argument names", () => {
    for (const [name, { parameters }] of Object.entries(builtinData)) {
      const call = `${name}(${parameters.map((parameter) => `${parameter.name} = ${parameter.default}`).join(", ")})`;
      const { diagnostics, value } = checkText("models/m.lvm", `model m(x: real) { x ~ Normal(0, 1) }\ntrain m { data = ${call} }\n`, root);
      expect(diagnostics, call).toEqual([]);
      expect(value.programs[0]?.training.data).toMatchObject({ source: name, args: parameters.map((parameter) => parameter.default) });
    }
  });

  it.each(["data.md", "objectives.md", "comparison.md"].flatMap((name) => blocksOf(readDoc(name)).filter(({ tag }) => tag.startsWith("lvm")).map((block) => [name, block.line, block] as const)))("%s line %d", (_name, _line, block) => {
    expect(faultOf(block)).toBeUndefined();
  });
});
