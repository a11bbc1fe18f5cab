import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { unrollLoops } from "../../src/ir/tensor/unroll-loops.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { numbers } from "../codegen/support/operation-cases.js";
import { differentiated, expectGradients, type GradientCase } from "./support/slopes.js";

/** Guards the gradient of loops: against central differences of the loop, and against the gradient of its unrolled program. */

type Inputs = Readonly<Record<string, TensorNode>>;
const x = { values: numbers(12, -1, 1), shape: [4, 3] };
const h = { values: numbers(3, -1, 1, 2), shape: [3] };
const w = { values: numbers(9, -1, 1, 3), shape: [3, 3] };

const cell = (b: TensorBuilder, c: TensorNode, each: TensorNode, weights: TensorNode): TensorNode => b.tanh(b.add(each, b.reshape(b.dot(b.reshape(c, [1, 3]), weights), [3])));

const cases: Readonly<Record<string, GradientCase>> = {
  "every kind of operand and result": {
    inputs: { x, h, w },
    build: (b, at: Inputs) => {
      const { carries, stacks, histories } = b.loop({
        steps: 4, carries: [at["h"]!, b.scalar(0.5)], invariants: [at["w"]!], scans: [at["x"]!],
        body: (inner, { carries: [c, scale], invariants: [weights], scans: [each], index }) => {
          const next = cell(inner, inner.multiply(scale!, c!), each!, weights!);
          return { carries: [next, inner.add(scale!, inner.multiply(0.1, inner.sum(next)))], stacks: [inner.multiply(inner.cast(index, "f32"), inner.square(next)), scale!] };
        },
      });
      return b.concatenate([carries[0]!, b.reshape(carries[1]!, [1]), b.reshape(stacks[0]!, [12]), stacks[1]!, b.reshape(histories[0]!, [12]), histories[1]!], 0);
    },
    differentiable: ["x", "h", "w"],
  },
  "backwards, and only the weights": {
    inputs: { x, h, w },
    build: (b, at: Inputs) => b.loop({
      steps: 4, reverse: true, carries: [b.stopGradient(at["h"]!)], invariants: [at["w"]!], scans: [b.stopGradient(at["x"]!)],
      body: (inner, { carries: [c], invariants: [weights], scans: [each] }) => ({ carries: [cell(inner, c!, each!, weights!)] }),
    }).carries[0]!,
    differentiable: ["w"],
  },
  "one value in every place": {
    inputs: { x: { values: numbers(9, -1, 1, 4), shape: [3, 3] } },
    build: (b, { x: all }: Inputs) => b.loop({
      steps: 3, carries: [b.sum(all!, [0])], invariants: [all!], scans: [all!], body: (inner, step) => ({ carries: [cell(inner, step.carries[0]!, step.scans[0]!, step.invariants[0]!)] }),
    }).carries[0]!,
    differentiable: ["x"],
  },
  "draws, redrawn": {
    inputs: { h, w: { values: [0.8], shape: [] } },
    build: (b, at: Inputs) => b.loop({
      steps: 5, carries: [at["h"]!], invariants: [at["w"]!],
      body: (inner, { carries: [c], invariants: [scale] }) => ({ carries: [inner.add(inner.unary("sin", c!), inner.multiply(inner.multiply(scale!, c!), inner.normal("e", [3])))] }),
    }).carries[0]!,
    differentiable: ["h", "w"],
  },
  "a Gamma draw in each step": {
    inputs: { h: { values: [0.5, 1.2, 3], shape: [3] } },
    build: (b, at: Inputs) => b.loop({ steps: 3, invariants: [at["h"]!], body: (inner, step) => ({ stacks: [inner.randomLogGamma("g", step.invariants[0]!)] }) }).stacks[0]!,
    differentiable: ["h"],
  },
};

describe("loops", () => {
  for (const [name, given] of Object.entries(cases)) {
    it(`central differences: ${name}`, () => {
      expect(expectGradients(given, { label: name }).checked).toBeGreaterThan(0);
    });
  }

  it("the unrolled program has the same gradient", () => {
    for (const name of Object.keys(cases).filter((each) => !each.includes("Gamma"))) {
      const { program, bindings } = differentiated(cases[name]!);
      const forward = unrollLoops(program);
      const loss: TensorProgram = unrollLoops({ ...program, outputs: { loss: program.outputs["loss"]! } });
      const again = new TensorBuilder();
      const made = new Map<TensorNode, TensorNode>();
      for (const node of loss.nodes) made.set(node, again.make(node.op, node.inputs.map((input) => made.get(input)!), node.dtype, node.shape));
      const leaves = cases[name]!.differentiable!.map((key) => [...made.values()].find(({ op }) => op.kind === "input" && op.name === key)!);
      const gradients = gradientsOf(again, made.get(loss.outputs["loss"]!)!, leaves);
      const plain = evaluate(again.program("plain", Object.fromEntries(gradients.map((node, at) => [`d.${cases[name]!.differentiable![at]!}`, node]))), bindings);
      for (const out of [evaluate(program, bindings), evaluate(forward, bindings)]) {
        for (const [key, { values }] of Object.entries(plain)) values.forEach((value, i) => expect(out[key]!.values[i], `${name} ${key}`).toBeCloseTo(value, 12));
      }
    }
  });

  it("second derivatives: d²/dx² of c ← sin(c x)", () => {
    const b = new TensorBuilder();
    const at = b.input("column", "x", []);
    const y = b.loop({ steps: 4, carries: [at], invariants: [at], body: (inner, { carries: [c], invariants: [p] }) => ({ carries: [inner.unary("sin", inner.multiply(c!, p!))] }) }).carries[0]!;
    const [first] = gradientsOf(b, y, [at]);
    const [second] = gradientsOf(b, first!, [at]);
    const program = b.program("second", { first: first!, second: second! });
    verify(program);
    const value = (point: number, key: string): number => evaluate(program, { inputs: { x: point } })[key]!.values[0]!;
    expect(value(1.1, "second")).toBeCloseTo((value(1.1 + 1e-5, "first") - value(1.1 - 1e-5, "first")) / 2e-5, 7);
  });

  it("what needs no gradient is not carried back", () => {
    const b = new TensorBuilder();
    const at = b.input("column", "x", [4]);
    const { carries } = b.loop({
      steps: 4, carries: [b.scalar(0), b.scalar(0, "i32"), b.scalar(1)], scans: [at],
      body: (inner, { carries: [c, k, still], scans: [each] }) => ({ carries: [inner.add(c!, inner.multiply(still!, inner.square(each!))), inner.add(k!, 1), inner.multiply(0.5, still!)] }),
    });
    const [gradient] = gradientsOf(b, carries[0]!, [at]);
    const program = b.program("few", { gradient: gradient! });
    const backward = program.nodes.filter(({ op }) => op.kind === "loop").at(-1)!;
    expect(backward.op).toMatchObject({ carried: 1, reverse: true, stacked: 1 });
    const out = evaluate(program, { inputs: { x: { values: [1, 2, 3, 4], shape: [4] } } })["gradient"]!;
    expect([...out.values]).toEqual([2, 2, 1.5, 1]);
  });
});
