import { describe, expect, it } from "vitest";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { kernelCompare, type ElementType, type KernelBinary, type KernelExpr, type KernelUnary, type Width } from "../../src/ir/kernel/nodes.js";
import { renderWat } from "../../src/codegen/wasm/render.js";
import { canonical, programOf, runReference, runWasm, type Fill } from "./support.js";

// Every node of the kernel IR in WebAssembly has the bits that the interpreter gives, as scalar and as vector, also at zeros, halves,
// infinities, NaN, denormals and the ends of the integers.

const floats = [0, -0, 1, -1, 0.5, 1.5, 2.5, -2.5, -0.5, 3.7, -3.7, 1e-40, -1e-40, 1e38, -3e38, Infinity, -Infinity, NaN, 2147483648, 4294967296, -2147483904, 16777217, 0.1, 255.5];
const integers = [0, 1, -1, 2, 3, 7, -7, 31, 1000003, -(2 ** 31), 2 ** 31 - 1, 65536, -65537, 0x3f800000, 5, -5];

/** All pairs of test values; the lists are padded to whole vectors. */
function pairs(type: ElementType, rightOnly: (value: number) => boolean = () => true): { readonly left: number[]; readonly right: number[] } {
  const values = type === "f32" ? floats : type === "bool" ? [0, 1] : integers.map((value) => (type === "u32" ? value >>> 0 : value));
  const all = values.flatMap((a) => values.filter(rightOnly).map((b) => [a, b] as const));
  while (all.length % 4 !== 0) all.push(all[0] as readonly [number, number]);
  return { left: all.map(([a]) => a), right: all.map(([, b]) => b) };
}

/** One kernel that applies `of` to each pair: once by vectors, once one by one. */
function check(type: ElementType, of: (b: KernelBuilder, x: KernelExpr, y: KernelExpr) => KernelExpr, rightOnly?: (value: number) => boolean) {
  const { left, right } = pairs(type, rightOnly);
  const n = left.length;
  const program = programOf(4 + 4 * n, [
    {
      write: (b) => {
        const at = (i: KernelExpr, width: Width, out: number): void => b.store(b.add(i, 4 + out * n), of(b, b.load(b.add(i, 4), type, width), b.load(b.add(i, 4 + n), type, width)));
        b.loop(0, n, 4, (i) => at(i, "vector", 2));
        b.loop(0, n, 1, (i) => at(i, "scalar", 3));
      },
    },
  ]);
  const fill: Fill = (arena) => {
    const view = type === "f32" ? arena.f32 : type === "u32" ? arena.u32 : arena.i32;
    view.set(left, 4);
    view.set(right, 4 + n);
  };
  return { program, fill, n };
}

async function agrees(type: ElementType, of: (b: KernelBuilder, x: KernelExpr, y: KernelExpr) => KernelExpr, rightOnly?: (value: number) => boolean): Promise<void> {
  const { program, fill, n } = check(type, of, rightOnly);
  const wasm = canonical(await runWasm(program, fill));
  expect(wasm).toEqual(canonical(runReference(program, fill)));
  expect(wasm.slice(4 + 2 * n, 4 + 3 * n)).toEqual(wasm.slice(4 + 3 * n));
}

const numbers = ["f32", "i32", "u32"] as const;
const floatOps: readonly KernelBinary[] = ["add", "subtract", "multiply", "divide", "min", "max"];
const integerOps: readonly KernelBinary[] = ["add", "subtract", "multiply", "min", "max", "and", "or", "xor"];

describe("operations", () => {
  for (const op of ["negate", "abs", "sqrt", "floor", "nearest"] as readonly KernelUnary[]) it(`${op} of f32`, () => agrees("f32", (b, x) => b.unary(op, x)));
  for (const type of ["i32", "u32"] as const) for (const op of ["negate", "abs", "not"] as const) it(`${op} of ${type}`, () => agrees(type, (b, x) => b.unary(op, x)));
  it("not of bool", () => agrees("bool", (b, x) => b.unary("not", x)));

  for (const op of floatOps) it(`${op} of f32`, () => agrees("f32", (b, x, y) => b.binary(op, x, y)));
  for (const type of ["i32", "u32"] as const) {
    for (const op of integerOps) it(`${op} of ${type}`, () => agrees(type, (b, x, y) => b.binary(op, x, y)));
    for (const op of ["divide", "remainder"] as const) {
      it(`${op} of ${type}`, () => agrees(type, (b, x, y) => b.binary(op, x, y), (y) => y > 0));
      it(`${op} of ${type} by a constant`, () => agrees(type, (b, x) => b.binary(op, x, 7)));
    }
    for (const op of ["shift_left", "shift_right"] as const) for (const by of [0, 1, 13, 31]) it(`${op} of ${type} by ${by}`, () => agrees(type, (b, x) => b.binary(op, x, by)));
  }
  // Guards the multiplication that stands for a division of vectors: at both sides of every multiple of the divisor up to 2^31.
  for (const divisor of [1, 2, 3, 7, 28, 64, 100, 784, 65535, 65537, 1_000_003, 2 ** 30, 2 ** 30 + 1, 2 ** 31 - 1]) {
    it(`division of vectors without signs by ${divisor}`, async () => {
      const most = Math.floor((2 ** 31 - 1) / divisor);
      const multiples = [...new Set([0, 1, 2, 3, most >> 1, most - 1, most])].filter((k) => k >= 0 && k <= most).map((k) => k * divisor);
      const values = [...new Set(multiples.flatMap((x) => [x - 1, x, x + 1, x + divisor - 1]).concat(2 ** 31 - 1))].filter((x) => x >= 0 && x < 2 ** 31);
      while (values.length % 4 !== 0) values.push(0);
      const n = values.length;
      const program = programOf(4 + 3 * n, [
        {
          write: (b) =>
            b.loop(0, n, 4, (i) => {
              const value = b.max(b.load(b.add(i, 4), "i32", "vector"), 0);
              b.store(b.add(i, 4 + n), b.divide(value, divisor));
              b.store(b.add(i, 4 + 2 * n), b.remainder(b.bind(value), divisor));
            }),
        },
      ]);
      const words = await runWasm(program, ({ i32 }) => i32.set(values, 4));
      expect([...words.slice(4 + n, 4 + 2 * n)]).toEqual(values.map((x) => Math.floor(x / divisor)));
      expect([...words.slice(4 + 2 * n)]).toEqual(values.map((x) => x % divisor));
      expect(renderWat(program, { relaxed: false })).not.toContain("i32.div_s");
    });
  }
  for (const op of ["and", "or", "xor"] as const) it(`${op} of bool`, () => agrees("bool", (b, x, y) => b.binary(op, x, y)));

  for (const type of numbers) for (const op of kernelCompare) it(`${op} of ${type}`, () => agrees(type, (b, x, y) => b.compare(op, x, y)));
  for (const op of ["equal", "not_equal"] as const) it(`${op} of bool`, () => agrees("bool", (b, x, y) => b.compare(op, x, y)));

  for (const type of numbers) it(`multiply-add of ${type}`, () => agrees(type, (b, x, y) => b.multiplyAdd(x, y, x)));
  for (const type of numbers) it(`select of ${type}`, () => agrees(type, (b, x, y) => b.select(b.compare("less", x, y), x, y)));
  it("select of bool", () => agrees("bool", (b, x, y) => b.select(x, y, b.unary("not", y))));
});

describe("conversions", () => {
  for (const from of ["f32", "i32", "u32", "bool"] as const) {
    for (const to of ["f32", "i32", "u32", "bool"] as const) {
      if (from === to) continue;
      it(`${from} to ${to}`, () => agrees(from, (b, x) => b.convert(x, to)));
      if (to !== "bool") it(`the bits of ${from} as ${to}`, () => agrees(from, (b, x) => b.bitcast(x, to)));
    }
  }
});

describe("vectors", () => {
  it("constants, splats and lane numbers", async () => {
    const program = programOf(100, [
      {
        write: (b) => {
          [1.5, -0, 1e-45, 3.4028234663852886e38, Infinity, NaN, 0.1].forEach((value, i) => b.store(b.integer(8 + 8 * i), b.constant(value, "f32", "vector")));
          b.store(b.integer(64), b.laneNumbers());
          b.store(b.integer(68), b.widened(b.load(b.integer(5), "i32"), "vector"));
          b.store(b.integer(72), b.widened(b.add(b.load(b.integer(4)), 1), "vector"));
          b.store(b.integer(76), b.widened(b.compare("less", b.load(b.integer(4)), 3), "vector"));
          b.store(b.integer(80), b.widened(b.load(b.integer(6), "bool"), "vector"));
          b.store(b.integer(84), b.constant(1, "bool", "vector"));
          b.store(b.integer(88), b.constant(4294967295, "u32", "vector"));
        },
      },
    ]);
    const fill: Fill = ({ f32, i32 }) => (f32.set([2.5], 4), i32.set([-9, 1], 5));
    expect(canonical(await runWasm(program, fill))).toEqual(canonical(runReference(program, fill)));
  });

  for (const type of ["f32", "i32", "u32", "bool"] as const) {
    it(`gather ${type}, with and without a constant in the index`, async () => {
      const program = programOf(80, [
        {
          write: (b) => {
            const index = b.bind(b.load(b.integer(4), "i32", "vector"), "index");
            b.store(b.integer(40), b.gather(index, type));
            b.store(b.integer(44), b.gather(b.add(index, 3), type));
            b.store(b.integer(48), b.gather(b.add(b.multiply(b.laneNumbers(), 3), 9), type));
            b.store(b.integer(52), b.gather(b.subtract(index, 2), type));
          },
        },
      ]);
      const fill: Fill = ({ i32 }) => (i32.set([14, 30, 10, 14], 4), i32.set(Array.from({ length: 32 }, (_, i) => (type === "bool" ? i % 2 : i * 7919 - 9)), 8));
      expect(canonical(await runWasm(program, fill))).toEqual(canonical(runReference(program, fill)));
    });
  }

  for (const type of numbers) {
    for (const op of ["add", "min", "max"] as const) {
      it(`reduce-lanes ${op} of ${type}`, async () => {
        const lanes = (b: KernelBuilder, x: KernelExpr, y: KernelExpr): KernelExpr => b.widened(b.reduceLanes(op, b.binary("add", x, y)), x.width);
        const { program, fill } = check(type, lanes);
        expect(canonical(await runWasm(program, fill))).toEqual(canonical(runReference(program, fill)));
      });
    }
  }

  it("a sum of lanes has the order (0 + 2) + (1 + 3)", async () => {
    const lanes = [1e8, 1, -1e8, 1];
    const program = programOf(16, [{ write: (b) => b.store(b.integer(12), b.reduceLanes("add", b.load(b.integer(4), "f32", "vector"))) }]);
    const words = await runWasm(program, ({ f32 }) => f32.set(lanes, 4));
    expect(new Float32Array(words.buffer)[12]).toBe(2);
  });
});

describe("statements", () => {
  it("loops with bounds from the arena, nested names and conditions", async () => {
    const program = programOf(200, [
      {
        groups: 3,
        write: (b) => {
          const count = b.load(b.add(b.group(), 4), "i32");
          const sum = b.variable(b.constant(0), "group");
          b.loop(1, count, 3, (i) => {
            b.loop(0, i, 1, (j) => {
              b.when(
                b.compare("equal", b.remainder(j, 2), 0),
                () => b.set(sum, b.add(sum, b.convert(b.multiply(i, j), "f32"))),
                () => b.when(b.compare("greater", j, 5), () => b.set(sum, b.subtract(sum, 1))),
              );
            });
          });
          b.store(b.add(b.multiply(b.group(), 2), 100), sum);
        },
      },
    ]);
    const fill: Fill = ({ i32 }) => i32.set([0, 9, 23], 4);
    expect(canonical(await runWasm(program, fill))).toEqual(canonical(runReference(program, fill)));
  });

  it("the same name in blocks beside each other with another type", async () => {
    const name = (type: ElementType, width: Width): KernelExpr => ({ kind: "name", name: "from", type, width });
    const b = new KernelBuilder(4);
    const body = [
      { kind: "if", condition: b.constant(1, "bool"), then: [{ kind: "let", name: "from", value: b.load(b.integer(4)) }, { kind: "store", index: b.integer(10), value: name("f32", "scalar") }], otherwise: [] },
      { kind: "let", name: "from", value: b.load(b.integer(5), "i32", "vector") },
      { kind: "let", name: "group", value: b.integer(77) },
      { kind: "store", index: b.integer(12), value: name("i32", "vector") },
      { kind: "store", index: b.add(b.group(), 20), value: { kind: "name", name: "group", type: "i32", width: "scalar" } },
    ] as const;
    const program = { ...programOf(40, []), kernels: [{ name: "k", title: "", origins: [], groups: 2, body, flops: 0, bytes: 0 }] };
    const fill: Fill = ({ f32, i32 }) => (f32.set([2.5], 4), i32.set([1, 2, 3, 4], 5));
    expect(canonical(await runWasm(program, fill))).toEqual(canonical(runReference(program, fill)));
  });

  it("functions with loops, called in a select and from vectors' lanes", async () => {
    const b = new KernelBuilder(4);
    const x: KernelExpr = { kind: "name", name: "x", type: "f32", width: "scalar" };
    const n: KernelExpr = { kind: "name", name: "n", type: "i32", width: "scalar" };
    const power = b.variable(b.constant(1), "power");
    b.loop(0, n, 1, () => b.set(power, b.multiply(power, x)));
    const functions = [{ name: "power", parameters: [{ name: "x", type: "f32" }, { name: "n", type: "i32" }], result: "f32", body: b.body(), value: power }] as const;
    const program = programOf(
      40,
      [
        {
          write: (k) => {
            k.loop(0, 4, 1, (i) => {
              const value = k.call("power", [k.load(k.add(i, 4)), k.add(i, 2)], "f32");
              k.store(k.add(i, 10), k.select(k.compare("less", i, 3), value, 0));
            });
          },
        },
      ],
      functions,
    );
    const fill: Fill = ({ f32 }) => f32.set([1.1, -2, 3, 4], 4);
    expect(canonical(await runWasm(program, fill))).toEqual(canonical(runReference(program, fill)));
  });
});

describe("addresses", () => {
  // Guards `offset=`: it is unsigned and does not wrap, so a base that may be negative must not lose its constant.
  it("bases that may be negative keep their constants", async () => {
    const program = programOf(64, [
      {
        groups: 4,
        write: (b) => {
          const shift = b.bind(b.load(b.integer(4), "i32"), "shift"); // −20
          b.store(b.add(b.add(shift, b.group()), 60), b.load(b.add(b.multiply(b.add(b.group(), shift), 2), 50)));
          b.store(b.add(b.subtract(30, b.group()), 0), b.load(b.add(b.subtract(b.group(), 3), 12)));
          b.loop(-3, 1, 1, (i) => b.store(b.add(b.add(i, b.multiply(b.group(), 4)), 44), b.convert(i, "f32")));
        },
      },
    ]);
    const fill: Fill = ({ f32, i32 }) => (f32.set(Array.from({ length: 59 }, (_, i) => i * 0.5), 5), i32.set([-20], 4));
    expect(canonical(await runWasm(program, fill))).toEqual(canonical(runReference(program, fill)));
  });
});

describe("relaxed SIMD", () => {
  it("changes multiply-adds by one rounding at most", async () => {
    const n = 64;
    const program = programOf(4 + 2 * n, [{ write: (b) => b.vectorLoop(n, (i, width) => b.store(b.add(i, 4 + n), b.multiplyAdd(b.load(b.add(i, 4), "f32", width), b.constant(1.1, "f32", width), b.constant(0.3, "f32", width)))) }]);
    const fill: Fill = ({ f32 }) => f32.set(Array.from({ length: n }, (_, i) => Math.sin(i) * 10), 4);
    const [exact, relaxed] = await Promise.all([runWasm(program, fill), runWasm(program, fill, { relaxed: true })]);
    const [a, b] = [new Float32Array(exact.buffer), new Float32Array(relaxed.buffer)];
    for (let i = 4 + n; i < 4 + 2 * n; i++) expect(Math.abs((a[i] as number) - (b[i] as number))).toBeLessThanOrEqual(2 ** -23 * 12);
  });
});
