import { InternalError } from "../../util/internal-error.js";
import type { ElementType, KernelBinary, KernelCompare, KernelExpr, KernelUnary } from "../../ir/kernel/nodes.js";
import { rangeOf, type Range } from "../wasm/ranges.js";
import { bitRanges, replacedRanges, type BitRange } from "./float-order.js";
import { hex, renderHidden, renderLiteral } from "./literals.js";
import { renderFunctionName, renderName } from "./names.js";
import { isPowerOfTwo, roundingOf } from "./rounding.js";
import { hoisted, operandsOf, type Scope } from "./scope.js";

type Rule<K extends KernelExpr["kind"]> = (expr: Extract<KernelExpr, { readonly kind: K }>, scope: Scope) => string;

const expressionRules: { readonly [K in KernelExpr["kind"]]: Rule<K> } = {
  constant: ({ value, type }, scope) => (scope.hides ? renderHidden : renderLiteral)(value, type),
  name: ({ name }) => renderName(name),
  group: () => "group",
  "loop-index": ({ depth }) => `index${depth}`,
  load: (expr, scope) => fromWord(wordOf(expr, scope), expr.type),
  gather: (expr, scope) => fromWord(wordOf(expr, scope), expr.type),
  "load-shared": (expr, scope) => fromWord(wordOf(expr, scope), expr.type),
  splat: ({ value }, scope) => renderExpression(value, scope),
  "lane-numbers": () => "lane",
  unary: (expr, scope) => unaryRules[expr.op](renderExpression(expr.value, scope), expr.type, scope),
  binary: (expr, scope) => boundedBy(expr, scope) ?? dividedUnsigned(expr, scope) ?? binaryRules[expr.op](operand(expr, expr.left, scope), operand(expr, expr.right, scope), expr.type, scope),
  "multiply-add": ({ a, b, c, type }, scope) => {
    const [x, y, z] = [a, b, c].map((each) => hiddenZero(each) ?? renderExpression(each, scope)) as [string, string, string];
    return type === "f32" ? `fma(${x}, ${y}, ${z})` : `((${x} * ${y}) + ${z})`;
  },
  compare: (expr, scope) => compareRules[expr.left.type](expr, scope),
  select: ({ condition, yes, no }, scope) => `select(${[no, yes, condition].map((each) => renderExpression(each, scope)).join(", ")})`,
  convert: (expr, scope) => convertRules[expr.value.type][expr.type](renderExpression(expr.value, scope), scope),
  bitcast: ({ value, type }, scope) => (value.type === type ? renderExpression(value, scope) : `bitcast<${type}>(${renderExpression(value, scope)})`),
  "reduce-lanes": ({ op, value, type }, scope) => {
    if (type === "bool") throw new InternalError("reduce-lanes of bools");
    const name = `${op}_lanes_${type}`;
    scope.reductions.set(name, { op, type });
    return `${name}(${renderExpression(value, scope)}, lane)`;
  },
  call: ({ function: name, args }, scope) => {
    scope.functions.add(name);
    return `${renderFunctionName(name)}(${args.map((arg) => renderExpression(arg, scope)).join(", ")})`;
  },
};

/** Parsers of WGSL bound the depth of parentheses: by 128 in Dawn. */
const mostDepth = 40;
const depths = new WeakMap<KernelExpr, number>();

function depthOf(expr: KernelExpr): number {
  const known = depths.get(expr);
  if (known !== undefined) return known;
  const depth = 1 + Math.max(0, ...operandsOf(expr).map(depthOf));
  depths.set(expr, depth);
  return depth;
}

/** Of constants alone WGSL makes constant expressions, which must not overflow, and are not rounded as the kernel is. */
const folds: ReadonlySet<KernelExpr["kind"]> = new Set(["unary", "binary", "multiply-add", "convert", "bitcast"]);
const isConstant = (expr: KernelExpr): boolean => expr.kind === "constant" || (expr.kind === "splat" && isConstant(expr.value));

/** A value as WGSL text: an operand of any operator without further parentheses. May write lines that stand before the statement. */
export function renderExpression(expr: KernelExpr, scope: Scope): string {
  const before = scope.hides;
  scope.hides = expr.kind === "splat" || expr.kind === "constant" ? before : folds.has(expr.kind) && operandsOf(expr).every(isConstant);
  const text = (expressionRules[expr.kind] as Rule<typeof expr.kind>)(expr as never, scope);
  scope.hides = before;
  return depthOf(expr) % mostDepth === 0 ? hoisted(scope, text) : text;
}

/** The words of a vector at a scalar index are the lanes' own, one after the other. */
export function renderIndex(index: KernelExpr, width: "scalar" | "vector", scope: Scope): string {
  const text = renderExpression(index, scope);
  return width === "vector" && index.width === "scalar" ? (index.kind === "constant" && index.value === 0 ? "lane" : `${text} + lane`) : text;
}

/** A value from the word that holds it. */
export function fromWord(word: string, type: ElementType): string {
  return type === "u32" ? word : type === "bool" ? `(${word} != 0u)` : `bitcast<${type}>(${word})`;
}

/** The word that holds a value. */
export function toWord(text: string, type: ElementType): string {
  return type === "u32" ? text : type === "bool" ? `select(0u, 1u, ${text})` : `bitcast<u32>(${text})`;
}

type Load = Extract<KernelExpr, { readonly kind: "load" | "gather" | "load-shared" }>;

function wordOf(expr: Load, scope: Scope): string {
  // The counter of steps: the host counts, so that steps of one submit are told apart by what `launch` says.
  if (expr.kind === "load" && expr.width === "scalar" && expr.index.kind === "constant" && expr.index.value === 0) return "(arena[0] + launch.x)";
  const at = renderIndex(expr.index, expr.width, scope);
  if (expr.kind !== "load-shared") return `arena[${at}]`;
  return scope.fours ? `own[${at} >> 2u][${at} & 3i]` : `own[${at}]`;
}

/** The word that holds a value; of a word that is only moved, the word itself. */
export function renderWord(expr: KernelExpr, scope: Scope): string {
  const moves = (expr.kind === "load" || expr.kind === "gather" || expr.kind === "load-shared") && expr.type !== "bool";
  return moves ? wordOf(expr, scope) : toWord(renderExpression(expr, scope), expr.type);
}

/** Bounds of an integer. */
export function boundsOf(expr: KernelExpr, { ranges, groups, loops, lanes }: Scope): Range {
  return rangeOf(expr, (name) => ranges.get(name), { groups, loops }, lanes);
}

export function helper(scope: Scope, name: string, ...args: readonly string[]): string {
  scope.helpers.add(name);
  return `${name}(${args.join(", ")})`;
}

/**
 * An operand of an operation on floats. Compilers take x · 0 for 0 (which NaN and infinities are not), x + 0 for x (which −0 is not) and x / c for x · (1/c),
 * so these constants are hidden from them. Roundings that matter are kept from fusion and reordering.
 */
function operand(outer: Extract<KernelExpr, { readonly kind: "binary" }>, expr: KernelExpr, scope: Scope): string {
  if (outer.type === "f32") {
    const constant = constantOf(expr);
    const zero = hiddenZero(expr);
    if (zero !== undefined) return zero;
    if (constant !== undefined && outer.op === "divide" && expr === outer.right && !isPowerOfTwo(expr)) return renderHidden(constant, "f32");
  }
  const text = renderExpression(expr, scope);
  if (outer.type !== "f32") return text;
  const rounding = roundingOf(expr, scope.rounded);
  const withConstant = isConstant(outer.left === expr ? outer.right : outer.left);
  const matters = { add: rounding === "product" || (rounding === "sum" && withConstant), subtract: rounding !== undefined, multiply: rounding === "product" && withConstant }[outer.op as string] ?? false;
  return matters ? helper(scope, "exact", text) : text;
}

function hiddenZero(expr: KernelExpr): string | undefined {
  const constant = constantOf(expr);
  return constant === 0 ? renderHidden(constant, "f32") : undefined;
}

// ── Operations ─────────────────────────────────────────────────────────────────────────────────────────────────────

const integersOnly = (sign: string) => (x: string, type: ElementType): string => {
  if (type === "f32") throw new InternalError("no bits of f32");
  return `(${sign}${x})`;
};

const unaryRules: { readonly [K in KernelUnary]: (x: string, type: ElementType, scope: Scope) => string } = {
  negate: (x, type, scope) => (type === "f32" ? helper(scope, "negative", x) : type === "u32" ? `(0u - ${x})` : `(-${x})`),
  abs: (x, type, scope) => (type === "f32" ? helper(scope, "magnitude", x) : type === "u32" ? x : `abs(${x})`),
  sqrt: (x) => `sqrt(${x})`,
  floor: (x) => `floor(${x})`,
  nearest: (x) => `round(${x})`,
  not: (x, type) => (type === "bool" ? `(!${x})` : integersOnly("~")(x, type)),
};

type BinaryRule = (a: string, b: string, type: ElementType, scope: Scope) => string;
const infix =
  (sign: string): BinaryRule =>
  (a, b) =>
    `(${a} ${sign} ${b})`;
/** By a constant, which WGSL wants without a sign. */
const shift =
  (sign: string): BinaryRule =>
  (a, b, type) =>
    `(${a} ${sign} ${type === "i32" ? `u32(${b})` : b})`;
const ofFloats =
  (name: string, floats: string): BinaryRule =>
  (a, b, type, scope) =>
    type === "f32" ? helper(scope, floats, a, b) : `${name}(${a}, ${b})`;

const binaryRules: { readonly [K in KernelBinary]: BinaryRule } = {
  add: infix("+"),
  subtract: infix("-"),
  multiply: infix("*"),
  divide: infix("/"),
  remainder: infix("%"),
  min: ofFloats("min", "smaller"),
  max: ofFloats("max", "larger"),
  and: infix("&"),
  or: infix("|"),
  xor: (a, b, type) => (type === "bool" ? `(${a} != ${b})` : `(${a} ^ ${b})`),
  shift_left: shift("<<"),
  shift_right: shift(">>"),
};

/** Integers that are known to have no sign are divided without: a shift, a mask, a multiplication less. */
function dividedUnsigned(expr: Extract<KernelExpr, { readonly kind: "binary" }>, scope: Scope): string | undefined {
  const { op, left, right, type } = expr;
  const divisor = right.kind === "splat" ? right.value : right;
  if (type !== "i32" || (op !== "divide" && op !== "remainder") || divisor.kind !== "constant" || divisor.value <= 0 || isConstant(left) || boundsOf(left, scope).low < 0) return undefined;
  const x = renderExpression(left, scope);
  const power = Math.log2(divisor.value);
  if (Number.isInteger(power)) return op === "divide" ? `(${x} >> ${power}u)` : `(${x} & ${divisor.value - 1}i)`;
  return `i32(u32(${x}) ${op === "divide" ? "/" : "%"} ${divisor.value}u)`;
}

const rangeArgs = (ranges: readonly BitRange[]): string[] => ranges.flatMap(({ low, span }) => [hex(low), hex(span)]);

function constantOf(expr: KernelExpr): number | undefined {
  if (expr.kind === "splat") return constantOf(expr.value);
  return expr.kind === "constant" && expr.type === "f32" ? Math.fround(expr.value) : undefined;
}

/** `min` and `max` with a constant: whether it takes the other's place is a question of bits. */
function boundedBy(expr: Extract<KernelExpr, { readonly kind: "binary" }>, scope: Scope): string | undefined {
  if (expr.type !== "f32" || (expr.op !== "min" && expr.op !== "max")) return undefined;
  for (const [x, other] of [[expr.left, expr.right], [expr.right, expr.left]] as const) {
    const bound = constantOf(other);
    if (bound === undefined || Number.isNaN(bound)) continue;
    const ranges = replacedRanges(expr.op, bound);
    const text = renderExpression(x, scope);
    return ranges.length === 0 ? text : helper(scope, ranges.length === 1 ? "bounded" : "bounded_either", text, renderExpression(other, scope), ...rangeArgs(ranges));
  }
  return undefined;
}

type Compare = Extract<KernelExpr, { readonly kind: "compare" }>;

const signs: Readonly<Record<KernelCompare, string>> = { less: "<", less_equal: "<=", greater: ">", greater_equal: ">=", equal: "==", not_equal: "!=" };
const turned: Readonly<Record<KernelCompare, KernelCompare>> = { less: "greater", less_equal: "greater_equal", greater: "less", greater_equal: "less_equal", equal: "equal", not_equal: "not_equal" };

function compareIntegers({ op, left, right }: Compare, scope: Scope): string {
  return `(${renderExpression(left, scope)} ${signs[op]} ${renderExpression(right, scope)})`;
}

function compareBools({ op, left, right }: Compare, scope: Scope): string {
  const [a, b] = [renderExpression(left, scope), renderExpression(right, scope)];
  return op === "equal" || op === "not_equal" ? `(${a} ${signs[op]} ${b})` : `(${toWord(a, "bool")} ${signs[op]} ${toWord(b, "bool")})`;
}

function compareFloats({ op, left, right }: Compare, scope: Scope): string {
  const bound = constantOf(right);
  if (bound !== undefined) return compareWith(op, left, bound, scope);
  const first = constantOf(left);
  if (first !== undefined) return compareWith(turned[op], right, first, scope);
  const [a, b] = [renderExpression(left, scope), renderExpression(right, scope)];
  switch (op) {
    case "equal":
    case "less":
    case "less_equal":
      return helper(scope, op, a, b);
    case "not_equal":
      return `(!${helper(scope, "equal", a, b)})`;
    case "greater":
      return helper(scope, "less", b, a);
    case "greater_equal":
      return helper(scope, "less_equal", b, a);
  }
}

function compareWith(op: KernelCompare, x: KernelExpr, bound: number, scope: Scope): string {
  if (op === "not_equal") return `(!${compareWith("equal", x, bound, scope)})`;
  const ranges = Number.isNaN(bound) ? [] : bitRanges(op, bound);
  if (ranges.length === 0) return "false";
  return helper(scope, ranges.length === 1 ? "inside" : "inside_either", renderExpression(x, scope), ...rangeArgs(ranges));
}

const compareRules: { readonly [K in ElementType]: (expr: Compare, scope: Scope) => string } = { f32: compareFloats, i32: compareIntegers, u32: compareIntegers, bool: compareBools };

type ConvertRule = (x: string, scope: Scope) => string;
const same: ConvertRule = (x) => x;
const converted =
  (type: string): ConvertRule =>
  (x) =>
    `${type}(${x})`;
const convertRules: { readonly [From in ElementType]: { readonly [To in ElementType]: ConvertRule } } = {
  f32: { f32: same, i32: (x, scope) => helper(scope, "int_of", x), u32: (x, scope) => helper(scope, "uint_of", x), bool: (x) => `((bitcast<u32>(${x}) << 1u) != 0u)` },
  i32: { f32: converted("f32"), i32: same, u32: converted("u32"), bool: (x) => `(${x} != 0i)` },
  u32: { f32: converted("f32"), i32: converted("i32"), u32: same, bool: (x) => `(${x} != 0u)` },
  bool: { f32: (x) => `select(0f, 1f, ${x})`, i32: (x) => `select(0i, 1i, ${x})`, u32: (x) => `select(0u, 1u, ${x})`, bool: same },
};
