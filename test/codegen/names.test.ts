import { describe, expect, it } from "vitest";
import { emitTfjs } from "../../src/codegen/tfjs/emit-tfjs.js";
import { sourceHash } from "../../src/codegen/typescript/source-hash.js";
import { commentText, identifierOf, memberAccess, Names, propertyKey, stringLiteral, typeNameOf } from "../../src/codegen/typescript/names.js";
import { compile } from "../../src/driver/compile.js";
import type { LoweredModel } from "../../src/ir/lowered-model.js";
import { typeErrors } from "./support/type-check.js";

/** Guards that text from a model file never becomes code. */

const hostile = ["", "class", "await", "__proto__", "a b", "a-b", "1x", "x\";process.exit();//", "`${x}`", "*/ alert(1) /*", "λ", "\u2028x", "日本", "tf", "a\nb", "constructor", "../x", "\\"];

describe("names", () => {
  it.each(hostile)("%j becomes an identifier that JavaScript accepts", (name) => {
    const identifier = identifierOf(name);
    expect(new Function(`"use strict"; const ${identifier} = 7; return ${identifier};`)()).toBe(7);
    expect(identifierOf(identifier)).toBe(identifier);
  });

  it.each(hostile)("%j is a property that reads back", (name) => {
    const made = new Function(`"use strict"; const w = { ${propertyKey(name)}: 7 }; return [w, ${memberAccess("w", name)}];`)() as [object, unknown];
    expect(Object.keys(made[0])).toEqual([name]);
    expect(made[1]).toBe(7);
    expect(new Function(`return ${stringLiteral(name)};`)()).toBe(name);
  });

  it.each(hostile)("%j ends no comment", (name) => {
    expect(new Function(`let ran = 0; // ${commentText(`${name}\n ran = 1`)}\n/** ${commentText(`${name}*/ ran = 2; /*`)} */\nreturn ran;`)()).toBe(0);
  });

  it("types are capitalized and names are unique", () => {
    expect(typeNameOf("eight_schools")).toBe("EightSchools");
    const names = new Names(["x"]);
    expect([names.fresh("x"), names.fresh("x"), names.fresh("x1"), names.fresh("x1")]).toEqual(["x2", "x3", "x1", "x1_2"]);
  });

  it("a model whose every name is hostile still compiles to strict TypeScript", () => {
    const { value } = compile({ path: "m.lvm", text: "/// nothing\nnetwork encoder(x: real[2]) -> (mean: real[2]) {\n  mean = x |> dense(2)\n}\nmodel m(x: real[2]) {\n  z: real[2] ~ Normal(0, 1)\n  x ~ Normal(z, 1)\n}\nguide m {\n  q = encoder(x)\n  z ~ Normal(q.mean, 1)\n}\ntrain m {\n  maximize elbo\n}\n" });
    if (!value) throw new Error("the model does not compile");
    // Every string of the lowered model that came from the text, replaced at once.
    for (const [at, name] of ["class", "`${process.exit()}`", "*/ process.exit() /*", "\u2028x\";throw 1;//"].entries()) {
      const rename = (text: string): string => text.replaceAll("encoder", name).replaceAll("mean", `${name}${at}`);
      const renamed = mapStrings(value.lowered, rename);
      const text = emitTfjs(renamed, { source: "", sourcePath: `${name}.lvm`, docComment: [`objective ${name} */ throw 1; /*`] });
      expect(typeErrors({ [`hostile_${at}`]: text })).toEqual([]);
    }
  });

  it("the hash of a model's text changes with it", () => {
    expect(sourceHash("model a")).toMatch(/^[0-9a-f]{16}$/);
    expect(sourceHash("model a")).not.toBe(sourceHash("model b"));
  });
});

/** Renames networks, nodes, and parameters; kinds, operations and shapes stay. */
function mapStrings(lowered: LoweredModel, rename: (text: string) => string): LoweredModel {
  const seen = new Map<unknown, unknown>();
  const visit = (value: unknown, key: string): unknown => {
    if (typeof value === "string") return ["name", "network", "stream", "doc"].includes(key) ? rename(value) : value;
    if (typeof value !== "object" || value === null || key === "source") return value;
    const known = seen.get(value);
    if (known) return known;
    const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
    seen.set(value, copy);
    for (const [each, inner] of Object.entries(value)) (copy as Record<string, unknown>)[each] = visit(inner, each);
    return copy;
  };
  return visit(lowered, "") as LoweredModel;
}
