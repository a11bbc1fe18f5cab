import { Lexer, type IToken, type TokenType } from "chevrotain";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { SourceFile, Span } from "../diagnostics/span.js";
import type { Comment } from "./ast.js";
import { syntaxError } from "./syntax-error.js";
import * as t from "./tokens.js";

/** Tokens of a source, with the comments apart. Signs that are not the language's are reported and replaced by what is meant. */
export interface Lexed {
  readonly tokens: IToken[];
  readonly comments: readonly Comment[];
  readonly diagnostics: Diagnostic[];
  /** More words than a model file has: nothing else is filled in. */
  readonly tooMany: boolean;
  /** Offsets at which characters were left out, in order: what does not parse around them has been reported. */
  readonly dropped: readonly number[];
}

/** Most words, signs and comments in one file. */
export const maxTokens = 200_000;

const lexer = new Lexer([...t.lexed], { positionTracking: "full", recoveryEnabled: true, skipValidations: true });

/** Reads the words of a source. Never throws: any text has tokens. */
export function lex(source: SourceFile): Lexed {
  const found = lexer.tokenize(source.text);
  const diagnostics: Diagnostic[] = [];
  const tokens: IToken[] = [];
  const dropped: number[] = [];
  if (found.tokens.length + (found.groups["comments"]?.length ?? 0) > maxTokens) return { tokens, comments: [], diagnostics, tooMany: true, dropped: [] };
  let lastBad: IToken | undefined;
  for (const token of found.tokens) {
    if (token.tokenType === t.Identifier) {
      const keyword = t.keywordByWord.get(token.image);
      if (keyword) retype(token, keyword);
    } else if (token.tokenType === t.BadCharacter) {
      if (!lastBad || t.endOf(lastBad) !== token.startOffset) diagnostics.push(badCharacter(source, token));
      lastBad = token;
      dropped.push(token.startOffset);
      continue;
    } else if (token.tokenType === t.ForeignSign) {
      const { means } = t.foreignSigns[token.image] ?? {};
      diagnostics.push(foreignSign(source, token));
      if (!means) continue;
      retype(token, means);
    } else {
      const diagnostic = badLiteral(source, token);
      if (diagnostic) diagnostics.push(diagnostic);
    }
    tokens.push(token);
  }
  const comments = (found.groups["comments"] ?? []).map((token) => readComment(source, token, diagnostics));
  return { tokens, comments, diagnostics, tooMany: false, dropped };
}

export function retype(token: IToken, type: TokenType): void {
  token.tokenType = type;
  token.tokenTypeIdx = type.tokenTypeIdx ?? 0;
}

function spanOf(source: SourceFile, token: IToken): Span {
  return { source, start: token.startOffset, end: t.endOf(token) };
}

function readComment(source: SourceFile, token: IToken, diagnostics: Diagnostic[]): Comment {
  const span = spanOf(source, token);
  if (token.tokenType === t.HashComment || token.tokenType === t.BlockComment) {
    const block = token.tokenType === t.BlockComment;
    diagnostics.push(
      syntaxError("LVM1012", block ? "`/* … */` is not a comment" : "`#` does not begin a comment", block ? { ...span, end: span.start + 2 } : { ...span, end: span.start + 1 }, {
        label: "not a sign of this language",
        help: block ? "begin each line of the comment with `//`" : "comments begin with `//`",
        ...(block ? {} : { fixes: [{ title: "Write `//`", edits: [{ span: { ...span, end: span.start + 1 }, text: "//" }] }] }),
      }),
    );
  }
  const doc = token.image.startsWith("///") && !token.image.startsWith("////");
  return { kind: "comment", doc, text: token.image.slice(doc ? 3 : 2).trimEnd(), ownLine: beginsLine(source.text, token.startOffset), span };
}

/** Whether only spaces stand between an offset and the line end before it. */
function beginsLine(text: string, offset: number): boolean {
  for (let at = offset - 1; at >= 0; at -= 1) {
    const letter = text.charAt(at);
    if (letter === "\n" || letter === "\r") return true;
    if (letter.trim() !== "") return false;
  }
  return true;
}

function badCharacter(source: SourceFile, token: IToken): Diagnostic {
  const span = spanOf(source, token);
  const code = token.image.codePointAt(0) ?? 0;
  const visible = code > 32 && code < 127 ? `\`${token.image[0]}\`` : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const help =
    token.image === "&" || token.image === "!" || token.image === "%"
      ? "the operators are `+ - * / @ ^`, the comparisons and `|>`"
      : token.image === "'" || token.image === "`"
        ? 'a text stands in `"`'
        : token.image === "$" || token.image === "\\"
          ? "names consist of letters, digits and `_`"
          : "remove it, or write it in a comment or a text";
  return syntaxError("LVM1007", `unknown character ${visible}`, { ...span, end: Math.min(span.end, span.start + (code > 0xffff ? 2 : 1)) }, {
    label: "this has no meaning here",
    help,
  });
}

function foreignSign(source: SourceFile, token: IToken): Diagnostic {
  const span = spanOf(source, token);
  const meant = t.foreignSigns[token.image]?.text ?? "";
  if (meant === "") {
    return syntaxError("LVM1012", `\`${token.image}\` is not a sign of this language`, span, {
      label: "nothing ends a statement",
      help: `remove the \`${token.image}\`: a line end, or the next name, is enough`,
      fixes: [{ title: `Remove \`${token.image}\``, edits: [{ span, text: "" }] }],
    });
  }
  const help: Record<string, string> = {
    "**": "powers are written `x^2`",
    ":=": "write `=` to name a value and `~` to draw from a distribution",
    "+=": "nothing is changed in place: the log density follows from the `~` statements, and a sum gets its own name",
    ".*": "`*` between equal shapes goes element by element, `@` is the matrix product",
    "./": "`/` between equal shapes goes element by element",
    "%*%": "the matrix product is `@`",
  };
  return syntaxError("LVM1012", `\`${token.image}\` is not a sign of this language`, span, {
    label: `write \`${meant}\``,
    help: help[token.image] ?? `write \`${meant}\``,
    fixes: [{ title: `Write \`${meant}\``, edits: [{ span, text: meant }] }],
  });
}

function badLiteral(source: SourceFile, token: IToken): Diagnostic | undefined {
  const span = spanOf(source, token);
  const text = token.image;
  if (token.tokenType === t.BadNumber) {
    const mended = mendNumber(text);
    return syntaxError("LVM1006", `\`${shorten(text)}\` is not a number`, span, {
      label: /^[0-9]+(?![eE])[\p{L}_]/u.test(text) && !mended ? "names do not begin with a digit" : "malformed number",
      help: mended ? `write \`${mended}\`` : "numbers are written `784`, `1_000`, `0.5`, `1e-3`",
      ...(mended ? { fixes: [{ title: `Write \`${mended}\``, edits: [{ span, text: mended }] }] } : {}),
    });
  }
  if (token.tokenType === t.UnclosedString) {
    return syntaxError("LVM1005", "unclosed text", span, {
      label: 'the closing `"` is missing',
      help: 'a text begins and ends with `"` on the same line',
    });
  }
  if (token.tokenType === t.QuotedString) {
    const mended = `"${text.slice(1, -1).replace(/["\\]/g, "\\$&")}"`;
    return syntaxError("LVM1012", 'texts stand in `"`', span, {
      label: "other quotation marks",
      help: `write ${shorten(mended)}`,
      fixes: [{ title: 'Use `"`', edits: [{ span, text: mended }] }],
    });
  }
  if (token.tokenType === t.StringToken) {
    const bad = /\\[^"\\nt]/u.exec(text.replace(/\\\\/g, "  "));
    if (bad) {
      const start = span.start + bad.index;
      return syntaxError("LVM1017", `unknown escape \`${bad[0]}\``, { source, start, end: start + bad[0].length }, {
        label: 'known are `\\"`, `\\\\`, `\\n` and `\\t`',
        help: "write `\\\\` for a backslash; file names use `/`",
      });
    }
  }
  return undefined;
}

/** `.5` → `0.5`, `1.` → `1.0`, `1__0` → `1_0`, `0x1F` → `31`; undefined where nothing is plainly meant. */
function mendNumber(text: string): string | undefined {
  if (/^\.[0-9]+(?:[eE][+-]?[0-9]+)?$/.test(text)) return `0${text}`;
  if (/^[0-9]+\.$/.test(text)) return `${text}0`;
  if (/^0[xXbBoO][0-9a-fA-F]+$/.test(text) && Number.isSafeInteger(Number(text))) return String(Number(text));
  if (/^[0-9_]+$/.test(text)) return text.replace(/_+/g, "_").replace(/_$/, "");
  if (/^[0-9]+[fFdDlL]$/.test(text)) return text.slice(0, -1);
  return undefined;
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
