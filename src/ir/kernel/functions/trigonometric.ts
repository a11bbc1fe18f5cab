import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { cosTail, sinTail, tanTail } from "./coefficients.js";
import { fastTwoSum, nearestInteger, polynomial, split, twoProduct, twoSum, whenAny, type Double } from "./common.js";

/** π/2 in three parts of 15 bits, whose products with integers below 2⁹ are exact, and a fourth of 24. */
const halfPiParts: readonly number[] = [1.57080078125, -4.454515874385834e-6, 6.077272018956137e-11, -1.7151245100058819e-15];
/** Beyond this the reduction is by the digits of 2/π. */
const largestShort = 512;

interface Reduced {
  /** x − q π/2, |r| ≤ π/4. */
  readonly r: KernelExpr;
  /** q modulo 4 in the low bits. */
  readonly quadrant: KernelExpr;
}

function reduced(k: KernelBuilder, x: KernelExpr): Reduced {
  const n = nearestInteger(k, k.multiply(x, Math.fround(2 / Math.PI)));
  let rest = x;
  for (const part of halfPiParts) rest = k.subtract(rest, k.multiply(n.real, part));
  const r = k.variable(rest, "angle");
  const quadrant = k.variable(n.integer, "quadrant");
  const magnitude = k.bind(k.unary("abs", x));
  const large = k.bind(k.binary("and", k.greater(magnitude, largestShort), k.less(magnitude, Infinity)));
  whenAny(k, large, () => {
    const far = reducedLarge(k, k.bind(k.select(large, magnitude, largestShort)));
    const negative = k.bind(k.less(x, 0));
    k.set(r, k.select(large, k.select(negative, k.unary("negate", far.r), far.r), r));
    k.set(quadrant, k.select(large, k.select(negative, k.subtract(0, far.quadrant), far.quadrant), quadrant));
  });
  return { r, quadrant };
}

/** 2/π = 0.A2F9836E4E441529FC27… in base 16 (Payne and Hanek 1983). */
const twoOverPi = BigInt("0xA2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163ABDEBBC561B7246E3A424DD2E0");
const twoOverPiBits = 320;

/** 2^base · 2/π modulo 2²⁵ as ten floats of 12 bits, from 2¹³ down. */
function digits(base: number): readonly number[] {
  return Array.from({ length: 10 }, (_, j) => {
    const lowest = 13 - 12 * j; // the weight of this digit's last bit
    const shift = BigInt(twoOverPiBits - base + lowest);
    return Number((twoOverPi >> shift) & 0xfffn) * 2 ** lowest;
  });
}

const windows = [9, 39, 69, 99];

/**
 * For 2⁹ ≤ x < 2¹²⁸: with x = y 2^base, y below 2³⁰ and a multiple of 2⁻²³, only the bits of 2^base · 2/π below 2²⁵ matter modulo 4. Twenty exact
 * products are summed without their integer parts. The angle's absolute error is about 2⁻⁴⁷.
 */
function reducedLarge(k: KernelBuilder, x: KernelExpr): Reduced {
  const tests = windows.slice(1).map((base) => k.bind(k.compare("greater_equal", x, 2 ** base)));
  const choose = (values: readonly number[]): KernelExpr => {
    let value: KernelExpr = k.widened(k.constant(values[0]!), x.width);
    tests.forEach((test, i) => (value = k.select(test, values[i + 1]!, value)));
    return k.bind(value);
  };
  const y = k.bind(k.multiply(x, choose(windows.map((base) => 2 ** -base))));
  const parts = split(k, y);
  const tables = windows.map(digits);
  let sum: Double = { high: k.widened(k.constant(0), x.width), low: k.widened(k.constant(0), x.width) };
  let count: KernelExpr = k.widened(k.constant(0), x.width);
  for (let j = 0; j < 10; j++) {
    const digit = choose(tables.map((table) => table[j]!));
    for (const part of [parts.high, parts.low]) {
      const product = k.bind(k.multiply(part, digit));
      const fraction = k.bind(k.subtract(product, k.multiply(k.unary("floor", k.multiply(product, 0.25)), 4)));
      const whole = k.bind(k.unary("nearest", fraction));
      const added = twoSum(k, sum.high, k.bind(k.subtract(fraction, whole)));
      const turns = k.bind(k.unary("nearest", added.high));
      sum = fastTwoSum(k, k.bind(k.subtract(added.high, turns)), k.bind(k.add(sum.low, added.low)));
      count = k.bind(k.add(k.add(count, whole), turns));
    }
  }
  const turns = k.bind(k.unary("nearest", sum.high));
  const main = k.bind(k.subtract(sum.high, turns));
  const halfPi = Math.fround(Math.PI / 2);
  const exact = twoProduct(k, main, halfPi);
  const low = k.add(k.add(k.multiply(main, Math.PI / 2 - halfPi), k.multiply(sum.low, halfPi)), exact.low);
  return { r: k.bind(k.add(exact.high, low)), quadrant: k.bind(k.convert(k.add(count, turns), "i32")) };
}

/** sin r for |r| ≤ π/4, r bound. */
export function sinReduced(k: KernelBuilder, r: KernelExpr, square: KernelExpr): KernelExpr {
  return k.add(r, k.multiply(k.multiply(r, square), polynomial(k, square, sinTail)));
}

export function cosReduced(k: KernelBuilder, square: KernelExpr): KernelExpr {
  const tail = k.multiply(k.multiply(square, square), polynomial(k, square, cosTail));
  return k.add(k.subtract(tail, k.multiply(square, 0.5)), 1);
}

function sinOrCos(k: KernelBuilder, argument: KernelExpr, turn: number): KernelExpr {
  const { r, quadrant } = reduced(k, k.bind(argument));
  const q = k.bind(k.add(quadrant, turn));
  const square = k.bind(k.multiply(r, r));
  const odd = k.compare("not_equal", k.binary("and", q, 1), 0);
  const value = k.select(odd, cosReduced(k, square), sinReduced(k, r, square));
  // Bit 1 of the quadrant is the sign.
  const sign = k.shiftLeft(k.binary("and", q, 2), 30);
  return k.bind(k.bitcast(k.binary("xor", k.bitcast(value, "i32"), sign), "f32"));
}

export const sin = (k: KernelBuilder, x: KernelExpr): KernelExpr => sinOrCos(k, x, 0);
export const cos = (k: KernelBuilder, x: KernelExpr): KernelExpr => sinOrCos(k, x, 1);

export function tan(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const { r, quadrant } = reduced(k, k.bind(argument));
  const square = k.bind(k.multiply(r, r));
  const t = k.bind(k.add(r, k.multiply(k.multiply(r, square), polynomial(k, square, tanTail))));
  return k.bind(k.select(k.equal(k.binary("and", quadrant, 1), 0), t, k.divide(-1, t)));
}

/** Taylor's series in t², |t| ≤ ¼, the next term below 1e-9: of (sin πt / πt − 1)/t² and of (cos πt / π − 1/π)/t². */
const sinOverPiTail = [-(Math.PI ** 2) / 6, Math.PI ** 4 / 120, -(Math.PI ** 6) / 5040, Math.PI ** 8 / 362880];
const cosOverPiTail = [-Math.PI / 2, Math.PI ** 3 / 24, -(Math.PI ** 5) / 720, Math.PI ** 7 / 40320, -(Math.PI ** 9) / 3628800];
const inversePi = Math.fround(1 / Math.PI);

/**
 * sin πx / π as a sum of two numbers and cos πx, but for one common sign, exact reduction: for reflections, which need their squares, quotient or logarithm. Divided by π the
 * series of the sine begins with t itself, so that neither π nor a product with it is rounded.
 */
export function sinCosPi(k: KernelBuilder, x: KernelExpr): { readonly sinOverPi: Double; readonly cos: KernelExpr } {
  const f = k.bind(k.subtract(x, k.unary("nearest", x)));
  const size = k.bind(k.unary("abs", f));
  const swap = k.bind(k.greater(size, 0.25));
  const t = k.bind(k.select(swap, k.subtract(0.5, size), size));
  const square = k.bind(k.multiply(t, t));
  const first = k.bind(k.select(swap, k.constant(inversePi), t));
  const rest = k.select(
    swap, k.add(k.multiply(square, polynomial(k, square, cosOverPiTail)), 1 / Math.PI - inversePi), k.multiply(k.multiply(t, square), polynomial(k, square, sinOverPiTail)),
  );
  const { high, low } = fastTwoSum(k, first, k.bind(rest));
  const signed = (value: KernelExpr): KernelExpr => k.bind(k.select(k.less(f, 0), k.unary("negate", value), value));
  const r = k.bind(k.multiply(t, Math.fround(Math.PI)));
  const r2 = k.bind(k.multiply(r, r));
  return { sinOverPi: { high: signed(high), low: signed(low) }, cos: k.bind(k.select(swap, sinReduced(k, r, r2), cosReduced(k, r2))) };
}
