import { describe, expect, it } from "vitest";
import { printKernels } from "../../src/ir/kernel/print.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import type { TensorNode } from "../../src/ir/tensor/nodes.js";
import { unrollLoops } from "../../src/ir/tensor/unroll-loops.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { optimize } from "../../src/passes/pipeline.js";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { numbers, operationCases } from "../codegen/support/operation-cases.js";
import { canonical, runReference, runWasm } from "../wasm/support.js";
import { engineRandom, differences, filledArena, runKernels } from "./support.js";

/** Guards kernels of loops against the reference: each kind of operand and result, loops within loops, draws, gradients; the code does not grow with the steps. */

const x = { values: numbers(60, -1, 1), shape: [5, 4, 3] };
const h = { values: numbers(12, -1, 1, 2), shape: [4, 3] };
const w = { values: numbers(9, -1, 1, 3), shape: [3, 3] };
const bindings = { inputs: { x, h, w }, random: engineRandom() };

const cell = (b: TensorBuilder, c: TensorNode, each: TensorNode, weights: TensorNode): TensorNode => b.tanh(b.add(each, b.dot(c, weights)));

function network(b: TensorBuilder, options: { reverse?: boolean; steps?: number } = {}) {
  const [all, start, weights] = [b.input("column", "x", [5, 4, 3]), b.input("column", "h", [4, 3]), b.input("parameter", "w", [3, 3])];
  const made = b.loop({
    steps: 5, reverse: options.reverse ?? false, carries: [start, b.scalar(1, "i32"), b.less(start, 0)], invariants: [weights, b.exp(weights)], scans: [all, b.square(all)],
    body: (inner, { carries: [c, k, flag], invariants: [p, q], scans: [each, squared], index }) => {
      const next = cell(inner, inner.select(flag!, c!, inner.multiply(0.5, c!)), inner.add(each!, inner.multiply(0.1, squared!)), inner.add(p!, inner.multiply(0.01, q!)));
      const noise = inner.multiply(0.1, inner.normal("e", [4, 3]));
      const table = inner.constant(numbers(12, -1, 1, 9), [4, 3]);
      return {
        carries: [inner.addAll([next, noise, table]), inner.add(inner.multiply(k!, 3), index), inner.greater(next, 0)],
        stacks: [inner.sum(next, [1]), inner.cast(k!, "f32")],
      };
    },
  });
  return { made, wrt: [all, start, weights] };
}

describe("loops as kernels", () => {
  for (const reverse of [false, true]) {
    for (const fusion of ["full", "none"] as const) {
      it(`all kinds of operands and results${reverse ? ", backwards" : ""}, fusion ${fusion}`, () => {
        const b = new TensorBuilder();
        const { made } = network(b, { reverse });
        const [c, k, flag] = made.carries;
        const program = b.program("loop", { c: c!, k: k!, flag: flag!, sums: made.stacks[0]!, steps: made.stacks[1]!, path: made.histories[0]!, integers: made.histories[1]!, flags: made.histories[2]! });
        const { outputs, scheduled } = runKernels(program, bindings, { fusion });
        expect(differences(program, bindings, outputs)).toEqual([]);
        expect(scheduled.plan.kernels.some(({ title }) => title.includes("loop of 5 steps"))).toBe(true);
      });
    }
  }

  // Guards the order of draws: those of a row are the same in a loop, in its unrolled program and in its kernels, wherever the axis of rows stands.
  it("draws over rows", () => {
    const b = new TensorBuilder();
    const rows = b.input("column", "r", ["rows"]);
    const { carries, stacks } = b.loop({
      steps: 3, carries: [rows], body: (inner, { carries: [c] }) => {
        const noise = inner.normal("e", [2, "rows"]);
        return { carries: [inner.add(c!, inner.sum(noise, [0]))], stacks: [inner.uniform("u", ["rows", 2])] };
      },
    });
    const program = b.program("draws", { last: carries[0]!, shares: stacks[0]! });
    const given = { inputs: { r: { values: [0, 1, 2, 3, 4], shape: [5] } }, rows: 5, random: engineRandom() };
    const [whole, unrolled] = [evaluate(program, given), evaluate(unrollLoops(program), given)];
    for (const name of ["last", "shares"]) expect([...unrolled[name]!.values]).toEqual([...whole[name]!.values]);
    expect(differences(program, given, runKernels(program, given).outputs)).toEqual([]);
    // The first rows of a smaller batch have the same.
    const fewer = evaluate(program, { ...given, inputs: { r: { values: [0, 1], shape: [2] } }, rows: 2 });
    expect([...fewer["last"]!.values]).toEqual([...whole["last"]!.values.slice(0, 2)]);
  });

  it("no steps: carries stay, and gradients pass", () => {
    const b = new TensorBuilder();
    const start = b.input("column", "h", [4, 3]);
    const { carries, stacks } = b.loop({ steps: 0, carries: [start], body: (inner, { carries: [c] }) => ({ carries: [inner.tanh(c!)], stacks: [c!] }) });
    const [gradient] = gradientsOf(b, b.add(b.sum(b.square(carries[0]!)), b.sum(stacks[0]!)), [start]);
    const { outputs } = runKernels(b.program("none", { last: carries[0]!, gradient: gradient! }), bindings);
    expect(outputs["last"]).toEqual(h.values.map(Math.fround));
    expect(outputs["gradient"]).toEqual(h.values.map((value) => 2 * Math.fround(value)));
  });

  it("gradients: the loop back", () => {
    const b = new TensorBuilder();
    const { made, wrt } = network(b);
    const loss = b.add(b.sum(b.square(made.carries[0]!)), b.sum(b.multiply(made.stacks[0]!, 0.3)));
    const [dx, dh, dw] = gradientsOf(b, loss, wrt);
    const program = b.program("gradients", { loss, dx: dx!, dh: dh!, dw: dw! });
    const { outputs, scheduled } = runKernels(program, bindings);
    expect(differences(program, bindings, outputs)).toEqual([]);
    expect(program.nodes.filter(({ op }) => op.kind === "loop")).toHaveLength(2);
    verifyKernels(scheduled.kernels);
  });

  it("WebAssembly computes the same bits as the interpreter", async () => {
    const b = new TensorBuilder();
    const { made, wrt } = network(b);
    const [dx, dw] = gradientsOf(b, b.sum(b.square(made.carries[0]!)), [wrt[0]!, wrt[2]!]);
    const { scheduled } = runKernels(b.program("gradients", { y: made.carries[0]!, path: made.histories[0]!, dx: dx!, dw: dw! }), bindings);
    const given = filledArena(scheduled, bindings.inputs);
    const fill = (arena: { readonly u32: Uint32Array }): void => arena.u32.set(new Uint32Array(given));
    const [wasm, reference] = [await runWasm(scheduled.kernels, fill), runReference(scheduled.kernels, fill)];
    for (const { offset, words } of Object.values(scheduled.outputs)) {
      expect(canonical(wasm.subarray(offset, offset + words))).toEqual(canonical(reference.subarray(offset, offset + words)));
    }
  });

  for (const each of [...operationCases.loop, ...operationCases["loop-result"]]) {
    it(`each engine's case: ${each.name}`, () => {
      const b = new TensorBuilder();
      const inputs = Object.fromEntries(Object.entries(each.inputs).map(([name, { shape, dtype }]) => [name, b.input("column", name, shape, dtype)]));
      const result = each.build(b, inputs);
      const gradients = gradientsOf(b, b.sum(b.square(b.cast(result, "f32"))), each.differentiable!.map((name) => inputs[name]!));
      const program = b.program("case", { result, ...Object.fromEntries(gradients.map((node, at) => [`d${at}`, node])) });
      const given = { rows: 3, inputs: Object.fromEntries(Object.entries(each.inputs).map(([name, { values, shape }]) => [name, { values, shape: shape.map((dim) => (typeof dim === "number" ? dim : 3)) }])) };
      const { outputs } = runKernels(program, given);
      expect(differences(program, given, outputs)).toEqual([]);
    });
  }

  it("what a body does not read is neither kept nor computed", () => {
    // c ← c + w x²: linear in c, so its gradient needs no history.
    const b = new TensorBuilder();
    const [c, weight, all] = [b.input("column", "c", []), b.input("column", "w", []), b.input("column", "x", [5])];
    const loss = b.loop({
      steps: 5, carries: [c], invariants: [weight, b.lgamma(weight)], scans: [b.lgamma(all), all],
      body: (inner, step) => ({ carries: [inner.add(step.carries[0]!, inner.multiply(step.invariants[0]!, inner.square(step.scans[1]!)))] }),
    }).carries[0]!;
    const [dc, dw, dx] = gradientsOf(b, loss, [c, weight, all]);
    const program = b.program("linear", { loss, dc: dc!, dw: dw!, dx: dx! });
    const given = { inputs: { c: 0.3, w: 1.5, x: { values: [1, -2, 3, 0.5, 2], shape: [5] } } };
    const simple = optimize(program);
    verify(simple);
    expect(simple.nodes.flatMap(({ op }) => (op.kind === "unary" ? [op.function] : []))).not.toContain("lgamma");
    for (const { op, inputs } of simple.nodes) if (op.kind === "loop") expect(inputs.length).toBeLessThanOrEqual(4);
    const { outputs } = runKernels(program, given);
    expect(differences(program, given, outputs)).toEqual([]);
    expect(outputs["dx"]).toEqual([3, -6, 9, 1.5, 6]);
  });

  it("draws within a loop within a loop", () => {
    const b = new TensorBuilder();
    const { stacks } = b.loop({ steps: 3, body: (outer) => ({ stacks: [outer.loop({ steps: 2, reverse: true, body: (inner) => ({ stacks: [inner.uniform("u", [5])] }) }).stacks[0]!] }) });
    const program = b.program("draws", { u: stacks[0]! });
    const { outputs } = runKernels(program, { inputs: {} });
    expect(differences(program, { inputs: {} }, outputs)).toEqual([]);
  });

  it("a carry in the place of the input that it begins with", () => {
    const b = new TensorBuilder();
    const c = b.input("parameter", "c", [9]);
    const next = b.loop({ steps: 4, carries: [c], body: (inner, step) => ({ carries: [inner.add(inner.reverse(step.carries[0]!, 0), 1)] }) }).carries[0]!;
    const program = b.program("alias", { next });
    const given = { inputs: { c: { values: numbers(9), shape: [9] } } };
    const { outputs } = runKernels(program, given, { aliases: { next: "c" } });
    expect(differences(program, given, outputs)).toEqual([]);
  });

  it("the code of 1000 steps is the code of 10", () => {
    const textOf = (steps: number): string => {
      const b = new TensorBuilder();
      const c = b.input("column", "c", [9]);
      const program = b.program("long", { y: b.loop({ steps, carries: [c], body: (inner, step) => ({ carries: [inner.unary("sin", inner.add(step.carries[0]!, 1))] }) }).carries[0]! });
      const given = { inputs: { c: { values: numbers(9), shape: [9] } } };
      const { outputs, scheduled } = runKernels(program, given);
      expect(differences(program, given, outputs, 1e-4)).toEqual([]);
      return printKernels(scheduled.kernels);
    };
    expect(textOf(1000).replaceAll("1000", "10").split("\n").length).toBe(textOf(10).split("\n").length);
  });
});
