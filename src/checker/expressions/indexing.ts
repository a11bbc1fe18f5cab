import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice, replacement } from "../../diagnostics/fix.js";
import { lineOf, type Span, textOf } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { type Expr, letterOf, type Plate } from "../../ir/model/model.js";
import { jointRank, type Support } from "../../types/support.js";
import { sizeOf, type Type } from "../../types/type.js";
import { builtinConstant, constantFunctions, evaluateConstant, evaluateConstantValue, evaluateSizes } from "../constants.js";
import type { Context } from "../context.js";
import { apart } from "../functions/shape-functions.js";
import { rangeEdit } from "../loop-plates.js";
import type { Entity, Scope } from "../scope.js";
import { explainSize, originOf, placeOf, type SizeOrigin } from "../shape-messages.js";
import type { Elaborate } from "./arguments.js";
import { arrayExpr, describeName, resolve, resolveVisible, wholeType } from "./names.js";

/** `x[3]`, `x[t - 1]`, `x[1..3]`, `table[k]`, `zeros[64]`; several indices are for successive axes. */
export function elaborateIndex(context: Context, scope: Scope, expression: ast.IndexExpression, elaborate: Elaborate): Expr | undefined {
  const { target, indices } = expression;
  if (target.kind === "name" && (target.name === "zeros" || target.name === "ones") && !resolve(context, scope, target.name)) return filled(context, scope, expression);
  const start = beginning(context, scope, target, indices, elaborate);
  if (!start) {
    for (const index of indices) if (index.kind !== "range" && !stepOf(context, scope, index) && !isConstant(context, scope, index)) elaborate(index);
    return undefined;
  }
  let value: Expr = start.value;
  for (const [at, index] of indices.entries()) {
    if (at < start.used) continue;
    const last = at === indices.length - 1;
    const chained = start.entity && chainedAxis(start.entity, at);
    const next = applyIndex(context, scope, value, index, start.from[at] ?? 1, expression, last, elaborate, chained);
    if (!next) return undefined;
    value = next;
  }
  return { ...value, origin: expression.span };
}

function filled(context: Context, scope: Scope, expression: ast.IndexExpression): Expr | undefined {
  const describe = (name: string): string | undefined => describeName(context, scope, name);
  const before = context.diagnostics.length;
  const sizes = evaluateSizes(context, expression.indices, { describe });
  const value = sizes && context.diagnostics.length === before ? evaluateConstantValue(context, expression, describe) : undefined;
  if (!sizes || value?.kind !== "array") return undefined;
  const origin: SizeOrigin = { subject: textOf(expression.span), span: expression.span };
  return arrayExpr(value.values, sizes.map((size) => sizeOf(size.value, size.text, origin)), expression.span);
}

interface Beginning {
  readonly value: Expr;
  /** How many indices the loops of the target have taken. */
  readonly used: number;
  /** What each index counts from: the first value of the loop, for a site in loops. */
  readonly from: readonly number[];
  /** Of a name in loops. */
  readonly entity?: InLoops;
}

type InLoops = Extract<Entity, { kind: "site" | "binding" }>;

/** An axis along which a chain defines a name: nothing but its own steps has a value. */
interface ChainedAxis {
  readonly name: string;
  readonly declared: Span;
  readonly goes: Plate["chain"];
  /** Above the chain: the positions that have a value. */
  readonly defined?: ReadonlySet<number>;
}

function chainedAxis({ name, declared, plates, chained, defined }: InLoops, axis: number): ChainedAxis | undefined {
  const goes = axis === plates.length - 1 ? chained : plates[axis]?.chain;
  return goes && { name, declared, goes, ...(axis === plates.length - 1 && defined ? { defined } : {}) };
}

function beginning(context: Context, scope: Scope, target: ast.Expression, indices: readonly ast.Expression[], elaborate: Elaborate): Beginning | undefined {
  const entity = target.kind === "name" ? resolve(context, scope, target.name) : undefined;
  if (target.kind !== "name" || !entity || (entity.kind !== "site" && entity.kind !== "binding") || entity.plates.length === 0 || !entity.indexed) {
    const value = elaborate(target);
    return value && { value, used: 0, from: [] };
  }
  if (!resolveVisible(context, scope, target)) return undefined;
  const here = entity.plates.every((plate, at) => {
    const index = indices[at];
    const step = index && stepOf(context, scope, index);
    return step !== undefined && step.offset === 0 && step.plate.name === plate.name;
  });
  if (here) return { value: { kind: "reference", to: { kind: entity.kind, name: entity.name, whole: false }, type: entity.type, origin: target.span }, used: entity.plates.length, from: [] };
  return { value: whole(entity, target), used: 0, from: entity.plates.map((plate) => plate.from), entity };
}

function whole(entity: Extract<Entity, { kind: "site" | "binding" }>, target: ast.Expression): Expr {
  return { kind: "reference", to: { kind: entity.kind, name: entity.name, whole: true }, type: wholeType(entity), origin: target.span };
}

/** `t`, `t - 1`, `t + 2`: a loop variable with an offset. */
function stepOf(context: Context, scope: Scope, index: ast.Expression): { readonly plate: Plate; readonly offset: number } | undefined {
  if (index.kind === "parenthesized") return stepOf(context, scope, index.expression);
  if (index.kind === "name") {
    const entity = resolve(context, scope, index.name);
    return entity?.kind === "loop-variable" ? { plate: entity.plate, offset: 0 } : undefined;
  }
  if (index.kind !== "binary" || (index.operator !== "+" && index.operator !== "-")) return undefined;
  const [left, right] = [stepOf(context, scope, index.left), stepOf(context, scope, index.right)];
  const sign = index.operator === "+" ? 1 : -1;
  if (left && isConstant(context, scope, index.right)) {
    const offset = evaluateConstant(context, index.right);
    return offset === undefined ? undefined : { plate: left.plate, offset: left.offset + sign * offset };
  }
  if (right && sign === 1 && isConstant(context, scope, index.left)) {
    const offset = evaluateConstant(context, index.left);
    return offset === undefined ? undefined : { plate: right.plate, offset: right.offset + offset };
  }
  return undefined;
}

/** Whether an expression is made of numbers and constants only. Says nothing. */
export function isConstant(context: Context, scope: Scope, expression: ast.Expression): boolean {
  switch (expression.kind) {
    case "number":
      return true;
    case "name": {
      const entity = resolve(context, scope, expression.name);
      return entity ? entity.kind === "constant" && entity.constant.value.kind === "number" : builtinConstant(expression.name) !== undefined;
    }
    case "unary":
      return isConstant(context, scope, expression.operand);
    case "parenthesized":
      return isConstant(context, scope, expression.expression);
    case "binary":
      return isConstant(context, scope, expression.left) && isConstant(context, scope, expression.right);
    case "call":
      return expression.callee.kind === "name" && constantFunctions.includes(expression.callee.name) && expression.args.every((argument) => isConstant(context, scope, argument.value));
    default:
      return false;
  }
}

/** The type without its first axis; a joint constraint survives when its axes do. */
function dropFirst(type: Type): Type {
  const shape = type.shape.slice(1);
  return { support: surviving(type.support, shape.length), shape };
}

function surviving(support: Support, rank: number): Support {
  return rank >= jointRank(support) ? support : apart(support);
}

function applyIndex(context: Context, scope: Scope, target: Expr, index: ast.Expression, from: number, whole: ast.IndexExpression, last: boolean, elaborate: Elaborate, chained?: ChainedAxis): Expr | undefined {
  const [first] = target.type.shape;
  if (index.kind === "missing") return undefined;
  if (!first) {
    context.error({
      code: "LVM3010",
      message: whole.indices[0] === index ? "a single number has no elements" : "too many indices",
      span: index.span,
      label: "no axis is left for this one",
      related: [{ span: whole.target.span, text: "this value" }],
      help: "remove the index",
    });
    return undefined;
  }
  if (index.kind === "range") return slice(context, scope, target, index, from, last);
  const step = stepOf(context, scope, index);
  if (step) return takeStep(context, target, step.plate, step.offset, from, index, chained);
  if (isConstant(context, scope, index)) {
    const at = position(context, scope, target, index, from);
    if (at !== undefined && chained?.defined && !chained.defined.has(at + from)) return notYet(context, chained, at + from, index);
    return at === undefined ? undefined : { kind: "position", target, at, type: dropFirst(target.type), origin: index.span };
  }
  return gather(context, scope, target, index, last, elaborate);
}

/** `z[3]` above the chain that defines it. */
function notYet(context: Context, chained: ChainedAxis, position: number, index: ast.Expression): undefined {
  const known = [...(chained.defined ?? [])].map((each) => `\`${chained.name}[${each}]\``).join(", ");
  context.error({
    code: "LVM4011",
    message: `\`${chained.name}[${position}]\` is used before it is defined`,
    span: index.span,
    label: "a step of the chain below",
    related: [{ span: chained.declared, text: `defined so far: ${known}` }],
    help: "move the statement below the chain",
  });
  return undefined;
}

/** A constant position, counted from 0; undefined (reported) when it is out of range. */
function position(context: Context, scope: Scope, target: Expr, index: ast.Expression, from: number): number | undefined {
  const value = evaluateConstant(context, index, (name) => describeName(context, scope, name));
  const [first] = target.type.shape;
  if (value === undefined || !first) return undefined;
  const to = from + first.value - 1;
  if (Number.isInteger(value) && value >= from && value <= to) return value - from;
  const origin = originOf(first);
  context.error({
    code: "LVM3006",
    message: `position ${value} is out of range`,
    span: index.span,
    label: `positions go from ${from} to ${to}`,
    related: origin && !(origin.span.start <= index.span.start && index.span.end <= origin.span.end) ? [{ span: origin.span, text: `${first.value} long because of this` }] : [],
    help: value === 0 && from === 1 ? "positions count from 1" : `use a whole number from ${from} to ${to}`,
    fixes: index.kind === "number" ? [choice(replacement(index.span, String(Math.min(Math.max(Math.round(value), from), to))))] : undefined,
  });
  return undefined;
}

function slice(context: Context, scope: Scope, target: Expr, index: ast.RangeExpression, from: number, last: boolean): Expr | undefined {
  if (!last) {
    context.error({ code: "LVM3010", message: "a range must be the last index", span: index.span, label: "others follow it", help: "take the other axes' elements first" });
    return undefined;
  }
  const start = position(context, scope, target, index.from, from);
  const end = position(context, scope, target, index.to, from);
  if (start === undefined || end === undefined) return undefined;
  if (end < start) {
    context.error({ code: "LVM3006", message: "an empty range", span: index.span, label: `ends at ${end + from}, before it begins at ${start + from}`, help: "both ends are included: `x[1..3]` has 3 elements" });
    return undefined;
  }
  const length = end - start + 1;
  const size = sizeOf(length, undefined, { subject: textOf(index.span), span: index.span } satisfies SizeOrigin);
  const { support, shape } = target.type;
  const kept = support.kind === "ordered" ? support : shape.length > jointRank(support) ? support : apart(support);
  return { kind: "slice", target, start, length, type: { support: kept, shape: [size, ...shape.slice(1)] }, origin: index.span };
}

/** A loop over fewer steps. */
function shorterLoop(plate: Plate, from: number, to: number): readonly Fix[] | undefined {
  const edit = from <= to ? rangeEdit(plate, plate.chain === "down" ? `${to}..${from}` : `${from}..${to}`) : undefined;
  return edit && [choice({ title: `Let the loop run over ${edit.text}`, edits: [edit] })];
}

/** `x[t + offset]`. Steps before the beginning read as zeros (`a[t-1]` at the first step); a loop that runs past the end is a mistake. */
function takeStep(context: Context, target: Expr, plate: Plate, offset: number, from: number, index: ast.Expression, chained?: ChainedAxis): Expr | undefined {
  const [size] = target.type.shape;
  if (!size) return undefined;
  if (plate.continuous && !chained) {
    const variable = letterOf(plate);
    context.error({ code: "LVM4066", message: "an array has no element at every real number", span: index.span, label: `\`${variable}\` is any number from 0 to 1`, help: `write an expression of \`${variable}\` in its place` });
    return undefined;
  }
  const [first, lastStep] = [plate.from, plate.from + plate.size - 1];
  const end = from + size.value - 1;
  if (chained && Number.isInteger(offset) && (first + offset < from || lastStep + offset > end)) {
    const below = first + offset < from;
    const missing = below ? first + offset : lastStep + offset;
    const variable = letterOf(plate);
    context.error({
      code: "LVM4044",
      message: `\`${chained.name}[${missing}]\` has no value`,
      span: index.span,
      label: `read where \`${variable}\` is ${below ? first : lastStep}`,
      related: [{ span: chained.declared, text: `\`${chained.name}\` has positions ${from} to ${end}` }],
      notes: [`the loop is on line ${lineOf(plate.origin)}`],
      help: `let the loop run ${below ? `from ${from - offset}` : `to ${end - offset}`}, or ${below === (chained.goes === "up") ? `give \`${chained.name}[${missing}]\` a value before the chain` : `let the chain of \`${chained.name}\` run to ${missing}`}`,
      fixes: shorterLoop(plate, below ? from - offset : first, below ? lastStep : end - offset),
    });
    return undefined;
  }
  if (!Number.isInteger(offset)) {
    context.error({ code: "LVM3006", message: "a step is a whole number of steps away", span: index.span, label: `${offset} away from \`${letterOf(plate)}\``, help: `write for example \`${letterOf(plate)} - 1\`` });
    return undefined;
  }
  if (first + Math.max(offset, 0) < from || lastStep + Math.min(offset, 0) > end) {
    const origin = originOf(size);
    context.error({
      code: "LVM3006",
      message: `the loop leaves the array`,
      span: index.span,
      label: `\`${letterOf(plate)}\` runs from ${first} to ${lastStep}; positions go from ${from} to ${end}`,
      related: origin ? [{ span: origin.span, text: `${size.value} long because of this` }] : [],
      help: `let the loop run from ${from} to ${end}`,
      notes: [`the loop is on line ${lineOf(plate.origin)}`],
    });
    return undefined;
  }
  return { kind: "step", target, plate, offset: offset - (from - 1), type: dropFirst(target.type), origin: index.span };
}

function gather(context: Context, scope: Scope, target: Expr, index: ast.Expression, last: boolean, elaborate: Elaborate): Expr | undefined {
  const label = elaborate(index);
  const [first] = target.type.shape;
  if (!label || !first) return undefined;
  const { support } = label.type;
  const entity = index.kind === "name" ? resolve(context, scope, index.name) : undefined;
  const declared = entity && entity.declared !== index.span ? [{ span: entity.declared, text: `\`${entity.name}\` is declared here` }] : [];
  if (support.kind !== "index") {
    context.error({
      code: "LVM3010",
      message: "an index must be a label or a constant position",
      span: index.span,
      label: `this is ${support.kind}`,
      related: declared,
      help: support.kind === "binary" ? "declare it as `index(2)`" : `declare it as \`index(${first.text ?? first.value})\``,
    });
    return undefined;
  }
  if (support.size !== first.value) {
    const why = explainSize(first, index.span);
    context.error({
      code: "LVM3004",
      message: "shape mismatch",
      span: index.span,
      label: `this is one of ${support.size} labels, for ${first.value} entries`,
      related: declared,
      notes: why ? [why] : [],
      help: `make both the same constant: an \`index(K)\` chooses among exactly K entries${entity ? ` (\`${entity.name}\` on ${placeOf(entity.declared, index.span)})` : ""}`,
    });
    return undefined;
  }
  if (label.type.shape.length > 0 && !last) {
    context.error({ code: "LVM3010", message: "an array of labels must be the last index", span: index.span, label: "others follow it", help: "use one bracket after another: `table[k][1]`" });
    return undefined;
  }
  const rest = target.type.shape.slice(1);
  return { kind: "gather", target, index: label, type: { support: surviving(target.type.support, rest.length), shape: [...label.type.shape, ...rest] }, origin: index.span };
}
