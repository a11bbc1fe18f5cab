import { afterAll, describe, expect, it } from "vitest";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import { schedule } from "../../src/passes/schedule.js";
import { webgpuTarget } from "../../src/passes/templates/template.js";
import { createWebGpuModule } from "../../src/runtime/webgpu/index.js";
import { deviceCase } from "../devices/device-case.js";
import { filledArena } from "../passes/support.js";
import { closeGpu, missing, testGpu, webGpuProgram } from "./support.js";

afterAll(closeGpu);

const seeds = Array.from({ length: Number(process.env["LVMC_WEBGPU_PROGRAMS"] ?? 24) }, (_, i) => i + 1);

// Guards the renderer where nobody thought of it: random programs with gradients, special values among their inputs, as the schedules for GPUs make them.
// The interpreter is the truth; numbers near the smallest may be taken for 0 on the way.
describe.skipIf(missing !== undefined)("random programs in WGSL", () => {
  it("agree with the interpreter", async () => {
    const gpu = await testGpu();
    const wrong: string[] = [];
    for (const seed of seeds) {
      const given = deviceCase(seed);
      const scheduled = schedule(given.program, { aliases: given.aliases, target: { ...webgpuTarget, lanes: seed % 3 === 0 ? 16 : 64 } });
      const program = scheduled.kernels;
      if (program.kernels.length === 0) continue;
      const expected = new Uint32Array(filledArena(scheduled, given.inputs));
      const module = await createWebGpuModule(gpu, webGpuProgram(program));
      module.arena.u32.set(expected);
      module.send(0, program.words);
      module.run(1);
      await module.fetch([{ offset: 0, words: program.words }]);
      evaluateKernels(program, expected.buffer);
      const [got, truth] = [module.arena.f32, new Float32Array(expected.buffer)];
      const at = truth.findIndex((b, i) => {
        const a = got[i]!;
        return i >= 4 && module.arena.u32[i] !== expected[i] && a !== b && !(Number.isNaN(a) && Number.isNaN(b)) && !(Math.abs(a - b) <= 1e-5 * Math.abs(b) + 1e-30);
      });
      if (at >= 0) wrong.push(`program ${seed}, word ${at}: ${got[at]}, not ${truth[at]}`);
      module.dispose();
    }
    expect(wrong).toEqual([]);
  }, 600_000);
});
