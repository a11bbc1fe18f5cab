import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { brackets, vocabulary } from "../../src/parser/tokens.js";

/** Guards how VS Code types in `.lvm` files: brackets, words, comments and indentation agree with the language. */

interface Pattern {
  readonly pattern: string;
  readonly flags?: string;
}
interface Configuration {
  readonly comments: { readonly lineComment: string };
  readonly brackets: readonly (readonly [string, string])[];
  readonly autoClosingPairs: readonly { readonly open: string; readonly close: string }[];
  readonly wordPattern: Pattern;
  readonly indentationRules: Readonly<Record<"increaseIndentPattern" | "decreaseIndentPattern", Pattern>>;
  readonly onEnterRules: readonly { readonly beforeText: Pattern; readonly afterText?: Pattern; readonly action: { readonly indent: string; readonly appendText?: string } }[];
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const configuration = JSON.parse(readFileSync(`${root}editors/vscode/language-configuration.json`, "utf8")) as Configuration;
const regex = ({ pattern, flags }: Pattern, more = ""): RegExp => new RegExp(pattern, `${flags ?? ""}${more}`);

/** The first rule that fits, as in VS Code. */
const onEnter = (before: string, after = "") => configuration.onEnterRules.find(({ beforeText, afterText }) => regex(beforeText).test(before) && (!afterText || regex(afterText).test(after)))?.action;

describe("the language configuration", () => {
  it("has the parser's brackets", () => {
    const own = brackets.map((pair) => pair.map(({ PATTERN }) => String(PATTERN)));
    expect([...configuration.brackets].sort()).toEqual(own.sort());
    for (const [open, close] of own) expect(configuration.autoClosingPairs).toContainEqual(expect.objectContaining({ open, close }));
    expect(configuration.comments.lineComment).toBe("//");
  });

  it("selects the parser's names and numbers as words", () => {
    const words = "z_1 ~ Normal(möglich, 1_000.5e-3) |> größe2".match(regex(configuration.wordPattern, "g"));
    expect(words).toEqual(["z_1", "Normal", "möglich", "1_000.5e-3", "größe2"]);
    for (const name of ["Identifier", "Number"]) expect(configuration.wordPattern.pattern, name).toContain(vocabulary.find((entry) => entry.name === name)!.pattern);
  });

  it("indents after an open bracket, and not after one in a comment or a text", () => {
    const { increaseIndentPattern, decreaseIndentPattern } = configuration.indentationRules;
    for (const line of ["model vae(x: binary[784]) {", "  chain t in 2..T {", "  x ~ Normal(", "const K = [ // three", 'data = csv("a{b", {']) expect(regex(increaseIndentPattern).test(line), line).toBe(true);
    for (const line of ["// see (", "  z ~ Normal(0, 1) // then {", "  maximize elbo", 'import f from "a("', "const K = [1, 2]"]) expect(regex(increaseIndentPattern).test(line), line).toBe(false);
    for (const line of ["}", "  )", "  ]"]) expect(regex(decreaseIndentPattern).test(line), line).toBe(true);
    expect(regex(decreaseIndentPattern).test("  z ~ Normal(0, 1)")).toBe(false);
  });

  it("goes on with documentation, and ends it on an empty line", () => {
    expect(onEnter("/// A model of digits.")).toEqual({ indent: "none", appendText: "/// " });
    expect(onEnter("///")).toEqual({ indent: "none" });
    expect(onEnter("// a comment")).toBeUndefined();
    expect(onEnter("//// no documentation")).toBeUndefined();
    expect(onEnter("guide vae {", "}")).toEqual({ indent: "indentOutdent" });
    expect(onEnter("  h = x", "|> dense(2)")).toEqual({ indent: "indent" });
    expect(onEnter("  h = x")).toBeUndefined();
  });
});
