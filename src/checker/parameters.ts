import type * as ast from "../parser/ast.js";
import type { Label } from "../diagnostics/diagnostic.js";
import { choice, correction, replacement, withoutQuestionMark } from "../diagnostics/fix.js";
import type { Span } from "../diagnostics/span.js";
import type { Initializer, Parameter } from "../ir/model/model.js";
import { isDiscrete, printSupport, type Support } from "../types/support.js";
import { dims, elementCount, printType, type Type } from "../types/type.js";
import { evaluateConstant, evaluateConstantValue } from "./constants.js";
import type { Context } from "./context.js";
import { suggestion } from "./rules/suggestion.js";
import { elaborateType } from "./type-expressions.js";

/** `param loadings: real[D, K] = normal(0, 0.5)`: elaborates the parameters of a file. Their names must have been declared with `declareItem`. */
export function declareParameters(context: Context, items: readonly ast.ParamItem[]): void {
  for (const item of items) {
    const declared = { ...item.name.span, end: item.type.span.end };
    const type = learnableType(context, item.type, item.name, declared);
    if (!type) continue;
    const init = elaborateInitializer(context, type, item.init, { span: declared, text: `\`${item.name.name}\` is ${printType(type)}` });
    const parameter: Parameter = { name: item.name.name, type, perRow: false, trainable: true, init: init ?? { kind: "constant", value: 0 }, origin: item.span };
    context.parameterItems.set(item.name.name, { item, parameter });
    context.addParameter(parameter);
    context.hover.set(item.name, { span: item.name.span, what: "parameter", name: item.name.name, type, doc: item.doc, declared });
  }
}

/** The type of a `param` or `local`: continuous and always there. */
export function learnableType(context: Context, expression: ast.TypeExpression, name: ast.Identifier, declared: Span): Type | undefined {
  const type = elaborateType(context, expression, { subject: name.name, span: declared });
  if (!type) return undefined;
  if (expression.optional) {
    context.error({ code: "LVM3017", message: "only a column of a model can be partly observed", span: expression.span, label: "a parameter is always there", help: "remove the `?`", fixes: [withoutQuestionMark(expression.span)] });
  }
  if (!isDiscrete(type.support)) return type;
  context.error({
    code: "LVM4041",
    message: `\`${name.name}\` is learnt by gradients, so it cannot be discrete`,
    span: expression.span,
    label: `${printSupport(type.support)} values have no gradient`,
    help: "use a continuous type: `real`, `positive`, `unit`, `simplex[K]` …",
  });
  return undefined;
}

/** What a first value may call. */
export const calls = ["normal", "uniform", "identity"] as const;

/**
 * The initial value on the constrained scale: a number, an array of the parameter's shape, `normal(mean, scale)`, `uniform(low, high)` or
 * `identity`; without one, a value in the middle of the support (small and random for arrays of reals, so that their entries differ).
 */
export function elaborateInitializer(context: Context, type: Type, expression: ast.Expression | undefined, declared: Label): Initializer | undefined {
  if (!expression) return defaultInitializer(type);
  const wrong = (message: string, label: string, help: string, span = expression.span, meant?: string): undefined => {
    const { text } = expression.span.source;
    const before = /\s*=\s*$/.exec(text.slice(0, expression.span.start))?.[0].length ?? 0;
    const fixes = [...(meant === undefined ? [] : [replacement(span, meant)]), ...(before > 0 ? [choice(replacement({ ...expression.span, start: expression.span.start - before }, "", "Leave the initial value out"))] : [])];
    context.error({ code: "LVM3022", message, span, label, related: [declared], help, fixes });
    return undefined;
  };
  if (expression.kind === "missing") return undefined;
  if (expression.kind === "parenthesized") return elaborateInitializer(context, type, expression.expression, declared);
  const called = expression.kind === "call" && expression.callee.kind === "name" ? expression.callee.name : expression.kind === "name" && !context.items.has(expression.name) ? expression.name : undefined;
  const args = expression.kind === "call" ? expression.args : [];
  switch (called) {
    case "identity":
      if (args.length > 0) return wrong("`identity` takes no arguments", "not needed", "write `identity`");
      return isSquare(type) ? { kind: "identity" } : wrong("`identity` is a square matrix", "not of this shape", "write a number, an array, `normal(mean, scale)` or `uniform(low, high)`");
    case "normal":
    case "uniform": {
      const names = called === "normal" ? ["mean", "scale"] : ["low", "high"];
      const given = readPair(context, args, names);
      if (given === "reported") return undefined;
      if (!given) return wrong(`\`${called}\` takes two numbers`, args.length === 0 ? "none given" : "other arguments given", `write \`${called}(${called === "normal" ? "0, 0.1" : "-0.1, 0.1"})\``);
      const [first, second] = given;
      if (called === "normal") {
        if (second <= 0) return wrong("the scale of `normal` must be positive", `this is ${second}`, "write for example `normal(0, 0.1)`", args[1]?.span);
        if (type.support.kind !== "real") return wrong(`\`normal\` leaves ${printSupport(type.support)}`, "draws any real number", initialHelp(type));
        return { kind: "normal", mean: first, scale: second };
      }
      if (first >= second) return wrong(`the range from ${first} to ${second} is empty`, "the lower end comes first", "write for example `uniform(-0.1, 0.1)`");
      if (!(containsInside(type.support, (first + second) / 2) && reaches(type.support, first) && reaches(type.support, second))) {
        return wrong(`\`uniform(${first}, ${second})\` leaves ${printSupport(type.support)}`, `draws numbers from ${first} to ${second}`, initialHelp(type));
      }
      return { kind: "uniform", low: first, high: second };
    }
    default:
      break;
  }
  if (expression.kind === "call" && called !== undefined) {
    const near = suggestion(called, calls);
    if (near) return wrong(`unknown initial value \`${called}\``, "unknown", near, expression.callee.span, correction(expression.callee.span, called, calls)?.[0]?.edits[0]?.text);
  }
  const value = evaluateConstantValue(context, expression);
  if (!value) return undefined;
  if (value.kind === "number") {
    if (type.support.kind === "simplex" && type.shape.length > 0 && Math.abs(value.value * (type.shape[type.shape.length - 1]?.value ?? 1) - 1) < 1e-9) return { kind: "constant", value: value.value };
    return containsInside(type.support, value.value) ? { kind: "constant", value: value.value } : wrong(`the initial value is not inside ${printSupport(type.support)}`, `this is ${value.value}`, initialHelp(type));
  }
  if (value.shape.join() !== dims(type).join()) return wrong("the initial value has another shape", `this is [${value.shape.join(", ")}]`, `give it the shape [${dims(type).join(", ")}], or a single number`);
  const outside = firstOutside(type, value.values);
  return outside === undefined ? { kind: "values", values: value.values } : wrong(`the initial value is not inside ${printSupport(type.support)}`, outside, initialHelp(type));
}

/** Two constant numbers, by position or name; undefined when there are others, `reported` when one is not constant. */
function readPair(context: Context, args: readonly ast.Argument[], names: readonly string[]): readonly [number, number] | undefined | "reported" {
  if (args.length !== 2) return undefined;
  const ordered = names.map((name, at) => args.find((argument) => argument.name?.name === name) ?? (args[at]?.name ? undefined : args[at]));
  const [first, second] = ordered;
  if (!first || !second || first === second) return undefined;
  const low = evaluateConstant(context, first.value);
  const high = evaluateConstant(context, second.value);
  return low === undefined || high === undefined ? "reported" : [low, high];
}

function isSquare(type: Type): boolean {
  const [rows, columns] = type.shape.slice(-2);
  return (type.support.kind === "real" || type.support.kind === "cholesky" || type.support.kind === "covariance") && type.shape.length >= 2 && rows?.value === columns?.value;
}

/** Whether every entry may be this number, strictly inside the support: boundaries lie at infinity on the unconstrained scale. */
function containsInside(support: Support, value: number): boolean {
  switch (support.kind) {
    case "real":
      return Number.isFinite(value);
    case "positive":
    case "nonnegative":
      return value > 0;
    case "unit":
      return value > 0 && value < 1;
    case "interval":
      return value > support.low && value < support.high;
    case "angle":
      return value > -Math.PI && value < Math.PI;
    default:
      return false;
  }
}

/** As `containsInside`, boundaries included: a random draw does not fall on them. */
function reaches(support: Support, value: number): boolean {
  switch (support.kind) {
    case "positive":
    case "nonnegative":
      return value >= 0;
    case "unit":
      return value >= 0 && value <= 1;
    case "interval":
      return value >= support.low && value <= support.high;
    default:
      return containsInside(support, value);
  }
}

/** What is wrong with the first entry, row or matrix that lies outside the support. */
function firstOutside(type: Type, values: readonly number[]): string | undefined {
  const { support } = type;
  const last = type.shape[type.shape.length - 1]?.value ?? 1;
  const rows = (length: number): readonly (readonly number[])[] => Array.from({ length: values.length / length }, (_, at) => values.slice(at * length, (at + 1) * length));
  switch (support.kind) {
    case "simplex": {
      const odd = rows(last).find((row) => row.some((value) => value <= 0) || Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) > 1e-6);
      return odd && (odd.some((value) => value <= 0) ? "every share must be above 0" : `sums to ${odd.reduce((sum, value) => sum + value, 0)}`);
    }
    case "ordered": {
      const odd = rows(last).find((row) => row.some((value, at) => at > 0 && value <= (row[at - 1] ?? value)));
      return odd && "the numbers must rise";
    }
    case "cholesky": {
      const odd = rows(last * last).find((matrix) => matrix.some((value, at) => (at % last > Math.floor(at / last) ? value !== 0 : at % last === Math.floor(at / last) && value <= 0)));
      return odd && "needs zeros above a positive diagonal";
    }
    case "covariance": {
      const odd = rows(last * last).find((matrix) => !isPositiveDefinite(matrix, last));
      return odd && "not symmetric and positive definite";
    }
    default: {
      const odd = values.find((value) => !containsInside(support, value));
      return odd === undefined ? undefined : `one entry is ${odd}`;
    }
  }
}

/** Symmetry, and a Cholesky factor with a positive diagonal. */
function isPositiveDefinite(matrix: readonly number[], size: number): boolean {
  const factor = new Array<number>(size * size).fill(0);
  const at = (values: readonly number[], row: number, column: number): number => values[row * size + column] ?? 0;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      if (Math.abs(at(matrix, row, column) - at(matrix, column, row)) > 1e-9 * (1 + Math.abs(at(matrix, row, column)))) return false;
      let rest = at(matrix, row, column);
      for (let inner = 0; inner < column; inner++) rest -= at(factor, row, inner) * at(factor, column, inner);
      if (row === column && !(rest > 0)) return false;
      factor[row * size + column] = row === column ? Math.sqrt(rest) : rest / at(factor, column, column);
    }
  }
  return true;
}

function initialHelp(type: Type): string {
  const { support } = type;
  switch (support.kind) {
    case "positive":
    case "nonnegative":
      return "write a positive number, or for example `uniform(0.1, 1)`";
    case "unit":
      return "write a number between 0 and 1, or `uniform(0, 1)`";
    case "interval":
      return `write a number between ${support.low} and ${support.high}`;
    case "angle":
      return "write a number between -pi and pi";
    case "simplex":
      return `write shares that sum to 1: \`[${simplexExample(type)}]\`, or leave the initial value out`;
    case "ordered":
      return "write rising numbers, or leave the initial value out";
    case "cholesky":
    case "covariance":
      return "write `identity`, or a matrix";
    default:
      return "write a number, an array, `normal(mean, scale)` or `uniform(low, high)`";
  }
}

function simplexExample(type: Type): string {
  const last = type.shape[type.shape.length - 1]?.value ?? 1;
  return last <= 4 ? Array.from({ length: last }, () => `1/${last}`).join(", ") : `1/${last}, …`;
}

function defaultInitializer(type: Type): Initializer {
  const { support } = type;
  const last = type.shape[type.shape.length - 1]?.value ?? 1;
  switch (support.kind) {
    case "real":
      return type.shape.length === 0 ? { kind: "constant", value: 0 } : { kind: "normal", mean: 0, scale: 0.1 };
    case "unit":
      return { kind: "constant", value: 0.5 };
    case "interval":
      return { kind: "constant", value: (support.low + support.high) / 2 };
    case "angle":
      return { kind: "constant", value: 0 };
    case "simplex":
      return { kind: "constant", value: 1 / last };
    case "ordered":
      return { kind: "values", values: Array.from({ length: elementCount(type) }, (_, at) => (at % last) - (last - 1) / 2) };
    case "cholesky":
    case "covariance":
      return { kind: "identity" };
    default:
      return { kind: "constant", value: 1 };
  }
}
