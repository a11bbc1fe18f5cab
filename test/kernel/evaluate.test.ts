import { describe, expect, it } from "vitest";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels, poisonedArena, poisonWord } from "../../src/ir/kernel/evaluate.js";
import type { KernelExpr, KernelFunction, KernelProgram } from "../../src/ir/kernel/nodes.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";

const lanes = 4;

function program(write: (k: KernelBuilder) => void, options: { readonly words?: number; readonly groups?: number; readonly functions?: readonly KernelFunction[] } = {}): KernelProgram {
  const k = new KernelBuilder(lanes);
  write(k);
  return {
    name: "p", lanes, words: options.words ?? 64, functions: options.functions ?? [],
    kernels: [{ name: "k", title: "", origins: [], groups: options.groups ?? 1, body: k.body(), flops: 0, bytes: 0 }],
  };
}

/** Stores the values of scalar expressions one after the other from word 32 on, over an arena that begins 1, 2, 3, … in f32. */
function values(write: (k: KernelBuilder) => readonly KernelExpr[], functions: readonly KernelFunction[] = []): number[] {
  let types: KernelExpr[] = [];
  const built = program((k) => {
    types = [...write(k)];
    types.forEach((value, i) => k.store(k.integer(32 + i), value));
  }, { functions });
  verifyKernels(built);
  const arena = new ArrayBuffer(256);
  new Float32Array(arena).set(Array.from({ length: 16 }, (_, i) => i + 1));
  evaluateKernels(built, arena);
  const views = { f32: new Float32Array(arena), i32: new Int32Array(arena), u32: new Uint32Array(arena), bool: new Int32Array(arena) };
  return types.map(({ type }, i) => views[type][32 + i]!);
}

/** The lanes of one vector. */
function vector(write: (k: KernelBuilder) => KernelExpr): number[] {
  const built = program((k) => k.store(k.integer(32), write(k)));
  verifyKernels(built);
  const arena = new ArrayBuffer(256);
  new Float32Array(arena).set(Array.from({ length: 16 }, (_, i) => i + 1));
  evaluateKernels(built, arena);
  return [...new Float32Array(arena, 128, lanes)];
}

const i32 = (k: KernelBuilder, x: number): KernelExpr => k.constant(x, "i32");
const u32 = (k: KernelBuilder, x: number): KernelExpr => k.constant(x, "u32");

describe("the kernel interpreter", () => {
  it("constant: rounded to its type", () => {
    expect(values((k) => [k.constant(0.1), k.constant(-1, "i32"), k.constant(4294967295, "u32"), k.constant(1, "bool")])).toEqual([Math.fround(0.1), -1, 4294967295, 1]);
  });

  it("let, var, set and name", () => {
    expect(values((k) => {
      const once = k.bind(k.load(i32(k, 0)));
      const twice = k.variable(once);
      k.set(twice, k.add(twice, once));
      return [once, twice];
    })).toEqual([1, 2]);
  });

  it("group", () => {
    const built = program((k) => k.store(k.group(), k.convert(k.group(), "f32")), { groups: 5 });
    const arena = new ArrayBuffer(256);
    evaluateKernels(built, arena, { shuffle: 3 });
    expect([...new Float32Array(arena, 0, 5)]).toEqual([0, 1, 2, 3, 4]);
  });

  it("load, gather, splat, lane numbers", () => {
    expect(vector((k) => k.load(i32(k, 3), "f32", "vector"))).toEqual([4, 5, 6, 7]);
    expect(vector((k) => k.gather(k.multiply(k.laneNumbers(), 3)))).toEqual([1, 4, 7, 10]);
    expect(vector((k) => k.widened(k.load(i32(k, 2)), "vector"))).toEqual([3, 3, 3, 3]);
    expect(vector((k) => k.convert(k.laneNumbers(), "f32"))).toEqual([0, 1, 2, 3]);
  });

  it("unary: nearest rounds half to even, negate and abs touch the sign alone", () => {
    const x = (k: KernelBuilder, v: number) => k.constant(v);
    expect(values((k) => [0.5, 1.5, -2.5, 2.6, -0.2].map((v) => k.unary("nearest", x(k, v))))).toEqual([0, 2, -2, 3, -0]);
    expect(values((k) => [k.unary("negate", x(k, 0)), k.unary("abs", x(k, -3)), k.unary("sqrt", x(k, 2)), k.unary("floor", x(k, -0.5))])).toEqual([-0, 3, Math.fround(Math.SQRT2), -1]);
    expect(values((k) => [k.unary("negate", i32(k, -2147483648)), k.unary("abs", i32(k, -5)), k.unary("not", i32(k, 5)), k.unary("not", k.constant(1, "bool"))])).toEqual([-2147483648, 5, -6, 0]);
  });

  it("binary f32: each rounds; min and max give NaN if either is", () => {
    const [a, b] = [Math.fround(0.1), Math.fround(0.7)];
    expect(values((k) => (["add", "subtract", "multiply", "divide"] as const).map((op) => k.binary(op, k.constant(a), k.constant(b))))).toEqual([a + b, a - b, a * b, a / b].map(Math.fround));
    expect(values((k) => [k.min(k.constant(NaN), 1), k.max(k.constant(1), NaN), k.min(k.constant(2), 1)])).toEqual([NaN, NaN, 1]);
  });

  it("binary of integers: wraps, truncates, shifts", () => {
    // Through memory, so that the builder does not fold.
    const at = (k: KernelBuilder, v: number): KernelExpr => k.variable(i32(k, v));
    expect(values((k) => [k.add(at(k, 2147483647), 1), k.multiply(at(k, 65537), 65537), k.divide(at(k, -7), 2), k.remainder(at(k, -7), 2)])).toEqual([-2147483648, 131073, -3, -1]);
    expect(values((k) => [k.shiftRight(at(k, -8), 1), k.shiftRight(u32(k, 0xfffffff8), 1), k.shiftLeft(at(k, 3), 30)])).toEqual([-4, 0x7ffffffc, -1073741824]);
    expect(values((k) => (["and", "or", "xor"] as const).map((op) => k.binary(op, at(k, 12), at(k, 10))))).toEqual([8, 14, 6]);
    expect(values((k) => [k.subtract(u32(k, 1), u32(k, 2)), k.multiply(u32(k, 4294967295), u32(k, 3)), k.max(u32(k, 4294967295), u32(k, 1))])).toEqual([4294967295, 4294967293, 4294967295]);
    expect(() => values((k) => [k.divide(at(k, 1), at(k, 0))])).toThrow(/divided by 0/);
  });

  it("multiply-add rounds twice here", () => {
    const [a, b] = [1 + 2 ** -23, 1 - 2 ** -23];
    expect(values((k) => [k.multiplyAdd(k.constant(a), k.constant(b), k.constant(-1))])).toEqual([Math.fround(Math.fround(a * b) - 1)]);
  });

  it("compare: false where either is NaN, but for not_equal; select takes one side", () => {
    expect(values((k) => (["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"] as const).map((op) => k.compare(op, k.constant(NaN), 1)))).toEqual([0, 0, 0, 0, 0, 1]);
    expect(vector((k) => k.select(k.less(k.laneNumbers(), 2), k.constant(NaN), k.constant(7)))).toEqual([NaN, NaN, 7, 7]);
  });

  it("convert: truncates and saturates, NaN gives 0; bitcast keeps the bits", () => {
    expect(values((k) => [-1.9, 3e9, -3e9, NaN].map((v) => k.convert(k.constant(v), "i32")))).toEqual([-1, 2147483647, -2147483648, 0]);
    expect(values((k) => [-1, 5e9].map((v) => k.convert(k.constant(v), "u32")))).toEqual([0, 4294967295]);
    expect(values((k) => [k.convert(u32(k, 4294967295), "f32"), k.convert(i32(k, -3), "f32"), k.convert(i32(k, -1), "u32"), k.convert(k.constant(0.5), "bool")])).toEqual([4294967296, -3, 4294967295, 1]);
    expect(values((k) => [k.bitcast(k.constant(1), "i32"), k.bitcast(i32(k, 0x40000000), "f32"), k.bitcast(k.constant(-0), "u32")])).toEqual([0x3f800000, 2, 2147483648]);
  });

  it("reduce-lanes combines halves", () => {
    // (2²⁴ + 1) + (1 + 1): with halves 2²⁴ meets 1 and the ones meet, so nothing else gives 2²⁴ + 2.
    const order = [2 ** 24, 1, 1, 1];
    expect(values((k) => {
      let v = k.convert(k.laneNumbers(), "f32");
      v = k.select(k.equal(v, 0), k.constant(order[0]!), k.constant(1));
      return [k.reduceLanes("add", v), k.reduceLanes("min", v), k.reduceLanes("max", v)];
    })).toEqual([Math.fround(Math.fround(order[0]! + 1) + 2), 1, 2 ** 24]);
  });

  it("call: a function with a loop of its own", () => {
    const k = new KernelBuilder(lanes);
    const n: KernelExpr = { kind: "name", name: "n", type: "i32", width: "scalar" };
    const sum = k.variable(k.constant(0, "i32"));
    k.loop(0, n, 1, (i) => k.set(sum, k.add(sum, i)));
    const triangle: KernelFunction = { name: "triangle", parameters: [{ name: "n", type: "i32" }], result: "i32", body: k.body(), value: sum };
    expect(values((b) => [b.call("triangle", [i32(b, 5)], "i32")], [triangle])).toEqual([10]);
  });

  it("for and if", () => {
    const built = program((k) => {
      k.loop(0, 10, 3, (i) => k.when(k.less(i, 5), () => k.store(i, k.constant(1)), () => k.store(i, k.constant(2))));
    });
    const arena = new ArrayBuffer(256);
    evaluateKernels(built, arena);
    expect([...new Float32Array(arena, 0, 10)]).toEqual([1, 0, 0, 1, 0, 0, 2, 0, 0, 2]);
  });

  it("steps count in word 0", () => {
    const built = program((k) => {
      const step = k.load(i32(k, 0), "i32");
      k.store(k.add(step, 8), k.convert(step, "f32"));
    });
    const arena = new ArrayBuffer(256);
    new Uint32Array(arena)[0] = 2;
    evaluateKernels(built, arena, { steps: 3 });
    expect([...new Float32Array(arena, 32, 6)]).toEqual([0, 0, 2, 3, 4, 0]);
    expect(new Uint32Array(arena)[0]).toBe(4);
  });
});

describe("what the interpreter watches", () => {
  it("words outside the arena", () => {
    const outside = program((k) => k.store(k.add(k.group(), 63), k.constant(1)), { groups: 2 });
    expect(() => evaluateKernels(outside, new ArrayBuffer(256))).toThrow(/word 64 is outside/);
    const vectorLoad = program((k) => k.store(k.integer(0), k.load(k.add(k.group(), 61), "f32", "vector")));
    expect(() => evaluateKernels(vectorLoad, new ArrayBuffer(256))).toThrow(/word 64 is outside/);
    expect(() => evaluateKernels(outside, new ArrayBuffer(16))).toThrow(/an arena of 4 words/);
  });

  it("poison: what nothing wrote is not read", () => {
    const reads = program((k) => k.store(k.integer(0), k.load(k.integer(5))));
    const arena = poisonedArena(64);
    expect(new Uint32Array(arena)[63]).toBe(poisonWord);
    expect(() => evaluateKernels(reads, arena, { poison: true })).toThrow(/reads word 5, which nothing wrote/);
    new Float32Array(arena)[5] = 1;
    evaluateKernels(reads, arena, { poison: true });
    expect(new Float32Array(arena)[0]).toBe(1);
  });

  it("races: groups of a kernel do not touch what another writes", () => {
    const options = { races: true };
    const writeWrite = program((k) => k.store(k.integer(0), k.constant(1)), { groups: 2 });
    const readWrite = program((k) => k.store(k.group(), k.load(k.integer(1))), { groups: 2 });
    const apart = program((k) => k.store(k.group(), k.load(k.integer(9))), { groups: 2 });
    expect(() => evaluateKernels(writeWrite, new ArrayBuffer(256), options)).toThrow(/another group/);
    expect(() => evaluateKernels(readWrite, new ArrayBuffer(256), options)).toThrow(/another group/);
    expect(() => evaluateKernels(apart, new ArrayBuffer(256), options)).not.toThrow();
  });
});
