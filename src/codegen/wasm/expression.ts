import type { KernelExpr } from "../../ir/kernel/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { splitIndex } from "./address.js";
import { byteAddress, splitOffset } from "./linear.js";
import { dividedByConstant } from "./division.js";
import { binaryRules, compareRules, convertRules, get, twice, unaryRules } from "./operations.js";
import { valueType, type Scope } from "./scope.js";
import { floatText, identifier, type Wat } from "./wat.js";

type Of<Kind extends KernelExpr["kind"]> = Extract<KernelExpr, { readonly kind: Kind }>;
type Renderers = { readonly [Kind in KernelExpr["kind"]]: (expr: Of<Kind>, scope: Scope) => Wat };

/** A value as a folded instruction. Vector bools are masks (all ones is true), scalar bools are 0 and 1. */
export function renderExpression(expr: KernelExpr, scope: Scope): Wat {
  return (renderers[expr.kind] as (expr: KernelExpr, scope: Scope) => Wat)(expr, scope);
}

const integerText = (value: number): string => String(value >= 2 ** 31 ? value >>> 0 : value | 0);
const splatZero: Wat = ["v128.const", "i32x4", "0", "0", "0", "0"];

const renderers: Renderers = {
  constant: ({ value, type, width }) => {
    const text = type === "f32" ? floatText(value) : type !== "bool" ? integerText(value) : value === 0 ? "0" : width === "vector" ? "-1" : "1";
    if (width === "scalar") return [type === "f32" ? "f32.const" : "i32.const", text];
    return ["v128.const", type === "f32" ? "f32x4" : "i32x4", text, text, text, text];
  },
  name: ({ name }, scope) => get(scope.lookup(name)),
  group: (_, scope) => {
    if (scope.groups === undefined) throw new InternalError("a function of a kernel program asks for the group");
    return get("$group");
  },
  "loop-index": ({ depth }) => get(`$index${depth}`),
  load: ({ index, type, width }, scope) => {
    if (width === "scalar") return [type === "f32" ? "f32.load" : "i32.load", ...address(index, scope)];
    const words: Wat = ["v128.load", ...address(index, scope)];
    return type === "bool" ? ["i32x4.ne", words, splatZero] : words;
  },
  gather: ({ index, type }, scope) => {
    const { base, constant } = splitIndex(index, scope.rangeOf);
    const [vector, offset] = base === undefined ? [index, []] : [base, offsetText(constant)];
    const bytes = scope.temporary("v128");
    const lane = (l: number, from: Wat): Wat => ["i32x4.extract_lane", String(l), from];
    // The address of lane 3 is computed first: there the byte indices are kept for the other lanes.
    const scaled: Wat = ["local.tee", bytes, ["i32x4.shl", renderExpression(vector, scope), ["i32.const", "2"]]];
    const first: Wat = ["v128.load32_zero", ...offset, lane(0, get(bytes))];
    const words = [1, 2, 3].reduce<Wat>((rest, l) => ["v128.load32_lane", ...offset, String(l), lane(l, l === 3 ? scaled : get(bytes)), rest], first);
    return type === "bool" ? ["i32x4.ne", words, splatZero] : words;
  },
  "load-shared": () => {
    throw new InternalError("WebAssembly has no groups with memory of their own");
  },
  splat: ({ value, type }, scope) => {
    if (value.kind === "load" && type !== "bool") return ["v128.load32_splat", ...address(value.index, scope)];
    const one = renderExpression(value, scope);
    if (value.kind === "name" && scope.isSplat(value.name)) return one;
    return type === "f32" ? ["f32x4.splat", one] : type === "bool" ? ["i32x4.neg", ["i32x4.splat", one]] : ["i32x4.splat", one];
  },
  "lane-numbers": () => ["v128.const", "i32x4", "0", "1", "2", "3"],
  unary: (expr, scope) => {
    const rule = unaryRules[expr.op][expr.type]?.[expr.width];
    if (rule === undefined) throw new InternalError(`kernels have no ${expr.op} of ${expr.type}`);
    return rule(renderExpression(expr.value, scope), scope.temporary);
  },
  binary: (expr, scope) => {
    const rule = binaryRules[expr.op][expr.type]?.[expr.width];
    if (rule === undefined) throw new InternalError(`kernels have no ${expr.op} of ${expr.type}`);
    const left = renderExpression(expr.left, scope);
    if ((expr.op === "divide" || expr.op === "remainder") && expr.width === "vector" && expr.type !== "f32") {
      const short = dividedByConstant(expr.op, expr.right, scope.rangeOf(expr.left), left, scope.temporary);
      if (short !== undefined) return short;
    }
    const isShift = expr.op === "shift_left" || expr.op === "shift_right";
    return rule(left, isShift ? shiftCount(expr.right, scope) : renderExpression(expr.right, scope), scope.temporary);
  },
  "multiply-add": ({ a, b, c, type, width }, scope) => {
    const [x, y, z] = [renderExpression(a, scope), renderExpression(b, scope), renderExpression(c, scope)];
    if (type === "f32" && width === "vector") return ["f32x4.relaxed_madd", x, y, z];
    const shape = type === "f32" ? "f32" : width === "vector" ? "i32x4" : "i32";
    return [`${shape}.add`, [`${shape}.mul`, x, y], z];
  },
  compare: ({ op, left, right, width }, scope) => {
    const rule = compareRules[op][left.type]?.[width];
    if (rule === undefined) throw new InternalError(`kernels have no ${op} of ${left.type}`);
    return rule(renderExpression(left, scope), renderExpression(right, scope), scope.temporary);
  },
  select: ({ condition, yes, no, type, width }, scope) => {
    const [test, a, b] = [renderExpression(condition, scope), renderExpression(yes, scope), renderExpression(no, scope)];
    if (width === "vector") return ["v128.bitselect", a, b, test];
    // `select` evaluates both sides: not where one of them is long.
    if (hasCall(yes) || hasCall(no)) return ["if", ["result", valueType(type, width)], test, ["then", a], ["else", b]];
    return ["select", a, b, test];
  },
  convert: ({ value, type, width }, scope) => {
    const rule = convertRules[value.type][type][width];
    return rule(renderExpression(value, scope), scope.temporary);
  },
  bitcast: ({ value, type, width }, scope) => {
    const plain = renderExpression(value, scope);
    if (type === "bool") return convertRules.i32.bool[width](plain, scope.temporary);
    // A mask is not what is stored for a bool.
    const bits = value.type === "bool" ? convertRules.bool.i32[width](plain, scope.temporary) : plain;
    if (width === "vector" || (value.type === "f32") === (type === "f32")) return bits;
    return [type === "f32" ? "f32.reinterpret_i32" : "i32.reinterpret_f32", bits];
  },
  "reduce-lanes": ({ op, value, type }, scope) => {
    const rule = binaryRules[op][type]?.vector;
    if (rule === undefined) throw new InternalError(`kernels have no ${op} of ${type}`);
    const [four, again] = twice(renderExpression(value, scope), "v128", scope.temporary);
    const two = scope.temporary("v128");
    // Lanes 2 and 3 onto 0 and 1, then lane 1 onto lane 0. Other lanes do not matter.
    const halves = rule(four, shuffle(again, [2, 3, 2, 3]), scope.temporary);
    const whole = rule(["local.tee", two, halves], shuffle(get(two), [1, 1, 1, 1]), scope.temporary);
    return [type === "f32" ? "f32x4.extract_lane" : "i32x4.extract_lane", "0", whole];
  },
  call: ({ function: name, args }, scope) => ["call", identifier(`function_${name}`), ...args.map((each) => renderExpression(each, scope))],
};

/** `offset=` and the byte address of a word. */
export function address(index: KernelExpr, scope: Scope): readonly Wat[] {
  const form = scope.linearOf(index, (part) => renderExpression(part, scope));
  if (form) {
    const { base, offset } = splitOffset(form);
    return [...offsetText(offset), base.terms.length === 0 ? byteAddress(base) : get(scope.base(base))];
  }
  const { base, constant } = splitIndex(index, scope.rangeOf);
  return [...offsetText(constant), base === undefined ? ["i32.const", "0"] : bytesOf(base, scope)];
}

const offsetText = (words: number): readonly string[] => (words === 0 ? [] : [`offset=${4 * words}`]);

/** Four times an index; a constant factor takes the four in (both wrap alike). */
function bytesOf(index: KernelExpr, scope: Scope): Wat {
  if (index.kind === "binary" && index.op === "multiply" && index.right.kind === "constant") {
    return ["i32.mul", renderExpression(index.left, scope), ["i32.const", String((4 * index.right.value) | 0)]];
  }
  return ["i32.shl", renderExpression(index, scope), ["i32.const", "2"]];
}

function shiftCount(count: KernelExpr, scope: Scope): Wat {
  if (count.kind === "constant") return ["i32.const", String(count.value)];
  if (count.kind === "splat") return renderExpression(count.value, scope);
  if (count.width === "scalar") return renderExpression(count, scope);
  throw new InternalError("a vector is shifted by counts that differ from lane to lane");
}

const shuffle = (vector: Wat, lanes: readonly number[]): Wat => [
  "i8x16.shuffle",
  ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => String(4 * lane + byte))),
  vector,
  vector,
];

/** Calls are worth skipping; everything else is cheaper computed than skipped. */
function hasCall(expr: KernelExpr): boolean {
  switch (expr.kind) {
    case "call":
      return true;
    case "unary":
    case "convert":
    case "bitcast":
      return hasCall(expr.value);
    case "binary":
    case "compare":
      return hasCall(expr.left) || hasCall(expr.right);
    case "multiply-add":
      return hasCall(expr.a) || hasCall(expr.b) || hasCall(expr.c);
    case "select":
      return hasCall(expr.condition) || hasCall(expr.yes) || hasCall(expr.no);
    default:
      return false;
  }
}
