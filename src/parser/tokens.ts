import { createToken, Lexer, type CustomPatternMatcherReturn, type IToken, type TokenType } from "chevrotain";

/**
 * The words and signs of the language. `vocabulary` is the same list as plain data, from which an editor's grammar can be made.
 * Keywords are contextual: every keyword is also an identifier, and the grammar looks ahead to tell which is meant, so that a
 * column may be called `data`, `on` or `model`.
 */

/** What an editor needs to colour a token. */
export type TokenCategory = "keyword" | "identifier" | "number" | "string" | "operator" | "bracket" | "punctuation" | "comment";

export interface VocabularyEntry {
  readonly name: string;
  /** Source of a regular expression with the `u` flag. */
  readonly pattern: string;
  readonly category: TokenCategory;
}

const wordPattern = "[\\p{L}_][\\p{L}\\p{M}\\p{N}_]*";
const digits = "[0-9]+(?:_[0-9]+)*";
const numberPattern = `${digits}(?:\\.${digits})?(?:[eE][+-]?[0-9]+)?`;
const stringPattern = '"(?:[^"\\\\\\r\\n]|\\\\[^\\r\\n])*"';

/** Matches a regular expression with the flags `uy` at an offset: Chevrotain would drop the `u` of a plain pattern. */
function matcher(pattern: string): (text: string, offset: number) => CustomPatternMatcherReturn | null {
  const sticky = new RegExp(pattern, "uy");
  return (text, offset) => {
    sticky.lastIndex = offset;
    const found = sticky.exec(text);
    // With the `u` flag a match at the second half of a surrogate pair begins one unit earlier: not our place.
    return found && found.index === offset && found[0] !== "" ? [found[0]] : null;
  };
}

function custom(name: string, pattern: string, options: { label: string; categories?: TokenType; group?: string; lineBreaks?: boolean }): TokenType {
  return createToken({
    name,
    pattern: { exec: matcher(pattern) },
    label: options.label,
    line_breaks: options.lineBreaks ?? false,
    ...(options.categories ? { categories: options.categories } : {}),
    ...(options.group ? { group: options.group } : {}),
  });
}

function sign(name: string, text: string): TokenType {
  return createToken({ name, pattern: text, label: `\`${text}\`` });
}

// ── Words and literals ─────────────────────────────────────────────────────────────────────────────────────────────

export const Identifier = custom("Identifier", wordPattern, { label: "a name" });
export const NumberToken = custom("Number", `${numberPattern}(?![\\p{L}\\p{N}_]|\\.(?!\\.))`, { label: "a number" });
export const StringToken = custom("String", stringPattern, { label: 'a text in `"`' });

/** Each keyword with what it begins or joins. All are free as names elsewhere. */
export const keywordRoles = {
  import: "item", const: "item", param: "item", network: "item", model: "item", guide: "item", train: "item",
  global: "statement", local: "statement", auto: "statement", marginalize: "statement", chain: "statement", each: "statement",
  maximize: "statement", observe: "statement",
  from: "joint", where: "joint", on: "joint", in: "joint", by: "joint", subject: "joint", to: "joint", dropout: "joint", autoregressive: "joint",
} as const;

export type Keyword = keyof typeof keywordRoles;

const keywordNames = Object.keys(keywordRoles) as readonly Keyword[];

/** A token type for each keyword; the lexer finds words, and `lex` gives keywords their type. */
export const keywords = Object.fromEntries(
  keywordNames.map((word) => [word, createToken({ name: `keyword_${word}`, pattern: Lexer.NA, label: `\`${word}\``, categories: Identifier })]),
) as Readonly<Record<Keyword, TokenType>>;

export const keywordByWord: ReadonlyMap<string, TokenType> = new Map(keywordNames.map((word) => [word, keywords[word]]));

// ── Signs, longer ones first ───────────────────────────────────────────────────────────────────────────────────────

export const Arrow = sign("Arrow", "->");
export const Pipe = sign("Pipe", "|>");
export const DotDot = sign("DotDot", "..");
export const LessEqual = sign("LessEqual", "<=");
export const GreaterEqual = sign("GreaterEqual", ">=");
export const EqualEqual = sign("EqualEqual", "==");
export const NotEqual = sign("NotEqual", "!=");
export const Less = sign("Less", "<");
export const Greater = sign("Greater", ">");
export const Equals = sign("Equals", "=");
export const Tilde = sign("Tilde", "~");
export const Plus = sign("Plus", "+");
export const Minus = sign("Minus", "-");
export const Star = sign("Star", "*");
export const Slash = sign("Slash", "/");
export const At = sign("At", "@");
export const Caret = sign("Caret", "^");
export const Bar = sign("Bar", "|");
export const Comma = sign("Comma", ",");
export const Colon = sign("Colon", ":");
export const Dot = sign("Dot", ".");
export const Question = sign("Question", "?");
export const LeftParenthesis = sign("LeftParenthesis", "(");
export const RightParenthesis = sign("RightParenthesis", ")");
export const LeftBracket = sign("LeftBracket", "[");
export const RightBracket = sign("RightBracket", "]");
export const LeftBrace = sign("LeftBrace", "{");
export const RightBrace = sign("RightBrace", "}");

export const brackets = [
  [LeftParenthesis, RightParenthesis],
  [LeftBracket, RightBracket],
  [LeftBrace, RightBrace],
] as const;

const signs = [
  Arrow, Pipe, DotDot, LessEqual, GreaterEqual, EqualEqual, NotEqual, Less, Greater, Equals, Tilde, Plus, Minus, Star, Slash, At,
  Caret, Bar, Comma, Colon, Dot, Question,
];
const bracketSigns = brackets.flat();

// ── Comments and space ─────────────────────────────────────────────────────────────────────────────────────────────

const Space = custom("Space", "\\s+", { label: "space", group: Lexer.SKIPPED, lineBreaks: true });
export const CommentToken = custom("Comment", "//[^\\r\\n]*", { label: "a comment", group: "comments" });

// ── What is not the language, read so that one mistake stays one message ───────────────────────────────────────────

export const HashComment = custom("HashComment", "#[^\\r\\n]*", { label: "a comment", group: "comments" });
export const BlockComment = createToken({
  name: "BlockComment",
  pattern: {
    exec: (text: string, offset: number): CustomPatternMatcherReturn | null => {
      if (!text.startsWith("/*", offset)) return null;
      const end = text.indexOf("*/", offset + 2);
      return [text.slice(offset, end < 0 ? text.length : end + 2)];
    },
  },
  label: "a comment",
  group: "comments",
  line_breaks: true,
});
export const BadNumber = custom(
  "BadNumber",
  // `0x1F`, `1__0`, `1e`, `28x28`; `1.` unless a range follows; `.5`.
  "[0-9][\\p{L}\\p{N}_]*(?:\\.(?!\\.)[\\p{L}\\p{N}_]*)*|\\.[0-9][\\p{L}\\p{N}_]*(?:[eE][+-]?[0-9]+)?",
  { label: "a number", categories: NumberToken },
);
export const UnclosedString = custom("UnclosedString", '"(?:[^"\\\\\\r\\n]|\\\\[^\\r\\n])*\\\\?', { label: "a text", categories: StringToken });
export const QuotedString = custom("QuotedString", "'[^'\\r\\n]*'|[“”][^“”\\r\\n]*[“”]|[‘’][^‘’\\r\\n]*[‘’]", { label: "a text", categories: StringToken });

/** Signs of other languages and of typesetting, with the token that is meant (none: the sign is dropped). */
export const foreignSigns: Readonly<Record<string, { readonly means?: TokenType; readonly text: string }>> = {
  "**": { means: Caret, text: "^" },
  ":=": { means: Equals, text: "=" },
  "+=": { means: Equals, text: "=" },
  "===": { means: EqualEqual, text: "==" },
  "=>": { means: Arrow, text: "->" },
  ".*": { means: Star, text: "*" },
  "./": { means: Slash, text: "/" },
  "%*%": { means: At, text: "@" },
  "...": { means: DotDot, text: ".." },
  ";": { text: "" },
  "−": { means: Minus, text: "-" },
  "–": { means: Minus, text: "-" },
  "×": { means: Star, text: "*" },
  "·": { means: Star, text: "*" },
  "÷": { means: Slash, text: "/" },
  "≤": { means: LessEqual, text: "<=" },
  "≥": { means: GreaterEqual, text: ">=" },
  "≠": { means: NotEqual, text: "!=" },
  "∼": { means: Tilde, text: "~" },
  "→": { means: Arrow, text: "->" },
  "…": { means: DotDot, text: ".." },
  "，": { means: Comma, text: "," },
  "；": { text: "" },
  "：": { means: Colon, text: ":" },
  "（": { means: LeftParenthesis, text: "(" },
  "）": { means: RightParenthesis, text: ")" },
};
const escaped = Object.keys(foreignSigns).map((text) => text.replace(/[*+.^|/]/g, "\\$&"));
export const ForeignSign = custom("ForeignSign", escaped.join("|"), { label: "a sign" });
const oddSigns = Object.keys(foreignSigns).filter((text) => text > "~").join("") + "“”‘’";
export const BadCharacter = custom("BadCharacter", `[^\\s!-~\\p{L}\\p{N}${oddSigns}]+|[^]`, { label: "a character" });

/** Every token the lexer looks for, in the order in which it looks. */
export const lexed: readonly TokenType[] = [
  Space, Identifier, NumberToken, ...bracketSigns, CommentToken, BlockComment, StringToken, BadNumber, ForeignSign, ...signs,
  HashComment, UnclosedString, QuotedString, BadCharacter,
];

export const vocabulary: readonly VocabularyEntry[] = [
  ...keywordNames.map((word) => ({ name: word, pattern: `\\b${word}\\b`, category: "keyword" as const })),
  { name: "DocComment", pattern: "///[^\\r\\n]*", category: "comment" },
  { name: "Comment", pattern: "//[^\\r\\n]*", category: "comment" },
  { name: "Identifier", pattern: wordPattern, category: "identifier" },
  { name: "Number", pattern: numberPattern, category: "number" },
  { name: "String", pattern: stringPattern, category: "string" },
  ...[...signs, ...bracketSigns].map((type) => ({
    name: type.name,
    pattern: String(type.PATTERN).replace(/[*+.?^|()[\]{}]/g, "\\$&"),
    category: bracketSigns.includes(type) ? ("bracket" as const) : type === Comma || type === Colon || type === Dot ? ("punctuation" as const) : ("operator" as const),
  })),
];

export function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}
