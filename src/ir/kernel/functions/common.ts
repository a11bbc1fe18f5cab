import type { KernelBuilder, KernelOperand } from "../builder.js";
import type { KernelExpr } from "../nodes.js";

/**
 * What the elementary functions are made of. All are generic in width and use no multiply-add, so that every device computes the same bits.
 * Expressions that are used twice are bound: an argument `x` of a function here is a bound value unless it says otherwise.
 */

/** log 2 in two parts; the first has few bits, so that its product with an exponent is exact. */
export const log2High = 0.693359375;
export const log2Low = Math.fround(Math.LN2 - log2High);

/** c₀ + x (c₁ + x (c₂ + …)), by Horner's rule. */
export function polynomial(k: KernelBuilder, x: KernelExpr, coefficients: readonly number[]): KernelExpr {
  let sum: KernelExpr = k.widened(k.constant(coefficients.at(-1)!), x.width);
  for (let i = coefficients.length - 2; i >= 0; i--) sum = k.add(k.multiply(sum, x), coefficients[i]!);
  return sum;
}

/** Horner's rule with coefficients of its own for each lane: those of the first list where `condition` holds. Shorter lists are padded. */
export function chosenPolynomial(k: KernelBuilder, condition: KernelExpr, x: KernelExpr, yes: readonly number[], no: readonly number[]): KernelExpr {
  const length = Math.max(yes.length, no.length);
  const coefficient = (i: number): KernelExpr => {
    const [a, b] = [yes[i] ?? 0, no[i] ?? 0];
    return a === b ? k.widened(k.constant(a), x.width) : k.select(condition, k.constant(a), k.constant(b));
  };
  let sum = coefficient(length - 1);
  for (let i = length - 2; i >= 0; i--) sum = k.add(k.multiply(sum, x), coefficient(i));
  return sum;
}

/** x, but at most `most`; NaN stays. (Written as a choice: one instruction on every target, where `min` with its NaN rule is several.) */
export function atMost(k: KernelBuilder, x: KernelExpr, most: number): KernelExpr {
  return k.select(k.less(most, x), most, x);
}

export function atLeast(k: KernelBuilder, x: KernelExpr, least: number): KernelExpr {
  return k.select(k.less(x, least), least, x);
}

/** The integer nearest to x for |x| < 2²², as f32 and as i32: adding 1.5 · 2²³ leaves it in the low bits. */
export function nearestInteger(k: KernelBuilder, x: KernelExpr): { readonly real: KernelExpr; readonly integer: KernelExpr } {
  const magic = 12582912;
  const shifted = k.bind(k.add(x, magic));
  return { real: k.bind(k.subtract(shifted, magic)), integer: k.bind(k.subtract(k.bitcast(shifted, "i32"), 0x4b400000)) };
}

/** 2^n for an i32 n from −126 to 127. */
export function powerOfTwo(k: KernelBuilder, n: KernelExpr): KernelExpr {
  return k.bitcast(k.shiftLeft(k.add(n, 127), 23), "f32");
}

/** x 2^n for −252 ≤ n ≤ 254, in two steps, so that a result below the normal numbers is rounded once and 2^128 does not stand in the way. */
export function scaled(k: KernelBuilder, x: KernelExpr, n: KernelExpr): KernelExpr {
  const half = k.bind(k.shiftRight(n, 1));
  return k.multiply(k.multiply(x, powerOfTwo(k, half)), powerOfTwo(k, k.subtract(n, half)));
}

/** |magnitude| with the sign of `sign`: bits only. */
export function withSignOf(k: KernelBuilder, magnitude: KernelExpr, sign: KernelExpr): KernelExpr {
  const bit = k.binary("and", k.bitcast(sign, "i32"), -2147483648);
  return k.bitcast(k.binary("or", k.bitcast(k.unary("abs", magnitude), "i32"), bit), "f32");
}

/** Writes `then` under a test: is the condition true in any lane? For what is rare and long. `then` must leave other lanes as they are. */
export function whenAny(k: KernelBuilder, condition: KernelExpr, then: () => void): void {
  // Where lanes are invocations, those of which it is false rest.
  if (k.simt) return k.when(condition, then);
  const test = condition.width === "scalar" ? condition : k.greater(k.reduceLanes("max", k.select(condition, k.constant(1), k.constant(0))), 0);
  k.when(test, then);
}

/** A sum or product as two floats: high + low is exact. */
export interface Double {
  readonly high: KernelExpr;
  readonly low: KernelExpr;
}

/** a + b exactly, for |a| ≥ |b| or a = 0 (Dekker 1971). */
export function fastTwoSum(k: KernelBuilder, a: KernelExpr, b: KernelExpr): Double {
  const high = k.bind(k.add(a, b));
  return { high, low: k.bind(k.subtract(b, k.subtract(high, a))) };
}

/** a + b exactly (Knuth). */
export function twoSum(k: KernelBuilder, a: KernelExpr, b: KernelExpr): Double {
  const high = k.bind(k.add(a, b));
  const bPart = k.bind(k.subtract(high, a));
  return { high, low: k.bind(k.add(k.subtract(a, k.subtract(high, bPart)), k.subtract(b, bPart))) };
}

/** x as a number of 12 bits and the rest, of 12 bits too. */
export function split(k: KernelBuilder, x: KernelExpr): Double {
  const high = k.bind(k.bitcast(k.binary("and", k.bitcast(x, "i32"), -4096), "f32"));
  return { high, low: k.bind(k.subtract(x, high)) };
}

/** a b exactly, but for underflow (Dekker 1971). */
export function twoProduct(k: KernelBuilder, a: KernelExpr, b: KernelOperand): Double {
  const factor = typeof b === "number" ? k.widened(k.constant(b), a.width) : b;
  const high = k.bind(k.multiply(a, factor));
  const [x, y] = [split(k, a), typeof b === "number" ? splitNumber(k, b) : split(k, factor)];
  const error = k.add(k.add(k.add(k.subtract(k.multiply(x.high, y.high), high), k.multiply(x.high, y.low)), k.multiply(x.low, y.high)), k.multiply(x.low, y.low));
  return { high, low: k.bind(error) };
}

function splitNumber(k: KernelBuilder, x: number): Double {
  const high = highBits(x);
  return { high: k.constant(high), low: k.constant(Math.fround(x - high)) };
}

/** The 12 leading bits of a float32. */
export function highBits(x: number): number {
  const word = new Float32Array([x]);
  new Int32Array(word.buffer)[0]! &= -4096;
  return word[0]!;
}
