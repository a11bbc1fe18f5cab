import { suggest } from "../diagnostics/suggest.js";
import { textOf } from "../diagnostics/span.js";
import type * as ast from "../parser/ast.js";
import type { Size } from "../types/type.js";
import { mostSuggestions, type ConstantValue, type Constant, type Context } from "./context.js";
import { evaluateSchedule, schedules } from "./schedules.js";
import type { SizeOrigin } from "./shape-messages.js";

/** Most elements that a value may have: what an index of 32 bits reaches. */
export const mostElements = 2 ** 31;

/** Most constants that stand one inside the other's value before their own turn: each is a few frames on the stack. */
const longestChain = 500;

/** Constants that need no declaration. */
export const builtinConstants: Readonly<Record<string, number>> = { pi: Math.PI };

/** The value of `pi`; undefined for other names. */
export function builtinConstant(name: string): number | undefined {
  return Object.hasOwn(builtinConstants, name) ? builtinConstants[name] : undefined;
}

const functions: Readonly<Record<string, { readonly arity: number; readonly evaluate: (...args: number[]) => number }>> = {
  min: { arity: 2, evaluate: Math.min },
  max: { arity: 2, evaluate: Math.max },
  floor: { arity: 1, evaluate: Math.floor },
  ceil: { arity: 1, evaluate: Math.ceil },
  round: { arity: 1, evaluate: Math.round },
  abs: { arity: 1, evaluate: Math.abs },
  sqrt: { arity: 1, evaluate: Math.sqrt },
  exp: { arity: 1, evaluate: Math.exp },
  log: { arity: 1, evaluate: Math.log },
};

/** Names of functions that constant expressions may call. */
export const constantFunctions: readonly string[] = Object.keys(functions);

/** Registers and evaluates every `const` of a file, with the overrides of `--set`. Constants may stand in any order. The items' names must have been declared. */
export function declareConstants(context: Context, items: readonly ast.ConstItem[]): void {
  for (const item of items) if (!context.constantItems.has(item.name.name)) context.constantItems.set(item.name.name, item);
  for (const item of items) constantByName(context, item.name.name);
}

const evaluating = new WeakMap<Context, Set<string>>();

/** The constant of that name, evaluated on demand; undefined where there is none or it has a mistake (reported once). */
export function constantByName(context: Context, name: string): Constant | undefined {
  const known = context.constants.get(name);
  if (known) return known;
  const item = context.constantItems.get(name);
  if (!item) return undefined;
  const running = evaluating.get(context) ?? new Set<string>();
  evaluating.set(context, running);
  if (failed(context).has(name)) return undefined;
  if (running.has(name)) {
    failed(context).add(name);
    context.error({
      code: "LVM2015",
      message: `the value of \`${name}\` depends on itself`,
      span: item.name.span,
      label: "declared here",
      notes: [`through ${[...running].map((each) => `\`${each}\``).join(" → ")} → \`${name}\``],
      help: "give one of them a number",
    });
    return undefined;
  }
  if (running.size >= longestChain) {
    failed(context).add(name);
    context.error({ code: "LVM3018", message: "constants depend on each other too deeply", span: item.name.span, label: `more than ${longestChain} of them, one using the next`, help: "declare constants before they are used" });
    return undefined;
  }
  running.add(name);
  const override = Object.hasOwn(context.set, name) ? context.set[name] : undefined;
  const value: ConstantValue | undefined = override !== undefined ? { kind: "number", value: override } : evaluateConstantValue(context, item.value);
  running.delete(name);
  if (!value) {
    failed(context).add(name);
    return undefined;
  }
  const constant: Constant = { name, value, span: item.span, overridden: override !== undefined };
  context.constants.set(name, constant);
  return constant;
}

const failures = new WeakMap<Context, Set<string>>();
function failed(context: Context): Set<string> {
  const set = failures.get(context) ?? new Set<string>();
  failures.set(context, set);
  return set;
}

/** What a name means when it is not a constant: for the message. The caller's scope knows. */
export type DescribeName = (name: string) => string | undefined;

/** The value of a constant expression; undefined (reported) where it is not one, not a number, or an array. */
export function evaluateConstant(context: Context, expression: ast.Expression, describe?: DescribeName): number | undefined {
  const value = evaluateConstantValue(context, expression, describe);
  if (!value) return undefined;
  if (value.kind === "number") return value.value;
  context.error({ code: "LVM3002", message: "a single number is needed here", span: expression.span, label: `this is an array of ${value.values.length}`, help: "take one of its elements: `name[1]`" });
  return undefined;
}

/** As `evaluateConstant`, arrays included: `[1, 2]`, `zeros[3]`, `2 * ones[K]`, `table[1]`. */
export function evaluateConstantValue(context: Context, expression: ast.Expression, describe?: DescribeName): ConstantValue | undefined {
  const again = (part: ast.Expression): ConstantValue | undefined => evaluateConstantValue(context, part, describe);
  switch (expression.kind) {
    case "number":
      return { kind: "number", value: expression.value };
    case "missing":
      return undefined;
    case "parenthesized":
      return again(expression.expression);
    case "name":
      return evaluateName(context, expression, describe);
    case "unary": {
      const operand = again(expression.operand);
      return operand && mapValues(operand, (value) => -value);
    }
    case "binary": {
      const left = again(expression.left);
      const right = again(expression.right);
      return left && right && evaluateBinary(context, expression, left, right);
    }
    case "call":
      return evaluateCall(context, expression, describe);
    case "array":
      return evaluateArray(context, expression, describe);
    case "index":
      return evaluateIndex(context, expression, describe);
    default:
      notConstant(context, expression);
      return undefined;
  }
}

function notConstant(context: Context, expression: ast.Expression, why?: string): void {
  context.error({
    code: "LVM3002",
    message: "not a constant",
    span: expression.span,
    label: why ?? "this is not known before the program runs",
    help: "use numbers and `const`s: `const K = 10`",
  });
}

function evaluateName(context: Context, expression: ast.NameExpression, describe?: DescribeName): ConstantValue | undefined {
  const constant = constantByName(context, expression.name);
  if (constant) {
    context.hover.set(expression, { span: expression.span, what: "const", name: constant.name, declared: constant.span });
    return constant.value;
  }
  if (context.constantItems.has(expression.name)) return undefined;
  const builtin = builtinConstant(expression.name);
  if (builtin !== undefined) return { kind: "number", value: builtin };
  const item = context.items.get(expression.name);
  const what = describe?.(expression.name) ?? (item && `a ${item.what}`);
  if (what) notConstant(context, expression, `\`${expression.name}\` is ${what}`);
  else reportUnknownConstant(context, expression);
  return undefined;
}

function reportUnknownConstant(context: Context, expression: ast.NameExpression): void {
  const known = context.diagnostics.length < mostSuggestions ? [...context.constantItems.keys(), ...Object.keys(builtinConstants)] : [];
  const similar = suggest(expression.name, known);
  context.error({
    code: "LVM2001",
    message: `unknown constant \`${expression.name}\``,
    span: expression.span,
    label: "not declared",
    help: similar ? `did you mean \`${similar}\`?` : `declare it: \`const ${expression.name} = …\``,
    fixes: similar ? [{ title: `Change to \`${similar}\``, edits: [{ span: expression.span, text: similar }] }] : undefined,
  });
}

function mapValues(value: ConstantValue, map: (value: number) => number): ConstantValue {
  return value.kind === "number" ? { kind: "number", value: map(value.value) } : { ...value, values: value.values.map(map) };
}

const operations: Partial<Record<ast.BinaryOperator, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "^": (left, right) => left ** right,
};

function evaluateBinary(context: Context, expression: ast.BinaryExpression, left: ConstantValue, right: ConstantValue): ConstantValue | undefined {
  const operation = operations[expression.operator];
  if (!operation) {
    notConstant(context, expression, `\`${expression.operator}\` makes no constant`);
    return undefined;
  }
  const result = combine(left, right, operation);
  if (!result) {
    context.error({ code: "LVM3004", message: "shape mismatch", span: expression.span, label: "the two arrays have different shapes", help: "make both the same size" });
    return undefined;
  }
  return finite(context, expression, result);
}

function combine(left: ConstantValue, right: ConstantValue, operation: (left: number, right: number) => number): ConstantValue | undefined {
  if (left.kind === "number") return mapValues(right, (value) => operation(left.value, value));
  if (right.kind === "number") return mapValues(left, (value) => operation(value, right.value));
  if (left.shape.join() !== right.shape.join()) return undefined;
  return { ...left, values: left.values.map((value, at) => operation(value, right.values[at] ?? 0)) };
}

function finite(context: Context, expression: ast.Expression, value: ConstantValue): ConstantValue | undefined {
  const bad = value.kind === "number" ? !Number.isFinite(value.value) : value.values.some((each) => !Number.isFinite(each));
  if (!bad) return value;
  context.error({ code: "LVM3019", message: "the value of a constant is not a finite number", span: expression.span, label: value.kind === "number" ? `this is ${value.value}` : "some of these are not finite", help: "look for a division by zero, a logarithm or root of a negative number" });
  return undefined;
}

function evaluateCall(context: Context, expression: ast.CallExpression, describe?: DescribeName): ConstantValue | undefined {
  if (expression.callee.kind === "missing") return undefined;
  const name = expression.callee.name;
  const schedule = Object.hasOwn(schedules, name) ? schedules[name] : undefined;
  if (schedule) return evaluateSchedule(context, expression, name, schedule, (part) => evaluateConstantValue(context, part, describe));
  const rule = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!rule) {
    notConstant(context, expression, `\`${name}\` cannot be called in a constant`);
    return undefined;
  }
  const given = expression.args.map((arg) => evaluateConstantValue(context, arg.value, describe));
  if (given.length !== rule.arity) {
    context.error({ code: "LVM3007", message: `\`${name}\` takes ${rule.arity} argument${rule.arity > 1 ? "s" : ""}`, span: expression.span, label: `${given.length} given`, help: `write \`${name}(${rule.arity === 1 ? "a" : "a, b"})\`` });
    return undefined;
  }
  const [first, second] = given;
  if (!first || (rule.arity === 2 && !second)) return undefined;
  const result = second ? combine(first, second, rule.evaluate) : mapValues(first, (value) => rule.evaluate(value));
  return result && finite(context, expression, result);
}

function evaluateArray(context: Context, expression: ast.ArrayExpression, describe?: DescribeName): ConstantValue | undefined {
  const parts = expression.elements.map((element) => evaluateConstantValue(context, element, describe));
  if (parts.length === 0) {
    context.error({ code: "LVM3003", message: "an array needs at least one element", span: expression.span, label: "empty", help: "write its elements: `[1, 2]`" });
    return undefined;
  }
  const known = parts.filter((part) => part !== undefined);
  const [first] = known;
  if (!first || known.length < parts.length) return undefined;
  const shape = first.kind === "number" ? [] : first.shape;
  const odd = known.findIndex((part) => (part.kind === "number" ? [] : part.shape).join() !== shape.join());
  if (odd >= 0) {
    const span = (expression.elements[odd] ?? expression).span;
    context.error({ code: "LVM3004", message: "the elements of an array have different shapes", span, label: "differs from the first", help: "give every row the same length" });
    return undefined;
  }
  return { kind: "array", values: known.flatMap((part) => (part.kind === "number" ? [part.value] : part.values)), shape: [known.length, ...shape] };
}

function evaluateIndex(context: Context, expression: ast.IndexExpression, describe?: DescribeName): ConstantValue | undefined {
  const { target } = expression;
  if (target.kind === "name" && (target.name === "zeros" || target.name === "ones") && !context.constantItems.has(target.name)) {
    const sizes = evaluateSizes(context, expression.indices, { describe });
    if (!sizes) return undefined;
    const shape = sizes.map((size) => size.value);
    const total = shape.reduce((product, size) => product * size, 1);
    if (total > 2 ** 24) {
      context.error({ code: "LVM3003", message: "too large for a constant array", span: expression.span, label: `${total} numbers`, help: "use a `param`, or broadcast a single number" });
      return undefined;
    }
    return { kind: "array", values: new Array<number>(total).fill(target.name === "ones" ? 1 : 0), shape };
  }
  let value = evaluateConstantValue(context, target, describe);
  for (const index of expression.indices) {
    if (!value) return undefined;
    if (value.kind === "number") {
      context.error({ code: "LVM3010", message: "a number has no elements", span: index.span, label: "nothing to choose from", help: "remove the brackets" });
      return undefined;
    }
    const at = evaluateConstant(context, index, describe);
    if (at === undefined) return undefined;
    const [length = 1, ...rest] = value.shape;
    if (!Number.isInteger(at) || at < 1 || at > length) {
      context.error({ code: "LVM3006", message: `position ${at} is out of range`, span: index.span, label: `there are ${length}`, help: `positions go from 1 to ${length}` });
      return undefined;
    }
    const size = rest.reduce((product, each) => product * each, 1);
    const values: readonly number[] = value.values.slice((at - 1) * size, at * size);
    value = rest.length === 0 ? { kind: "number", value: values[0] ?? 0 } : { kind: "array", values, shape: rest };
  }
  return value;
}

export interface SizeContext {
  /** What the size belongs to (`z: real[K]`), for later messages; the size itself when it is left out. */
  readonly declared?: SizeOrigin;
  readonly describe?: DescribeName;
}

/** One size: a whole number of at least 1. */
export function evaluateSize(context: Context, expression: ast.Expression, { declared, describe }: SizeContext = {}): Size | undefined {
  const value = evaluateConstant(context, expression, describe);
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || value < 1 || value > mostElements) {
    const constant = constantIn(context, expression);
    const related = constant && constant.span !== expression.span ? [{ span: constant.span, text: constant.overridden ? `\`--set\` made it ${context.set[constant.name]}` : "its value comes from here" }] : [];
    const inexact = !Number.isInteger(value);
    context.error({
      code: "LVM3003",
      message: inexact ? "a size must be a whole number" : value < 1 ? "a size must be at least 1" : "a size is too large",
      span: expression.span,
      label: `this is ${value}`,
      related,
      help: inexact ? "make the division exact, or round: `floor(a / b)`" : value < 1 ? "give it a positive value" : "no value may have more than 2³¹ elements",
    });
    return undefined;
  }
  const text = textOf(expression.span);
  return { value, text, why: declared ?? { subject: text, span: expression.span } satisfies SizeOrigin };
}

/** All sizes of a shape, with their product at most 2³¹. Every mistake among them is reported. */
export function evaluateSizes(context: Context, expressions: readonly ast.Expression[], about: SizeContext = {}): readonly Size[] | undefined {
  const sizes = expressions.map((expression) => evaluateSize(context, expression, about));
  if (sizes.some((size) => size === undefined)) return undefined;
  const known = sizes.filter((size) => size !== undefined);
  const total = known.reduce((product, size) => product * size.value, 1);
  const [first] = expressions;
  if (total > mostElements && first) {
    const last = expressions[expressions.length - 1] ?? first;
    context.error({ code: "LVM3003", message: "too many elements", span: { ...first.span, end: last.span.end }, label: `${total} elements`, help: "no value may have more than 2³¹ elements" });
    return undefined;
  }
  return known;
}

function constantIn(context: Context, expression: ast.Expression): Constant | undefined {
  if (expression.kind === "name") return context.constants.get(expression.name);
  if (expression.kind === "binary") return constantIn(context, expression.left) ?? constantIn(context, expression.right);
  if (expression.kind === "unary") return constantIn(context, expression.operand);
  if (expression.kind === "parenthesized") return constantIn(context, expression.expression);
  return undefined;
}
