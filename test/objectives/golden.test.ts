import { explainObjective } from "../../src/driver/explain.js";
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check } from "../../src/checker/check.js";
import type { SourceFile } from "../../src/diagnostics/span.js";
import type { ModelProgram } from "../../src/ir/model/model.js";
import { deriveObjective } from "../../src/objectives/derive.js";
import { type ObjectiveFormat, printDocComment, printObjective } from "../../src/objectives/print.js";
import { parse } from "../../src/parser/parse.js";

/** Guards what `lvmc explain objective` prints for each shipped model. Read a changed golden as a reader of the derivation would. */
const folder = new URL("../../models/", import.meta.url);
const load = (name: string): SourceFile => ({ path: `models/${name}`, text: readFileSync(new URL(name, folder), "utf8") });

export function programOf(name: string): ModelProgram {
  const parsed = parse(load(name));
  const checked = check(parsed.value, { load: (path) => load(path) });
  expect([...parsed.diagnostics, ...checked.diagnostics].filter((diagnostic) => diagnostic.severity === "error")).toEqual([]);
  const program = checked.value.programs.find((candidate) => `${candidate.name}.lvm` === name);
  return program ?? expect.fail(`no program in ${name}`);
}

const models = readdirSync(folder).filter((name) => name.endsWith(".lvm")).sort();
const other: Readonly<Record<string, readonly ObjectiveFormat[]>> = {
  "vae.lvm": ["latex", "mathml"], "mixture.lvm": ["latex", "mathml"], "importance_weighted.lvm": ["latex"], "semi_supervised.lvm": ["latex", "mathml"], "constrained_vae.lvm": ["latex"],
};

describe("the derived objective of models/", () => {
  for (const name of models) {
    const base = name.replace(".lvm", "");
    for (const format of ["text", ...(other[name] ?? [])] as const)
      it(`${base} as ${format}`, async () => {
        await expect(printObjective(deriveObjective(programOf(name), "training"), format)).toMatchFileSnapshot(`golden/${base}.${format === "text" ? "txt" : format}`);
      });
    it(`${base}: evaluation is the plain objective, and the doc comment is short`, () => {
      const program = programOf(name);
      const evaluation = deriveObjective(program, "evaluation");
      expect(evaluation.samples).toBe(1);
      expect(evaluation.constraints).toEqual([]);
      expect(evaluation.terms.every((term) => term.weight.factor === 1 && !term.weight.annealed && term.weight.freeBits === 0 && term.kind !== "supervision")).toBe(true);
      expect(printDocComment(deriveObjective(program, "training")).length).toBeLessThanOrEqual(30);
    });
  }
});

describe("constant arrays in the derived objective", () => {
  // Guards a page of 0.3333333333333333: what was computed while checking is shown as it was written.
  it.each([
    ["ones[K] / K", "[-1, 0, 1]", "log Mixture(x; ones[3] / 3, Normal([−1, 0, 1], 1))"],
    ["[0.5, 0.25, 0.25]", "zeros[K]", "log Mixture(x; [½, 0.25, 0.25], Normal(zeros[3], 1))"],
    ["WEIGHTS", "2 * ones[K] + 1", "log Mixture(x; WEIGHTS, Normal(2 · ones[3] + 1, 1))"],
    ["WEIGHTS", "sqrt(2) * WEIGHTS", "log Mixture(x; WEIGHTS, Normal(sqrt(2) · WEIGHTS, 1))"],
  ])("Mixture(%s, Normal(%s, 1))", (weights, means, shown) => {
    const text = `const K = 3\nconst WEIGHTS = [0.2, 0.3, 0.5]\nmodel m(x: real) {\n  x ~ Mixture(${weights}, Normal(${means}, 1))\n}\n`;
    expect(explainObjective({ path: "m.lvm", text }).value?.text).toContain(shown);
  });

  it("shows the first numbers of a long one", () => {
    const text = "model m(x: real[8]) {\n  x ~ Normal([1, 2, 3, 4, 5, 6, 7, 8], 1)\n}\n";
    expect(explainObjective({ path: "m.lvm", text }).value?.text).toContain("Normal(x; [1, 2, 3, …], 1)");
  });
});
