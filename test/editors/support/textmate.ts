import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";
import type { TokenCategory } from "../../../src/parser/tokens.js";

/** The engine that colours files in VS Code, over one grammar. */
export async function loadGrammar(grammar: object): Promise<textmate.IGrammar> {
  const engine = join(dirname(createRequire(import.meta.url).resolve("vscode-oniguruma")), "onig.wasm");
  const onigLib = oniguruma.loadWASM(readFileSync(engine)).then(() => ({
    createOnigScanner: (patterns: string[]) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text: string) => new oniguruma.OnigString(text),
  }));
  const raw = textmate.parseRawGrammar(JSON.stringify(grammar), "lvm.tmLanguage.json");
  const registry = new textmate.Registry({ onigLib, loadGrammar: async () => raw });
  const loaded = await registry.loadGrammar("source.lvm");
  if (!loaded) throw new Error("the grammar was not loaded");
  return loaded;
}

/** The innermost scope of each character of a text; undefined for what has none (space). */
export function scopesOf(grammar: textmate.IGrammar, text: string): readonly (string | undefined)[] {
  const scopes: (string | undefined)[] = [];
  let stack = textmate.INITIAL;
  for (const line of text.split("\n")) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    for (const { startIndex, endIndex, scopes: names } of tokens) for (let at = startIndex; at < Math.min(endIndex, line.length); at++) scopes.push(names.length > 1 ? names.at(-1) : undefined);
    scopes.push(undefined);
    stack = ruleStack;
  }
  return scopes;
}

/** The class of a token that a scope stands for. */
export function categoryOf(scope: string | undefined): TokenCategory | undefined {
  if (scope === undefined) return undefined;
  const found = categories.find(([prefix]) => scope.startsWith(prefix));
  if (!found) throw new Error(`unknown scope ${scope}`);
  return found[1];
}

const categories: readonly (readonly [prefix: string, category: TokenCategory])[] = [
  ["keyword.operator", "operator"],
  ["keyword", "keyword"],
  ["comment", "comment"],
  ["string", "string"],
  ["constant.character.escape", "string"],
  ["constant.numeric", "number"],
  ["punctuation.bracket", "bracket"],
  ["punctuation.separator", "punctuation"],
  ["support", "identifier"],
  ["entity", "identifier"],
  ["variable", "identifier"],
];
