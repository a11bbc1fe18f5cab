import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { IGrammar } from "vscode-textmate";
import { keywordContexts, textmateGrammar } from "../../editors/vscode/grammar/textmate-grammar.js";
import { reservedNames } from "../../src/checker/expressions/calls.js";
import { distributionNames } from "../../src/distributions/names.js";
import { keywordRoles } from "../../src/parser/tokens.js";
import { expectGolden } from "../support/golden.js";
import { ownTokens } from "./support/own-tokens.js";
import { categoryOf, loadGrammar, scopesOf } from "./support/textmate.js";

/** Guards the colours of files in VS Code: its own engine, over the generated grammar, sees in each shipped model the tokens that the parser sees. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const models = readdirSync(join(root, "models")).filter((name) => name.endsWith(".lvm")).map((name) => `models/${name}`);

let grammar: IGrammar;
beforeAll(async () => {
  grammar = await loadGrammar(textmateGrammar());
});

/** Where the grammar and the parser differ: `line: word: class of the parser, class of the grammar`. */
function differences(text: string): string[] {
  const scopes = scopesOf(grammar, text);
  const expected: (string | undefined)[] = Array.from(text, () => undefined);
  expected.length = text.length;
  expected.fill(undefined);
  const found: string[] = [];
  const line = (at: number): number => text.slice(0, at).split("\n").length;
  for (const { start, end, text: image, category } of ownTokens(text)) {
    const seen = new Set(scopes.slice(start, end).map(categoryOf));
    if (seen.size !== 1 || !seen.has(category)) found.push(`${line(start)}: ${image}: ${category}, ${[...seen].join(" and ")}`);
    expected.fill(category, start, end);
  }
  expected.forEach((category, at) => {
    if (category === undefined && categoryOf(scopes[at]) !== undefined) found.push(`${line(at)}: ${JSON.stringify(text[at])} is no token and has ${scopes[at]}`);
  });
  return found;
}

describe("the TextMate grammar", () => {
  it("is the committed file", () => expectGolden(join(root, "editors/vscode/syntaxes/lvm.tmLanguage.json"), `${JSON.stringify(textmateGrammar(), null, 2)}\n`));

  it("knows some models", () => expect(models.length).toBeGreaterThan(25));

  it.each(models)("has the parser's tokens in %s, class by class", (path) => {
    const text = readFileSync(join(root, path), "utf8");
    expect(ownTokens(text).length).toBeGreaterThan(50);
    expect(differences(text)).toEqual([]);
  });

  it("takes every keyword for one where it is meant, and for a name where it is not", () => {
    const meant = [
      `import f, g from "a.lvm"`,
      "const K = 1",
      "param w: real[K] = 0",
      "network f(x: real) -> (y: real) {\n  y = x\n}",
      "model m(x: real[3], a: index(2) dropout 0.1) where length(x) <= 3 {\n  global g: real ~ Normal(0, 1)\n  k: index(2) ~ Categorical(logits = 0) autoregressive\n  z: real ~ Normal(0, 1) autoregressive by score\n  chain t in 1..3 {\n    x[t] ~ Normal(0, 1)\n  }\n  each t in 1..3 {\n  }\n}",
      "guide m {\n  local a: real = 0\n  auto mean_field g\n  marginalize k\n  z ~ Normal(0, 1) by score\n}",
      "train m on vae.z {\n  maximize elbo subject to kl(z) <= 1, kl(k) <= 2\n  observe k = 0.1\n}",
    ].join("\n\n");
    expect(differences(meant)).toEqual([]);
    expect(new Set(ownTokens(meant).flatMap(({ category, text }) => (category === "keyword" ? [text] : []))), "all keywords stand in it").toEqual(new Set(Object.keys(keywordRoles)));
    expect(Object.keys(keywordContexts).sort()).toEqual(Object.keys(keywordRoles).sort());
    for (const name of Object.keys(keywordRoles)) {
      expect(differences(`model m(${name}: real[2], y: real) {\n  ${name}[1] ~ Normal(0, 1)\n  y ~ Normal(${name}[1] + sum(${name}), scale = 1 - ${name}.${name})\n  h = ${name} |> dense(2)\n  g = ${name}\n}`), name).toEqual([]);
    }
  });

  it("tells built-in names by what they are", () => {
    const scopeOf = (text: string, name: string): string | undefined => scopesOf(grammar, text)[text.lastIndexOf(name)];
    for (const name of distributionNames) expect(scopeOf(`z ~ ${name}(0, 1)`, name), name).toBe("support.class.distribution.lvm");
    for (const name of reservedNames.filter((each) => !(distributionNames as readonly string[]).includes(each))) {
      expect(scopeOf(`y = x |> ${name}`, name), name).toBe("support.function.lvm");
      expect(scopeOf(`y = ${name}(x)`, name), name).toBe("support.function.lvm");
      expect(scopeOf(`  ${name} = 0`, name), name).toBe("variable.other.lvm");
      expect(scopeOf(`y = q.${name}`, name), name).toBe("variable.other.member.lvm");
    }
    expect(scopeOf("y = ones[3]", "ones")).toBe("support.function.lvm");
    expect(scopeOf("y = f(x)", "f")).toBe("entity.name.function.lvm");
    expect(scopeOf("network encoder(x: real) -> (y: real) {", "encoder")).toBe("entity.name.function.lvm");
    expect(scopeOf("guide vae {", "vae")).toBe("entity.name.class.lvm");
    expect(scopeOf("x: positive[3] ~ Normal(0, 1)", "positive")).toBe("support.type.lvm");
    expect(scopeOf("/// said of a model", "model")).toBe("comment.line.documentation.lvm");
    expect(scopeOf("//// not documentation", "not")).toBe("comment.line.double-slash.lvm");
    expect(scopeOf('data = "a\\n.csv"', "\\n")).toBe("constant.character.escape.lvm");
  });
});
