import { afterAll, describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { lowerTrainingStep } from "../../src/lowering/training-step.js";
import { schedule } from "../../src/passes/schedule.js";
import { webgpuTarget } from "../../src/passes/templates/template.js";
import { readModel } from "../codegen/support/type-check.js";
import { closeGpu, missing, runReference, runWebGpu, type Fill } from "./support.js";

afterAll(closeGpu);

/** A whole training step: gradients, optimizer, random draws, metrics. */
function stepOf(name: string, batch: number): KernelProgram {
  const { value, diagnostics } = compile(readModel(name), { load: (path) => readModel(path.replace(/\.lvm$/, "")) });
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const step = lowerTrainingStep(value.lowered, { batch, slots: 2, dataset: 100 });
  return schedule(step.program, { target: webgpuTarget, aliases: step.aliases, use: "train", pinned: { step: 0 } }).kernels;
}

const fill: Fill = ({ f32, u32 }) => {
  for (let i = 4; i < f32.length; i++) f32[i] = ((Math.imul(i, 0x9e3779b1) >>> 8) / 2 ** 24 - 0.5) * 0.2;
  u32.set([3, 12345, 67890, 0]);
};

// Guards everything at once: kernels as the schedules for GPUs make them, on a device, against the interpreter. Where both are not numbers they agree.
describe.skipIf(missing !== undefined)("training steps of models in WGSL", () => {
  for (const [name, batch] of [["eight_schools", 8], ["mixture", 8], ["regression", 8], ["vae", 4]] as const) {
    it(`${name}`, async () => {
      const program = stepOf(name, batch);
      const [got, expected] = [await runWebGpu(program, fill), runReference(program, fill)].map((words) => new Float32Array(words.buffer)) as [Float32Array, Float32Array];
      const wrong: string[] = [];
      let numbers = 0;
      expected.forEach((b, at) => {
        const a = got[at]!;
        if (Number.isFinite(b) && b !== 0) numbers++;
        const fits = Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= 1e-5 * Math.abs(b) + 1e-30;
        if (!fits && wrong.length < 10) wrong.push(`word ${at}: ${a}, not ${b}`);
      });
      expect(wrong).toEqual([]);
      expect(numbers).toBeGreaterThan(expected.length / 4);
    }, 300_000);
  }
});
