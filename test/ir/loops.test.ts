import { describe, expect, it } from "vitest";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, seededRandom, type EvaluateBindings } from "../../src/ir/tensor/evaluate.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { print } from "../../src/ir/tensor/print.js";
import { hasLoops, unrollLoops } from "../../src/ir/tensor/unroll-loops.js";
import { verify } from "../../src/ir/tensor/verify.js";

/** Guards what a loop means: against closed forms, against the same steps written by hand, and what verify refuses. */

const valuesOf = (program: TensorProgram, bindings: EvaluateBindings = { inputs: {} }): Record<string, number[]> => {
  verify(program);
  return Object.fromEntries(Object.entries(evaluate(program, bindings)).map(([name, { values }]) => [name, [...values]]));
};

/** A cell of gated recurrent units (Cho et al. 2014). */
function gatedCell(b: TensorBuilder, h: TensorNode, x: TensorNode, [wz, uz, wr, ur, wh, uh]: readonly TensorNode[]): TensorNode {
  const z = b.sigmoid(b.add(b.dot(x, wz!), b.dot(h, uz!)));
  const r = b.sigmoid(b.add(b.dot(x, wr!), b.dot(h, ur!)));
  const candidate = b.tanh(b.add(b.dot(x, wh!), b.dot(b.multiply(r, h), uh!)));
  return b.add(b.multiply(b.subtract(1, z), h), b.multiply(z, candidate));
}

describe("loops", () => {
  it("a linear recurrence has its closed form", () => {
    // c ← a c + b: after n steps aⁿ c₀ + b (aⁿ − 1)/(a − 1).
    const b = new TensorBuilder();
    const [a, d] = [b.input("column", "a", []), b.input("column", "d", [])];
    const { carries, histories } = b.loop({
      steps: 12, carries: [b.scalar(2)], invariants: [a, d],
      body: (inner, { carries: [c], invariants: [p, q] }) => ({ carries: [inner.add(inner.multiply(p!, c!), q!)] }),
    });
    const out = valuesOf(b.program("linear", { y: carries[0]!, path: histories[0]! }), { inputs: { a: 0.7, d: 3 } });
    const after = (n: number): number => 0.7 ** n * 2 + (3 * (0.7 ** n - 1)) / (0.7 - 1);
    expect(out["y"]![0]).toBeCloseTo(after(12), 12);
    out["path"]!.forEach((value, n) => expect(value).toBeCloseTo(after(n), 12));
  });

  it("Fibonacci: two carries that change places, in integers", () => {
    const b = new TensorBuilder();
    const { carries, stacks } = b.loop({
      steps: 10, carries: [b.scalar(0, "i32"), b.scalar(1, "i32")], body: (inner, { carries: [p, q] }) => ({ carries: [q!, inner.add(p!, q!)], stacks: [p!] }),
    });
    const out = valuesOf(b.program("fibonacci", { last: carries[0]!, next: carries[1]!, all: stacks[0]! }));
    expect(out).toEqual({ last: [55], next: [89], all: [0, 1, 1, 2, 3, 5, 8, 13, 21, 34] });
  });

  it("a gated cell over rows is its unrolled program, written by hand and by unrollLoops", () => {
    const [steps, width] = [5, 3];
    const b = new TensorBuilder();
    const weights = ["wz", "uz", "wr", "ur", "wh", "uh"].map((name, at) => b.input("parameter", name, [at % 2 === 0 ? 2 : width, width]));
    const x = b.input("column", "x", [steps, "rows", 2]);
    const h0 = b.input("column", "h", ["rows", width]);
    const { carries, stacks } = b.loop({
      steps, carries: [h0], invariants: weights, scans: [x],
      body: (inner, { carries: [h], scans: [each], invariants }) => {
        const next = gatedCell(inner, h!, each!, invariants);
        return { carries: [next], stacks: [next] };
      },
    });
    let h = h0;
    for (let step = 0; step < steps; step++) h = gatedCell(b, h, b.reshape(b.sliceAxis(x, 0, step, 1), ["rows", 2]), weights);
    const program = b.program("gated", { y: carries[0]!, all: stacks[0]!, hand: h });
    const draw = seededRandom(1);
    const inputs = Object.fromEntries(program.inputs.map(({ op, shape }) => {
      const size = shape.map((dim) => (dim === "rows" ? 4 : (dim as number)));
      const name = op.kind === "input" ? op.name : "";
      return [name, { shape: size, values: draw.normal(name, size.reduce((n, dim) => n * dim, 1)) }];
    }));
    const out = valuesOf(program, { inputs });
    out["hand"]!.forEach((value, i) => expect(out["y"]![i]).toBeCloseTo(value, 13));
    expect(out["all"]!.slice(-12)).toEqual(out["y"]);
    const unrolled = unrollLoops(program);
    expect(hasLoops(unrolled)).toBe(false);
    expect(valuesOf(unrolled, { inputs })).toEqual(out);
    // With numbers for its sizes, in the body as well.
    const fixed = new TensorBuilder();
    const made = importProgram(fixed, program, { sizes: { rows: 4 } });
    const bound = fixed.program("bound", { y: made.get(carries[0]!)! });
    expect(print(bound)).not.toContain("rows");
    expect(valuesOf(bound, { inputs })["y"]).toEqual(out["y"]);
  });

  it("backwards: reads and writes the slices of the same index", () => {
    const b = new TensorBuilder();
    const { carries, stacks } = b.loop({
      steps: 4, reverse: true, carries: [b.scalar(0)], scans: [b.constant([1, 2, 3, 4], [4])],
      body: (inner, { carries: [c], scans: [x], index }) => {
        const next = inner.add(c!, x!);
        return { carries: [next], stacks: [next, inner.multiply(inner.cast(index, "f32"), x!)] };
      },
    });
    expect(valuesOf(b.program("suffixes", { total: carries[0]!, sums: stacks[0]!, weighted: stacks[1]! }))).toEqual({ total: [10], sums: [10, 9, 7, 4], weighted: [0, 2, 6, 12] });
  });

  it("draws are those of an array with the steps in front, in loops within loops and backwards", () => {
    const b = new TensorBuilder();
    const { stacks: outer } = b.loop({
      steps: 3, reverse: true,
      body: (within) => ({
        stacks: [within.loop({ steps: 2, body: (inner) => ({ stacks: [inner.normal("deep", [4])] }) }).stacks[0]!, within.uniform("u", [2])],
      }),
    });
    const program = b.program("draws", { deep: outer[0]!, u: outer[1]! });
    const random = seededRandom(3);
    const out = valuesOf(program, { inputs: {}, random });
    expect(out["deep"]).toEqual([...random.normal("deep", 24)]);
    expect(out["u"]).toEqual([...random.uniform("u", 6)]);
    expect(valuesOf(unrollLoops(program), { inputs: {}, random })).toEqual(out);
  });

  it("Gamma draws are counted as others are, whatever the parameters of other steps", () => {
    const b = new TensorBuilder();
    const rate = b.input("column", "rate", ["rows"]);
    const { carries, stacks } = b.loop({
      steps: 3, reverse: true, carries: [rate],
      body: (outer, { carries: [c] }) => {
        const draws = outer.loop({ steps: 2, carries: [c!], body: (inner, step) => ({ carries: [inner.randomLogGamma("g", inner.exp(step.carries[0]!))], stacks: [inner.exp(step.carries[0]!)] }) });
        return { carries: [outer.multiply(0.5, draws.carries[0]!)], stacks: [draws.stacks[0]!, draws.carries[0]!] };
      },
    });
    const program = b.program("gammas", { last: carries[0]!, alphas: stacks[0]!, draws: stacks[1]! });
    const bindings = { inputs: { rate: { values: [0.2, -0.4], shape: [2] } }, random: seededRandom(3) };
    const out = valuesOf(program, bindings);
    // By hand: the draw of row r at step t of the outer and s of the inner loop is number (r · 3 + t) · 2 + s.
    const number = (row: number, t: number, s: number): number => (row * 3 + t) * 2 + s;
    const alphas = new Array<number>(12).fill(1);
    for (let t = 0; t < 3; t++) for (let s = 0; s < 2; s++) for (let row = 0; row < 2; row++) alphas[number(row, t, s)] = out["alphas"]![(t * 2 + s) * 2 + row]!;
    const draws = seededRandom(3).logGamma("g", alphas);
    expect(out["draws"]).toEqual([0, 1, 2].flatMap((t) => [0, 1].map((row) => draws[number(row, t, 1)]!)));
    const unrolled = evaluate(unrollLoops(program), bindings);
    for (const [name, values] of Object.entries(out)) expect([...unrolled[name]!.values], name).toEqual(values);
  });

  it("a loop within a loop: powers of a matrix", () => {
    // Rows of Pascal's triangle: (1 + t)ⁿ by repeated shifts and sums, each n from the row before.
    const b = new TensorBuilder();
    const { carries } = b.loop({
      steps: 4, carries: [b.scalar(1)],
      body: (outer, { carries: [c] }) => ({
        carries: [outer.loop({ steps: 3, carries: [c!], invariants: [c!], body: (inner, step) => ({ carries: [inner.add(step.carries[0]!, step.invariants[0]!)] }) }).carries[0]!],
      }),
    });
    // Each outer step adds c three times: c ← 4 c.
    expect(valuesOf(b.program("nested", { y: carries[0]! }))["y"]).toEqual([256]);
  });

  it("equal loops are one node, loops that differ in a body's constant are two", () => {
    const b = new TensorBuilder();
    const make = (by: number): TensorNode => b.loop({ steps: 3, carries: [b.scalar(1)], body: (inner, { carries: [c] }) => ({ carries: [inner.multiply(by, c!)] }) }).carries[0]!;
    expect(make(2)).toBe(make(2));
    expect(make(2)).not.toBe(make(-0));
    expect(make(0)).not.toBe(make(-0));
    const program = b.program("two", { p: make(2), q: make(2) });
    expect(program.nodes.filter(({ op }) => op.kind === "loop")).toHaveLength(1);
    expect(print(program)).toBe(["program two", "  %1: f32[] = loop 1 3 steps: 1 carried, 0 invariant, 0 scanned, 0 stacked",
      '      %0: f32[] = input loop "carry.0"', "      %3: f32[] = multiply 2, %0", "      output carry.0 = %3", "  output p = %1", "  output q = %1", ""].join("\n"));
  });

  it("the builder and verify refuse what does not fit, by name", () => {
    const b = new TensorBuilder();
    const x = b.input("column", "x", [3, 2]);
    const sum = (inner: TensorBuilder, c: TensorNode): TensorNode => inner.add(c, 1);
    expect(() => b.loop({ steps: -1, carries: [x], body: (inner, { carries: [c] }) => ({ carries: [sum(inner, c!)] }) })).toThrow("-1 steps");
    expect(() => b.loop({ steps: 4, scans: [x], body: (_, { scans: [s] }) => ({ stacks: [s!] }) })).toThrow("first axis is not that of 4 steps");
    expect(() => b.loop({ steps: 3, carries: [x], body: (inner, { carries: [c] }) => ({ carries: [inner.sum(c!)] }) })).toThrow("carry.0 is f32[3, 2] before a step and f32[] after it");
    expect(() => b.loop({ steps: 3, body: () => ({}) })).toThrow("no outputs");
    const good = b.program("good", { y: b.loop({ steps: 3, carries: [x], body: (inner, { carries: [c] }) => ({ carries: [sum(inner, c!)] }) }).carries[0]! });
    verify(good);
    const loop = good.nodes.find(({ op }) => op.kind === "loop")!;
    const changed = (node: TensorNode): TensorProgram => ({ ...good, nodes: good.nodes.map((each) => (each === loop ? node : each)), outputs: { y: node } });
    const op = loop.op as Extract<TensorNode["op"], { kind: "loop" }>;
    expect(() => verify(changed({ ...loop, op: { ...op, carried: 2 } }))).toThrow("1 operands, not 2 + 0 + 0");
    expect(() => verify(changed({ ...loop, op: { ...op, body: { ...op.body, nodes: [...op.body.nodes].reverse() } } }))).toThrow(/\(loop\): tensor program body, node %\d/);
    expect(() => verify(changed({ ...loop, op: { kind: "loop-result", result: 1 } }))).toThrow("its operand is no loop but input");
    const twice = new TensorBuilder();
    const within = twice.loop({ steps: 3, body: (inner) => ({ stacks: [inner.normal("e", [])] }) }).stacks[0]!;
    expect(() => verify(twice.program("streams", { y: within, z: twice.normal("e", [3]) }))).toThrow('another node draws from stream "e"');
  });
});
