import { describe, expect, it } from "vitest";
import { renderC } from "../../src/codegen/c/index.js";
import { printKernels } from "../../src/ir/kernel/print.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import type { Launch } from "../../src/ir/kernel/nodes.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { printPlan } from "../../src/passes/print-plan.js";
import { schedule, type ScheduleOptions } from "../../src/passes/schedule.js";
import { avx2Target, type Target, webgpuTarget } from "../../src/passes/templates/template.js";
import { numbers } from "../codegen/support/operation-cases.js";
import { engineRandom, differences, runKernels, simtTarget } from "./support.js";

/** Guards loops of launches: the kernels of a body run step after step, read and write arrays where they lie, and what is small stays one kernel. */

const forms: readonly (Partial<ScheduleOptions> & { readonly name: string })[] = [
  { name: "launches", loops: "launches" }, { name: "launches, no fusion, no merging", loops: "launches", fusion: "none", merge: false }, { name: "one kernel", loops: "kernels" },
  { name: "launches of workgroups", loops: "launches", target: simtTarget }, { name: "one workgroup", loops: "kernels", target: simtTarget },
];

const bindings = {
  inputs: { x: { values: numbers(60, -1, 1), shape: [5, 4, 3] }, h: { values: numbers(12, -1, 1, 2), shape: [4, 3] }, w: { values: numbers(9, -1, 1, 3), shape: [3, 3] }, a: { values: numbers(12, 0.4, 3, 5), shape: [4, 3] } },
  random: engineRandom(),
};

function inputsOf(b: TensorBuilder) {
  return { all: b.input("column", "x", [5, 4, 3]), start: b.input("column", "h", [4, 3]), weights: b.input("parameter", "w", [3, 3]), alpha: b.input("parameter", "a", [4, 3]) };
}

/** Kinds of operands and results: histories, carries in place, in two places, handed on, of other types, constants, slices, broadcasts. */
const programs: Readonly<Record<string, (reverse: boolean) => TensorProgram>> = {
  "a recurrence with its gradient": (reverse) => {
    const b = new TensorBuilder();
    const { all, start, weights } = inputsOf(b);
    const made = b.loop({
      steps: 5, reverse, carries: [start, b.full(0, [4, 3])], invariants: [weights, b.exp(weights), b.scalar(0.3)], scans: [all, b.broadcast(start, [5, 4, 3])],
      body: (k, { carries: [c, sum], invariants: [p, q, s], scans: [each, same] }) => {
        const next = k.tanh(k.add(k.add(each!, k.dot(c!, k.add(p!, k.multiply(s!, q!)))), k.multiply(0.1, same!)));
        return { carries: [next, k.add(sum!, k.square(next))], stacks: [k.sum(next, [1])] };
      },
    });
    const [dx, dh, dw] = gradientsOf(b, b.add(b.sum(b.square(made.carries[0]!)), b.add(b.sum(made.carries[1]!), b.sum(made.stacks[0]!))), [all, start, weights]);
    return b.program("recurrence", { last: made.carries[0]!, sum: made.carries[1]!, path: made.histories[0]!, sums: made.stacks[0]!, dx: dx!, dh: dh!, dw: dw! });
  },
  "carries that change places, counters and flags": (reverse) => {
    const b = new TensorBuilder();
    const { all, start } = inputsOf(b);
    const made = b.loop({
      steps: 5, reverse, carries: [start, b.square(start), b.scalar(1, "i32"), b.less(start, 0)], scans: [all],
      body: (k, { carries: [p, q, n, flag], scans: [each], index }) => ({
        carries: [k.add(q!, k.multiply(0.5, k.sum(p!))), p!, k.add(k.multiply(n!, 3), index), k.greater(k.select(flag!, p!, k.multiply(-1, q!)), each!)], stacks: [k.multiply(k.cast(index, "f32"), q!)],
      }),
    });
    return b.program("swap", { p: made.carries[0]!, q: made.carries[1]!, n: made.carries[2]!, flag: made.carries[3]!, ns: made.histories[2]!, flags: made.histories[3]!, qs: made.stacks[0]! });
  },
  "parts of arrays where they lie": (reverse) => {
    const b = new TensorBuilder();
    const { all, start } = inputsOf(b);
    // Slices along the steps and reshapes are read in place; a slice in the middle of rows is not.
    const tail = b.sliceAxis(all, 0, 2, 3);
    const made = b.loop({
      steps: 3, reverse, carries: [b.reshape(b.sliceAxis(all, 0, 1, 1), [4, 3])], invariants: [b.reshape(start, [3, 4])], scans: [tail, b.reshape(tail, [3, 12]), b.sliceAxis(tail, 2, 1, 2)],
      body: (k, { carries: [c], invariants: [m], scans: [each, flat, cut] }) => {
        const part = k.add(k.reshape(flat!, [4, 3]), k.multiply(each!, k.sum(cut!)));
        return { carries: [k.tanh(k.dot(k.dot(c!, m!), part))] };
      },
    });
    return b.program("parts", { last: made.carries[0]!, path: made.histories[0]! });
  },
  "loops in loops": (reverse) => {
    const b = new TensorBuilder();
    const { all, start, weights } = inputsOf(b);
    const made = b.loop({
      steps: 5, reverse, carries: [start], invariants: [weights], scans: [all],
      body: (outer, { carries: [c], invariants: [w], scans: [each] }) => {
        const inner = outer.loop({
          steps: 4, reverse: !reverse, carries: [c!], invariants: [w!], scans: [each!],
          body: (k, { carries: [h], invariants: [m], scans: [row], index }) => ({ carries: [k.tanh(k.add(k.dot(h!, m!), k.multiply(row!, k.cast(index, "f32"))))], stacks: [k.sum(h!, [0])] }),
        });
        return { carries: [inner.carries[0]!], stacks: [inner.stacks[0]!, inner.histories[0]!] };
      },
    });
    const [dw] = gradientsOf(b, b.sum(b.square(made.carries[0]!)), [weights]);
    return b.program("nested", { last: made.carries[0]!, sums: made.stacks[0]!, paths: made.stacks[1]!, path: made.histories[0]!, dw: dw! });
  },
  "a Gamma whose parameter depends on the steps before": (reverse) => {
    const b = new TensorBuilder();
    const { alpha } = inputsOf(b);
    const draw = (k: TensorBuilder, c: TensorNode, name: string): TensorNode => k.add(0.4, k.sigmoid(k.randomLogGamma(name, c)));
    const made = b.loop({
      steps: 5, reverse, carries: [alpha],
      body: (outer, { carries: [c] }) => {
        const inner = outer.loop({ steps: 3, carries: [c!], body: (k, { carries: [d] }) => ({ carries: [draw(k, d!, "inner")], stacks: [k.randomLogGamma("other", d!)] }) });
        return { carries: [draw(outer, inner.carries[0]!, "outer")], stacks: [inner.stacks[0]!] };
      },
    });
    return b.program("gammas", { last: made.carries[0]!, path: made.histories[0]!, draws: made.stacks[0]! });
  },
};

describe("loops as launches", () => {
  for (const [name, program] of Object.entries(programs)) {
    for (const form of forms) {
      it(`${name}: ${form.name}`, () => {
        for (const reverse of [false, true]) {
          const made = program(reverse);
          const { outputs, scheduled } = runKernels(made, bindings, form);
          verifyKernels(scheduled.kernels);
          expect(differences(made, bindings, outputs)).toEqual([]);
          expect(scheduled.kernels.launches !== undefined).toBe(form.loops === "launches");
        }
      });
    }
  }

  it("draws of a Gamma over rows: those of a row are its own", () => {
    const b = new TensorBuilder();
    const rows = b.input("column", "r", ["rows"]);
    const { carries, stacks } = b.loop({
      steps: 4, carries: [rows], body: (k, { carries: [c] }) => {
        const g = k.randomLogGamma("g", k.broadcast(c!, [2, "rows"]));
        return { carries: [k.add(0.5, k.sigmoid(k.sum(g, [0])))], stacks: [g] };
      },
    });
    const program = b.program("draws", { last: carries[0]!, all: stacks[0]! });
    const given = (values: number[]) => ({ inputs: { r: { values, shape: [values.length] } }, rows: values.length, random: engineRandom() });
    const many = given([0.7, 1, 2, 0.5, 3]);
    const whole = runKernels(program, many).outputs;
    expect(differences(program, many, whole)).toEqual([]);
    expect(runKernels(program, given([0.7, 1]), { loops: "launches" }).outputs["last"]).toEqual(whole["last"]!.slice(0, 2));
  });
});

/** A recurrent net of so many units, and its gradient. */
function recurrent(steps: number, batch: number, units: number): TensorProgram {
  const b = new TensorBuilder();
  const [x, w] = [b.input("column", "x", [steps, batch, units]), b.input("parameter", "w", [units, units])];
  const made = b.loop({
    steps, carries: [b.full(0, [batch, units])], invariants: [w], scans: [x],
    body: (k, { carries: [h], invariants: [m], scans: [each] }) => ({ carries: [k.tanh(k.add(k.dot(h!, m!), each!))] }),
  });
  const [dw] = gradientsOf(b, b.sum(b.square(made.histories[0]!)), [w]);
  return b.program("recurrent", { last: made.carries[0]!, dw: dw! });
}

const launchCount = (launches: readonly Launch[]): number => launches.reduce<number>((sum, each) => sum + (typeof each === "number" ? 1 : 1 + launchCount(each.body)), 0);

describe("the rule and the cost of loops", () => {
  for (const [name, target] of [["a CPU", avx2Target], ["a GPU", webgpuTarget]] as const satisfies readonly (readonly [string, Target])[]) {
    it(`${name}: large bodies are launches, small ones stay in one kernel`, () => {
      expect(schedule(recurrent(20, 16, 128), { target }).kernels.launches).toBeDefined();
      expect(schedule(recurrent(20, 4, 2), { target }).kernels.launches).toBeUndefined();
    });

    it(`${name}: as many launches and as much code for 10 steps as for 1000`, () => {
      const [few, many] = [10, 1000].map((steps) => schedule(recurrent(steps, 16, 128), { target }));
      // Outside of loops products over all steps are cut into parts, but into no more than some.
      expect(launchCount(many!.kernels.launches!) - launchCount(few!.kernels.launches!)).toBeLessThanOrEqual(2);
      const inLoops = ({ kernels }: typeof few & object): string => printKernels({ ...kernels, launches: undefined, kernels: kernels.kernels.filter(({ loops }) => loops) });
      expect(inLoops(many!).split("\n").length).toBe(inLoops(few!).split("\n").length);
      expect(few!.kernels.kernels.filter(({ loops }) => loops).length).toBeGreaterThan(1);
    });
  }

  it("a step copies nothing: it moves no more bytes than its kernels read and write", () => {
    const { kernels, plan } = schedule(recurrent(50, 16, 128), { target: avx2Target });
    const copies = kernels.kernels.filter(({ loops, flops }) => loops && flops === 0);
    expect(copies).toEqual([]);
    // What the loops need for themselves beside the arrays: no copy of the input, of the history or of its gradient.
    expect(plan.temporaryWords).toBeLessThan(4.5 * 50 * 16 * 128);
  });

  it("operands that are packed are packed once", () => {
    const { kernels } = schedule(recurrent(50, 16, 128), { target: avx2Target });
    const packs = kernels.kernels.filter(({ title }) => title.includes("packed operands"));
    expect(packs.length).toBeGreaterThan(0);
    for (const { loops } of packs) expect(loops).toBeUndefined();
  });

  it("the plan says how often a kernel runs; the C text has the loop", () => {
    const made = schedule(recurrent(50, 16, 128), { target: avx2Target });
    expect(printPlan(made.plan)).toMatch(/50 × dot 16×128 over 128/);
    expect(printKernels(made.kernels)).toMatch(/^loop 50 steps \{$/m);
    expect(renderC(made.kernels)).toMatch(/\{-1, 50, 0, \d+\},/);
  });
});
