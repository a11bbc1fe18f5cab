import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, type EvaluateBindings } from "../../src/ir/tensor/evaluate.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import type { LoopOp, TensorNode, TensorOpKind, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { print } from "../../src/ir/tensor/print.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { optimize } from "../../src/passes/pipeline.js";
import { prepareLoops } from "../../src/passes/prepare-loops.js";
import { simplify } from "../../src/passes/simplify.js";
import { splitLoops } from "../../src/passes/split-loops.js";
import { minCut } from "../../src/util/min-cut.js";
import { randomGenerator } from "../../src/util/random-generator.js";
import { numbers, type OperationCase, operationCases } from "../codegen/support/operation-cases.js";
import { gatedLoop, type GatedSizes } from "../support/gated-loop.js";
import { randomCase } from "./random-programs.js";
import { engineRandom } from "./support.js";

/** Guards loop fission: values and gradients are those of the loop in float64, and what is left in the loop is what depends on the steps before. */

const loopsOf = (program: TensorProgram): LoopOp[] => program.nodes.flatMap(({ op }) => (op.kind === "loop" ? [op] : []));
const dots = ({ nodes }: TensorProgram): TensorNode[] => nodes.filter(({ op }) => op.kind === "dot");
const kinds = ({ nodes }: TensorProgram): TensorOpKind[] => nodes.map(({ op }) => op.kind);

/** Largest difference of any output, relative to the output's largest value. */
function difference(before: TensorProgram, after: TensorProgram, bindings: EvaluateBindings): number {
  const given = { ...bindings, random: bindings.random ?? engineRandom() };
  const [expected, actual] = [evaluate(before, given), evaluate(after, given)];
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  return Math.max(0, ...Object.entries(expected).map(([name, { values, shape }]) => {
    expect(actual[name]!.shape).toEqual(shape);
    const got = actual[name]!.values;
    const scale = values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1e-3);
    return values.reduce((most, value, i) => (Object.is(value, got[i]) || value === got[i] ? most : Math.max(most, Number.isFinite(value - got[i]!) ? Math.abs(value - got[i]!) / scale : Infinity)), 0);
  }));
}

function split(program: TensorProgram, bindings: EvaluateBindings, tolerance = 1e-9): TensorProgram {
  const after = splitLoops(program);
  verify(after);
  expect(difference(program, after, bindings)).toBeLessThan(tolerance);
  expect(print(splitLoops(after))).toBe(print(after));
  return after;
}

const array = (shape: readonly number[], seed = 1) => ({ values: numbers(shape.reduce((n, dim) => n * dim, 1), -1, 1, seed), shape });

/** The case's operation in a loop: the inputs of `scanned` are other numbers at each step. Its values are stacked, or summed. */
function looped({ inputs, build }: OperationCase, scanned: readonly string[], what: "stack" | "sum"): { readonly program: TensorProgram; readonly bindings: EvaluateBindings } {
  const steps = 3;
  const b = new TensorBuilder({ simplify: false });
  const names = Object.keys(inputs);
  const rest = names.filter((name) => !scanned.includes(name));
  const arrays: Record<string, { values: readonly number[]; shape: readonly number[] }> = {};
  const input = (name: string): TensorNode => {
    const { values, shape, dtype } = inputs[name]!;
    const of = scanned.includes(name);
    // Other numbers of the same kind at each step: the case's own, turned round.
    const turned = Array.from({ length: of ? steps : 1 }, (_, step) => values.map((__, i) => values[(i + step) % values.length]!)).flat();
    arrays[name] = { values: turned, shape: [...(of ? [steps] : []), ...(shape as number[])] };
    return b.input("column", name, [...(of ? [steps] : []), ...shape], dtype);
  };
  const result = b.loop({
    steps, reverse: scanned.length % 2 === 0, invariants: rest.map(input), scans: scanned.map(input),
    ...(what === "sum" ? { carries: [b.full(0.5, shapeOf({ inputs, build }))] } : {}),
    body: (k, step) => {
      const given = Object.fromEntries([...rest.map((name, at) => [name, step.invariants[at]!] as const), ...scanned.map((name, at) => [name, step.scans[at]!] as const)]);
      const value = build(k, given);
      return what === "stack" ? { stacks: [value] } : { carries: [k.add(step.carries[0]!, value)] };
    },
  });
  return { program: b.program("case", { y: (what === "stack" ? result.stacks : result.carries)[0]! }), bindings: { inputs: arrays } };
}

function shapeOf({ inputs, build }: Pick<OperationCase, "inputs" | "build">): TensorNode["shape"] {
  return built({ inputs, build }).shape;
}

function built({ inputs, build }: Pick<OperationCase, "inputs" | "build">): TensorNode {
  const b = new TensorBuilder({ simplify: false });
  return build(b, Object.fromEntries(Object.entries(inputs).map(([name, { shape, dtype }]) => [name, b.input("column", name, shape, dtype)])));
}

function subsets(names: readonly string[]): string[][] {
  return names.reduce<string[][]>((all, name) => [...all, ...all.map((each) => [...each, name])], [[]]).filter((each) => each.length > 0);
}

describe("operations for all steps at once", () => {
  const cases = Object.entries(operationCases) as [TensorOpKind, readonly OperationCase[]][];
  for (const [kind, own] of cases) {
    const usable = own.filter(({ inputs }) => Object.values(inputs).every(({ shape }) => shape.every((dim) => typeof dim === "number")) && Object.keys(inputs).length > 0);
    if (usable.length === 0) continue;
    it(kind, () => {
      for (const each of usable) {
        for (const scanned of subsets(Object.keys(each.inputs))) {
          const stacked = looped(each, scanned, "stack");
          const after = split(stacked.program, stacked.bindings);
          // Filters of each step's own, or their gradients: there is no such operation.
          const stays = kind === "conv2d-filter-gradient" || ((kind === "conv2d" || kind === "conv2d-input-gradient") && scanned.includes(Object.keys(each.inputs)[1]!));
          if (kind !== "loop" && kind !== "loop-result") expect(loopsOf(after).length, `${each.name}, steps of ${scanned.join()}`).toBe(stays ? 1 : 0);
          if (built(each).dtype !== "f32") continue;
          const summed = looped(each, scanned, "sum");
          const total = split(summed.program, summed.bindings);
          if (kind !== "loop" && kind !== "loop-result" && kind !== "conv2d" && kind !== "conv2d-input-gradient") expect(loopsOf(total), `Σ ${each.name}, steps of ${scanned.join()}`).toEqual([]);
        }
      }
    });
  }
});

describe("sums over the steps", () => {
  const sum = (inputs: Record<string, readonly number[]>, scanned: readonly string[], build: OperationCase["build"]): TensorProgram => {
    const each: OperationCase = { name: "sum", inputs: Object.fromEntries(Object.entries(inputs).map(([name, shape], at) => [name, array(shape, at + 1)])), build };
    const { program, bindings } = looped(each, scanned, "sum");
    return split(program, bindings);
  };
  const shapes = (program: TensorProgram): string[] => dots(program).map(({ inputs }) => inputs.map(({ shape }) => shape.join("×")).join(" · "));

  it("of products are one product, the steps joined to the summed axis", () => {
    for (const [left, right, tl, tr] of [[[5, 2], [5, 4], true, false], [[2, 5], [5, 4], false, false], [[2, 5], [4, 5], false, true], [[5, 2], [4, 5], true, true]] as const) {
      const after = sum({ a: left, b: right }, ["a", "b"], (b, { a, b: c }) => b.negate(b.reshape(b.dot(a!, c!, tl, tr), [8])));
      expect(shapes(after)).toEqual(["15×2 · 15×4"]);
      expect(loopsOf(after)).toEqual([]);
    }
  });

  it("of products with axes in front keep these", () => {
    const after = sum({ a: [2, 1, 5, 2], b: [3, 5, 4] }, ["a", "b"], (b, { a, b: c }) => b.dot(a!, c!, true, false));
    expect(shapes(after)).toEqual(["2×1×15×2 · 3×15×4"]);
  });

  it("of products with a matrix that stays are a product with the sum", () => {
    expect(shapes(sum({ a: [2, 5], b: [5, 4] }, ["a"], (b, { a, b: c }) => b.dot(a!, c!)))).toEqual(["2×5 · 5×4"]);
    expect(shapes(sum({ a: [2, 5], b: [5, 4] }, ["b"], (b, { a, b: c }) => b.multiply(b.dot(a!, c!), 3)))).toEqual(["2×5 · 5×4"]);
  });

  it("of sums are one sum", () => {
    const after = sum({ a: [5, 4] }, ["a"], (b, { a }) => b.sum(b.square(a!), [0]));
    expect(after.nodes.filter(({ op }) => op.kind === "reduce").map(({ op }) => op.kind === "reduce" && op.axes)).toEqual([[0, 1]]);
  });

  it("of gradients of filters and of scattered rows are one such operation", () => {
    const attributes = { strides: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] } as const;
    const filters = sum({ x: [2, 5, 4, 3], dy: [2, 4, 3, 2] }, ["x", "dy"], (b, { x, dy }) => b.conv2dFilterGradient(x!, dy!, [2, 2], attributes));
    expect(kinds(filters).filter((kind) => kind === "conv2d-filter-gradient" || kind === "reduce")).toEqual(["conv2d-filter-gradient"]);
    const scattered = sum({ x: [6, 2] }, ["x"], (b, { x }) => b.scatterAdd(b.cast(b.multiply(2, b.abs(b.reshape(b.sliceAxis(x!, 1, 0, 1), [6]))), "i32"), x!, 3));
    expect(kinds(scattered).filter((kind) => kind === "scatter-add" || kind === "reduce")).toEqual(["scatter-add"]);
  });

  it("of several terms, some subtracted, some the same at every step", () => {
    const b = new TensorBuilder();
    const [x, w, start] = [b.input("column", "x", [4, 3]), b.input("column", "w", []), b.input("column", "s", [3])];
    const made = b.loop({ steps: 4, carries: [start], invariants: [w], scans: [x], body: (k, { carries: [c], invariants: [v], scans: [each] }) => ({ carries: [k.add(k.exp(v!), k.subtract(k.add(c!, each!), k.multiply(v!, k.square(each!))))] }) });
    const after = split(b.program("terms", { y: made.carries[0]! }), { inputs: { x: array([4, 3]), w: 0.7, s: array([3], 2) } });
    expect(loopsOf(after)).toEqual([]);
  });
});

describe("gated recurrent units", () => {
  const bindingsOf = ({ steps, rows, inputs, units }: GatedSizes): EvaluateBindings => ({
    inputs: { x: array([steps, rows, inputs]), w: array([inputs, 3 * units], 2), u: array([units, 3 * units], 3), c: array([3 * units], 4), o: array([units, inputs], 5) },
  });
  for (const steps of [1, 2, 7, 160]) {
    it(`${steps} steps: one product is left in the loop forth, one in the loop back`, () => {
      const sizes: GatedSizes = { steps, rows: 3, inputs: 4, units: 5 };
      const after = split(simplify(gatedLoop(sizes)), bindingsOf(sizes));
      expect(loopsOf(after).map(({ reverse, body }) => [reverse, ...dots(body).map(({ shape }) => shape.join("×"))])).toEqual([[false, "3×15"], [true, "3×5"]]);
      // x W, h O, and back dO, dh, dW, dU: each over all steps.
      expect(dots(after).map(({ inputs: [a, c] }) => `${a!.shape.join("×")} · ${c!.shape.join("×")}`).sort()).toEqual(
        [`${3 * steps}×4 · 4×15`, `${3 * steps}×5 · 5×4`, `${3 * steps}×4 · 5×4`, `${3 * steps}×5 · ${3 * steps}×4`, `${3 * steps}×4 · ${3 * steps}×15`, `${3 * steps}×5 · ${3 * steps}×15`].sort());
      for (const { body } of loopsOf(after)) expect(kinds(body)).not.toContain("reduce");
    });
  }

  it("the program does not grow with the steps", () => {
    const text = (steps: number): string => kinds(splitLoops(simplify(gatedLoop({ steps, rows: 3, inputs: 4, units: 5 })))).join();
    expect(text(1000)).toBe(text(7));
  });

  it("forth alone: what is predicted is computed after the loop", () => {
    const sizes: GatedSizes = { steps: 6, rows: 3, inputs: 4, units: 5 };
    const after = split(simplify(gatedLoop(sizes, { train: false })), bindingsOf(sizes));
    expect(loopsOf(after).map(({ carried, stacked, body }) => [carried, stacked, dots(body).length])).toEqual([[1, 0, 1]]);
    expect(dots(after)).toHaveLength(2);
  });
});

describe("carries", () => {
  const x = array([5, 4]);
  it("that are what was scanned a step ago become scans", () => {
    for (const reverse of [false, true]) {
      const b = new TensorBuilder();
      const all = b.input("column", "x", [5, 4]);
      const made = b.loop({
        steps: 5, reverse, carries: [b.input("column", "s", [4]), b.full(2, [4])], scans: [all],
        body: (k, { carries: [before, twice], scans: [each] }) => ({ carries: [each!, k.multiply(0.5, before!)], stacks: [k.subtract(each!, k.add(before!, twice!))] }),
      });
      const program = b.program("delay", { y: made.stacks[0]!, last: made.carries[0]!, second: made.carries[1]!, history: made.histories[1]! });
      const after = split(program, { inputs: { x, s: array([4], 2) } });
      expect(loopsOf(after)).toEqual([]);
    }
  });

  it("that never change are invariants, those that nothing reads vanish", () => {
    const b = new TensorBuilder();
    const made = b.loop({
      steps: 5, carries: [b.input("column", "s", [4]), b.full(1, [4]), b.full(3, [4])], scans: [b.input("column", "x", [5, 4])],
      body: (k, { carries: [c, same, lost], scans: [each] }) => ({ carries: [k.multiply(k.unary("sin", c!), k.add(same!, each!)), same!, k.unary("cos", k.add(lost!, each!))] }),
    });
    const after = split(b.program("constant", { last: made.carries[0]!, same: made.histories[1]! }), { inputs: { x, s: array([4], 2) } });
    expect(loopsOf(after).map(({ carried }) => carried)).toEqual([1]);
    expect(JSON.stringify(kinds(loopsOf(after)[0]!.body))).not.toContain("cos");
  });

  it("that no step reads are what the last step made", () => {
    const b = new TensorBuilder();
    const made = b.loop({ steps: 5, reverse: true, carries: [b.full(0, [4]), b.full(1, [4])], scans: [b.input("column", "x", [5, 4])], body: (_, { carries: [, second], scans: [each] }) => ({ carries: [second!, each!], stacks: [second!] }) });
    expect(loopsOf(split(b.program("last", { last: made.carries[1]! }), { inputs: { x } }))).toEqual([]);
  });

  it("whose history something reads stay carries", () => {
    const b = new TensorBuilder();
    const made = b.loop({ steps: 5, carries: [b.full(0, [4])], scans: [b.input("column", "x", [5, 4])], body: (k, { carries: [c], scans: [each] }) => ({ carries: [k.add(c!, k.square(each!))] }) });
    expect(loopsOf(split(b.program("path", { path: made.histories[0]! }), { inputs: { x } }))).toHaveLength(1);
  });
});

describe("what costs more outside stays", () => {
  // c ← tanh(c + …), with what stands in the place of the dots.
  const cell = (scans: readonly (readonly number[])[], extra: (k: TensorBuilder, each: readonly TensorNode[]) => TensorNode) => {
    const b = new TensorBuilder();
    const arrays = scans.map((shape, at) => b.input("column", `x${at}`, [6, ...shape]));
    const c = b.input("column", "c", [40, 50]);
    const made = b.loop({ steps: 6, carries: [c], scans: arrays, body: (k, { carries: [h], scans: given }) => ({ carries: [k.tanh(k.add(h!, extra(k, given)))] }) });
    const inputs = Object.fromEntries([["c", array([40, 50], 9)], ...scans.map((shape, at) => [`x${at}`, array([6, ...shape], at + 1)])]);
    return loopsOf(split(b.program("cell", { y: made.carries[0]! }), { inputs }))[0]!.body;
  };

  it("repetition: a column is scanned, not the matrix of its repeats", () => {
    expect(kinds(cell([[40, 1]], (k, [x]) => k.broadcast(x!, [40, 50])))).toContain("broadcast");
    expect(kinds(cell([[40, 1], [1, 50]], (k, [x, y]) => k.multiply(x!, y!)))).toContain("binary");
  });

  it("a product of a column and a row, which is little more than its result", () => {
    expect(dots(cell([[40, 1], [1, 50]], (k, [x, y]) => k.dot(x!, y!)))).toHaveLength(1);
    expect(dots(cell([[40, 30], [30, 50]], (k, [x, y]) => k.dot(x!, y!)))).toHaveLength(0);
  });

  it("an elementary function of as many numbers leaves, a sum does not", () => {
    expect(kinds(cell([[40, 50]], (k, [x]) => k.exp(x!))).filter((kind) => kind === "unary")).toHaveLength(1);
    expect(kinds(cell([[40, 50], [40, 50]], (k, [x, y]) => k.maximum(k.maximum(x!, y!), 0))).filter((kind) => kind === "binary")).toHaveLength(3);
  });

  it("a total of what is stacked nowhere is kept step by step", () => {
    const b = new TensorBuilder();
    const c = b.input("column", "c", [40, 50]);
    const made = b.loop({ steps: 6, carries: [c, b.full(0, [40, 50])], body: (k, { carries: [h, total] }) => {
      const next = k.unary("sin", h!);
      return { carries: [next, k.add(total!, k.multiply(next, 3))] };
    } });
    expect(loopsOf(split(b.program("total", { total: made.carries[1]! }), { inputs: { c: array([40, 50]) } })).map(({ carried, stacked }) => [carried, stacked])).toEqual([[2, 0]]);
  });
});

describe("the cheapest cut", () => {
  // Guards the choice itself: against every cut of small networks, and of equal ones that with the fewest nodes outside.
  it("is the cheapest of all", () => {
    const next = randomGenerator("cuts");
    for (let trial = 0; trial < 300; trial++) {
      const nodes = 3 + Math.floor(next() * 6);
      const arcs = Array.from({ length: Math.floor(next() * 4 * nodes) }, () => ({ from: Math.floor(next() * nodes), to: Math.floor(next() * nodes), capacity: next() < 0.1 ? Infinity : Math.floor(next() * 5) }))
        .filter(({ from, to, capacity }) => from !== to && to !== 0 && from !== 1 && !(capacity === Infinity && (from === 0 || to === 1)));
      const costOf = (sink: (node: number) => boolean): number => arcs.reduce((sum, { from, to, capacity }) => sum + (!sink(from) && sink(to) ? capacity : 0), 0);
      const all = Array.from({ length: 1 << (nodes - 2) }, (_, set) => (node: number): boolean => node === 1 || (node > 1 && ((set >> (node - 2)) & 1) === 1));
      const least = Math.min(...all.map(costOf));
      const fewest = Math.min(...all.filter((sink) => costOf(sink) === least).map((sink) => Array.from({ length: nodes }, (_, node) => sink(node)).filter(Boolean).length));
      const chosen = minCut(nodes, arcs);
      expect(chosen.slice(0, 2)).toEqual([false, true]);
      expect([costOf((node) => chosen[node]!), chosen.filter(Boolean).length]).toEqual([least, fewest]);
    }
  });
});

describe("any program", () => {
  it("without loops is left alone, and so are loops of no steps", () => {
    const b = new TensorBuilder();
    const program = b.program("plain", { y: b.exp(b.input("column", "x", [3])) });
    expect(splitLoops(program)).toBe(program);
    const none = new TensorBuilder();
    const empty = none.program("none", { y: none.loop({ steps: 0, scans: [none.input("column", "x", [0, 3])], body: (k, { scans: [x] }) => ({ stacks: [k.exp(x!)] }) }).stacks[0]! });
    expect(splitLoops(empty)).toBe(empty);
  });

  it("bodies may be long chains", () => {
    const b = new TensorBuilder();
    const made = b.loop({ steps: 2, carries: [b.full(0, [2])], scans: [b.input("column", "x", [2, 2])], body: (k, { carries: [c], scans: [each] }) => {
      const chain = (from: TensorNode): TensorNode => Array.from({ length: 2000 }).reduce<TensorNode>((x) => k.multiply(0.999, k.unary("sin", x)), from);
      return { carries: [k.add(k.multiply(0.5, c!), chain(each!))], stacks: [chain(c!)] };
    } });
    const after = splitLoops(b.program("chain", { last: made.carries[0]!, all: made.stacks[0]! }));
    expect(loopsOf(after).map(({ body }) => body.nodes.length)).toEqual([5]);
  });

  it("keeps names, places and network calls", () => {
    const b = new TensorBuilder();
    const origin = { source: { path: "a.lvm", text: "", lineStarts: [0] }, start: 3, end: 5 } as never;
    const made = b.loop({ steps: 4, scans: [b.input("column", "x", [4, 2, 3])], invariants: [b.input("parameter", "w", [3, 5])], body: (k, { scans: [x], invariants: [w] }) => ({
      stacks: [k.at(origin, () => k.inScope({ network: "encoder", call: 2 }, () => k.named(k.dot(x!, w!), "hidden")))],
    }) });
    const after = splitLoops(b.program("named", { y: made.stacks[0]! }));
    const product = dots(after)[0]!;
    expect([product.origin, product.scope]).toEqual([origin, { network: "encoder", call: 2 }]);
    expect(after.nodes.find(({ name }) => name === "hidden")?.shape).toEqual([4, 2, 5]);
  });

  it("symbolic rows stay symbolic", () => {
    const b = new TensorBuilder();
    const [x, w] = [b.input("column", "x", [4, "rows", 3]), b.input("parameter", "w", [3, 3])];
    const made = b.loop({ steps: 4, carries: [b.full(0, ["rows", 3])], invariants: [w], scans: [x], body: (k, { carries: [c], invariants: [v], scans: [each] }) => {
      const next = k.tanh(k.add(k.dot(c!, v!), k.dot(each!, v!)));
      return { carries: [next], stacks: [k.dot(next, v!)] };
    } });
    const loss = b.sum(b.square(made.stacks[0]!));
    const [dw] = gradientsOf(b, loss, [w]);
    const after = split(b.program("rows", { loss, dw: dw! }), { rows: 2, inputs: { x: array([4, 2, 3]), w: array([3, 3], 2) } });
    expect(loopsOf(after).map(({ body }) => dots(body).length)).toEqual([1, 1]);
  });

  // Guards every rule in every surrounding, gradients included: loops are split once their draws are outside, and before.
  it("random programs and their gradients", { timeout: 120_000 }, () => {
    let smaller = 0;
    for (let seed = 0; seed < 400; seed++) {
      const { program, inputs } = randomCase(seed);
      if (!kinds(program).includes("loop")) continue;
      const b = new TensorBuilder();
      const made = importProgram(b, program);
      const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, made.get(node)!]));
      const loss = b.addAll(Object.values(outputs).map((node) => b.sum(b.square(b.tanh(node)))));
      const wrt = program.inputs.filter(({ dtype }) => dtype === "f32").map((node) => made.get(node)!);
      const gradients = gradientsOf(b, loss, wrt);
      const whole = b.program("random", { ...outputs, ...Object.fromEntries(gradients.map((node, at) => [`d${at}`, node])) });
      for (const before of [whole, prepareLoops(whole)]) {
        const after = splitLoops(before);
        try {
          verify(after);
          expect(difference(before, after, { inputs })).toBeLessThan(1e-9);
          expect(print(splitLoops(after))).toBe(print(after));
          const all = optimize(before);
          expect(difference(before, all, { inputs })).toBeLessThan(1e-9);
        } catch (cause) {
          throw new Error(`program ${seed}: ${String(cause)}\n${print(before)}\n${print(after)}`, { cause });
        }
        const inside = (each: TensorProgram): number => loopsOf(each).reduce((sum, { body }) => sum + dots(body).length, 0);
        if (inside(after) < inside(before)) smaller++;
      }
    }
    expect(smaller).toBeGreaterThan(8);
  });
});
