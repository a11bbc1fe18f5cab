import { EOF, type IToken } from "chevrotain";
import type { Diagnostic, Fix } from "../diagnostics/diagnostic.js";
import type { SourceFile, Span } from "../diagnostics/span.js";
import { syntaxError } from "./syntax-error.js";
import * as t from "./tokens.js";

/** What the grammar says about a part that it could not read. */
export interface GrammarError {
  readonly token: IToken;
  readonly previous?: IToken;
  /** Description of what could stand here, or empty where anything before was complete. */
  readonly expected: string;
  readonly production: string;
}

/** Makes the message for the first error of a statement or a declaration's head. */
export function explainError(source: SourceFile, tokens: readonly IToken[], error: GrammarError): Diagnostic {
  const spanOf = (token: IToken): Span => ({ source, start: token.startOffset, end: t.endOf(token) });
  const first = tokens[0];
  const position = error.token.tokenType === EOF ? tokens.length : tokens.indexOf(error.token);
  const previous = tokens[position - 1];
  const next = tokens[position + 1];
  const after = tokens[position];
  const expected = expectation(error);

  if (!after) {
    const last = previous ?? first;
    const span = last ? spanOf(last) : { source, start: 0, end: 0 };
    const word = last ? `\`${short(last.image)}\`` : "this";
    if (error.expected === "an expression") {
      return syntaxError("LVM1002", `an expression is missing after ${word}`, span, {
        label: "a value should follow",
        help: helpAfter(last),
      });
    }
    if (error.production === "assignment" && error.expected === "`=` or `~`") return loneExpression(tokens, spanOf);
    return syntaxError("LVM1016", `${expected} is missing after ${word}`, span, { label: `${expected} should follow`, help: howTo(error) });
  }

  const span = spanOf(after);
  const found = `\`${short(after.image)}\``;
  const hint = hintFor(first?.image ?? "", after, previous, next, error, spanOf);
  if (hint) return syntaxError(hint.code ?? "LVM1001", hint.message ?? `unexpected ${found}`, hint.span ?? span, { label: hint.label, help: hint.help, ...(hint.fixes ? { fixes: hint.fixes } : {}) });

  const follows = previous?.tokenType;
  const emptyPart = after.tokenType === t.Comma && (follows === t.Comma || follows === t.LeftParenthesis || follows === t.LeftBracket);
  if (error.expected === "an expression" || emptyPart) {
    const closes = after.tokenType === t.RightParenthesis || after.tokenType === t.RightBracket || after.tokenType === t.Comma || after.tokenType === t.RightBrace;
    if (previous && (closes || after.startLine !== previous.endLine)) {
      return syntaxError("LVM1002", `an expression is missing after \`${short(previous.image)}\``, closes ? span : spanOf(previous), {
        label: closes ? `a value should stand before this` : "a value should follow",
        help: helpAfter(previous),
      });
    }
    return syntaxError("LVM1002", `an expression is expected, but here is ${found}`, span, {
      label: "a value should stand here",
      help: t.keywordByWord.has(after.image) ? `${found} is a word of the language` : "an expression is a number, a name, a call, or one in parentheses",
    });
  }
  if (isComparableName(previous) && isComparableName(after) && (error.production === "call" || error.production === "index" || error.production === "array" || error.production === "columns" || error.production === "type")) {
    return missingComma(after, previous, span);
  }
  if (error.expected === "" || error.production === "statement" || error.production === "trainStatement") {
    return syntaxError("LVM1001", `unexpected ${found}`, span, {
      label: previous ? `this cannot follow \`${short(previous.image)}\`` : "a statement cannot begin with this",
      help: previous ? "is an operator or a comma missing before it?" : "a statement is `name = value` or `name ~ Distribution(…)`",
    });
  }
  if (error.production === "call" || error.production === "index" || error.production === "array" || error.production === "columns" || error.production === "parenthesized") {
    if (previous && error.production !== "parenthesized" && startsValue(after)) return missingComma(after, previous, span);
  }
  return syntaxError("LVM1001", `${expected} is expected, but here is ${found}`, span, { label: `${expected} should stand here`, help: howTo(error) });

  function missingComma(token: IToken, before: IToken, place: Span): Diagnostic {
    const end = t.endOf(before);
    return syntaxError("LVM1001", `unexpected \`${short(token.image)}\``, place, {
      label: `a comma is missing before this`,
      help: "separate the parts with commas",
      fixes: [{ title: "Insert a comma", edits: [{ span: { source, start: end, end }, text: "," }] }],
    });
  }
}

/** What to do where a value is missing after a token. */
function helpAfter(last: IToken | undefined): string {
  if (last?.tokenType === t.Pipe) return "write the next layer, or remove the `|>`";
  if (last?.tokenType === t.Comma) return "write the next value, or remove the comma";
  return last ? `write a value after \`${short(last.image)}\`` : "write a value";
}

interface Hint {
  readonly label: string;
  readonly help: string;
  readonly message?: string;
  readonly code?: "LVM1001" | "LVM1012" | "LVM1006";
  readonly span?: Span;
  readonly fixes?: readonly Fix[];
}

/** Mistakes that people who come from other languages make. */
function hintFor(head: string, token: IToken, previous: IToken | undefined, next: IToken | undefined, error: GrammarError, spanOf: (token: IToken) => Span): Hint | undefined {
  const type = token.tokenType;
  const type2 = next?.tokenType;
  if (type === t.Less && type2 === t.Minus && error.production === "assignment" && next) {
    const span = { ...spanOf(token), end: t.endOf(next) };
    return {
      code: "LVM1012",
      message: "`<-` is not a sign of this language",
      span,
      label: "write `=` or `~`",
      help: "`name = value` names a value, `name ~ Distribution(…)` draws",
      fixes: [{ title: "Write `~`", edits: [{ span, text: "~" }] }, { title: "Write `=`", edits: [{ span, text: "=" }], choice: true }],
    };
  }
  if (type === t.EqualEqual && error.production === "assignment") {
    return { label: "`==` compares", help: "write `=` to name a value", fixes: [{ title: "Write `=`", edits: [{ span: spanOf(token), text: "=" }] }] };
  }
  if (type === t.Tilde && error.production !== "assignment") return { label: "a draw is a statement of its own", help: "write `name ~ Distribution(…)` on its own line" };
  if (type === t.Equals && (error.production === "statement" || error.production === "trainStatement") && previous === undefined) return { label: "a name is missing before this", help: "write `name = value`" };
  if (type === t.Equals && (error.expected === "" || error.production === "index" || error.production === "parenthesized" || error.production === "array")) {
    return { label: "`=` stands after a name at the beginning of a statement, or after an argument's name", help: "write `==` to compare, or give the value its own statement" };
  }
  if (type === t.Bar && error.expected !== "an expression") return { label: "a condition stands in `guide(a | b)` only", help: "write `|>` to pipe a value into a layer", fixes: [{ title: "Write `|>`", edits: [{ span: spanOf(token), text: "|>" }] }] };
  if (type === t.Tilde && previous?.tokenType === t.Equals) return { label: "either `=` or `~`", help: "`=` names a value, `~` draws from a distribution" };
  if (type === t.Question) return { label: "`?` stands after a column's type", help: "write `y: index(10)?` in the model's columns" };
  if (type === t.Arrow && head === "model") return { label: "a model has no outputs", help: "columns that stand on the left of `~` are what a model describes" };
  if (type === t.Colon && error.production === "guideHead") return { label: "braces hold the statements", help: "write `guide name { … }`" };
  if (type === t.Plus && error.expected === "an expression") return { label: "there is no unary `+`", help: "leave it out" };
  const bracket = type === t.LeftParenthesis || type === t.LeftBracket;
  if (bracket && (previous === undefined || (previous.endLine !== token.startLine && error.expected === ""))) {
    return { label: "a statement cannot begin with a bracket", help: "to call or to index, put it on the line before; each value is named on its own" };
  }
  if (previous?.tokenType === t.NumberToken && t.keywordByWord.get(token.image) === undefined && type === t.Identifier && previous.startLine === token.startLine && error.expected === "") {
    return { label: `this cannot follow \`${short(previous.image)}\``, help: "write `*` to multiply" };
  }
  return undefined;
}

function loneExpression(tokens: readonly IToken[], spanOf: (token: IToken) => Span): Diagnostic {
  const first = tokens[0];
  const last = tokens.at(-1);
  const name = first?.image ?? "";
  const span = first && last ? { ...spanOf(first), end: t.endOf(last) } : { source: { path: "", text: "" }, start: 0, end: 0 };
  return syntaxError("LVM1016", "`=` or `~` is missing", span, {
    label: `what is \`${short(name)}\`?`,
    help: `write \`${short(name)} = value\` or \`${short(name)} ~ Distribution(…)\``,
  });
}

function startsValue(token: IToken): boolean {
  const type = token.tokenType;
  return type === t.NumberToken || type === t.StringToken || type === t.LeftParenthesis || type === t.LeftBracket || isComparableName(token);
}

function isComparableName(token: IToken | undefined): token is IToken {
  return token !== undefined && (token.tokenType === t.Identifier || t.keywordByWord.has(token.image));
}

function expectation(error: GrammarError): string {
  if (error.production === "columns" && error.expected === "`:`") return "a type (`: real[2]`)";
  return error.expected === "" ? "the end of the statement" : error.expected;
}

const forms: Readonly<Record<string, string>> = {
  importItem: '`import name, name from "file.lvm"`',
  constItem: "`const NAME = value`",
  paramItem: "`param name: real[D] = 0`",
  networkHead: "`network name(x: real[D]) -> (y: real[K]) { … }`",
  modelHead: "`model name(x: real[D]) { … }`",
  guideHead: "`guide name { … }`",
  trainHead: "`train name { … }`",
  loopHead: "`each t in 1..T { … }`",
  auto: "`auto mean_field z, w`",
  marginalize: "`marginalize k`",
  local: "`local mean: real[20] = 0`",
  assignment: "`name = value` or `name: type ~ Distribution(…)`",
  column: "`x: real[28, 28]`",
  columns: "`(x: real[28, 28], y: index(10))`",
  type: "`real[28, 28]` or `index(10)`",
  names: "names with commas between them",
  maximize: "`maximize elbo subject to kl(z) <= 20`",
  setting: "`name = value`",
  call: "`name(1, scale = 2)`",
  index: "`x[i, j]`",
  array: "`[1, 2, 3]`",
  member: "`q.mean`",
};

function howTo(error: GrammarError): string {
  const form = forms[error.production];
  return form ? `the form is ${form}` : "look at what stands before it";
}

function short(text: string): string {
  const visible = text.replace(/\s+/g, " ");
  return visible.length > 30 ? `${visible.slice(0, 29)}…` : visible;
}
