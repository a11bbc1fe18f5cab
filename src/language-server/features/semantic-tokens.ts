import type { SemanticTokens, SemanticTokensDelta, SemanticTokensLegend } from "vscode-languageserver";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Syntax } from "../analysis.js";
import { reservedNames } from "../../checker/expressions/calls.js";
import { distributionNames } from "../../distributions/names.js";
import type * as ast from "../../parser/ast.js";
import { lex } from "../../parser/lex.js";
import * as t from "../../parser/tokens.js";
import { visit } from "../../parser/visit.js";
import type { Feature } from "../feature.js";
import { resolved } from "../meaning.js";
import type { DeclarationKind } from "../names.js";
import { pointOf, spanOf } from "../positions.js";
import type { Workspace } from "../workspace.js";

/** What tokens are, with what that means in this language. The numbers that are sent are places in this table. */
export const tokenTypes = {
  keyword: "`model`, `chain`, `by` … where they are not names",
  comment: "`//` and `///`",
  string: "paths and words in quotes",
  number: "numbers",
  operator: "`~`, `|>`, `=` and the signs of arithmetic",
  type: "`real`, `index` …",
  class: "models and distributions",
  function: "networks, layers, functions, and what settings are made of",
  parameter: "columns, inputs of networks, names of arguments",
  property: "outputs of networks, settings of a `train` block",
  variable: "constants, parameters, latents, bindings, loop variables",
} as const;

export const tokenModifiers = {
  declaration: "where a name comes into being",
  modification: "where it is given a value: the guide's site of a latent, `mean = …` of an output",
  readonly: "constants and loop variables",
  documentation: "`///`",
  defaultLibrary: "what is built in",
  latent: "latents",
  learnt: "`param` and `local`",
} as const;

type TokenType = keyof typeof tokenTypes;
type Modifier = keyof typeof tokenModifiers;

export const legend: SemanticTokensLegend = { tokenTypes: Object.keys(tokenTypes), tokenModifiers: Object.keys(tokenModifiers) };

export interface Token {
  readonly start: number;
  readonly end: number;
  readonly type: TokenType;
  readonly modifiers: readonly Modifier[];
}

/** Colours by meaning, for the whole file, a part of it, or as the difference to what was sent before. */
export const semanticTokens: Feature = {
  capabilities: () => ({ semanticTokensProvider: { legend, full: { delta: true }, range: true } }),
  register({ connection, workspace }) {
    // By document: what was sent is forgotten with it.
    const sent = new WeakMap<TextDocument, { readonly id: string; readonly data: readonly number[] }>();
    let count = 0;
    const send = (uri: string): (SemanticTokens & { readonly before?: { readonly id: string; readonly data: readonly number[] } }) | undefined => {
      const [document, file] = [workspace.documents.get(uri), workspace.syntax(uri)];
      if (!file) return undefined;
      const data = encode(file, tokensOf(workspace, uri, file));
      if (!document) return { data: [...data] };
      const before = sent.get(document);
      const id = String(++count);
      sent.set(document, { id, data });
      return { resultId: id, data: [...data], ...(before ? { before } : {}) };
    };
    connection.languages.semanticTokens.on(({ textDocument: { uri } }) => {
      const { resultId, data = [] } = send(uri) ?? {};
      return { data, ...(resultId === undefined ? {} : { resultId }) };
    });
    connection.languages.semanticTokens.onDelta(({ textDocument: { uri }, previousResultId }): SemanticTokens | SemanticTokensDelta => {
      const { resultId, data = [], before } = send(uri) ?? {};
      if (resultId === undefined || before?.id !== previousResultId) return { data, ...(resultId === undefined ? {} : { resultId }) };
      return { resultId, ...difference(before.data, data) };
    });
    connection.languages.semanticTokens.onRange(({ textDocument: { uri }, range }) => {
      const file = workspace.syntax(uri);
      if (!file) return { data: [] };
      const { start, end } = spanOf(file.source, range);
      return { data: [...encode(file, tokensOf(workspace, uri, file).filter((token) => token.end > start && token.start < end))] };
    });
  },
};

/** One edit, from the first to the last number that differs. */
export function difference(before: readonly number[], after: readonly number[]): { readonly edits: { start: number; deleteCount: number; data?: number[] }[] } {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let same = 0;
  while (same < Math.min(before.length, after.length) - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same++;
  if (start === before.length && start === after.length) return { edits: [] };
  return { edits: [{ start, deleteCount: before.length - same - start, data: after.slice(start, after.length - same) }] };
}

/** Five numbers for each token: lines and columns from the token before, length, type, modifiers as bits. */
export function encode({ source }: Syntax, tokens: readonly Token[]): readonly number[] {
  let [line, character] = [0, 0];
  return tokens.flatMap(({ start, end, type, modifiers }) => {
    const point = pointOf(source, start);
    const numbers = [point.line - line, point.line === line ? point.character - character : point.character, end - start, legend.tokenTypes.indexOf(type), modifiers.reduce((bits, each) => bits | (1 << legend.tokenModifiers.indexOf(each)), 0)];
    ({ line, character } = point);
    return numbers;
  });
}

/** All tokens of a file in order; none crosses a line end. Words that mean nothing have none. */
export function tokensOf(workspace: Workspace, uri: string, file: Syntax): readonly Token[] {
  const names = namesOf(workspace, uri, file);
  const { tokens, comments } = lex(file.source);
  const found: Token[] = [];
  const add = (start: number, end: number, type: TokenType, modifiers: readonly Modifier[] = []): void => void found.push({ start, end, type, modifiers });
  for (const { tokenType, startOffset: start, image } of tokens) {
    const end = start + image.length;
    const name = names.get(start);
    if (name) add(start, end, ...name);
    else if (names.has(start)) continue;
    else if (tokenType === t.Identifier) continue;
    else if (t.keywordByWord.has(image)) add(start, end, "keyword");
    else if (tokenType === t.NumberToken || tokenType === t.BadNumber) add(start, end, "number");
    else if (tokenType === t.StringToken || tokenType === t.QuotedString || tokenType === t.UnclosedString) add(start, end, "string");
    else if (operators.has(image)) add(start, end, "operator");
  }
  for (const { span, doc } of comments) {
    let start = span.start;
    for (const line of file.source.text.slice(span.start, span.end).split("\n")) {
      const end = start + line.replace(/\r$/, "").length;
      if (end > start) add(start, end, "comment", doc ? ["documentation"] : []);
      start += line.length + 1;
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

const operators: ReadonlySet<string> = new Set(t.lexed.flatMap(({ PATTERN }) => (typeof PATTERN === "string" && !/^[,:.?()[\]{}]$/.test(PATTERN) ? [PATTERN] : [])));

type Coloured = readonly [type: TokenType, modifiers?: readonly Modifier[]];

const declared: Readonly<Record<DeclarationKind, Coloured>> = {
  import: ["variable"],
  constant: ["variable", ["readonly"]],
  parameter: ["variable", ["learnt"]],
  network: ["function"],
  model: ["class"],
  input: ["parameter"],
  output: ["property"],
  column: ["parameter"],
  latent: ["variable", ["latent"]],
  binding: ["variable"],
  local: ["variable", ["learnt"]],
  "loop variable": ["variable", ["readonly"]],
};

/** Colours of the words that are names, by their offset; undefined for names that mean nothing: keywords may be names. */
function namesOf(workspace: Workspace, uri: string, file: Syntax): ReadonlyMap<number, Coloured | undefined> {
  const found = new Map<number, Coloured | undefined>();
  const builtin = (name: string): Coloured => [distributions.has(name) ? "class" : "function", ["defaultLibrary"]];
  visit(file.module, {
    enter(node, parents) {
      if (node.kind === "name") found.set(node.span.start, reserved.has(node.name) || inSettings(node, parents) ? builtin(node.name) : undefined);
      else if (node.kind === "identifier" && node.name !== "") found.set(node.span.start, identifierColour(parents.at(-1)));
    },
  });
  for (const { span, declaration, role } of file.names.occurrences) {
    const [type, modifiers = []] = declared[resolved(workspace, uri, file, declaration).declaration.kind];
    found.set(span.start, [type, [...(role === "declaration" ? (["declaration"] as const) : role === "write" ? (["modification"] as const) : []), ...modifiers]]);
  }
  for (const { span, kind } of file.names.foreign) found.set(span.start, declared[kind]);
  return found;
}

const reserved: ReadonlySet<string> = new Set(reservedNames);
const distributions: ReadonlySet<string> = new Set(distributionNames);

/** Names that no declaration stands behind. */
function identifierColour(parent: ast.Node | undefined): Coloured | undefined {
  switch (parent?.kind) {
    case "type":
      return ["type", ["defaultLibrary"]];
    case "setting":
      return ["property", ["defaultLibrary"]];
    case "argument":
      return ["parameter"];
    case "member":
      return ["property"];
    default:
      return undefined;
  }
}

/** `adam` of a setting, `elbo`, `score` behind `by`, `full_rank` behind `auto`: words of the language's tables. */
function inSettings(node: ast.NameExpression, parents: readonly ast.Node[]): boolean {
  return parents.some((each, at) => {
    const next = parents[at + 1] ?? node;
    return (each.kind === "setting" && next === each.value) || (each.kind === "maximize" && next === each.objective) || (each.kind === "sample" && next === each.by) || (each.kind === "auto" && next === each.family);
  });
}
