import type { IToken } from "chevrotain";
import { isName } from "../../parser/segment.js";
import * as t from "../../parser/tokens.js";
import type { Bracket, Cursor } from "../cursor.js";
import { type Realm, realmBehind } from "../vocabulary.js";

const { keywords: k } = t;

/** What may be written at a cursor, by the words before it alone. */
export type Situation =
  | { readonly kind: "nothing" }
  /** Between items. */
  | { readonly kind: "item" }
  | { readonly kind: "import names" }
  /** Within the quotes of an import; `start`: behind the first. */
  | { readonly kind: "import path"; readonly start: number }
  /** The model of a guide or train block. */
  | { readonly kind: "model"; readonly of: "guide" | "train" | "stage" }
  /** Words that may go on with a complete part: `by`, `subject to`. */
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "type"; readonly of: "column" | "latent" | "learnt" | "network" }
  | { readonly kind: "size" }
  | { readonly kind: "statement"; readonly of: "network" | "model" | "guide" | "train" }
  | { readonly kind: "distribution" }
  | { readonly kind: "pipe" }
  /** Behind a point; `target`: the word before it. */
  | { readonly kind: "member"; readonly target: IToken | undefined; readonly stage: boolean }
  | { readonly kind: "estimator" }
  | { readonly kind: "family" }
  | { readonly kind: "sites"; readonly of: "auto" | "marginalize" }
  | { readonly kind: "objective" }
  | { readonly kind: "constraint" }
  | { readonly kind: "observe" }
  | { readonly kind: "setting"; readonly name: string }
  /** A value; `call`: as an argument of this one, whose name may be written first where `fresh`. */
  | { readonly kind: "expression"; readonly realm: Realm; readonly call?: Bracket; readonly fresh: boolean };

const nothing: Situation = { kind: "nothing" };
const words = (...given: readonly string[]): Situation => ({ kind: "words", words: given });

const closers: ReadonlySet<unknown> = new Set([t.RightParenthesis, t.RightBracket, t.RightBrace, t.Question, t.NumberToken, t.BadNumber, t.StringToken, t.UnclosedString, t.QuotedString]);
/** Behind these a value is complete. */
const endsValue = (token: IToken | undefined): boolean => token !== undefined && (closers.has(token.tokenType) || isName(token));

export function situationAt(cursor: Cursor): Situation {
  const { place, head, blocks } = cursor;
  if (place.kind === "quoted") return head[0]?.tokenType === k.import || head.some(({ tokenType }) => tokenType === k.from) ? { kind: "import path", start: place.start } : nothing;
  if (place.kind === "none") return nothing;
  const last = head.at(-1);
  if (last?.tokenType === t.Dot) return { kind: "member", target: beforeBrackets(head, head.length - 2), stage: blocks.length === 0 };
  return blocks.length === 0 ? headSituation(cursor, last) : statementSituation(cursor, last);
}

/** The name before a point; of `f(x).`, the name that is called. */
function beforeBrackets(head: readonly IToken[], at: number): IToken | undefined {
  let index = at;
  for (let depth = 0; index >= 0; index -= 1) {
    const type = head[index]?.tokenType;
    if (type === t.RightParenthesis || type === t.RightBracket) depth += 1;
    else if (type === t.LeftParenthesis || type === t.LeftBracket) depth -= 1;
    if (depth === 0 && isName(head[index])) return head[index];
    if (depth <= 0 && type !== t.LeftParenthesis && type !== t.LeftBracket) return undefined;
  }
  return undefined;
}

function headSituation(cursor: Cursor, last: IToken | undefined): Situation {
  const { head, brackets } = cursor;
  const [first] = head;
  const has = (type: IToken["tokenType"]): boolean => head.some(({ tokenType }) => tokenType === type);
  if (!first) return { kind: "item" };
  switch (first.tokenType) {
    case k.import:
      if (last === first || last?.tokenType === t.Comma) return { kind: "import names" };
      return has(k.from) ? nothing : words("from");
    case k.const:
      return has(t.Equals) ? expression(cursor, last) : nothing;
    case k.param:
      if (has(t.Equals)) return expression(cursor, last);
      return typeSituation(cursor, last, "learnt");
    case k.network:
    case k.model: {
      const model = first.tokenType === k.model;
      if (has(k.where)) return nothing;
      if (brackets.length === 0) return model && last?.tokenType === t.RightParenthesis ? words("where") : nothing;
      if (brackets.length === 1 && endsValue(last) && model && hasColonInLastColumn(brackets[0]!)) return words("dropout");
      return typeSituation(cursor, last, model ? "column" : "network");
    }
    case k.guide:
    case k.train:
      if (head.length === 1) return { kind: "model", of: first.tokenType === k.guide ? "guide" : "train" };
      if (first.tokenType === k.guide) return nothing;
      return last?.tokenType === k.on ? { kind: "model", of: "stage" } : head.length === 2 ? words("on") : nothing;
    default:
      return nothing;
  }
}

const hasColonInLastColumn = ({ args }: Bracket): boolean => args.at(-1)?.some(({ tokenType }) => tokenType === t.Colon) ?? false;

function statementSituation(cursor: Cursor, last: IToken | undefined): Situation {
  const { head, blocks } = cursor;
  const item = blocks[0]?.[0]?.tokenType;
  const of = item === k.network ? "network" : item === k.model ? "model" : item === k.guide ? "guide" : item === k.train ? "train" : undefined;
  if (!of) return nothing;
  if (head.length === 0) return { kind: "statement", of };
  return of === "train" ? trainSituation(cursor, last) : bodySituation(cursor, last, of);
}

function trainSituation(cursor: Cursor, last: IToken | undefined): Situation {
  const { head, brackets } = cursor;
  const [first] = head;
  const behindTo = head.findIndex(({ tokenType }) => tokenType === k.to);
  switch (first?.tokenType) {
    case k.maximize:
      if (last === first) return { kind: "objective" };
      if (last?.tokenType === k.subject) return words("to");
      if (behindTo < 0) return brackets.length > 0 ? expression(cursor, last) : endsValue(last) ? words("subject to") : nothing;
      if (brackets.length === 0) return last?.tokenType === k.to || last?.tokenType === t.Comma ? { kind: "constraint" } : nothing;
      return expression(cursor, last);
    case k.observe:
      if (head[1]?.tokenType === t.Equals) break;
      return last === first ? { kind: "observe" } : nothing;
    default:
  }
  if (last?.tokenType === t.Equals && head.length === 2) return { kind: "setting", name: first!.image };
  return expression(cursor, last);
}

function bodySituation(cursor: Cursor, last: IToken | undefined, of: "network" | "model" | "guide"): Situation {
  const { head, brackets } = cursor;
  const [first, second] = head;
  const outer = brackets.length === 0;
  const has = (type: IToken["tokenType"]): boolean => head.some(({ tokenType }) => tokenType === type);
  const plain = second?.tokenType !== t.Equals && second?.tokenType !== t.Tilde && second?.tokenType !== t.Colon && second?.tokenType !== t.LeftBracket;
  if (plain && first?.tokenType === k.auto) {
    if (last === first) return { kind: "family" };
    if (!outer) return expression(cursor, last);
    return last?.tokenType === t.Comma || head.filter(({ tokenType }) => tokenType === t.Comma).length === 0 && isFamilyEnd(head) ? { kind: "sites", of: "auto" } : nothing;
  }
  if (plain && first?.tokenType === k.marginalize) return last === first || last?.tokenType === t.Comma ? { kind: "sites", of: "marginalize" } : nothing;
  if (plain && (first?.tokenType === k.chain || first?.tokenType === k.each)) return has(k.in) ? (last?.tokenType === k.in || !endsValue(last) ? { kind: "expression", realm: "constant", fresh: false } : nothing) : head.length === 2 ? words("in") : nothing;
  if (plain && first?.tokenType === k.global && head.length === 1) return nothing;
  if (last?.tokenType === t.Pipe) return { kind: "pipe" };
  const realm = realmBehind(cursor.blocks, head);
  if (realm === "distribution") return { kind: "distribution" };
  if (last?.tokenType === k.by && has(t.Tilde)) return { kind: "estimator" };
  if (has(t.Colon) && !has(t.Tilde) && !has(t.Equals)) return typeSituation(cursor, last, first?.tokenType === k.local ? "learnt" : "latent");
  if (outer && endsValue(last)) return has(t.Tilde) && of === "guide" && !has(k.by) ? words("by") : nothing;
  if (!has(t.Tilde) && !has(t.Equals)) return brackets.at(-1)?.open.tokenType === t.LeftBracket ? expression(cursor, last) : nothing;
  return expression(cursor, last);
}

/** `auto mean_field ` and `auto low_rank(3) `: the latents come next. */
function isFamilyEnd(head: readonly IToken[]): boolean {
  return head.length === 2 || (head.at(-1)?.tokenType === t.RightParenthesis && head[2]?.tokenType === t.LeftParenthesis);
}

function typeSituation({ brackets }: Cursor, last: IToken | undefined, of: Extract<Situation, { kind: "type" }>["of"]): Situation {
  if (last?.tokenType === t.Colon) return { kind: "type", of };
  const inner = brackets.at(-1);
  const sizes = inner?.open.tokenType === t.LeftBracket || (inner?.callee !== undefined && inner.callee.image !== "" && (inner.callee.image === "index" || inner.callee.image === "interval"));
  return sizes && !endsValue(last) ? { kind: "size" } : nothing;
}

/** A value, where one is missing: behind an operator, a bracket, a comma. */
function expression(cursor: Cursor, last: IToken | undefined): Situation {
  if (endsValue(last) && !(last && isJoint(last))) return nothing;
  const { head, blocks, brackets } = cursor;
  const inner = brackets.at(-1);
  if (inner?.open.tokenType === t.LeftBracket) {
    const before = head[head.indexOf(inner.open) - 1];
    if (before?.image === "zeros" || before?.image === "ones") return { kind: "size" };
  }
  const call = inner?.callee ? inner : undefined;
  return { kind: "expression", realm: realmBehind(blocks, head), ...(call ? { call } : {}), fresh: call?.args.at(-1)?.length === 0 };
}

const isJoint = ({ tokenType }: IToken): boolean => tokenType === k.to || tokenType === k.by || tokenType === k.in;
