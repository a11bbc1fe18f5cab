import type * as ast from "../../parser/ast.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import type { Span } from "../../diagnostics/span.js";
import type { Context } from "../context.js";
import { suggestion } from "./suggestion.js";
import { evaluateConstant } from "../constants.js";
import { choice as unasked, correction, removalFromList, replacement } from "../../diagnostics/fix.js";

/** A name or a call as it stands on the right of a setting: `adam`, `adam(rate = 1e-3)`. */
export interface Choice {
  readonly name: string;
  readonly span: Span;
  /** The span of the name alone. */
  readonly nameSpan: Span;
  readonly args: readonly ast.Argument[];
}

/** Reads `adam` or `adam(…)`; undefined for any other expression (the caller says what it expected). */
export function readChoice(expression: ast.Expression): Choice | undefined {
  if (expression.kind === "parenthesized") return readChoice(expression.expression);
  if (expression.kind === "name") return { name: expression.name, span: expression.span, nameSpan: expression.span, args: [] };
  if (expression.kind !== "call" || expression.callee.kind !== "name") return undefined;
  return { name: expression.callee.name, span: expression.span, nameSpan: expression.callee.span, args: expression.args };
}

/** Whether the parser has already spoken about some part of this expression. */
export function isMissing(expression: ast.Expression): boolean {
  return expression.kind === "missing" || (expression.kind === "call" && expression.callee.kind === "missing");
}

/**
 * Assigns arguments to option names: positional ones in the order of `names`, up to `positional` many. Unknown, repeated and
 * surplus arguments are reported; the others stand in the result.
 */
export function assignOptions(context: Context, choice: Choice, names: readonly string[], positional: number): ReadonlyMap<string, ast.Argument> {
  const given = new Map<string, ast.Argument>();
  let next = 0;
  for (const argument of choice.args) {
    const name = argument.name?.name ?? names[next++];
    if (!argument.name && (name === undefined || next > positional)) {
      context.error({
        code: "LVM5014",
        message: positional === 0 ? `\`${choice.name}\` takes its options by name` : `too many arguments for \`${choice.name}\``,
        span: argument.span,
        label: positional === 0 ? "this has no name" : `\`${choice.name}\` takes at most ${positional} without a name`,
        help: names.length > 0 ? `write \`${choice.name}(${names.map((option, at) => (at < positional ? option : `${option} = …`)).join(", ")})\`` : `write \`${choice.name}\` alone`,
        fixes: [unasked(removalFromList(argument.span, "Remove this argument"))],
      });
      continue;
    }
    if (name === undefined) continue;
    if (!names.includes(name)) {
      context.error({
        code: "LVM5005",
        message: `\`${choice.name}\` has no option \`${name}\``,
        span: argument.name?.span ?? argument.span,
        label: "unknown option",
        notes: [names.length > 0 ? `\`${choice.name}\` knows ${list(names)}` : `\`${choice.name}\` has no options`],
        help: suggestion(name, names) ?? (names.length > 0 ? "use one of these, or remove it" : `write \`${choice.name}\` alone`),
        fixes: [...((argument.name && correction(argument.name.span, name, names)) ?? []), unasked(removalFromList(argument.span, `Remove \`${name}\``))],
      });
      continue;
    }
    const earlier = given.get(name);
    if (earlier) {
      context.error({
        code: "LVM5003",
        message: `\`${name}\` is given twice`,
        span: argument.span,
        label: "given again",
        related: [{ span: earlier.span, text: "given here first" }],
        help: "remove one of the two",
        fixes: [removalFromList(argument.span, "Remove the second"), choiceOfFirst(earlier)],
      });
      continue;
    }
    given.set(name, argument);
  }
  return given;
}

/** Allowed values of a number. */
export interface NumberRange {
  readonly whole?: boolean;
  readonly atLeast?: number;
  readonly above?: number;
  readonly atMost?: number;
  readonly below?: number;
}

/** Value of a constant number within a range; reports and gives undefined otherwise. */
export function readNumber(context: Context, what: string, expression: ast.Expression, range: NumberRange): number | undefined {
  if (expression.kind === "string") {
    const number = Number(expression.value);
    const fixes = expression.value.trim() !== "" && Number.isFinite(number) ? [replacement(expression.span, String(number))] : undefined;
    context.error({ code: "LVM5004", message: `\`${what}\` is a number`, span: expression.span, label: "this is a text", help: `write for example \`${what} = 1\``, fixes });
    return undefined;
  }
  const value = evaluateConstant(context, expression);
  if (value === undefined) return undefined;
  const fits =
    Number.isFinite(value) &&
    (!range.whole || Number.isSafeInteger(value)) &&
    (range.atLeast === undefined || value >= range.atLeast) &&
    (range.above === undefined || value > range.above) &&
    (range.atMost === undefined || value <= range.atMost) &&
    (range.below === undefined || value < range.below);
  if (fits) return value;
  const nearest = nearestWithin(value, range);
  context.error({
    code: "LVM5010",
    message: `\`${what}\` must be ${printRange(range)}`,
    span: expression.span,
    label: `this is ${value}`,
    help: `give \`${what}\` ${printRange(range)}`,
    fixes: nearest === undefined ? undefined : [unasked(replacement(expression.span, String(nearest)))],
  });
  return undefined;
}

function choiceOfFirst(first: ast.Argument): Fix {
  return unasked(removalFromList(first.span, "Remove the first"));
}

/** The allowed number that is nearest; undefined where there is none, as above an open end. */
function nearestWithin(value: number, { whole, atLeast, above, atMost, below }: NumberRange): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  const rounded = whole ? Math.round(value) : value;
  const clamped = Math.min(Math.max(rounded, atLeast ?? -Infinity), atMost ?? Infinity);
  return (above !== undefined && clamped <= above) || (below !== undefined && clamped >= below) || (whole && !Number.isSafeInteger(clamped)) ? undefined : clamped;
}

function printRange(range: NumberRange): string {
  const low = range.atLeast !== undefined ? `of at least ${range.atLeast}` : range.above !== undefined ? `above ${range.above}` : "";
  const high = range.atMost !== undefined ? `of at most ${range.atMost}` : range.below !== undefined ? `below ${range.below}` : "";
  return [range.whole ? "a whole number" : "a number", [low, high].filter((part) => part !== "").join(" and ")].join(" ").trim();
}

/** "`a`, `b` and `c`" */
export function list(names: readonly string[], last = "and"): string {
  const quoted = names.map((name) => `\`${name}\``);
  if (quoted.length <= 1) return quoted.join("");
  return `${quoted.slice(0, -1).join(", ")} ${last} ${quoted[quoted.length - 1]}`;
}
