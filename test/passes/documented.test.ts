import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import type { TensorProgram } from "../../src/ir/tensor/nodes.js";
import { print } from "../../src/ir/tensor/print.js";
import { bindSizes } from "../../src/passes/bind-sizes.js";
import { shareCommonSubexpressions } from "../../src/passes/common-subexpressions.js";
import { removeDeadCode } from "../../src/passes/dead-code.js";
import { planMemory } from "../../src/passes/memory-plan.js";
import { printPlan } from "../../src/passes/print-plan.js";
import { schedule } from "../../src/passes/schedule.js";
import { simplify } from "../../src/passes/simplify.js";
import { splitLoops } from "../../src/passes/split-loops.js";
import { avx512Target, webgpuTarget } from "../../src/passes/templates/template.js";

const program = (make: (b: TensorBuilder) => Record<string, ReturnType<TensorBuilder["add"]>>): TensorProgram => {
  const b = new TensorBuilder({ simplify: false });
  return b.program("example", make(b));
};
const both = (before: TensorProgram, after: TensorProgram): string => `${print(before)}\n${print(after)}`;

/** A dense layer with its loss and a step of gradient descent on its bias. */
const layer = (): TensorProgram => program((b) => {
  const [x, w, c] = [b.input("column", "x", [128, 784]), b.input("parameter", "w", [784, 400]), b.input("parameter", "bias", [400])];
  const h = b.named(b.relu(b.add(b.dot(x, w), c)), "h");
  const error = b.square(b.subtract(h, b.tanh(h)));
  return { loss: b.sum(b.sum(error, [1])), "next.bias": b.subtract(c, b.multiply(0.1, b.sum(error, [0]))) };
});

const scheduled = (fusion: "none" | "full", merge: boolean): string => printPlan(schedule(layer(), { target: avx512Target, aliases: { "next.bias": "bias" }, fusion, merge }).plan);

/** The example of each page, between its fences. */
const examples: Readonly<Record<string, () => string>> = {
  "bind-sizes": () => {
    const before = program((b) => ({ mean: b.divide(b.sum(b.input("column", "x", ["rows", 3]), [0]), b.size("rows")) }));
    return both(before, bindSizes(before, { rows: 128, dataset: 1000 }));
  },
  simplify: () => {
    const before = program((b) => {
      const [x, w] = [b.input("column", "x", [5, 3]), b.input("parameter", "w", [4, 3])];
      return { y: b.add(b.multiply(b.dot(x, b.transpose(w, [1, 0])), 1), b.negate(b.stopGradient(b.broadcast(b.scalar(2), [5, 4])))) };
    });
    return both(before, simplify(before));
  },
  "split-loops": () => {
    const b = new TensorBuilder();
    const [x, h, w, u] = [b.input("column", "x", [50, 20, 8]), b.input("column", "h", [20, 16]), b.input("parameter", "w", [8, 16]), b.input("parameter", "u", [16, 16])];
    const made = b.loop({ steps: 50, carries: [h], invariants: [w, u], scans: [x], body: (k, { carries: [c], invariants: [p, q], scans: [each] }) => ({ carries: [k.tanh(k.add(k.dot(each!, p!), k.dot(c!, q!)))] }) });
    const [dw, du] = gradientsOf(b, b.sum(made.carries[0]!), [w, u]);
    const before = simplify(b.program("example", { dw: dw!, du: du! }));
    return both(before, splitLoops(before));
  },
  "common-subexpressions": () => {
    const made = program((b) => ({ y: b.exp(b.input("column", "x", [5])) }));
    const [x, e] = made.nodes as [TensorProgram["nodes"][number], TensorProgram["nodes"][number]];
    const again = { ...e, id: 2 };
    const sum = { ...e, id: 3, op: { kind: "binary", function: "add" } as const, inputs: [e, again] };
    const before: TensorProgram = { ...made, nodes: [x, e, again, sum], outputs: { y: sum } };
    return both(before, shareCommonSubexpressions(before));
  },
  "dead-code": () => {
    const made = program((b) => ({ y: b.exp(b.input("column", "x", [5])), unused: b.log(b.input("column", "z", [5])) }));
    const before: TensorProgram = { ...made, outputs: { y: made.outputs["y"]! } };
    return both(before, removeDeadCode(before));
  },
  fuse: () => `${scheduled("none", false)}\n${scheduled("full", false)}`,
  stages: () => `${scheduled("full", false)}\n${scheduled("full", true)}`,
  loops: () => {
    const made = (steps: number, rows: number, units: number): string => printPlan(schedule(program((b) => {
      const [x, h, w] = [b.input("column", "x", [steps, rows, units]), b.input("column", "h", [rows, units]), b.input("parameter", "w", [units, units])];
      return { y: b.loop({ steps, carries: [h], invariants: [w], scans: [x], body: (inner, step) => ({ carries: [inner.tanh(inner.add(inner.dot(step.carries[0]!, step.invariants[0]!), step.scans[0]!))] }) }).carries[0]! };
    }), { target: avx512Target }).plan);
    return `${made(10, 16, 8)}\n${made(1000, 16, 8)}\n${made(1000, 128, 64)}`;
  },
  workgroups: () => printPlan(schedule(layer(), { target: webgpuTarget, aliases: { "next.bias": "bias" } }).plan),
  "memory-plan": () => {
    const blocks = [{ words: 100, live: undefined }, { words: 64, live: { from: 0, to: 1 } }, { words: 30, live: { from: 1, to: 2 } }, { words: 60, live: { from: 2, to: 3 } }];
    const plan = planMemory(blocks);
    return `${blocks.map(({ words, live }, at) => `${words} words, ${live ? `kernels ${live.from} to ${live.to}` : "kept"}: at ${plan.offsets[at]}`).join("\n")}\narena of ${plan.words} words\n`;
  },
};

describe("docs/passes", () => {
  for (const [name, example] of Object.entries(examples)) {
    // Guards the pages against telling what the passes no longer do. UPDATE_GOLDENS=1 writes the example anew.
    it(`${name}.md shows what the pass does`, () => {
      const file = new URL(`../../docs/passes/${name}.md`, import.meta.url);
      const text = readFileSync(file, "utf8");
      const [head, rest] = text.split("```text\n", 2) as [string, string];
      const tail = rest.slice(rest.indexOf("```"));
      if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(file, `${head}\`\`\`text\n${example()}${tail}`);
      else expect(rest.slice(0, rest.indexOf("```"))).toBe(example());
    });
  }
});
