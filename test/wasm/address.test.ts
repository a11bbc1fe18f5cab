import { describe, expect, it } from "vitest";
import { splitIndex } from "../../src/codegen/wasm/address.js";
import { atomic, linearOf, splitOffset } from "../../src/codegen/wasm/linear.js";
import { rangeOf, type Range } from "../../src/codegen/wasm/ranges.js";
import type { KernelBinary, KernelExpr } from "../../src/ir/kernel/nodes.js";

/** xorshift32: the same expressions in every run. */
function randomIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const operations: readonly KernelBinary[] = ["add", "subtract", "multiply", "divide", "remainder", "min", "max", "and", "shift_left", "shift_right"];
const constants = [0, 1, 2, 3, 4, 7, 784, -1, -5, 65536, 2 ** 30, 2 ** 31 - 1, -(2 ** 31)];

function randomExpr(random: (below: number) => number, depth: number): KernelExpr {
  const leaf = { type: "i32", width: "scalar" } as const;
  if (depth === 0 || random(5) === 0) {
    return random(2) === 0 ? { kind: "constant", value: constants[random(constants.length)] as number, ...leaf } : { kind: "name", name: "xyz"[random(3)] as string, ...leaf };
  }
  const op = operations[random(6) < 4 ? random(3) : random(operations.length)] as KernelBinary;
  const left = randomExpr(random, depth - 1);
  if (op === "divide" || op === "remainder") return { kind: "binary", op, left, right: { kind: "constant", value: 1 + random(900), ...leaf }, ...leaf };
  if (op === "shift_left" || op === "shift_right") return { kind: "binary", op, left, right: { kind: "constant", value: random(32), ...leaf }, ...leaf };
  return { kind: "binary", op, left, right: randomExpr(random, depth - 1), ...leaf };
}

const meaning: { readonly [op in KernelBinary]?: (a: number, b: number) => number } = {
  add: (a, b) => (a + b) | 0,
  subtract: (a, b) => (a - b) | 0,
  multiply: Math.imul,
  divide: (a, b) => (a / b) | 0,
  remainder: (a, b) => (a % b) | 0,
  min: Math.min,
  max: Math.max,
  and: (a, b) => a & b,
  shift_left: (a, b) => a << b,
  shift_right: (a, b) => a >> b,
};

function valueOf(expr: KernelExpr, names: Readonly<Record<string, number>>): number {
  if (expr.kind === "constant") return expr.value | 0;
  if (expr.kind === "name") return names[expr.name] as number;
  if (expr.kind !== "binary") throw new Error(expr.kind);
  return (meaning[expr.op] as (a: number, b: number) => number)(valueOf(expr.left, names), valueOf(expr.right, names));
}

describe("addresses", () => {
  // Guards memory: a wrong bound or a wrong offset would read another array. 20,000 random expressions, values at the ends of their ranges.
  it("bounds hold, and a split index is a base that is not negative plus its constant", () => {
    const random = randomIntegers(20260101);
    let splits = 0;
    const mistakes: unknown[] = [];
    for (let n = 0; n < 20_000; n++) {
      const ranges: Record<string, Range> = {};
      for (const name of "xyz") {
        const [a, b] = [constants[random(constants.length)] as number, random(3) === 0 ? (constants[random(constants.length)] as number) : random(1000)];
        ranges[name] = { low: Math.min(a, b), high: Math.max(a, b) };
      }
      const expr = randomExpr(random, 4);
      const range = (each: KernelExpr): Range => rangeOf(each, (name) => ranges[name], { groups: 1 });
      const { base, constant } = splitIndex(expr, range);
      if (base !== expr) splits++;
      for (let trial = 0; trial < 6; trial++) {
        const names = Object.fromEntries(Object.entries(ranges).map(([name, { low, high }]) => [name, [low, high, low + random(high - low + 1)][random(3)] as number]));
        const value = valueOf(expr, names);
        const bounds = range(expr);
        const rest = base === undefined ? 0 : valueOf(base, names);
        const isBounded = value >= bounds.low && value <= bounds.high;
        const isSplit = ((rest + constant) | 0) === value && (constant === 0 || rest >= 0);
        if (!isBounded || !isSplit) mistakes.push({ expr, names, value, bounds, rest, constant });
      }
    }
    expect(mistakes).toEqual([]);
    expect(splits).toBeGreaterThan(500);
  });

  // The same for linear forms, which all scalar accesses use: names and what is not linear are atoms.
  it("a linear form has the value of its index, and what is left without the offset is the address of a word", () => {
    const random = randomIntegers(20260102);
    let splits = 0;
    const mistakes: unknown[] = [];
    for (let n = 0; n < 20_000; n++) {
      const ranges: Record<string, Range> = {};
      for (const name of "xyz") {
        const [a, b] = [constants[random(constants.length)] as number, random(3) === 0 ? (constants[random(constants.length)] as number) : random(1000)];
        ranges[name] = { low: Math.min(a, b), high: Math.max(a, b) };
      }
      const expr = randomExpr(random, 4);
      const range = (each: KernelExpr): Range => rangeOf(each, (name) => ranges[name], { groups: 1 });
      const atoms = new Map<string, KernelExpr>();
      const form = linearOf(expr, (part) => {
        const key = JSON.stringify(part);
        atoms.set(key, part);
        return atomic({ key, wat: key, range: range(part), level: 0 });
      });
      if (form === undefined) throw new Error("an index of names has a form");
      const { base, offset } = splitOffset(form);
      if (offset > 0) splits++;
      for (let trial = 0; trial < 6; trial++) {
        const names = Object.fromEntries(Object.entries(ranges).map(([name, { low, high }]) => [name, [low, high, low + random(high - low + 1)][random(3)] as number]));
        const value = valueOf(expr, names);
        const rest = base.terms.reduce((sum, { factor, atom }) => (sum + Math.imul(factor, valueOf(atoms.get(atom.key) as KernelExpr, names))) | 0, base.constant);
        if (((rest + offset) | 0) !== value) mistakes.push({ expr, names, value, rest, offset });
        // An effective address is u32(4 · rest) + 4 · offset: for a word of an arena (below 2^30) it must not wrap.
        if (offset > 0 && value >= 0 && value < 2 ** 30 && ((rest << 2) >>> 0) + 4 * offset !== 4 * value) mistakes.push({ expr, names, value, rest, offset });
      }
    }
    expect(mistakes).toEqual([]);
    expect(splits).toBeGreaterThan(500);
  });
});
