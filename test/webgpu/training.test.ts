import { afterEach, describe, expect, it, vi } from "vitest";
import { kernelModel } from "../engine/support/kernel-model.js";
import { isProfiled } from "../../src/runtime/kernels/profile.js";
import type { KernelOptions } from "../../src/runtime/kernels/index.js";
import type { Model } from "../../src/runtime/model.js";
import { openWebGpu, type WebGpu } from "../../src/runtime/webgpu/index.js";
import { lowerText } from "../support/lowered.js";
import { patterns, tinyVae, trainAll } from "../training/support.js";
import { missing } from "./support.js";

afterEach(() => void vi.restoreAllMocks());

const lowered = lowerText(tinyVae);
// An epoch of 11 steps.
const data = patterns(176, 12);
const bytesOf = async (model: Model): Promise<string> => Buffer.from(await model.save()).toString("base64");

async function trained(options: object, device: KernelOptions = {}): Promise<string> {
  const model = await kernelModel(lowered, "webgpu", { seed: 3, ...device });
  await trainAll(model, data, { epochs: 100, steps: 40, ...options });
  const bytes = await bytesOf(model);
  model.dispose();
  return bytes;
}

describe.skipIf(missing !== undefined)("training on WebGPU", () => {
  // Guards what a run may depend on: its seed alone.
  it("gives the same bits wherever the data lies, however often one looks, and after a resumption", async () => {
    const first = await trained({});
    expect(await trained({}, { residentWords: 0 })).toBe(first);
    expect(await trained({ metricsEvery: 4, yieldEvery: 4 })).toBe(first);
    expect(await trained({ metricsEvery: 3, yieldEvery: 7 }, { residentWords: 0 })).toBe(first);
    const half = await kernelModel(lowered, "webgpu", { seed: 3 });
    await trainAll(half, data, { epochs: 100, steps: 23 });
    const other = await kernelModel(lowered, "webgpu", { seed: 8 });
    await other.load(await half.save());
    await trainAll(other, data, { epochs: 100, steps: 40 });
    expect(await bytesOf(other)).toBe(first);
    half.dispose();
    other.dispose();
  }, 300_000);

  it("streams a data set for which its arena has no room beside the rest", async () => {
    const gpu = await openWebGpu();
    let refused = 0;
    const limits = new Proxy(gpu.device.limits, {
      get: (own, name: keyof GPUSupportedLimits) => {
        if (name !== "maxStorageBufferBindingSize") return own[name];
        // Once: as if the program with all rows had been too large.
        return refused++ === 0 ? 64 : own[name];
      },
    });
    const device = new Proxy(gpu.device, { get: (own, name: keyof GPUDevice) => (name === "limits" ? limits : typeof own[name] === "function" ? (own[name] as () => unknown).bind(own) : own[name]) });
    const narrow: WebGpu = { ...gpu, adapter: gpu.adapter, device, get failure() { return gpu.failure; } };
    expect(await trained({}, { openGpu: () => Promise.resolve(narrow) })).toBe(await trained({}));
    expect(refused).toBeGreaterThan(1);
  }, 300_000);

  // Guards the cost of streaming: rows are sent a window at a time, and nothing is made for a step.
  it("streams without a call or an object for each step", async () => {
    const gpu = await openWebGpu();
    const model = await kernelModel(lowered, "webgpu", { seed: 3, residentWords: 0, openGpu: () => Promise.resolve(gpu) });
    const run = model.train(patterns(16 * 2000, 12), { steps: 1400, epochs: 1, metricsEvery: 10_000, yieldEvery: 10_000 });
    await run.next();
    const making = (["createBuffer", "createBindGroup", "createComputePipelineAsync"] as const).map((name) => vi.spyOn(gpu.device, name));
    const encoders = vi.spyOn(gpu.device, "createCommandEncoder");
    const write = vi.spyOn(gpu.device.queue, "writeBuffer");
    await run.next();
    expect(model.step).toBe(1400);
    // The state is copied at the end, through buffers of its own.
    expect(making.reduce((sum, spy) => sum + spy.mock.calls.length, 0)).toBeLessThanOrEqual(2);
    expect(encoders.mock.calls.length).toBeLessThan(1400 / 8);
    expect(write.mock.calls.length).toBeLessThan(1400 / 8);
    model.dispose();
  }, 300_000);

  // Guards the profile: the device's own clock, and a state that nobody sees has been used.
  it("is profiled kernel by kernel, and goes on as if it had not been", async () => {
    const model = await kernelModel(lowered, "webgpu", { seed: 3 });
    await trainAll(model, data, { epochs: 100, steps: 23 });
    const before = await bytesOf(model);
    if (!isProfiled(model)) throw new Error("no kernels");
    const profile = await model.profile({ milliseconds: 50 });
    expect(profile!.kernels.length).toBeGreaterThan(3);
    expect(profile!.kernels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
    expect(profile!.stepMicroseconds).toBeGreaterThan(0);
    expect(profile!.rounds).toBeGreaterThanOrEqual(5);
    expect(await bytesOf(model)).toBe(before);
    await trainAll(model, data, { epochs: 100, steps: 40 });
    expect(await bytesOf(model)).toBe(await trained({}));
    model.dispose();
  }, 300_000);
});
