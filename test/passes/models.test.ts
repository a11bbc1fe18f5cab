import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import { evaluate, seededRandom } from "../../src/ir/tensor/evaluate.js";
import type { TensorProgram } from "../../src/ir/tensor/nodes.js";
import { print } from "../../src/ir/tensor/print.js";
import { lowerTrainingStep } from "../../src/lowering/training-step.js";
import { bindSizes } from "../../src/passes/bind-sizes.js";
import { checkMemoryPlan } from "../../src/passes/memory-plan.js";
import { printPlan } from "../../src/passes/print-plan.js";
import { schedule } from "../../src/passes/schedule.js";
import { avx512Target } from "../../src/passes/templates/template.js";
import { lowerText, someParameters } from "../support/lowered.js";
import { differences, runKernels } from "./support.js";

const folder = new URL("../../models/", import.meta.url);
const models = readdirSync(folder).filter((name) => name.endsWith(".lvm"));
const lowered = (file: string) => {
  const path = new URL(file, folder).pathname;
  return lowerText(readFileSync(path, "utf8"), path);
};
/** Multiplications and additions that the interpreter does in a moment. */
const smallWork = 3e5;

describe("shipped models", () => {
  for (const file of models) {
    // The large ones run compiled, in test/engine.
    it(`${file}: programs become kernels that are well formed and share no memory; small ones give what the programs mean`, () => {
      const model = lowered(file);
      const [rows, dataset] = [5, 8];
      const parameters = someParameters(model, dataset);
      for (const [name, program] of Object.entries(model.programs as unknown as Record<string, TensorProgram | number | undefined>)) {
        if (typeof program !== "object") continue;
        const made = schedule(bindSizes(program, { rows, dataset }), { target: avx512Target });
        verifyKernels(made.kernels);
        checkMemoryPlan(made.memory.blocks, made.memory.plan);
        if (made.plan.kernels.reduce((sum, kernel) => sum + kernel.flops, 0) > smallWork) continue;
        const random = seededRandom(11);
        const inputs = Object.fromEntries(program.inputs.map(({ op, shape, dtype }) => {
          if (op.kind !== "input") throw new Error("no input");
          const sizes = shape.map((dim) => (dim === "rows" ? rows : dim === "dataset" ? dataset : dim));
          const count = sizes.reduce((n, dim) => n * dim, 1);
          const draw = (): number[] => (dtype === "f32" ? [...random.uniform(op.name, count)] : Array.from({ length: count }, (_, i) => i % 2));
          const values = parameters[op.name] ?? (op.role === "row-index" ? Array.from({ length: rows }, (_, i) => (3 * i) % dataset) : draw());
          return [op.name, { values, shape: sizes }];
        }));
        const bindings = { inputs, rows, dataset };
        const { outputs, scheduled } = runKernels(program, bindings);
        const wrong = differences(program, bindings, outputs);
        if (wrong.length > 0) expect.fail(`${name}\n${wrong.slice(0, 5).join("\n")}\n${print(program)}${printPlan(scheduled.plan)}`);
      }
    });

    it(`${file}: the whole training step`, () => {
      const { program, aliases } = lowerTrainingStep(lowered(file), { batch: 64, slots: 2, dataset: 512 });
      const made = schedule(program, { target: avx512Target, aliases, pinned: { step: 0 } });
      verifyKernels(made.kernels);
      checkMemoryPlan(made.memory.blocks, made.memory.plan);
      // New parameters lie where the old ones were.
      for (const [output, input] of Object.entries(aliases)) if (made.inputs[input]) expect(made.outputs[output]!.offset).toBe(made.inputs[input]!.offset);
      if (process.env["PLAN"]) console.log(`${file}\n${printPlan(made.plan)}`);
    });
  }

  // Guards the number of barriers in a step: each costs about half a microsecond.
  it("the VAE's step is at most 16 kernels, eight schools' at most 3", () => {
    const kernels = (file: string, batch: number): number => {
      const { program, aliases } = lowerTrainingStep(lowered(file), { batch, slots: 1, dataset: 512 });
      return schedule(program, { target: avx512Target, aliases, pinned: { step: 0 } }).plan.kernels.length;
    };
    expect(kernels("vae.lvm", 128)).toBeLessThanOrEqual(16);
    expect(kernels("eight_schools.lvm", 8)).toBeLessThanOrEqual(3);
  });
});

describe("aliases", () => {
  // Guards old values against being overwritten before everyone has read them.
  it("swaps two inputs, and keeps an output of an old value", async () => {
    const { TensorBuilder } = await import("../../src/ir/tensor/builder.js");
    const b = new TensorBuilder();
    const [x, y] = [b.input("parameter", "x", [5, 3]), b.input("parameter", "y", [5, 3])];
    const program = b.program("swap", { "next.x": y, "next.y": x, old: x, product: b.dot(x, y, false, true), transposed: b.transpose(x, [1, 0]) });
    const inputs = { x: { values: Array.from({ length: 15 }, (_, i) => i), shape: [5, 3] }, y: { values: Array.from({ length: 15 }, (_, i) => -i / 2), shape: [5, 3] } };
    const { outputs } = runKernels(program, { inputs }, { aliases: { "next.x": "x", "next.y": "y" } });
    const expected = evaluate(program, { inputs });
    for (const [name, values] of Object.entries(outputs)) expect(values.map((value) => value + 0), name).toEqual(Array.from(expected[name]!.values, (value) => value + 0));
  });
});
