import { reservedNames } from "../../../src/checker/expressions/calls.js";
import { typeNames } from "../../../src/checker/type-expressions.js";
import { distributionNames } from "../../../src/distributions/names.js";
import { type Keyword, keywordRoles, vocabulary } from "../../../src/parser/tokens.js";

/**
 * The TextMate grammar of `.lvm`, from the parser's own list of tokens and the checker's tables of names. It colours a file before the server has answered; semantic tokens then
 * say more. Patterns see one line at a time and keywords are contextual, so a word is a keyword here where what follows it on its line says so: `keywordContexts`.
 */
export function textmateGrammar(): TextmateRule & { readonly name: string; readonly scopeName: string } {
  return {
    name: "lvm",
    scopeName: "source.lvm",
    patterns: [...comments, ...literals, ...keywordRules(), ...names(), ...signs()],
  };
}

export interface TextmateRule {
  readonly comment?: string;
  readonly name?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly captures?: Readonly<Record<string, { readonly name: string }>>;
  readonly patterns?: readonly TextmateRule[];
}

const pattern = (name: string): string => vocabulary.find((entry) => entry.name === name)!.pattern;
const word = pattern("Identifier");
/** `\b` of Oniguruma knows no combining marks: word ends are said by hand. */
const wordBegins = "(?<![\\p{L}\\p{M}\\p{N}_])";
/** Not behind the point of `q.mean`; behind the two of `1..T`. */
const before = `${wordBegins}(?:(?<=\\.\\.)|(?<!\\.))`;
const after = "(?![\\p{L}\\p{M}\\p{N}_])";
const scope = (name: string): { readonly name: string } => ({ name: `${name}.lvm` });

/** Where a keyword is one: what stands behind it, as a lookahead. Elsewhere it is a name, as in `grammar.ts`. Total, so that a new keyword has a line here. */
export const keywordContexts: Readonly<Record<Keyword, string>> = {
  ...(Object.fromEntries(Object.entries(keywordRoles).flatMap(([name, role]) => (role === "joint" ? [] : [[name, `\\s+${word}`]]))) as Record<Exclude<Keyword, JointKeyword>, string>),
  from: '\\s+"',
  where: `\\s+${word}`,
  on: `\\s+${word}`,
  in: "\\s+[-(\\p{L}\\p{N}_]",
  by: `\\s+${word}`,
  subject: "\\s+to\\s",
  to: "\\s+[-(\\p{L}\\p{N}_]",
  dropout: "\\s+[-(\\p{L}\\p{N}_]",
  // A statement ends with it, or goes on with `by`.
  autoregressive: "\\s*(?:$|//|by\\s|\\})",
};

/** What must stand before it on its line as well. */
const keywordBefore: Partial<Readonly<Record<Keyword, string>>> = { autoregressive: "(?<=[)\\]\\p{L}\\p{N}_]\\s)" };

type JointKeyword = { [K in Keyword]: (typeof keywordRoles)[K] extends "joint" ? K : never }[Keyword];

const keywordScopes: Readonly<Record<(typeof keywordRoles)[Keyword], string>> = { item: "keyword.declaration", statement: "keyword.control", joint: "keyword.other" };

const comments: readonly TextmateRule[] = [
  { ...scope("comment.line.documentation"), match: "///(?!/).*$" },
  { ...scope("comment.line.double-slash"), match: pattern("Comment") },
];

const literals: readonly TextmateRule[] = [
  { ...scope("string.quoted.double"), begin: '"', end: '"|$', patterns: [{ ...scope("constant.character.escape"), match: '\\\\["\\\\nt]' }] },
  { ...scope("constant.numeric"), match: `${wordBegins}${pattern("Number")}${after}` },
];

/** Heads of items first: the name behind the keyword has a colour of its own. */
function keywordRules(): readonly TextmateRule[] {
  const head = (keywords: readonly Keyword[], named: string): TextmateRule => ({
    match: `${before}(${keywords.join("|")})\\s+(${word})(?=\\s*(?:[({]|on\\s|$))`,
    captures: { 1: scope(keywordScopes.item), 2: scope(named) },
  });
  const rules = (Object.keys(keywordRoles) as Keyword[]).map((name) => ({ ...scope(keywordScopes[keywordRoles[name]]), match: `${keywordBefore[name] ?? ""}${before}${name}(?=${keywordContexts[name]})` }));
  return [head(["network"], "entity.name.function"), head(["model", "guide", "train"], "entity.name.class"), ...rules];
}

function names(): readonly TextmateRule[] {
  const oneOf = (list: readonly string[]): string => `(?:${[...list].sort((a, b) => b.length - a.length || (a < b ? -1 : 1)).join("|")})${after}`;
  const distributions: ReadonlySet<string> = new Set(distributionNames);
  const functions = reservedNames.filter((name) => !distributions.has(name));
  return [
    { match: `(:)\\s*(${oneOf(Object.keys(typeNames))})`, captures: { 1: scope("punctuation.separator"), 2: scope("support.type") } },
    { ...scope("support.class.distribution"), match: `${before}${oneOf(distributionNames)}` },
    // `mean` is a function in `mean(x)` and `x |> mean`, and the name of an output in `mean = …`.
    { ...scope("support.function"), match: `${before}${oneOf(functions)}(?=\\s*[(\\[])(?!\\s*\\[[^\\]]*\\]\\s*(?:[~=:]))` },
    { match: `(\\|>)\\s*(${oneOf(functions)})`, captures: { 1: scope("keyword.operator"), 2: scope("support.function") } },
    { ...scope("entity.name.function"), match: `${before}${word}(?=\\()` },
    { ...scope("variable.other.member"), match: `(?<=[\\p{L}\\p{M}\\p{N}_)\\]]\\.)${word}` },
    { ...scope("variable.other"), match: word },
  ];
}

/** Operators, brackets and separators in the order of the token list: longer ones come first there. */
function signs(): readonly TextmateRule[] {
  const scopes = { operator: "keyword.operator", bracket: "punctuation.bracket", punctuation: "punctuation.separator" } as const;
  return vocabulary.flatMap(({ category, pattern: match }) => (category in scopes ? [{ ...scope(scopes[category as keyof typeof scopes]), match }] : []));
}
