import type { IToken, TokenType } from "chevrotain";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { choice, replacement } from "../diagnostics/fix.js";
import type { SourceFile, Span } from "../diagnostics/span.js";
import { retype } from "./lex.js";
import { syntaxError } from "./syntax-error.js";
import * as t from "./tokens.js";

/**
 * Splits a file that does not parse into declarations and statements, by brackets, by words that begin something, and by indentation
 * where a bracket was left open. Each part is then read on its own: a mistake stays in its statement.
 */
export interface Segment {
  /** Tokens before the block, or all of a statement; unmatched closing brackets are left out. */
  readonly head: IToken[];
  readonly block?: { readonly open: IToken; readonly close?: IToken; readonly segments: readonly Segment[] };
  /** True where a bracket of this segment was reported: what else goes wrong in it follows from that. */
  readonly broken: boolean;
}

const { keywords: k } = t;
const itemWords = new Set<TokenType>([k.import, k.const, k.param, k.network, k.model, k.guide, k.train]);
/** A word and the name that it introduces: the name does not begin a statement of its own. */
const prefixes = new Set<TokenType>([k.global, k.local, k.observe, k.const, k.param, k.auto, k.maximize, k.marginalize, k.chain, k.each, ...itemWords]);
const joints = new Set<TokenType>([k.from, k.where, k.on, k.in, k.by, k.subject, k.to, k.autoregressive]);
const ends = new Set<TokenType>([t.NumberToken, t.BadNumber, t.StringToken, t.UnclosedString, t.QuotedString, t.RightParenthesis, t.RightBracket, t.RightBrace, t.Question]);
const openers = new Map<TokenType, TokenType>(t.brackets.map(([open, close]) => [open, close]));
const closers = new Map<TokenType, TokenType>(t.brackets.map(([open, close]) => [close, open]));

/** Names, keywords included. */
export function isName(token: IToken | undefined): token is IToken {
  return token !== undefined && (token.tokenType === t.Identifier || t.keywordByWord.has(token.image));
}

function isItemWord(token: IToken | undefined): boolean {
  return token !== undefined && itemWords.has(token.tokenType);
}

export function segment(source: SourceFile, tokens: readonly IToken[], report: (diagnostic: Diagnostic) => void): Segment[] {
  let at = 0;
  const spanOf = (token: IToken): Span => ({ source, start: token.startOffset, end: t.endOf(token) });
  const typeAt = (index: number): TokenType | undefined => tokens[index]?.tokenType;
  const startsLine = (index: number): boolean => index === 0 || tokens[index - 1]?.endLine !== tokens[index]?.startLine;
  const column = (token: IToken | undefined): number => token?.startColumn ?? 1;

  /** `name =`, `name ~`, `name :`, `name[…] ~`. */
  function declaresAt(index: number): TokenType | undefined {
    if (!isName(tokens[index])) return undefined;
    let next = index + 1;
    if (typeAt(next) === t.LeftBracket && !startsLine(next)) {
      for (let depth = 0; next < index + 40; next += 1) {
        if (typeAt(next) === t.LeftBracket) depth += 1;
        else if (typeAt(next) === t.RightBracket && --depth === 0) break;
      }
      next += 1;
    }
    const type = typeAt(next);
    return type === t.Equals || type === t.Tilde || type === t.Colon ? type : undefined;
  }

  /** `global name`, `chain t in`, `maximize …`. */
  function keywordStatementAt(index: number): boolean {
    const type = typeAt(index);
    if (type === undefined || !isName(tokens[index + 1])) return false;
    if (type === k.chain || type === k.each) return typeAt(index + 2) === k.in;
    return (type === k.global || type === k.local || type === k.auto || type === k.marginalize || type === k.maximize || type === k.observe) && tokens[index]?.endLine === tokens[index + 1]?.startLine;
  }

  function itemAt(index: number): boolean {
    if (!isItemWord(tokens[index])) return false;
    const next = tokens[index + 1];
    return isName(next) && next.startLine === tokens[index]?.endLine && typeAt(index + 1) !== k.in;
  }

  /** Does a new segment begin at `index`, which is in the segment that began at `start`? `depth`: open brackets of the segment. */
  function beginsAt(index: number, start: number, depth: number, inBlock: boolean, itemColumn: number): boolean {
    const first = tokens[start];
    const here = tokens[index];
    if (!first || !here) return false;
    const onNewLine = startsLine(index);
    const bracket = here.tokenType === t.LeftParenthesis || here.tokenType === t.LeftBracket;
    if (!isName(here)) {
      // A bracket at the beginning of a line goes on with nothing.
      return bracket && onNewLine && depth === 0 && inBlock && endsValue(tokens[index - 1]) && !keywordStatementAt(start) && !itemAt(start);
    }
    if (itemAt(index) && onNewLine && column(here) <= (inBlock ? itemColumn : column(first))) return true;
    const previous = tokens[index - 1];
    const afterPrefix = index === start + 1 && prefixes.has(first.tokenType) && !onNewLine;
    if (afterPrefix) return false;
    const declares = declaresAt(index);
    if (depth === 0) {
      if (!inBlock && isItemWord(here) && (onNewLine || isName(tokens[index + 1]))) return true;
      const previousEnds = endsValue(previous);
      // `observe y = 1`: the name belongs to the word before it.
      const prefixed = previous !== undefined && prefixes.has(previous.tokenType) && !onNewLine && (previousPrefixBegins(index - 1, start) || keywordStatementAt(index - 1));
      if (declares && !prefixed && (onNewLine || previousEnds)) return true;
      if (keywordStatementAt(index) && (onNewLine || previousEnds)) return true;
      if (onNewLine && previousEnds && !joints.has(here.tokenType) && !(previous && joints.has(previous.tokenType))) return true;
      return false;
    }
    if (!onNewLine || column(here) > column(first)) return false;
    if (keywordStatementAt(index)) return true;
    if (declares === t.Tilde) return true;
    const listed = previous?.tokenType === t.Comma || (previous !== undefined && openers.has(previous.tokenType));
    if (listed && column(first) === 1) return false;
    if (!inBlock) return false;
    return declares !== undefined;
  }

  function endsValue(token: IToken | undefined): boolean {
    return token !== undefined && (ends.has(token.tokenType) || isName(token));
  }

  function previousPrefixBegins(index: number, start: number): boolean {
    return index === start;
  }

  function unclosed(open: IToken, before: IToken | undefined): void {
    // A text that was left open swallowed what closes the bracket: it has been reported.
    if (before && before.tokenType === t.UnclosedString && before.startLine === open.startLine) return;
    const close = openers.get(open.tokenType)?.PATTERN;
    const place = before ?? open;
    report(
      syntaxError("LVM1003", `unclosed \`${open.image}\``, spanOf(place), {
        label: `\`${String(close)}\` is missing after this`,
        ...(place === open ? {} : { related: [{ span: spanOf(open), text: "opened here" }] }),
        help: `close it with \`${String(close)}\``,
        fixes: [{ title: `Insert \`${String(close)}\``, edits: [{ span: { source, start: t.endOf(place), end: t.endOf(place) }, text: open.tokenType === t.LeftBrace ? "\n}" : String(close) }] }],
      }),
    );
  }

  function readSegment(inBlock: boolean, itemColumn: number): Segment {
    const start = at;
    const head: IToken[] = [];
    const open: IToken[] = [];
    let broken = false;
    while (at < tokens.length) {
      const token = tokens[at];
      if (!token) break;
      const type = token.tokenType;
      if (at > start && beginsAt(at, start, open.length, inBlock, itemColumn)) break;
      if (type === t.RightBrace && !open.some((bracket) => bracket.tokenType === t.LeftBrace)) break;
      if (type === t.LeftBrace) {
        const opensBlock = open.length === 0 || itemAt(start) || keywordStatementAt(start);
        if (opensBlock) {
          const outermost = open[0];
          if (outermost) {
            unclosed(outermost, head.at(-1));
            broken = true;
          }
          at += 1;
          const block = readBlock(token, inBlock ? itemColumn : column(tokens[start]));
          return { head, block, broken };
        }
      }
      at += 1;
      if (openers.has(type)) open.push(token);
      else if (closers.has(type)) {
        const partner = closers.get(type);
        const top = open.at(-1);
        if (top?.tokenType === partner) open.pop();
        else {
          broken = true;
          const deeper = open.findLastIndex((bracket) => bracket.tokenType === partner);
          if (!top) {
            report(
              syntaxError("LVM1004", `unmatched \`${token.image}\``, spanOf(token), { label: "this closes nothing", help: `remove it, or open it with \`${String(partner?.PATTERN)}\``, fixes: [choice(replacement(spanOf(token), "", `Remove \`${token.image}\``))] }),
            );
            continue;
          }
          if (deeper < 0) {
            const right = openers.get(top.tokenType);
            report(
              syntaxError("LVM1004", `\`${top.image}\` is closed by \`${token.image}\``, spanOf(token), {
                label: `\`${String(right?.PATTERN)}\` is expected`,
                related: [{ span: spanOf(top), text: "opened here" }],
                help: `write \`${String(right?.PATTERN)}\``,
                fixes: [{ title: `Write \`${String(right?.PATTERN)}\``, edits: [{ span: spanOf(token), text: String(right?.PATTERN) }] }],
              }),
            );
            if (right) retype(token, right);
          } else {
            const left = open[deeper + 1];
            if (left) unclosed(left, tokens[at - 2]);
            open.length = deeper;
          }
          if (deeper < 0) open.pop();
        }
      }
      head.push(token);
    }
    const outermost = open[0];
    if (outermost && !broken) unclosed(outermost, tokens[at - 1]);
    return { head, broken: broken || outermost !== undefined };
  }

  function readBlock(open: IToken, itemColumn: number): NonNullable<Segment["block"]> {
    const segments: Segment[] = [];
    while (at < tokens.length) {
      const token = tokens[at];
      if (!token) break;
      if (token.tokenType === t.RightBrace) {
        at += 1;
        return { open, close: token, segments };
      }
      if (itemAt(at) && startsLine(at) && column(token) <= itemColumn) break;
      segments.push(readSegment(true, itemColumn));
    }
    unclosed(open, tokens[at - 1]);
    return { open, segments };
  }

  const segments: Segment[] = [];
  let strayBefore = false;
  while (at < tokens.length) {
    const token = tokens[at];
    if (!token) break;
    if (token.tokenType === t.RightBrace) {
      // After stray statements the brace is what was meant to close their block.
      if (!strayBefore) {
        report(syntaxError("LVM1004", "unmatched `}`", spanOf(token), { label: "this closes nothing", help: "remove it, or look for a `}` too many above", fixes: [choice(replacement(spanOf(token), "", "Remove `}`"))] }));
      }
      at += 1;
      continue;
    }
    strayBefore = !isItemWord(token);
    segments.push(readSegment(false, 1));
  }
  return segments;
}
