import { InternalError } from "../../util/internal-error.js";
import type { ElementType, KernelBinary, KernelCompare, KernelExpr, KernelUnary } from "../../ir/kernel/nodes.js";
import { renderLiteral } from "./literals.js";
import { renderFunctionName, renderName } from "./names.js";

/** How the helpers of the prelude are called for a type: `min_f`, `min_vi`. Bools are ints, in vectors masks. */
const letters: Readonly<Record<ElementType, "f" | "i" | "u">> = { f32: "f", i32: "i", u32: "u", bool: "i" };
const scalarTypes = { f: "float", i: "int", u: "uint" } as const;

interface Typed {
  readonly type: ElementType;
  readonly width: "scalar" | "vector";
}

/** `f` or `vf`: the suffix of helpers, and for vectors the name of the type too. */
const suffix = ({ type, width }: Typed): string => (width === "vector" ? `v${letters[type]}` : letters[type]);

/** The C type of values. */
export function renderType(typed: Typed): string {
  return typed.width === "vector" ? suffix(typed) : scalarTypes[letters[typed.type]];
}

/** A word of the arena, or as many as there are lanes: a place that can be read and assigned. */
export function renderPlace(typed: Typed, index: KernelExpr): string {
  return `${suffix(typed).toUpperCase()}(${unwrapped(renderIndex(index))})`;
}

/** Index arithmetic never overflows, and compilers step pointers better where they may rely on it. */
export function renderIndex(expr: KernelExpr): string {
  if (expr.kind === "binary" && expr.type === "i32" && expr.width === "scalar") {
    const sign = { add: "+", subtract: "-", multiply: "*" }[expr.op as string];
    if (sign !== undefined) return `(${renderIndex(expr.left)} ${sign} ${renderIndex(expr.right)})`;
  }
  return renderExpression(expr);
}

/** Without the parentheses around the whole. */
export function unwrapped(text: string): string {
  if (!text.startsWith("(")) return text;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at === text.length - 1 ? text.slice(1, -1) : text;
  }
  return text;
}

type Rules<K extends KernelExpr["kind"]> = (expr: Extract<KernelExpr, { readonly kind: K }>) => string;

const expressionRules: { readonly [K in KernelExpr["kind"]]: Rules<K> } = {
  constant: (expr) => constant(expr, renderLiteral(expr.value, expr.type)),
  name: (expr) => renderName(expr.name),
  group: () => "group",
  "loop-index": ({ depth }) => `index_${depth}`,
  load: (expr) => (expr.type === "bool" ? `(${renderPlace(expr, expr.index)} != 0)` : renderPlace(expr, expr.index)),
  gather: (expr) => fromBits(expr, `gather_vi(m, ${unwrapped(renderExpression(expr.index))})`),
  "load-shared": () => {
    throw new InternalError("C has no groups with memory of their own");
  },
  splat: (expr) => constant(expr, unwrapped(renderExpression(expr.value))),
  "lane-numbers": () => "lane_numbers()",
  unary: (expr) => unaryRules[expr.op](renderExpression(expr.value), expr),
  binary: (expr) => bounded(expr) ?? binaryRules[expr.op](renderExpression(expr.left), renderExpression(expr.right), expr),
  "multiply-add": (expr) =>
    expr.type === "f32"
      ? `fma_${suffix(expr)}(${[expr.a, expr.b, expr.c].map((each) => unwrapped(renderExpression(each))).join(", ")})`
      : binaryRules.add(binaryRules.multiply(renderExpression(expr.a), renderExpression(expr.b), expr), renderExpression(expr.c), expr),
  compare: (expr) => `(${comparable(expr.left)} ${compareSigns[expr.op]} ${comparable(expr.right)})`,
  select: (expr) => {
    const [condition, yes, no] = [expr.condition, expr.yes, expr.no].map(renderExpression) as [string, string, string];
    return expr.width === "vector" ? `select_${suffix(expr)}(${unwrapped(condition)}, ${unwrapped(yes)}, ${unwrapped(no)})` : `(${condition} ? ${yes} : ${no})`;
  },
  convert: (expr) => convertRules[expr.value.type][expr.type](renderExpression(expr.value), expr),
  bitcast: (expr) => bitcast(renderExpression(expr.value), expr.value, expr),
  "reduce-lanes": (expr) => `${expr.op}_lanes_v${letters[expr.type]}(${unwrapped(renderExpression(expr.value))})`,
  call: (expr) => `${renderFunctionName("function", expr.function)}(${["m", ...expr.args.map((arg) => unwrapped(renderExpression(arg)))].join(", ")})`,
};

/** A value as C text: an operand of any operator without further parentheses. */
export function renderExpression(expr: KernelExpr): string {
  return (expressionRules[expr.kind] as Rules<typeof expr.kind>)(expr as never);
}

/** A scalar's text as it is, or in all lanes; a bool's lanes have all bits or none. */
function constant(typed: Typed, text: string): string {
  if (typed.width === "scalar") return text;
  return `splat_${suffix(typed)}(${typed.type !== "bool" ? unwrapped(text) : text === "0" || text === "1" ? text.replace("1", "-1") : `-(${text})`})`;
}

/** The words that a gather brings, as values. */
function fromBits(typed: Typed, words: string): string {
  return typed.type === "bool" ? `(${words} != 0)` : typed.type === "i32" ? words : `((${renderType(typed)})${words})`;
}

/** True lanes are −1, so that they would be less than false ones. */
function comparable(expr: KernelExpr): string {
  const text = renderExpression(expr);
  return expr.type === "bool" && expr.width === "vector" ? `(-${text})` : text;
}

const compareSigns: Readonly<Record<KernelCompare, string>> = { less: "<", less_equal: "<=", greater: ">", greater_equal: ">=", equal: "==", not_equal: "!=" };

const helper =
  (name: string) =>
  (x: string, typed: Typed): string =>
    `${name}_${suffix(typed)}(${unwrapped(x)})`;

/** sqrt, floor and rounding of one value are instructions where the machine has them. */
const builtin =
  (name: string, scalar: string) =>
  (x: string, typed: Typed): string =>
    typed.width === "vector" ? helper(name)(x, typed) : `${scalar}(${unwrapped(x)})`;

const unaryRules: { readonly [K in KernelUnary]: (x: string, typed: Typed) => string } = {
  negate: (x, typed) => (typed.type === "i32" ? `sub_${suffix(typed)}(${constant(typed, "0")}, ${unwrapped(x)})` : `(-${x})`),
  abs: (x, typed) => (typed.type === "u32" ? x : builtin("abs", typed.type === "f32" ? "__builtin_fabsf" : "abs_i")(x, typed)),
  sqrt: builtin("sqrt", "__builtin_sqrtf"),
  floor: builtin("floor", "__builtin_floorf"),
  nearest: builtin("nearest", "__builtin_rintf"),
  not: (x, typed) => (typed.type === "bool" && typed.width === "scalar" ? `(!${x})` : `(~${x})`),
};

type BinaryRule = (a: string, b: string, typed: Typed) => string;
const infix =
  (sign: string): BinaryRule =>
  (a, b) =>
    `(${a} ${sign} ${b})`;
const called =
  (name: string): BinaryRule =>
  (a, b, typed) =>
    `${name}_${suffix(typed)}(${unwrapped(a)}, ${unwrapped(b)})`;
/** C leaves the overflow of signed integers undefined; ours wrap. */
const wrapping =
  (sign: string, name: string): BinaryRule =>
  (a, b, typed) =>
    (typed.type === "i32" ? called(name) : infix(sign))(a, b, typed);

const binaryRules: { readonly [K in KernelBinary]: BinaryRule } = {
  add: wrapping("+", "add"),
  subtract: wrapping("-", "sub"),
  multiply: wrapping("*", "mul"),
  divide: infix("/"),
  remainder: infix("%"),
  min: called("min"),
  max: called("max"),
  and: infix("&"),
  or: infix("|"),
  xor: infix("^"),
  shift_left: wrapping("<<", "shift_left"),
  shift_right: infix(">>"),
};

/** `min` and `max` with a constant take one comparison: it is not NaN, and where it is +0, max may answer with it. */
function bounded(expr: Extract<KernelExpr, { readonly kind: "binary" }>): string | undefined {
  if (expr.type !== "f32" || (expr.op !== "min" && expr.op !== "max")) return undefined;
  for (const [bound, x] of [[expr.right, expr.left], [expr.left, expr.right]] as const) {
    const number = bound.kind === "splat" ? bound.value : bound;
    if (number.kind !== "constant" || Number.isNaN(number.value)) continue;
    const value = Math.fround(number.value);
    if (value === 0 && !(expr.op === "max" && Object.is(value, 0))) continue;
    return called(expr.op === "min" ? "at_most" : "at_least")(renderExpression(x), renderExpression(bound), expr);
  }
  return undefined;
}

type ConvertRule = (x: string, typed: Typed) => string;
const same: ConvertRule = (x) => x;
const cast: ConvertRule = (x, typed) => `((${renderType(typed)})${x})`;
const truth: ConvertRule = (x) => `(${x} != 0)`;
const saturating =
  (name: string): ConvertRule =>
  (x, typed) =>
    `${name}_of_${typed.width === "vector" ? "vf" : "f"}(${unwrapped(x)})`;
const toFloat =
  (from: "i" | "u"): ConvertRule =>
  (x, typed) =>
    typed.width === "vector" ? `float_of_v${from}(${unwrapped(x)})` : `((float)${x})`;
/** A mask's lanes are −1. */
const fromBool =
  (rule: ConvertRule): ConvertRule =>
  (x, typed) =>
    rule(typed.width === "vector" ? `(-${x})` : x, typed);

const convertRules: { readonly [From in ElementType]: { readonly [To in ElementType]: ConvertRule } } = {
  f32: { f32: same, i32: saturating("int"), u32: saturating("uint"), bool: (x, typed) => `(${x} != ${constant({ ...typed, type: "f32" }, "0.0f")})` },
  i32: { f32: toFloat("i"), i32: same, u32: cast, bool: truth },
  u32: { f32: toFloat("u"), i32: cast, u32: same, bool: truth },
  bool: { f32: fromBool(toFloat("i")), i32: fromBool(same), u32: fromBool(cast), bool: same },
};

function bitcast(x: string, from: Typed, to: Typed): string {
  if (from.type === "bool" || to.type === "bool") return convertRules[from.type][to.type](x, to);
  if (to.width === "vector") return cast(x, to);
  const bits = from.type === "f32" ? `bits_f(${unwrapped(x)})` : x;
  return to.type === "f32" ? `float_of_bits(${unwrapped(bits)})` : to.type === "i32" ? `((int)${bits})` : from.type === "f32" ? bits : `((uint)${bits})`;
}
