import { afterAll, describe, expect, it } from "vitest";
import { createWebGpuModule } from "../../src/runtime/webgpu/index.js";
import { loopRelay, relayByHand, relayRows, relayWords } from "../kernel/loop-relay.js";
import { closeGpu, missing, testGpu, webGpuProgram } from "./support.js";

/** Guards loops of launches on WebGPU: a dispatch for each turn, with the indices of the loops around. */

afterAll(closeGpu);

describe.skipIf(missing !== undefined)("launches on WebGPU", () => {
  it("run in order, with indices and the counter of steps, however many steps share a submit", async () => {
    for (const stepsPerSubmit of [undefined, 1, 3]) {
      const module = await createWebGpuModule(await testGpu(), webGpuProgram(loopRelay([0], { lanes: 16, simt: true })), { stepsPerSubmit });
      module.run(1);
      module.run(6);
      await module.fetch([{ offset: 0, words: relayWords }]);
      expect(module.arena.u32[0]).toBe(7);
      expect(relayRows(module.arena.i32)).toEqual(relayByHand(7));
      module.arena.u32[0] = 6;
      module.runKernel(5);
      await module.fetch([{ offset: 0, words: relayWords }]);
      expect(relayRows(module.arena.i32)[5]).toEqual(relayByHand(7)[5]);
      const times = await module.timeKernels();
      if (times) expect(times).toHaveLength(6);
      module.dispose();
    }
  });

  it("makes nothing for a turn but dispatches and bindings", async () => {
    const gpu = await testGpu();
    const module = await createWebGpuModule(gpu, webGpuProgram(loopRelay([0], { lanes: 16, simt: true })));
    const made: string[] = [];
    const { device } = gpu;
    const original = device.createBindGroup.bind(device);
    device.createBindGroup = (...args) => (made.push("bind group"), original(...args));
    try {
      module.run(5);
    } finally {
      device.createBindGroup = original;
    }
    await module.finished();
    expect(made).toEqual([]);
    module.dispose();
  });
});
