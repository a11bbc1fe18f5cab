import { afterAll, describe, expect, it } from "vitest";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { kernelCompare, type ElementType, type KernelBinary, type KernelExpr, type KernelProgram, type KernelUnary, type Width } from "../../src/ir/kernel/nodes.js";
import { canonical, closeGpu, missing, programOf, runReference, runWebGpu, type Fill } from "./support.js";

// Every node of the kernel IR in WGSL has the bits that the interpreter gives, as scalar and as vector, also at zeros, halves, infinities, NaN,
// subnormal numbers and the ends of the integers.

afterAll(closeGpu);

const floats = [0, -0, 1, -1, 0.5, 1.5, 2.5, -2.5, -0.5, 3.7, -3.7, 1e-40, -1e-40, 1e38, -3e38, Infinity, -Infinity, NaN, 2147483648, 4294967296, -2147483904, 16777217, 0.1, 255.5];
const integers = [0, 1, -1, 2, 3, 7, -7, 31, 1000003, -(2 ** 31), 2 ** 31 - 1, 65536, -65537, 0x3f800000, 5, -5];
const normal = floats.filter((x) => x === 0 || !(Math.abs(x) < 2 ** -126));
const lanes = 16;
const valuesOf = (type: ElementType): number[] => (type === "f32" ? floats : type === "bool" ? [0, 1] : integers.map((value) => (type === "u32" ? value >>> 0 : value)));

/** All pairs of test values; the lists are padded to whole vectors. */
function pairs(type: ElementType, rightOnly: (value: number) => boolean = () => true): { readonly left: number[]; readonly right: number[] } {
  const values = valuesOf(type);
  const all = values.flatMap((a) => values.filter(rightOnly).map((b) => [a, b] as const));
  while (all.length % lanes !== 0) all.push(all[0] as readonly [number, number]);
  return { left: all.map(([a]) => a), right: all.map(([, b]) => b) };
}

type Apply = (b: KernelBuilder, x: KernelExpr, y: KernelExpr) => KernelExpr;

/** One kernel that applies `of` to each pair: once by vectors, once one by one. */
function check(type: ElementType, of: Apply, rightOnly?: (value: number) => boolean) {
  const { left, right } = pairs(type, rightOnly);
  const n = left.length;
  const program = programOf(4 + 4 * n, [
    {
      write: (b) => {
        const at = (i: KernelExpr, width: Width, out: number): void => b.store(b.add(i, 4 + out * n), of(b, b.load(b.add(i, 4), type, width), b.load(b.add(i, 4 + n), type, width)));
        b.loop(0, n, lanes, (i) => at(i, "vector", 2));
        b.loop(0, n, 1, (i) => at(i, "scalar", 3));
      },
    },
  ]);
  const fill: Fill = (arena) => {
    const view = type === "f32" ? arena.f32 : type === "u32" ? arena.u32 : arena.i32;
    view.set(left, 4);
    view.set(right, 4 + n);
  };
  return { program, fill, n, left, right };
}

const isSubnormal = (word: number): boolean => (word & 0x7f800000) === 0;
const flush = (words: Uint32Array): void => words.forEach((word, at) => (words[at] = at >= 4 && isSubnormal(word) ? (word & 0x80000000) >>> 0 : word));

/** Results of normal numbers alone: those below them are 0. */
const normalized = (words: Uint32Array): number[] => (flush(words), canonical(words));

/** Where subnormal inputs and results are zeros of the same sign. */
function flushedReference(program: KernelProgram, fill: Fill): number[] {
  const words = runReference(program, (arena) => (fill(arena), flush(arena.u32)));
  flush(words);
  return canonical(words);
}

const shown = new Float32Array(1);
const float = (word: number): number => {
  new Uint32Array(shown.buffer)[0] = word;
  return shown[0]!;
};

/** `flushes`: where WGSL lets subnormal numbers be zeros, that is right as well. */
async function agrees(type: ElementType, of: Apply, { rightOnly, flushes = false }: { readonly rightOnly?: (value: number) => boolean; readonly flushes?: boolean } = {}): Promise<void> {
  const { program, fill, n, left, right } = check(type, of, rightOnly);
  const [got, expected, flushed] = [canonical(await runWebGpu(program, fill)), canonical(runReference(program, fill)), flushes ? flushedReference(program, fill) : []];
  const differing = expected.flatMap((word, at) => (word === got[at] || flushed[at] === got[at] ? [] : [`${at < 4 + 3 * n ? "vector" : "scalar"} (${left[(at - 4) % n]}, ${right[(at - 4) % n]}): ${got[at]!.toString(16)} (${float(got[at]!)}), not ${word.toString(16)} (${float(word)})`]));
  expect(differing).toEqual([]);
}

const numbers = ["f32", "i32", "u32"] as const;
const floatOps: readonly KernelBinary[] = ["add", "subtract", "multiply", "divide", "min", "max"];
const integerOps: readonly KernelBinary[] = ["add", "subtract", "multiply", "min", "max", "and", "or", "xor"];

describe.skipIf(missing !== undefined)("operations in WGSL", () => {
  for (const op of ["negate", "abs", "sqrt", "floor", "nearest"] as readonly KernelUnary[]) it(`${op} of f32`, () => agrees("f32", (b, x) => b.unary(op, x), { flushes: op !== "negate" && op !== "abs" }));
  for (const type of ["i32", "u32"] as const) for (const op of ["negate", "abs", "not"] as const) it(`${op} of ${type}`, () => agrees(type, (b, x) => b.unary(op, x)));
  it("not of bool", () => agrees("bool", (b, x) => b.unary("not", x)));

  for (const op of floatOps) it(`${op} of f32`, () => agrees("f32", (b, x, y) => b.binary(op, x, y), { flushes: op !== "min" && op !== "max" }));
  for (const type of ["i32", "u32"] as const) {
    for (const op of integerOps) it(`${op} of ${type}`, () => agrees(type, (b, x, y) => b.binary(op, x, y)));
    for (const op of ["divide", "remainder"] as const) {
      it(`${op} of ${type}`, () => agrees(type, (b, x, y) => b.binary(op, x, y), { rightOnly: (y) => y > 0 }));
      it(`${op} of ${type} by a constant`, () => agrees(type, (b, x) => b.binary(op, x, 7)));
    }
    for (const op of ["shift_left", "shift_right"] as const) for (const by of [0, 1, 13, 31]) it(`${op} of ${type} by ${by}`, () => agrees(type, (b, x) => b.binary(op, x, by)));
  }
  for (const op of ["and", "or", "xor"] as const) it(`${op} of bool`, () => agrees("bool", (b, x, y) => b.binary(op, x, y)));

  for (const type of numbers) for (const op of kernelCompare) it(`${op} of ${type}`, () => agrees(type, (b, x, y) => b.compare(op, x, y)));
  for (const op of kernelCompare) it(`${op} of bool`, () => agrees("bool", (b, x, y) => b.compare(op, x, y)));

  it("multiply-add of f32", () => agrees("f32", (b, x, y) => b.multiplyAdd(x, y, x), { flushes: true }));
  for (const type of numbers) it(`select of ${type}`, () => agrees(type, (b, x, y) => b.select(b.compare("less", x, y), x, y)));
  it("select of bool", () => agrees("bool", (b, x, y) => b.select(x, y, b.unary("not", y))));
});

describe.skipIf(missing !== undefined)("floats and constants", () => {
  // Guards the ranges of bits that stand for a comparison: with every test value as a constant, on either side.
  for (const op of kernelCompare) {
    it(`${op}`, async () => {
      const program = programOf(4 + floats.length + 2 * floats.length ** 2, [
        {
          write: (b) =>
            floats.forEach((bound, c) => {
              b.loop(0, floats.length, 1, (i) => {
                const x = b.bind(b.load(b.add(i, 4)));
                const out = 4 + floats.length * (1 + 2 * c);
                b.store(b.add(i, out), b.compare(op, x, bound));
                b.store(b.add(i, out + floats.length), b.compare(op, b.constant(bound), x));
              });
            }),
        },
      ]);
      const fill: Fill = ({ f32 }) => f32.set(floats, 4);
      expect(canonical(await runWebGpu(program, fill))).toEqual(canonical(runReference(program, fill)));
    });
  }
  for (const op of ["min", "max", "add", "multiply", "divide"] as const) {
    it(`${op}`, async () => {
      const program = programOf(4 + normal.length + 2 * normal.length ** 2, [
        {
          write: (b) =>
            normal.forEach((bound, c) => {
              b.loop(0, normal.length, 1, (i) => {
                const x = b.bind(b.load(b.add(i, 4)));
                const out = 4 + normal.length * (1 + 2 * c);
                b.store(b.add(i, out), b.binary(op, x, bound));
                b.store(b.add(i, out + normal.length), b.binary(op, b.constant(bound), x));
              });
            }),
        },
      ]);
      const fill: Fill = ({ f32 }) => f32.set(normal, 4);
      expect(normalized(await runWebGpu(program, fill))).toEqual(normalized(runReference(program, fill)));
    });
  }
  // Guards against expressions of constants alone, which WGSL computes itself and refuses where they overflow.
  it("of constants alone", async () => {
    const ops = (b: KernelBuilder): KernelExpr[] => {
      const c = (value: number, type: ElementType = "f32"): KernelExpr => b.constant(value, type);
      const whole = (op: KernelBinary, x: number, y: number, type: "i32" | "u32"): KernelExpr => ({ kind: "binary", op, left: c(x, type), right: c(y, type), type, width: "scalar" });
      return [
        b.divide(c(1), c(0)), b.divide(c(0), c(0)), b.multiply(c(1e38), c(1e38)), b.unary("sqrt", c(-1)), b.unary("negate", c(0)), b.add(c(1), c(1e-9)), b.multiplyAdd(c(3e38), c(2), c(1)),
        b.convert(c(1e20), "i32"), b.convert(c(NaN), "u32"), b.bitcast(c(0x7fc00000, "u32"), "f32"), b.bitcast(c(NaN), "u32"), b.convert(c(-1, "i32"), "u32"), b.convert(c(4294967295, "u32"), "f32"),
        whole("add", 2147483647, 1, "i32"), whole("multiply", 65536, 65537, "u32"), whole("shift_left", -1, 31, "i32"), whole("subtract", 0, 1, "u32"), whole("shift_right", -9, 1, "i32"),
        { kind: "unary", op: "abs", value: c(-(2 ** 31), "i32"), type: "i32", width: "scalar" }, b.compare("less", c(NaN), c(1)), b.min(c(NaN), c(1)), b.max(c(-0), c(0)),
      ];
    };
    const program = programOf(64, [{ write: (b) => ops(b).forEach((value, at) => b.store(b.integer(4 + at), value)) }]);
    expect(canonical(await runWebGpu(program, () => undefined))).toEqual(canonical(runReference(program, () => undefined)));
  });
});

describe.skipIf(missing !== undefined)("conversions in WGSL", () => {
  for (const from of ["f32", "i32", "u32", "bool"] as const) {
    for (const to of ["f32", "i32", "u32", "bool"] as const) {
      if (from === to) continue;
      it(`${from} to ${to}`, () => agrees(from, (b, x) => b.convert(x, to)));
      if (from !== "bool" && to !== "bool") it(`the bits of ${from} as ${to}`, () => agrees(from, (b, x) => b.bitcast(x, to)));
    }
  }
  // Guards copies: a NaN's own bits, and subnormal numbers, go through a kernel unchanged.
  it("copies keep every bit", async () => {
    const words = [0x7fc00001, 0xffc12345, 0x7f800001, 0xff800001, 1, 0x80000001, 0x007fffff, 0x80000000];
    const program = programOf(40, [{ write: (b) => (b.store(b.integer(20), b.load(b.integer(4), "f32", "vector")), b.store(b.integer(36), b.load(b.integer(5)))) }]);
    const after = await runWebGpu(program, ({ u32 }) => u32.set(words, 4));
    expect([...after.slice(20, 28)]).toEqual(words);
    expect(after[36]).toBe(words[1]);
  });
});

describe.skipIf(missing !== undefined)("vectors in WGSL", () => {
  it("constants, splats and lane numbers", async () => {
    const program = programOf(400, [
      {
        write: (b) => {
          [1.5, -0, 1e-45, 3.4028234663852886e38, Infinity, NaN, 0.1].forEach((value, i) => b.store(b.integer(8 + 16 * i), b.constant(value, "f32", "vector")));
          b.store(b.integer(160), b.laneNumbers());
          b.store(b.integer(176), b.widened(b.load(b.integer(5), "i32"), "vector"));
          b.store(b.integer(192), b.widened(b.add(b.load(b.integer(4)), 1), "vector"));
          b.store(b.integer(208), b.widened(b.compare("less", b.load(b.integer(4)), 3), "vector"));
          b.store(b.integer(224), b.widened(b.load(b.integer(6), "bool"), "vector"));
          b.store(b.integer(240), b.constant(1, "bool", "vector"));
          b.store(b.integer(256), b.constant(4294967295, "u32", "vector"));
          b.store(b.add(b.multiply(b.laneNumbers(), 3), 280), b.convert(b.laneNumbers(), "f32"));
        },
      },
    ]);
    const fill: Fill = ({ f32, i32 }) => (f32.set([2.5], 4), i32.set([-9, 1], 5));
    expect(canonical(await runWebGpu(program, fill))).toEqual(canonical(runReference(program, fill)));
  });

  for (const type of ["f32", "i32", "u32", "bool"] as const) {
    it(`gather ${type}`, async () => {
      const program = programOf(120, [
        {
          write: (b) => {
            const index = b.bind(b.load(b.integer(4), "i32", "vector"), "index");
            b.store(b.integer(72), b.gather(index, type));
            b.store(b.integer(88), b.gather(b.add(b.multiply(b.laneNumbers(), 2), 21), type));
          },
        },
      ]);
      const fill: Fill = ({ i32 }) => (i32.set(Array.from({ length: 16 }, (_, i) => 20 + ((i * 7) % 40)), 4), i32.set(Array.from({ length: 48 }, (_, i) => (type === "bool" ? i % 2 : i * 7919 - 9)), 20));
      expect(canonical(await runWebGpu(program, fill))).toEqual(canonical(runReference(program, fill)));
    });
  }

  for (const type of numbers) {
    for (const op of ["add", "min", "max"] as const) {
      it(`reduce-lanes ${op} of ${type}`, async () => {
        const { program, fill } = check(type, (b, x, y) => b.widened(b.reduceLanes(op, b.binary("add", x, y)), x.width));
        const got = await runWebGpu(program, fill);
        if (type !== "f32") return expect(canonical(got)).toEqual(canonical(runReference(program, fill)));
        flush(got);
        expect(canonical(got)).toEqual(flushedReference(program, fill));
      });
    }
  }
});

describe.skipIf(missing !== undefined)("statements in WGSL", () => {
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
    expect(canonical(await runWebGpu(program, fill))).toEqual(canonical(runReference(program, fill)));
  });

  // Guards names: WGSL's words and ours, and the same name for another type in a block beside.
  it("names that mean something in WGSL, and one name twice", async () => {
    const words = ["fn", "group", "lane", "arena", "own", "tree", "launch", "main", "select", "bitcast", "f32", "vec4", "less", "exact", "part0", "_", "__x", "_3", "target", "x", "x_", "x_1", "function_power", "uniform_word", "if"];
    const b = new KernelBuilder(lanes, true);
    const body = [
      { kind: "if", condition: b.constant(1, "bool"), then: [{ kind: "let", name: "from", value: b.load(b.integer(4)) }, { kind: "store", index: b.integer(10), value: { kind: "name", name: "from", type: "f32", width: "scalar" } }], otherwise: [] },
      { kind: "let", name: "from", value: b.load(b.integer(70), "i32", "vector") },
      { kind: "store", index: b.integer(12), value: { kind: "name", name: "from", type: "i32", width: "vector" } },
      ...words.map((name, at) => ({ kind: "let", name, value: b.integer(1000 + at) }) as const),
      ...words.map((name, at) => ({ kind: "store", index: b.integer(40 + at), value: b.call("power", [{ kind: "name", name, type: "i32", width: "scalar" }], "i32") }) as const),
    ] as const;
    const functions = [{ name: "power", parameters: [{ name: "fn", type: "i32" }], result: "i32", body: [], value: b.add({ kind: "name", name: "fn", type: "i32", width: "scalar" }, 1) }] as const;
    const program = { ...programOf(100, [], { functions }), kernels: [{ name: "k", title: "*/ \u2028 fn", origins: [], groups: 1, body, flops: 0, bytes: 0 }] };
    const fill: Fill = ({ f32, i32 }) => (f32.set([2.5], 4), i32.set([1, 2, 3, 4], 70));
    expect(canonical(await runWebGpu(program, fill))).toEqual(canonical(runReference(program, fill)));
  });

  it("functions with loops, called by scalars, in vectors and from each other", async () => {
    const b = new KernelBuilder(lanes);
    const [x, n]: KernelExpr[] = [{ kind: "name", name: "x", type: "f32", width: "scalar" }, { kind: "name", name: "n", type: "i32", width: "scalar" }];
    const power = b.variable(b.constant(1), "power");
    b.loop(0, n!, 1, () => b.set(power, b.multiply(power, x!)));
    const functions = [
      { name: "power", parameters: [{ name: "x", type: "f32" }, { name: "n", type: "i32" }], result: "f32", body: b.body(), value: power },
      { name: "cube", parameters: [{ name: "x", type: "f32" }], result: "f32", body: [], value: b.call("power", [x!, b.integer(3)], "f32") },
    ] as const;
    const program = programOf(
      80,
      [
        {
          write: (k) => {
            k.loop(0, 4, 1, (i) => k.store(k.add(i, 10), k.select(k.compare("less", i, 3), k.call("power", [k.load(k.add(i, 4)), k.add(i, 2)], "f32"), 0)));
            k.when(k.less(k.laneNumbers(), 5), () => k.store(k.integer(40), k.call("cube", [k.load(k.integer(4), "f32", "vector")], "f32")));
          },
        },
      ],
      { functions },
    );
    const fill: Fill = ({ f32 }) => f32.set([1.1, -2, 3, 4, 0.3], 4);
    expect(canonical(await runWebGpu(program, fill))).toEqual(canonical(runReference(program, fill)));
  });

  // Guards the parser's bound on nesting.
  it("expressions 500 deep", async () => {
    const program = programOf(16, [
      {
        write: (b) => {
          let value = b.load(b.integer(4));
          for (let i = 0; i < 500; i++) value = b.multiply(b.add(value, 1), 0.5);
          b.store(b.integer(8), value);
        },
      },
    ]);
    const fill: Fill = ({ f32 }) => f32.set([7], 4);
    expect(canonical(await runWebGpu(program, fill))).toEqual(canonical(runReference(program, fill)));
  });
});
