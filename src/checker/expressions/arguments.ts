import { choice, removalFromList, replacement } from "../../diagnostics/fix.js";
import { suggest } from "../../diagnostics/suggest.js";
import { textOf, type Span } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import type { Expr } from "../../ir/model/model.js";
import type { Size } from "../../types/type.js";
import { evaluateConstant, evaluateSize, evaluateSizes } from "../constants.js";
import type { Context } from "../context.js";
import type { BoundCall, CallParameter } from "../functions/function-rule.js";
import type { Scope } from "../scope.js";
import { describeName } from "./names.js";

/** How the parts of an expression are elaborated: `elaborate`, handed down so that the files of this folder form no circle. */
export type Elaborate = (expression: ast.Expression) => Expr | undefined;

/** How a call of it is written: `conv2d(channels, kernel, stride = 1)`. */
export function printCall(name: string, parameters: readonly CallParameter[], piped = false): string {
  const shown = parameters.filter((_, at) => !(piped && at === 0));
  const parts = shown.map((parameter) => {
    if (parameter.kind === "values" || parameter.kind === "sizes") return `${parameter.name}…`;
    if (parameter.default === undefined) return parameter.optional ? `${parameter.name} = …` : parameter.name;
    return `${parameter.name} = ${typeof parameter.default === "string" ? `"${parameter.default}"` : parameter.default}`;
  });
  return parts.length > 0 ? `${name}(${parts.join(", ")})` : name;
}

const many = (parameter: CallParameter): boolean => parameter.kind === "values" || parameter.kind === "sizes";
const computed = (parameter: CallParameter): boolean => parameter.kind === "value" || parameter.kind === "values" || parameter.kind === "label";

/**
 * Puts the arguments of a call to a function's or layer's parameters, by position or by name, and evaluates those that must be constant.
 * Every argument is looked at, so that each mistake gets its message; undefined when there was one.
 */
export function bindArguments(context: Context, scope: Scope, name: string, parameters: readonly CallParameter[], args: readonly ast.Argument[], span: Span, callee: Span, elaborate: Elaborate): BoundCall | undefined {
  const given = assign(context, name, parameters, args, span);
  const places = new Map<string, Span>();
  const values: Expr[] = [];
  const numbers: Record<string, number | undefined> = {};
  const words: Record<string, string | boolean | undefined> = {};
  const sizes: Record<string, readonly Size[]> = {};
  let fine = given !== undefined;
  // What is piped in has mistakes of its own.
  if (!given && args[0]) elaborate(args[0].value);
  const describe = (each: string): string | undefined => describeName(context, scope, each);
  for (const parameter of parameters) {
    const found = given?.get(parameter.name) ?? [];
    const [first] = found;
    if (!first) {
      if (typeof parameter.default === "number") numbers[parameter.name] = parameter.default;
      else words[parameter.name] = parameter.default;
      continue;
    }
    const last = found[found.length - 1] ?? first;
    places.set(parameter.name, first.value.span.source === last.value.span.source ? { ...first.value.span, end: Math.max(first.value.span.end, last.value.span.end) } : first.value.span);
    if (computed(parameter)) {
      const exprs = found.map((argument) => elaborate(argument.value));
      for (const expr of exprs) {
        if (!expr || (parameter.kind !== "label" && !requireNumber(context, expr, name))) fine = false;
        else values.push(expr);
      }
      continue;
    }
    switch (parameter.kind) {
      case "size": {
        const size = evaluateSize(context, first.value, { describe });
        if (!size) fine = false;
        else {
          numbers[parameter.name] = size.value;
          sizes[parameter.name] = [size];
        }
        break;
      }
      case "sizes": {
        const all = evaluateSizes(context, found.map((argument) => argument.value), { describe });
        if (all) sizes[parameter.name] = all;
        else fine = false;
        break;
      }
      case "number":
      case "axis": {
        const value = evaluateConstant(context, first.value, describe);
        if (value === undefined || !withinBounds(context, name, parameter, value, first.value.span)) fine = false;
        else numbers[parameter.name] = value;
        break;
      }
      default: {
        const word = readWord(context, parameter, first.value);
        if (word === undefined) fine = false;
        else words[parameter.name] = word;
      }
    }
  }
  if (!fine) return undefined;
  return { context, name, span, callee, args: values, numbers, words, sizes, at: (parameter) => places.get(parameter) ?? span };
}

/** Arguments by parameter, in order; undefined when they do not fit. Arguments that fit nowhere are still elaborated by nobody: one message. */
function assign(context: Context, name: string, parameters: readonly CallParameter[], args: readonly ast.Argument[], span: Span): Map<string, ast.Argument[]> | undefined {
  const given = new Map<string, ast.Argument[]>();
  let fine = true;
  let at = 0;
  for (const argument of args) {
    if (argument.name) {
      const wanted = argument.name.name;
      const parameter = parameters.find((each) => each.name === wanted);
      if (!parameter) {
        unknownArgument(context, name, argument.name, parameters.map((each) => each.name), `write \`${printCall(name, parameters)}\``);
        fine = false;
      } else if (given.has(wanted)) {
        context.error({ code: "LVM3007", message: `\`${wanted}\` is given twice`, span: argument.span, label: "the second time", related: [{ span: given.get(wanted)?.[0]?.span ?? span, text: "the first" }], help: "remove one of them", fixes: [choice(removalFromList(argument.span, "Remove the second"))] });
        fine = false;
      } else given.set(wanted, [argument]);
      continue;
    }
    while (at < parameters.length && given.has(parameters[at]?.name ?? "") && !many(parameters[at]!)) at += 1;
    const parameter = parameters[at];
    if (!parameter) {
      context.error({ code: "LVM3007", message: `too many arguments for \`${name}\``, span: argument.span, label: "one too many", help: `write \`${printCall(name, parameters)}\``, fixes: [choice(removalFromList(argument.span, "Remove this argument"))] });
      fine = false;
      break;
    }
    const list = given.get(parameter.name);
    if (list) list.push(argument);
    else given.set(parameter.name, [argument]);
    if (!many(parameter)) at += 1;
  }
  const missing = parameters.filter((parameter) => !given.has(parameter.name) && parameter.default === undefined && !parameter.optional);
  if (fine && missing.length > 0) {
    context.error({
      code: "LVM3007",
      message: `\`${name}\` needs ${missing.map((parameter) => `\`${parameter.name}\``).join(" and ")}`,
      span,
      label: `${missing.length > 1 ? "arguments are" : "an argument is"} missing`,
      notes: missing.map((parameter) => `\`${parameter.name}\`: ${parameter.doc}`),
      help: `write \`${printCall(name, parameters)}\``,
    });
    return undefined;
  }
  return fine ? given : undefined;
}

/** A named argument that does not exist, with a suggestion. */
export function unknownArgument(context: Context, callee: string, name: ast.Identifier, known: readonly string[], help: string): void {
  const similar = suggest(name.name, known);
  context.error({
    code: "LVM2011",
    message: `\`${callee}\` has no parameter \`${name.name}\``,
    span: name.span,
    label: "not one of its parameters",
    notes: known.length > 0 ? [`its parameters: ${known.map((each) => `\`${each}\``).join(", ")}`] : ["it takes no arguments"],
    help: similar ? `did you mean \`${similar}\`?` : help,
    fixes: similar ? [replacement(name.span, similar)] : undefined,
  });
}

/** Arithmetic on labels has no meaning. False (reported) for a value of an index type. */
export function requireNumber(context: Context, expr: Expr, callee: string): boolean {
  if (expr.type.support.kind !== "index") return true;
  const text = textOf(expr.origin);
  context.error({
    code: "LVM3021",
    message: `\`${callee}\` takes numbers, and this is a label`,
    span: expr.origin,
    label: `an index(${expr.type.support.size})`,
    help: `make a vector of it: \`one_hot(${text.length < 20 ? text : "…"})\`, or look it up in a table: \`table[${text.length < 20 ? text : "…"}]\``,
    fixes: [{ title: "Wrap in `one_hot`", edits: [{ span: expr.origin, text: `one_hot(${text})` }] }],
  });
  return false;
}

function withinBounds(context: Context, name: string, parameter: CallParameter, value: number, span: Span): boolean {
  const { from = -Infinity, to = Infinity } = parameter;
  const whole = parameter.kind !== "axis" || Number.isInteger(value);
  if (value >= from && value <= to && whole) return true;
  const bounds = !whole ? "a whole number" : from === -Infinity ? `at most ${to}` : to === Infinity ? `at least ${from}` : `between ${from} and ${to}`;
  context.error({ code: "LVM3016", message: `\`${parameter.name}\` of \`${name}\` must be ${bounds}`, span, label: `this is ${value}`, help: `${parameter.doc}: ${bounds}` });
  return false;
}

function readWord(context: Context, parameter: CallParameter, value: ast.Expression): string | boolean | undefined {
  if (value.kind === "missing") return undefined;
  if (parameter.kind === "flag") {
    if (value.kind === "name" && (value.name === "true" || value.name === "false")) return value.name === "true";
    context.error({ code: "LVM3016", message: `\`${parameter.name}\` is \`true\` or \`false\``, span: value.span, label: "neither", help: `write \`${parameter.name} = false\`` });
    return undefined;
  }
  const choices = parameter.choices ?? [];
  const word = value.kind === "string" ? value.value : value.kind === "name" ? value.name : undefined;
  if (word !== undefined && choices.includes(word)) return word;
  context.error({ code: "LVM3016", message: `\`${parameter.name}\` is ${choices.map((choice) => `"${choice}"`).join(" or ")}`, span: value.span, label: "none of these", help: `write \`${parameter.name} = "${choices[0] ?? ""}"\`` });
  return undefined;
}
