import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { rowsProgram } from "../../src/codegen/kernels/rows-program.js";
import { compile } from "../../src/driver/compile.js";
import { lowerTrainingStep } from "../../src/lowering/training-step.js";
import { schedule } from "../../src/passes/schedule.js";
import { webgpuTarget } from "../../src/passes/templates/template.js";
import { createWebGpuModule } from "../../src/runtime/webgpu/index.js";
import { readModel } from "../codegen/support/type-check.js";
import { smallSizes } from "../support/small-sizes.js";
import { closeGpu, missing, testGpu, webGpuProgram } from "./support.js";

afterAll(closeGpu);
afterEach(() => void vi.restoreAllMocks());

/** Guards what a diffusion costs the host: training hands over as many steps as it is asked for at once, and sampling all of its steps, one submit each. */
describe.skipIf(missing !== undefined)("a diffusion on WebGPU", () => {
  it.each([["ddpm_2d", {}], ["ddpm_transformer", {}], ["ddpm_digits", {}]] as const)("%s trains several steps in one submit, and samples in one", async (name, set) => {
    const source = readModel(name);
    const { value } = compile(source, { set: { ...smallSizes(source.text), ...set } });
    if (!value) throw new Error("it does not compile");
    const { program, aliases } = lowerTrainingStep(value.lowered, { batch: 4, slots: 8, dataset: 100 });
    const train = webGpuProgram(schedule(program, { target: webgpuTarget, aliases, use: "train", pinned: { step: 0 } }).kernels);
    const sample = webGpuProgram(schedule(rowsProgram(value.lowered, "sample", 4)!.program, { target: webgpuTarget, aliases: {}, use: "sample" }).kernels);
    const gpu = await testGpu();
    for (const [kernels, steps] of [[train, 8], [sample, 1]] as const) {
      const module = await createWebGpuModule(gpu, kernels);
      const submit = vi.spyOn(gpu.device.queue, "submit");
      module.run(steps);
      expect(submit).toHaveBeenCalledTimes(1);
      await module.finished();
      expect(module.arena.u32[0]).toBe(steps);
      submit.mockRestore();
      module.dispose();
    }
  }, 300_000);
});
