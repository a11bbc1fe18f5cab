import type { IToken } from "chevrotain";
import { lineStarts, positionAt, type SourceFile } from "../diagnostics/span.js";
import { lex } from "../parser/lex.js";
import { maxCharacters, maxNesting } from "../parser/parse.js";
import { isName, segment, type Segment } from "../parser/segment.js";
import * as t from "../parser/tokens.js";

/** What stands around a cursor, from the words before it: it holds while a line is being written, when nothing parses. */
export interface Cursor {
  readonly source: SourceFile;
  readonly offset: number;
  /** The name that is being written: its part before the cursor, and where all of it stands. */
  readonly word: { readonly text: string; readonly start: number; readonly end: number };
  /** `quoted`: within a text, which begins at `start` (behind its quote); `none`: within a comment or a number. */
  readonly place: { readonly kind: "code" | "none" } | { readonly kind: "quoted"; readonly start: number };
  /** Heads of the blocks around it, outermost first: the item, then its loops. Empty between items and in heads of items. */
  readonly blocks: readonly (readonly IToken[])[];
  /** The item or statement that is being written, up to the word. */
  readonly head: readonly IToken[];
  /** Brackets of `head` that are open, outermost first. */
  readonly brackets: readonly Bracket[];
  /** What follows the word on its line. */
  readonly next: IToken | undefined;
  /** Whether a line begins with the word. */
  readonly beginsLine: boolean;
}

export interface Bracket {
  readonly open: IToken;
  /** `dense` of `dense(`. */
  readonly callee?: IToken;
  /** `x |> dense(`: what is piped in is the first argument. */
  readonly piped: boolean;
  /** Arguments before the cursor, the one that is being written last. */
  readonly args: readonly (readonly IToken[])[];
}

/** A line that begins an item: what stands above it does not matter to the parser, nor here. */
const itemLine = /(?:import|const|param|network|model|guide|train)[ \t]+[\p{L}_]/uy;

/** The words around an offset. Never throws: any text has a cursor. */
export function cursorAt(source: SourceFile, offset: number): Cursor {
  const starts = lineStarts(source);
  const line = positionAt(source, offset).line;
  const lineStart = starts[line - 1] ?? 0;
  const lineEnd = starts[line] ?? source.text.length;
  let first = line;
  for (; first > 1; first -= 1) {
    itemLine.lastIndex = starts[first - 1]!;
    if (itemLine.test(source.text)) break;
  }
  const from = starts[first - 1]!;
  // Blanks keep offsets as they are; one line break keeps columns.
  const text = first === 1 ? source.text.slice(0, lineEnd) : `${" ".repeat(from - 1)}\n${source.text.slice(from, lineEnd)}`;
  const { tokens, comments } = lex({ path: source.path, text });
  const before = tokens.filter((token) => token.startOffset < offset);
  const last = before.at(-1);
  const place = placeOf(last, comments.findLast(({ span }) => span.start < offset), offset);
  const written = isName(last) && t.endOf(last) >= offset ? last : undefined;
  const word = written ? { text: text.slice(written.startOffset, offset), start: written.startOffset, end: t.endOf(written) } : { text: "", start: offset, end: offset };
  const behind = tokens.slice(before.length);
  const standIn = standInFor(word.start, line - first + (first === 1 ? 1 : 2), word.start - lineStart + 1);
  if (from < lineEnd - maxCharacters || nestsTooDeep(tokens)) return { source, offset, word, place: { kind: "none" }, blocks: [], head: [], brackets: [], next: undefined, beginsLine: false };
  const settled = written ? before.slice(0, -1) : before;
  const path = pathTo(source, [...settled, standIn, ...behind], standIn);
  const tail = path.pop();
  const head = tail ? tail.head.slice(0, tail.head.indexOf(standIn)) : [];
  return {
    source, offset, word, place, head,
    blocks: path.map((each) => each.head),
    brackets: bracketsOf(head),
    next: behind[0],
    beginsLine: source.text.slice(lineStart, word.start).trim() === "",
  };
}

/** What the parser does not read either: its recursion goes by brackets. */
function nestsTooDeep(tokens: readonly IToken[]): boolean {
  let depth = 0;
  return tokens.some(({ tokenType }) => {
    if (t.brackets.some(([left]) => left === tokenType)) depth += 1;
    else if (t.brackets.some(([, right]) => right === tokenType)) depth = Math.max(0, depth - 1);
    return depth > maxNesting;
  });
}

function placeOf(last: IToken | undefined, comment: { readonly span: { readonly start: number; readonly end: number } } | undefined, offset: number): Cursor["place"] {
  if (comment && offset <= comment.span.end) return { kind: "none" };
  if (!last) return { kind: "code" };
  const end = t.endOf(last);
  const within = offset < end || (offset === end && last.tokenType === t.UnclosedString);
  if (last.tokenType === t.StringToken || last.tokenType === t.UnclosedString || last.tokenType === t.QuotedString) return within ? { kind: "quoted", start: last.startOffset + 1 } : { kind: offset === end ? "none" : "code" };
  return { kind: (last.tokenType === t.NumberToken || last.tokenType === t.BadNumber) && offset <= end ? "none" : "code" };
}

/** A name where the cursor stands, so that a word that is yet to come has its place among the others. */
function standInFor(start: number, line: number, column: number): IToken {
  return { image: "_", startOffset: start, endOffset: start, startLine: line, endLine: line, startColumn: column, endColumn: column, tokenType: t.Identifier, tokenTypeIdx: t.Identifier.tokenTypeIdx ?? 0 };
}

/** The segments around a token, outermost first; the last one has it in its head. */
function pathTo(source: SourceFile, tokens: readonly IToken[], token: IToken): Segment[] {
  const search = (segments: readonly Segment[]): Segment[] | undefined => {
    for (const each of segments.toReversed()) {
      if (each.head.includes(token)) return [each];
      const inner = each.block && search(each.block.segments);
      if (inner) return [each, ...inner];
    }
    return undefined;
  };
  return search(segment(source, tokens, () => undefined)) ?? [];
}

function bracketsOf(head: readonly IToken[]): readonly Bracket[] {
  const open: number[] = [];
  for (const [at, { tokenType }] of head.entries()) {
    if (t.brackets.some(([left]) => left === tokenType)) open.push(at);
    else {
      const left = t.brackets.find(([, right]) => right === tokenType)?.[0];
      const partner = left ? open.findLastIndex((each) => head[each]?.tokenType === left) : -1;
      if (partner >= 0) open.length = partner;
    }
  }
  return open.map((at): Bracket => {
    const callee = head[at]?.tokenType === t.LeftParenthesis && isName(head[at - 1]) ? head[at - 1] : undefined;
    return { open: head[at]!, ...(callee ? { callee } : {}), piped: callee !== undefined && head[at - 2]?.tokenType === t.Pipe, args: argumentsFrom(head, at + 1) };
  });
}

/** The tokens from here on, divided at the commas of this level. */
function argumentsFrom(head: readonly IToken[], from: number): readonly (readonly IToken[])[] {
  const args: IToken[][] = [[]];
  let depth = 0;
  for (const token of head.slice(from)) {
    if (t.brackets.some(([left]) => left === token.tokenType)) depth += 1;
    else if (t.brackets.some(([, right]) => right === token.tokenType)) depth -= 1;
    if (token.tokenType === t.Comma && depth === 0) args.push([]);
    else args.at(-1)!.push(token);
  }
  return args;
}

/** `logits` of an argument `logits = …`. */
export function nameOfArgument(tokens: readonly IToken[]): string | undefined {
  return isName(tokens[0]) && tokens[1]?.tokenType === t.Equals ? tokens[0].image : undefined;
}

/** The word that begins the item around the cursor, and the name behind it. */
export function itemOf({ blocks, head }: Cursor): { readonly word: string; readonly name: string } | undefined {
  const [word, name] = blocks[0] ?? head;
  return word && { word: word.image, name: name?.image ?? "" };
}

/** Variables of the loops around the cursor, innermost first. */
export function loopVariables({ blocks }: Cursor): readonly string[] {
  return blocks.slice(1).flatMap((head) => (isName(head[1]) ? [head[1].image] : [])).reverse();
}
