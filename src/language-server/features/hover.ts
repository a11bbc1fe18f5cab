import type { Hover, MarkupKind } from "vscode-languageserver";
import type * as ast from "../../parser/ast.js";
import { nodesAt } from "../../parser/visit.js";
import { printType } from "../../types/type.js";
import type { Analysis } from "../analysis.js";
import { cursorAt } from "../cursor.js";
import { settings } from "../documentation/training.js";
import { keywords, signs } from "../documentation/words.js";
import { keywordByWord, Equals } from "../../parser/tokens.js";
import type { Feature } from "../feature.js";
import { count } from "../hover/facts.js";
import { nameParts, placeText } from "../hover/name-parts.js";
import { parameterParts, sentence, wordParts } from "../hover/word-parts.js";
import { code, markup, type Part, preferredMarkup, text } from "../markup.js";
import { offsetOf, rangeOf } from "../positions.js";
import { calledBy, documentedIn, networkCall, realmBehind } from "../vocabulary.js";
import { givenIn } from "./signature-help.js";

/** What stands under the pointer. */
export const hover: Feature = {
  capabilities: () => ({ hoverProvider: true }),
  register({ connection, workspace, client }) {
    const kind = preferredMarkup(client.textDocument?.hover?.contentFormat);
    connection.onHover(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      return analysis ? hoverAt(analysis, offsetOf(analysis.source, position), kind) : null;
    });
  },
};

/** What is said of the word or sign at an offset; null where there is nothing to say. */
export function hoverAt(analysis: Analysis, offset: number, kind: MarkupKind): Hover | null {
  const found = insideOf(analysis, offset) ? undefined : (nameAt(analysis, offset) ?? wordAt(analysis, offset) ?? signAt(analysis, offset));
  if (!found || found.parts.every((part) => part.text === "")) return null;
  const { parts, start, end } = found;
  return { contents: markup(parts, kind), range: rangeOf({ source: analysis.source, start, end }) };
}

interface Found {
  readonly parts: readonly Part[];
  readonly start: number;
  readonly end: number;
}

/** Comments say what they say. */
function insideOf({ module }: Analysis, offset: number): boolean {
  return module.comments.some(({ span }) => span.start <= offset && offset < span.end);
}

/** A name that the file declares. */
function nameAt(analysis: Analysis, offset: number): Found | undefined {
  const occurrence = analysis.names.at(offset);
  if (!occurrence) return undefined;
  const { span, declaration, role } = occurrence;
  const parts = nameParts(analysis, declaration);
  const elsewhere = role === "declaration" || declaration.kind === "import" ? [] : [text(`Declared ${placeText(analysis, declaration.span)}.`)];
  return { parts: [...parts, ...elsewhere], start: span.start, end: span.end };
}

/** A word of the language, by what its place takes. */
function wordAt(analysis: Analysis, offset: number): Found | undefined {
  const { source } = analysis;
  const { start, end } = wordAround(source.text, offset);
  if (start === end) return undefined;
  const cursor = cursorAt(source, Math.min(start + 1, end));
  if (cursor.place.kind !== "code" || cursor.word.start !== start) return undefined;
  const word = source.text.slice(start, end);
  const found = (parts: readonly Part[]): Found => ({ parts, start, end });
  const nodes = nodesAt(analysis.module, start);
  const innermost = nodes.at(-1);
  if (innermost?.kind === "member" || (innermost?.kind === "identifier" && nodes.at(-2)?.kind === "member")) return outputAt(analysis, nodes.findLast((node) => node.kind === "member"), found);

  const bracket = cursor.brackets.at(-1);
  const called = bracket && calledBy(analysis, cursor, bracket);
  if (bracket && called) {
    const named = cursor.next?.tokenType === Equals && (bracket.args.at(-1)?.length ?? 0) === 0 ? word : undefined;
    const parameters = called.forms.flatMap((form) => form.parameters);
    const parameter = parameters.find((each) => each.name === named);
    if (parameter) return found(parameterParts(called.name, parameter));
    const { current } = givenIn(bracket, called);
    const chosen = named === undefined ? parameters.find((each) => each.name === current && each.choices?.includes(word)) : undefined;
    if (chosen) return found(parameterParts(called.name, chosen));
  }
  const setting = innermost?.kind === "identifier" && nodes.at(-2)?.kind === "setting" ? settings.get(word) : undefined;
  if (setting) return found([code(`${word} = ${setting.default === "none" ? "…" : setting.default}`), text(`${sentence(setting.doc)} ${setting.default === "none" ? "Without it: none." : `Default: \`${setting.default}\`.`}`)]);
  const realm = realmBehind(cursor.blocks, cursor.head);
  const network = realm === "value" ? networkCall(analysis, word) : undefined;
  if (isKeyword(word) && isKeywordPlace(nodes)) return found(wordParts(keywords.get(word)!));
  const documented = network ?? documentedIn(realm, word) ?? documentedIn("value", word);
  return documented ? found([...wordParts(documented), ...(documented.kind === "distribution" ? [] : factParts(analysis, nodes))]) : undefined;
}

/** A keyword is a name too: it is one where the tree has a name in its place. */
const isKeyword = (word: string): boolean => keywordByWord.has(word);
const isKeywordPlace = (nodes: readonly ast.Node[]): boolean => !["name", "identifier"].includes(nodes.at(-1)?.kind ?? "");

/** Of a layer: its weights; of a call: the type that comes out. */
function factParts({ facts }: Analysis, nodes: readonly ast.Node[]): readonly Part[] {
  const name = nodes.at(-1);
  if (name?.kind !== "name" && name?.kind !== "identifier") return [];
  const fact = facts.context.hover.get(name);
  const around = nodes.findLast((node) => node !== name && node.span.start <= name.span.start && facts.context.hover.get(node)?.type !== undefined && (node.kind === "type" || node.kind === "call" || (node.kind === "pipe" && (node.into === name || (node.into.kind === "call" && node.into.callee === name)))));
  const type = fact?.type ?? (around && facts.context.hover.get(around)?.type);
  const weights = fact?.weights?.map(({ role, shape }) => `${role} [${shape.join(", ")}]`);
  const learnt = fact?.weights?.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0) ?? 0;
  return [text(weights ? `\`${fact?.name ?? ""}\`: ${weights.length === 0 ? "no weights" : `${weights.join(", ")}, ${count(learnt)} numbers`}.` : ""), text(type ? `Here: \`${printType(type)}\`.` : "")];
}

/** `q.mean` of a network of another file. */
function outputAt({ facts }: Analysis, node: ast.Node | undefined, found: (parts: readonly Part[]) => Found): Found | undefined {
  const fact = node && facts.context.hover.get(node);
  return fact?.type ? found([code(`${fact.name ?? ""}: ${printType(fact.type)}`), text(`An ${fact.what}.`)]) : undefined;
}

/** A sign, and the type of what it makes. */
function signAt(analysis: Analysis, offset: number): Found | undefined {
  const { source, module, facts } = analysis;
  for (const { start, end } of signsAround(source.text, offset)) {
    const sign = signs.get(source.text.slice(start, end));
    const node = nodesAt(module, start).findLast((each) => each.kind === "pipe" || each.kind === "binary" || each.kind === "unary" || each.kind === "index" || each.kind === "array");
    const type = node && node.span.start <= start && end <= node.span.end && isOperator(source.text.slice(start, end)) ? facts.context.hover.get(node)?.type : undefined;
    if (sign || type) return { parts: [...(type ? [code(printType(type))] : []), text(sign?.doc ?? "")], start, end };
  }
  return undefined;
}

const isOperator = (sign: string): boolean => /^(\|>|[-+*/@^<>]|[<>=!]=|[[\]])$/.test(sign);

/** Signs of two letters at an offset, then of one. */
function signsAround(text: string, offset: number): readonly { readonly start: number; readonly end: number }[] {
  const pairs = [offset, offset - 1].map((start) => ({ start, end: start + 2 })).filter(({ start, end }) => /^(\|>|\.\.|->|[<>=!]=)$/.test(text.slice(Math.max(0, start), end)));
  return [...pairs, { start: offset, end: offset + 1 }];
}

const letter = /[\p{L}\p{M}\p{N}_]/u;

/** The word at an offset or just before it. */
function wordAround(text: string, offset: number): { readonly start: number; readonly end: number } {
  let start = offset;
  let end = offset;
  while (start > 0 && letter.test(text.charAt(start - 1))) start -= 1;
  while (end < text.length && letter.test(text.charAt(end))) end += 1;
  return { start, end };
}
