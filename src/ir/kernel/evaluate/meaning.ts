import { InternalError } from "../../../util/internal-error.js";
import type { ElementType, KernelBinary, KernelCompare, KernelUnary } from "../nodes.js";

/** The number of a type that a constant stands for. */
export const rounded: Readonly<Record<ElementType, (x: number) => number>> = {
  f32: Math.fround,
  i32: (x) => x | 0,
  u32: (x) => x >>> 0,
  bool: (x) => (x !== 0 ? 1 : 0),
};

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

function nearest(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  const result = rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
  return Number.isFinite(x) ? (result === 0 ? (x < 0 || Object.is(x, -0) ? -0 : 0) : result) : x;
}

const f32Unary: Readonly<Record<KernelUnary, Unary | undefined>> = {
  negate: (x) => -x,
  abs: Math.abs,
  sqrt: (x) => Math.fround(Math.sqrt(x)),
  floor: Math.floor,
  nearest,
  not: undefined,
};

/** f32 has no `not`; integers negate, take absolute values and flip bits; a bool has `not` alone. */
export function unaryMeaning(op: KernelUnary, type: ElementType): Unary {
  const coerce = rounded[type];
  const meaning: Unary | undefined =
    type === "f32" ? f32Unary[op]
    : type === "bool" ? (op === "not" ? (x) => (x === 0 ? 1 : 0) : undefined)
    : op === "negate" ? (x) => coerce(-x)
    : op === "abs" ? (x) => coerce(Math.abs(x))
    : op === "not" ? (x) => coerce(~x)
    : undefined;
  if (!meaning) throw new InternalError(`no ${op} of ${type}`);
  return meaning;
}

const f32Binary: Partial<Record<KernelBinary, Binary>> = {
  add: (a, b) => Math.fround(a + b),
  subtract: (a, b) => Math.fround(a - b),
  multiply: (a, b) => Math.fround(a * b),
  divide: (a, b) => Math.fround(a / b),
  min: Math.min,
  max: Math.max,
};

function divisor(b: number): number {
  if (b <= 0) throw new InternalError(`an integer divided by ${b}`);
  return b;
}

const integerBinary: Readonly<Record<KernelBinary, Binary>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: Math.imul,
  divide: (a, b) => Math.trunc(a / divisor(b)),
  remainder: (a, b) => a % divisor(b),
  min: Math.min,
  max: Math.max,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shift_left: (a, b) => a << b,
  shift_right: (a, b) => a >> b,
};

/** What an operation does to two numbers of a type. Bools know `and`, `or` and `xor`. */
export function binaryMeaning(op: KernelBinary, type: ElementType): Binary {
  if (type === "f32") {
    const meaning = f32Binary[op];
    if (!meaning) throw new InternalError(`no ${op} of f32`);
    return meaning;
  }
  if (type === "bool" && op !== "and" && op !== "or" && op !== "xor") throw new InternalError(`no ${op} of bool`);
  if (type === "u32" && op === "shift_right") return (a, b) => a >>> b;
  const [meaning, coerce] = [integerBinary[op], rounded[type]];
  return (a, b) => coerce(meaning(a, b));
}

export const compareMeaning: Readonly<Record<KernelCompare, Binary>> = {
  less: (a, b) => (a < b ? 1 : 0),
  less_equal: (a, b) => (a <= b ? 1 : 0),
  greater: (a, b) => (a > b ? 1 : 0),
  greater_equal: (a, b) => (a >= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  not_equal: (a, b) => (a !== b ? 1 : 0),
};

const saturated = (low: number, high: number): Unary => (x) => (Number.isNaN(x) ? 0 : Math.min(high, Math.max(low, Math.trunc(x))) + 0);
const fromF32: Readonly<Record<ElementType, Unary>> = {
  f32: (x) => x,
  i32: saturated(-2147483648, 2147483647),
  u32: saturated(0, 4294967295),
  bool: (x) => (x !== 0 ? 1 : 0),
};

/** From f32 to integers: truncated and saturated, NaN gives 0. Between i32 and u32 the bits stay. */
export function convertMeaning(from: ElementType, to: ElementType): Unary {
  return from === "f32" ? fromF32[to] : rounded[to];
}
