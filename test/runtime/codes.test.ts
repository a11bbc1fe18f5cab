import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runtimeErrors } from "../../src/diagnostics/catalog/runtime.js";

const root = new URL("../../src/runtime/", import.meta.url).pathname;
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));

describe("run-time messages", () => {
  it("have a title and an explanation for every code that is thrown", () => {
    const thrown = new Set(files.flatMap((name) => readFileSync(join(root, name), "utf8").match(/(?<=")LVM7\d{3}(?=")/g) ?? []));
    expect(thrown.size).toBeGreaterThan(15);
    for (const code of thrown) expect(Object.keys(runtimeErrors), code).toContain(code);
    for (const [code, { title, explanation }] of Object.entries(runtimeErrors)) {
      expect(title, code).not.toBe("");
      expect(explanation.length, code).toBeGreaterThan(60);
    }
  });
});

describe("the run time in a browser", () => {
  it("imports Node's modules only in runtime/node, and nothing of the compiler anywhere", () => {
    for (const name of files) {
      const imports = [...readFileSync(join(root, name), "utf8").matchAll(/from "([^"]+)"/g)].map((match) => match[1]!);
      if (!name.startsWith("node/")) for (const path of imports) expect(path, name).not.toMatch(/^node:|\/node\//);
      for (const path of imports.filter((path) => path.startsWith(".") && !name.startsWith("tfjs/"))) expect(join("/runtime", name, "..", path).startsWith("/runtime/"), `${name}: ${path}`).toBe(true);
    }
  });
});
