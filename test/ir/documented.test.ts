import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { evaluateRules } from "../../src/ir/tensor/evaluate.js";
import { binaryFunctions, comparisonFunctions, unaryFunctions } from "../../src/ir/tensor/nodes.js";

it("docs/tensor-ir.md names every operation and function", () => {
  const page = readFileSync(new URL("../../docs/tensor-ir.md", import.meta.url), "utf8");
  const general = new Set(["unary", "binary", "compare"]);
  const names = [...Object.keys(evaluateRules).filter((kind) => !general.has(kind)), ...unaryFunctions, ...binaryFunctions, ...comparisonFunctions];
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
