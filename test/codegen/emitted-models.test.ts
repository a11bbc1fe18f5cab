import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { emitTfjsModule } from "../../src/driver/emit-module.js";
import { readModel, typeErrors } from "./support/type-check.js";

/** Guards the code that users read: it is stable (goldens), and `tsc --strict` accepts it for every model that ships. */

const names = readdirSync(new URL("../../models/", import.meta.url)).filter((file) => file.endsWith(".lvm")).map((file) => file.slice(0, -".lvm".length));

/** Of models with chains one is enough: their code is long and alike. */
const golden = names.filter((name) => name === "deep_markov_model" || !readModel(name).text.includes("chain t in"));

function emitted(name: string): string {
  const { value, diagnostics } = compile(readModel(name), { load: (path) => readModel(path.replace(/\.lvm$/, "")) });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  if (!value) throw new Error(`${name} does not compile`);
  return emitTfjsModule(value);
}

describe("emitted TypeScript", () => {
  it.each(golden)("%s is as before", async (name) => {
    await expect(emitted(name)).toMatchFileSnapshot(`golden/${name}.ts.txt`);
  });

  it("passes tsc --strict for every model", () => {
    expect(typeErrors(Object.fromEntries(names.map((name) => [name, emitted(name)])))).toEqual([]);
  });

  it("has no `any`, and no name from a model's text that could be code", () => {
    for (const name of names) expect(emitted(name)).not.toMatch(/: any\b|<any>|as any/);
  });
});
