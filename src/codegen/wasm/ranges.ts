import type { ElementType, KernelBinary, KernelExpr } from "../../ir/kernel/nodes.js";

/** Bounds (both included) of an integer value in every lane. They hold for the wrapped 32-bit value itself. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

const signed: Range = { low: -(2 ** 31), high: 2 ** 31 - 1 };
const unsigned: Range = { low: 0, high: 2 ** 32 - 1 };

/** All that a type can hold; a float has no range worth knowing. */
export const rangeOfType = (type: ElementType): Range => (type === "u32" ? unsigned : type === "bool" ? { low: 0, high: 1 } : signed);

/** A result that may wrap is anything. */
function within(range: Range, type: ElementType): Range {
  const all = rangeOfType(type);
  return range.low >= all.low && range.high <= all.high ? range : all;
}

const corners = (a: Range, b: Range, combine: (x: number, y: number) => number): Range => {
  const values = [combine(a.low, b.low), combine(a.low, b.high), combine(a.high, b.low), combine(a.high, b.high)];
  return { low: Math.min(...values), high: Math.max(...values) };
};

type RangeRule = (a: Range, b: Range) => Range | undefined;

/** Interval arithmetic; undefined: unknown. Products stay below 2^64, where doubles are only rounded: still far outside of 32 bits. */
const binaryRanges: { readonly [op in KernelBinary]: RangeRule } = {
  add: (a, b) => ({ low: a.low + b.low, high: a.high + b.high }),
  subtract: (a, b) => ({ low: a.low - b.high, high: a.high - b.low }),
  multiply: (a, b) => corners(a, b, (x, y) => x * y),
  divide: (a, b) => (b.low > 0 ? corners(a, b, (x, y) => Math.trunc(x / y)) : undefined),
  remainder: (a, b) => (b.low > 0 && a.low >= 0 ? { low: 0, high: Math.min(a.high, b.high - 1) } : undefined),
  min: (a, b) => ({ low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) }),
  max: (a, b) => ({ low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) }),
  and: (a, b) => (a.low >= 0 && b.low >= 0 ? { low: 0, high: Math.min(a.high, b.high) } : undefined),
  or: () => undefined,
  xor: () => undefined,
  shift_left: (a, b) => corners(a, b, (x, y) => x * 2 ** y),
  shift_right: (a, b) => (a.low >= 0 && b.low >= 0 && b.high < 32 ? corners(a, b, (x, y) => Math.floor(x / 2 ** y)) : undefined),
};

/** Bounds of an integer expression from those of the names in it. `groups` and steps of the `loops` around: of the kernel; `lanes`: of a vector. */
export function rangeOf(expr: KernelExpr, names: (name: string) => Range | undefined, kernel: { readonly groups: number; readonly loops?: readonly number[] }, lanes = 4): Range {
  const all = rangeOfType(expr.type);
  if (expr.type === "f32" || expr.type === "bool") return all;
  const of = (each: KernelExpr): Range => rangeOf(each, names, kernel, lanes);
  switch (expr.kind) {
    case "constant":
      return within({ low: expr.value, high: expr.value }, expr.type);
    case "name":
      return names(expr.name) ?? all;
    case "group":
      return { low: 0, high: Math.max(0, kernel.groups - 1) };
    case "loop-index":
      return { low: 0, high: Math.max(0, (kernel.loops?.[expr.depth] ?? 2 ** 31) - 1) };
    case "lane-numbers":
      return { low: 0, high: lanes - 1 };
    case "splat":
      return of(expr.value);
    case "binary": {
      const range = binaryRanges[expr.op](of(expr.left), of(expr.right));
      return range === undefined ? all : within(range, expr.type);
    }
    case "select": {
      const [yes, no] = [of(expr.yes), of(expr.no)];
      return { low: Math.min(yes.low, no.low), high: Math.max(yes.high, no.high) };
    }
    case "convert":
    case "bitcast":
      return expr.value.type === "f32" ? all : within(of(expr.value), expr.type);
    default:
      return all;
  }
}
