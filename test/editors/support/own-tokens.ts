import { lex } from "../../../src/parser/lex.js";
import { parse } from "../../../src/parser/parse.js";
import { keywordByWord, type TokenCategory, vocabulary } from "../../../src/parser/tokens.js";
import { visit } from "../../../src/parser/visit.js";

/** A token as the parser has it. */
export interface OwnToken {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly category: TokenCategory;
}

/** The parser's own tokens of a text, with its comments. A keyword that stands where the syntax tree has a name is a name. */
export function ownTokens(text: string): readonly OwnToken[] {
  const source = { path: "file.lvm", text };
  const named = new Set<number>();
  visit(parse(source).value, {
    enter(node) {
      if (node.kind === "identifier" || node.kind === "name") named.add(node.span.start);
    },
  });
  const { tokens, comments } = lex(source);
  const found = tokens.map(({ startOffset: start, image, tokenType }): OwnToken => {
    const keyword = keywordByWord.has(image) && !named.has(start);
    const category = keyword ? "keyword" : keywordByWord.has(image) ? "identifier" : categories.get(tokenType.name);
    if (!category) throw new Error(`${tokenType.name} is not in the vocabulary`);
    return { start, end: start + image.length, text: image, category };
  });
  return [...found, ...comments.map(({ span: { start, end } }): OwnToken => ({ start, end, text: text.slice(start, end), category: "comment" }))].sort((a, b) => a.start - b.start);
}

const categories: ReadonlyMap<string, TokenCategory> = new Map(vocabulary.map(({ name, category }) => [name, category]));
