import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { renderC } from "../../src/codegen/c/index.js";
import type { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import { kernelBinary, kernelCompare, kernelUnary, type ElementType, type Kernel, type KernelExpr, type KernelFunction, type Width } from "../../src/ir/kernel/nodes.js";
import { createNativeModule } from "../../src/runtime/node/native/index.js";
import { hasCompiler, kernel, program } from "./programs.js";

const cacheFolder = mkdtempSync(join(tmpdir(), "lvmc-native-"));
afterAll(() => rmSync(cacheFolder, { recursive: true, force: true }));

const floats = [0, -0, 1, -1, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.1, 3.75, -7.25, 1e-45, -1e-40, 1.17549435e-38, 3.4028235e38, -3.4028235e38, 2147483520, 2147483648, -2147483648, 4294967040, 4294967296, 8388609, -8388607.5, 1e10, -1e10, Infinity, -Infinity, NaN, 0.99999994, -0.99999994];
const ints = [0, 1, -1, 2, 3, -3, 7, 31, 100, -100, 65535, 65536, 46341, -46341, 16777217, 33554435, 0x55555555, -0x55555556, 2147483647, -2147483648, -2147483647, 123456789, 12, 5, 6, -6, 1000003, -1000003, 255, 256, -128, 1 << 30];
/** Every pair of two values: a_i is value i / 32, b_i value i % 32. */
const side = 32;
const count = side * side;
const at = { first: 16, second: 16 + count, index: 16 + 2 * count, out: 16 + 3 * count } as const;

interface Case {
  readonly name: string;
  readonly input: ElementType;
  /** Two operands of the input type; bools are `odd` numbers. */
  readonly value: (b: KernelBuilder, x: KernelExpr, y: KernelExpr) => KernelExpr;
}

const types = ["f32", "i32", "u32", "bool"] as const;
const cases: Case[] = [];
const add = (name: string, input: ElementType, value: Case["value"]): void => void cases.push({ name: `${input}_${name}`, input, value });
const fits = (op: string, type: ElementType): boolean =>
  type === "f32" ? !["not", "remainder", "and", "or", "xor", "shift_left", "shift_right"].includes(op)
  : type === "bool" ? ["not", "and", "or", "xor"].includes(op)
  : !["sqrt", "floor", "nearest"].includes(op);
for (const type of types) {
  for (const op of kernelUnary) if (fits(op, type)) add(op, type, (b, x) => b.unary(op, x));
  for (const op of kernelBinary) {
    if (!fits(op, type)) continue;
    if (op === "shift_left" || op === "shift_right") for (const by of [0, 1, 13, 31]) add(`${op}_${by}`, type, (b, x) => b.binary(op, x, by));
    else if (type !== "f32" && (op === "divide" || op === "remainder")) add(op, type, (b, x, y) => b.binary(op, x, b.max(y, 1)));
    else add(op, type, (b, x, y) => b.binary(op, x, y));
  }
  for (const op of kernelCompare) add(op, type, (b, x, y) => b.compare(op, x, y));
  for (const [i, bound] of [0, -0, 1, -2.5, Infinity].entries()) {
    if (type !== "f32") continue;
    add(`max_constant_${i}`, type, (b, x) => b.max(x, bound));
    add(`min_constant_${i}`, type, (b, x) => b.min(bound, x));
  }
  add("select", type, (b, x, y) => b.select(b.compare("less", x, y), y, x));
  add("select_constants", type, (b, x, y) => b.select(b.compare("not_equal", x, y), b.constant(type === "bool" ? 1 : 17, type), b.constant(0, type)));
  for (const to of types) if (!(type === "i32" && to === "u32") && !(type === "u32" && to === "i32")) add(`to_${to}`, type, (b, x) => b.convert(x, to));
  for (const to of types) if (type !== "bool" && to !== "bool") add(`as_${to}`, type, (b, x) => b.bitcast(x, to));
  if (type !== "bool") for (const op of ["add", "min", "max"] as const) add(`reduce_${op}`, type, (b, x, y) => b.reduceLanes(op, b.select(b.compare("less", x, y), x, y)));
}
add("bits_of_sum", "f32", (b, x, y) => b.bitcast(b.add(b.bitcast(x, "u32"), b.bitcast(y, "u32")), "f32"));
add("splat_of_load", "f32", (b, x) => b.add(x, b.load(b.constant(at.first + 77, "i32"))));
add("call", "f32", (b, x, y) => (x.width === "vector" ? b.multiply(x, y) : b.call("power", [x, b.constant(3, "i32")], "f32")));

/** x to a small power, by a loop; a `long` word of C as parameter name. */
const power: KernelFunction = (() => {
  const x: KernelExpr = { kind: "name", name: "long", type: "f32", width: "scalar" };
  const n: KernelExpr = { kind: "name", name: "n", type: "i32", width: "scalar" };
  let result: KernelExpr = x;
  const made = kernel("power", 1, 4, (b) => {
    const product = b.variable(b.constant(1));
    b.loop(0, n, 1, () => b.when(b.compare("greater", n, 0), () => b.set(product, b.multiply(product, x)), () => b.set(product, b.constant(0))));
    result = product;
  });
  return { name: "power", parameters: [{ name: "long", type: "f32" }, { name: "n", type: "i32" }], result: "f32", body: made.body, value: result };
})();

function caseKernel(each: Case, index: number, width: Width, lanes: number): Kernel {
  const out = at.out + index * count;
  return kernel(`${each.name}_${width}`, side, lanes, (b) => {
    const first = b.bind(b.multiply(b.group(), side));
    b.loop(0, side, width === "vector" ? lanes : 1, (i) => {
      const operand = (base: number): KernelExpr => {
        const word = b.add(b.add(first, i), base);
        return each.input === "bool" ? b.compare("not_equal", b.binary("and", b.load(word, "i32", width), 1), 0) : b.load(word, each.input, width);
      };
      const value = each.value(b, b.bind(operand(at.first)), b.bind(operand(at.second)));
      b.store(b.add(b.add(first, i), out), value);
    });
  });
}

/** Bits, with every NaN the same. */
function normal(words: Uint32Array, from: number): number[] {
  return [...words.subarray(from, from + count)].map((bits) => ((bits & 0x7f800000) === 0x7f800000 && (bits & 0x7fffff) !== 0 ? 0x7fc00000 : bits));
}

function fill(arena: ArrayBufferLike, input: ElementType): void {
  const f32 = new Float32Array(arena);
  const i32 = new Int32Array(arena);
  for (let i = 0; i < count; i++) {
    const [a, b] = [Math.floor(i / side), i % side];
    // Neighbouring lanes get different values of both.
    if (input === "f32") [f32[at.first + i], f32[at.second + i]] = [floats[(a + b) % side]!, floats[b]!];
    else [i32[at.first + i], i32[at.second + i]] = [ints[(a + b) % side]!, ints[b]!];
    i32[at.index + i] = at.first + ((i * 397) % count);
  }
}

describe.skipIf(!hasCompiler).each([4, 8, 16])("native kernels with %i lanes", (lanes) => {
  // Guards: every operation, type and width means what the interpreter says, bit for bit, on zeros, denormals, infinities, NaN and extremes.
  it.each(["f32", "i32", "u32", "bool"] as const)("%s operations equal the interpreter's", async (input) => {
    const mine = cases.filter((each) => each.input === input);
    const outputs = mine.flatMap((each) => (["scalar", "vector"] as const).map((width) => ({ each, width })));
    const kernels = outputs.map(({ each, width }, i) => caseKernel(each, i, width, lanes));
    const whole = program(lanes, at.out + outputs.length * count, kernels, [power]);
    const expected = new ArrayBuffer(whole.words * 4);
    fill(expected, input);
    evaluateKernels(whole, expected);
    const module = await createNativeModule(renderC(whole), { cacheFolder, threads: 2 });
    fill(module.arena.u32.buffer, input);
    module.run(1);
    for (const [i, { each, width }] of outputs.entries()) expect(normal(module.arena.u32, at.out + i * count), `${each.name} ${width}`).toEqual(normal(new Uint32Array(expected), at.out + i * count));
    module.dispose();
  });

  // Guards: what the interpreter and C might both get wrong, against numbers written by hand.
  it("gives the numbers of the contract", async () => {
    const list: readonly (readonly [value: (b: KernelBuilder) => KernelExpr, expected: number])[] = [
      [(b) => b.min(b.load(b.integer(4)), b.load(b.integer(5))), -0],
      [(b) => b.max(b.load(b.integer(4)), b.load(b.integer(5))), 0],
      [(b) => b.max(b.load(b.integer(5)), 0), 0],
      [(b) => b.min(b.load(b.integer(6)), 1), NaN],
      [(b) => b.max(1, b.load(b.integer(6))), NaN],
      [(b) => b.unary("nearest", b.load(b.integer(7))), 2],
      [(b) => b.convert(b.convert(b.load(b.integer(8)), "i32"), "f32"), -2147483648],
      [(b) => b.convert(b.convert(b.load(b.integer(9)), "u32"), "f32"), 4294967296],
      [(b) => b.convert(b.convert(b.load(b.integer(6)), "i32"), "f32"), 0],
      [(b) => b.convert(b.convert(b.load(b.integer(10), "i32"), "u32"), "f32"), 4294967296 - 256],
      [(b) => b.convert(b.convert(b.load(b.integer(10), "u32"), "i32"), "f32"), -255],
      [(b) => b.multiplyAdd(b.load(b.integer(7)), b.constant(4), b.constant(1)), 11],
      [(b) => b.multiplyAdd(b.load(b.integer(10), "i32"), b.constant(4, "i32"), b.constant(1, "i32")), NaN],
    ];
    const out = 32;
    const write = (width: Width, base: number) =>
      kernel(`${width}_values`, 1, lanes, (b) => {
        for (const [i, [value]] of list.entries()) {
          const scalar = value(b);
          b.store(b.integer(base + i * lanes), scalar.type === "f32" && width === "vector" ? b.widened(scalar, "vector") : scalar);
        }
      });
    const module = await createNativeModule(renderC(program(lanes, out + 2 * list.length * lanes, [write("scalar", out), write("vector", out + list.length * lanes)])), { cacheFolder, threads: 1 });
    module.arena.f32.set([0, -0, NaN, 2.5, -1e30, 1e30], 4);
    module.arena.i32[10] = -255;
    module.run(1);
    for (const [i, [, expected]] of list.entries()) {
      if (i === list.length - 1) expect(module.arena.i32[out + i * lanes]).toBe(-1019);
      else {
        expect(module.arena.f32[out + i * lanes], `value ${i}`).toBe(expected);
        expect(module.arena.f32[out + (list.length + i) * lanes + lanes - 1], `value ${i}, last lane`).toBe(expected);
      }
    }
    module.dispose();
  });

  // Guards: gather, lane numbers, bools in the arena, group ranges, loops whose bounds are values, and stores at odd addresses.
  it("moves words", async () => {
    const kernels = [
      kernel("gathered", side, lanes, (b) => {
        const row = b.bind(b.multiply(b.group(), side));
        b.vectorLoop(side - 3, (i, width) => {
          const index = b.load(b.add(b.add(row, i), at.index), "i32", width);
          b.store(b.add(b.add(row, i), at.out), width === "vector" ? b.gather(index) : b.load(index));
        });
      }),
      kernel("lanes", 3, lanes, (b) => b.store(b.add(b.multiply(b.group(), lanes), at.out + count + 1), b.add(b.laneNumbers(), b.group()))),
      kernel("bools", side, lanes, (b) => {
        const row = b.bind(b.multiply(b.group(), side));
        b.vectorLoop(side - 3, (i, width) => b.store(b.add(b.add(row, i), at.out + 2 * count), b.compare("greater", b.load(b.add(b.add(row, i), at.first), "i32", width), 0)));
      }),
      kernel("read_bools", side, lanes, (b) => {
        const row = b.bind(b.multiply(b.group(), side));
        b.vectorLoop(side - 3, (i, width) => b.store(b.add(b.add(row, i), at.out + 3 * count), b.unary("not", b.load(b.add(b.add(row, i), at.out + 2 * count), "bool", width))));
      }),
      kernel("triangle", side, lanes, (b) => {
        const sum = b.variable(b.constant(0, "i32"));
        b.loop(0, b.add(b.group(), 1), 2, (i) => b.set(sum, b.add(sum, i)));
        b.store(b.add(b.group(), at.out + 4 * count), sum);
      }),
    ];
    const whole = program(lanes, at.out + 5 * count, kernels);
    const expected = new ArrayBuffer(whole.words * 4);
    fill(expected, "i32");
    evaluateKernels(whole, expected);
    const module = await createNativeModule(renderC(whole), { cacheFolder, threads: 3 });
    fill(module.arena.u32.buffer, "i32");
    module.run(1);
    expect(module.arena.u32[0]).toBe(1);
    expect([...module.arena.u32.subarray(1)]).toEqual([...new Uint32Array(expected).subarray(1)]);
    module.dispose();
  });
});
