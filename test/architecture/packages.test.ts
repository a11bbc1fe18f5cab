import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** Guards what `npm install lvmc` brings: package.json and the packages that the sources import say the same. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const src = join(root, "src");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Readonly<Record<"dependencies" | "devDependencies" | "optionalDependencies" | "peerDependencies", Readonly<Record<string, string>>>> & { readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>; readonly scripts: Readonly<Record<string, string>> };
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts")).map((name) => join(src, name));

/** Modules that run when a file is loaded: types leave no trace. */
function loads(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/(?:^|\n)\s*(?:import|export)\s+(?!type\b)(?:([^;'"]*?)\s*from\s+)?"([^"]+)"/g)]
    .filter(([, names = ""]) => !/^\{\s*(?:type\s+[^,}]+,?\s*)+\}$/.test(names.trim()))
    .map(([, , specifier = ""]) => specifier);
}

const packageOf = (specifier: string): string => specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
const isPackage = (specifier: string): boolean => /^(?!node:)@?[a-z][\w./-]*$/.test(specifier) && !specifier.endsWith(".lvm");
const isTensorFlow = (name: string): boolean => name.startsWith("@tensorflow/");

/** All files that are loaded when one is. */
function closure(entry: string): Set<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of loads(file)) if (specifier.startsWith(".")) visit(normalize(join(dirname(file), specifier.replace(/\.js$/, ".ts"))));
  };
  visit(join(src, entry));
  return seen;
}

describe("the package", () => {
  // The build puts Chevrotain's one file into dist.
  it("lists every package that its files load, and no other", () => {
    const loaded = new Set(files.filter((file) => !relative(src, file).startsWith("runtime/tfjs/")).flatMap((file) => loads(file).filter(isPackage).map(packageOf)));
    const text = files.map((file) => readFileSync(file, "utf8")).join("\n");
    for (const [, specifier = ""] of text.matchAll(/(?:import|createRequire\(import\.meta\.url\))\("([^".][^"]*)"\)/g)) if (isPackage(specifier) && !isTensorFlow(specifier)) loaded.add(packageOf(specifier));
    loaded.delete("chevrotain");
    expect([...loaded].sort()).toEqual([...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)].sort());
    expect(manifest.devDependencies).toHaveProperty("chevrotain");
  });

  // Dawn (webgpu) is no peer: npm would not bring it where it is asked for beside a package that has it as an optional one.
  it("has TensorFlow.js as an optional peer only", () => {
    const peers = Object.keys(manifest.peerDependencies);
    expect(peers.every(isTensorFlow)).toBe(true);
    expect(Object.keys(manifest.peerDependenciesMeta).sort()).toEqual(peers.sort());
    expect(Object.values(manifest.peerDependenciesMeta).every(({ optional }) => optional)).toBe(true);
    const named = new Set([...readFileSync(join(src, "runtime/tfjs/backend.ts"), "utf8").matchAll(/packageName: "([^"]+)"/g)].map(([, name = ""]) => name));
    expect(peers.sort()).toEqual(["@tensorflow/tfjs-core", ...named].sort());
  });

  it("runs no script when it is installed", () => {
    for (const script of ["preinstall", "install", "postinstall"]) expect(manifest.scripts[script]).toBeUndefined();
  });

  it.each(["cli/main.ts", "cli/commands/train.ts", "cli/commands/eval.ts", "cli/commands/sample.ts", "cli/commands/compile.ts", "runtime/index.ts", "runtime/node/index.ts", "driver/index.ts"])("loads %s without TensorFlow.js", (entry) => {
    const reached = [...closure(entry)];
    expect(reached.filter((file) => relative(src, file).startsWith("runtime/tfjs/")).map((file) => relative(src, file))).toEqual([]);
    expect(reached.flatMap((file) => loads(file).filter(isTensorFlow))).toEqual([]);
  });
});
