import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";

/** What `grammar.json` of a tree-sitter grammar holds. */
export type Rule = { readonly type: string; readonly [field: string]: unknown };

/** A `grammar.js` as the generator reads it: a function of the rules' names that gives plain data (the format of tree-sitter's grammar schema). */
export function readGrammar(path: string): Readonly<Record<string, unknown>> {
  const module = { exports: {} as unknown };
  runInNewContext(readFileSync(path, "utf8"), { module, grammar: grammarData, ...functions });
  return JSON.parse(JSON.stringify(module.exports)) as Readonly<Record<string, unknown>>;
}

type Written = Rule | RegExp | string;

function rule(written: Written): Rule {
  if (typeof written === "string") return { type: "STRING", value: written };
  if (Object.prototype.toString.call(written) === "[object RegExp]") return { type: "PATTERN", value: (written as RegExp).source };
  return written as Rule;
}

const symbols = new Proxy({}, { get: (_target, name) => ({ type: "SYMBOL", name: String(name) }) });

const withStrength = (type: string) => (value: number | Written, content?: Written): Rule => (content === undefined ? { type, value: 0, content: rule(value as Written) } : { type, value, content: rule(content) });

const functions = {
  seq: (...members: Written[]): Rule => ({ type: "SEQ", members: members.map(rule) }),
  choice: (...members: Written[]): Rule => ({ type: "CHOICE", members: members.map(rule) }),
  optional: (content: Written): Rule => ({ type: "CHOICE", members: [rule(content), { type: "BLANK" }] }),
  repeat: (content: Written): Rule => ({ type: "REPEAT", content: rule(content) }),
  field: (name: string, content: Written): Rule => ({ type: "FIELD", name, content: rule(content) }),
  alias: (content: Written, as: Rule | string): Rule => (typeof as === "string" ? { type: "ALIAS", content: rule(content), named: false, value: as } : { type: "ALIAS", content: rule(content), named: true, value: as["name"] }),
  prec: Object.assign(withStrength("PREC"), { left: withStrength("PREC_LEFT"), right: withStrength("PREC_RIGHT") }),
  token: Object.assign((content: Written): Rule => ({ type: "TOKEN", content: rule(content) }), { immediate: (content: Written): Rule => ({ type: "IMMEDIATE_TOKEN", content: rule(content) }) }),
};

interface Options {
  readonly name: string;
  readonly word: ($: unknown) => Rule;
  readonly rules: Readonly<Record<string, ($: unknown) => Written>>;
  readonly extras: ($: unknown) => readonly Written[];
  readonly conflicts: ($: unknown) => readonly (readonly Rule[])[];
  readonly supertypes: ($: unknown) => readonly Rule[];
}

function grammarData(options: Options): object {
  const named = (rules: readonly Rule[]): unknown[] => rules.map(({ name }) => name);
  return {
    name: options.name,
    word: options.word(symbols)["name"],
    rules: Object.fromEntries(Object.entries(options.rules).map(([name, make]) => [name, rule(make(symbols))])),
    extras: options.extras(symbols).map(rule),
    conflicts: options.conflicts(symbols).map(named),
    precedences: [],
    externals: [],
    inline: [],
    supertypes: named(options.supertypes(symbols)),
  };
}
