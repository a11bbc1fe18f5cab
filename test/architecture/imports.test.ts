import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../src/", import.meta.url));

/** Which folder may import which; the same table stands in ARCHITECTURE.md. An entry with a slash allows just that file or folder. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  util: [],
  diagnostics: ["util"],
  types: ["util"],
  parser: ["util", "diagnostics"],
  ir: ["util", "types", "diagnostics/span", "distributions/names"],
  distributions: ["util", "types", "ir"],
  checker: ["util", "diagnostics", "parser", "types", "distributions", "ir"],
  objectives: ["util", "diagnostics", "types", "distributions", "ir"],
  graph: ["util", "diagnostics/span", "types", "ir"],
  lowering: ["util", "diagnostics/span", "types", "distributions", "ir", "autodiff"],
  autodiff: ["util", "types", "ir"],
  passes: ["util", "types", "ir", "diagnostics/span"],
  codegen: ["util", "types", "ir", "diagnostics/span"],
  // The special functions have no dependencies and ship with the runtime.
  runtime: ["util/math"],
  driver: ["util", "diagnostics", "parser", "types", "distributions", "ir", "checker", "objectives", "graph", "lowering", "passes", "codegen"],
  "language-server": ["util", "diagnostics", "parser", "types", "distributions", "ir", "checker", "objectives", "graph", "driver"],
  cli: ["driver", "diagnostics", "runtime", "language-server/stdio"],
};

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sourceFiles(join(folder, entry.name)) : entry.name.endsWith(".ts") ? [join(folder, entry.name)] : [],
  );
}

const files = sourceFiles(root);
const importsOf = (file: string): string[] =>
  [...readFileSync(file, "utf8").matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/g)].map((match) =>
    normalize(join(dirname(file), (match[1] ?? match[2])!.replace(/\.js$/, ".ts"))),
  );

describe("the import table", () => {
  // Guards the direction of the compiler: one way, no back and forth.
  it("is kept by every file", () => {
    const broken: string[] = [];
    for (const file of files) {
      const from = relative(root, file);
      const folder = from.split("/")[0]!;
      for (const target of importsOf(file)) {
        const to = relative(root, target);
        const inside = to.split("/")[0]!;
        if (inside === folder) continue;
        const table = allowed[folder];
        const fits = table?.some((entry) => (entry.includes("/") ? to === `${entry}.ts` || to.startsWith(`${entry}/`) : inside === entry));
        if (!fits) broken.push(`${from} imports ${to}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("knows every folder", () => {
    expect([...new Set(files.map((file) => relative(root, file).split("/")[0]))].filter((folder) => !(folder! in allowed))).toEqual([]);
  });

  // Guards against knots: values may not depend on each other in a circle (types may).
  it("has no cycles of values", () => {
    const graph = new Map(files.map((file) => [file, valueImports(file)]));
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        cycles.push([...path.slice(path.indexOf(file)), file].map((each) => relative(root, each)).join(" → "));
        return;
      }
      state.set(file, "open");
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      state.set(file, "done");
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  // Guards the browser: what ships with emitted code may not reach for Node, except in runtime/node and behind dynamic imports.
  it("keeps Node out of the browser-safe runtime", () => {
    const broken = files
      .filter((file) => relative(root, file).startsWith("runtime/") && !relative(root, file).startsWith("runtime/node/"))
      .filter((file) => /(?:^|\n)import\b(?! type)[^;]*from\s+"node:/.test(readFileSync(file, "utf8")));
    expect(broken.map((file) => relative(root, file))).toEqual([]);
  });
});

function valueImports(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/(?:^|\n)\s*(?:import|export)\s+(?!type\b)([^;'"]*?)\s*from\s+"(\.[^"]+)"/g)]
    .filter((match) => !/^\{\s*(?:type\s+[^,}]+,?\s*)+\}$/.test(match[1]!.trim()))
    .map((match) => normalize(join(dirname(file), match[2]!.replace(/\.js$/, ".ts"))));
}
