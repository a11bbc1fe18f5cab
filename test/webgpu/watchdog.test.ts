import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createWebGpuModule, openWebGpu } from "../../src/runtime/webgpu/index.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new Promise<never>(() => undefined);

/** A device that takes everything; `works`: whether it ever ends something. */
function fakeGpu(works: () => boolean): GPU {
  const ended = <T>(value: T): Promise<T> => (works() ? Promise.resolve(value) : never);
  const buffer = ({ size }: GPUBufferDescriptor) => ({ size, getMappedRange: () => new ArrayBuffer(size), unmap: () => undefined, destroy: () => undefined, mapAsync: () => ended(undefined) });
  const pass = { setBindGroup: () => undefined, setPipeline: () => undefined, dispatchWorkgroups: () => undefined, end: () => undefined };
  const encoder = { beginComputePass: () => pass, copyBufferToBuffer: () => undefined, finish: () => ({}) };
  const make = () => ({});
  const device = {
    limits: { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 27, minUniformBufferOffsetAlignment: 256 },
    lost: never, addEventListener: () => undefined, destroy: () => undefined,
    pushErrorScope: () => undefined, popErrorScope: () => ended(null),
    createBuffer: buffer, createBindGroupLayout: make, createBindGroup: make, createPipelineLayout: make, createShaderModule: make,
    createComputePipelineAsync: () => ended({}), createCommandEncoder: () => encoder,
    queue: { submit: () => undefined, writeBuffer: () => undefined, onSubmittedWorkDone: () => ended(undefined) },
  };
  const adapter = { info: { vendor: "fake", architecture: "", device: "", description: "" }, limits: device.limits, features: new Set(), requestDevice: () => Promise.resolve(device) };
  return { requestAdapter: () => Promise.resolve(adapter) } as unknown as GPU;
}

const program = { words: 64, kernels: [{ name: "k0", groups: 1 }], wgsl: ["@compute fn main() {}"] };
const outcome = (promise: Promise<unknown> | void): Promise<unknown> => Promise.resolve(promise).then(() => "done", (error: unknown) => error);
const hung = { code: "LVM7162", exitCode: 5, message: expect.stringContaining("120 s") as string, help: expect.stringContaining("checkpoint") as string };

// Guards against waiting for ever: drivers hang without saying that their device is lost.
describe("a driver that hangs", () => {
  it("ends whoever waits, and whoever comes after", async () => {
    let works = true;
    const gpu = await openWebGpu({ gpu: fakeGpu(() => works) });
    const module = await createWebGpuModule(gpu, program);
    works = false;
    module.run(3);
    const [finished, fetched] = [outcome(module.finished()), outcome(module.fetch([{ offset: 8, words: 8 }]))];
    await vi.advanceTimersByTimeAsync(119_000);
    expect(gpu.failure).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await finished).toMatchObject(hung);
    expect(await fetched).toMatchObject(hung);
    expect(() => module.run(1)).toThrow(expect.objectContaining(hung));
    expect(await outcome(module.finished())).toMatchObject(hung);
    gpu.dispose();
  });

  it("ends a compiler that never answers", async () => {
    const gpu = await openWebGpu({ gpu: fakeGpu(() => false) });
    const made = outcome(createWebGpuModule(gpu, program));
    await vi.advanceTimersByTimeAsync(121_000);
    expect(await made).toMatchObject(hung);
  });

  it("is not one that is slow: whatever ends begins the time again, and idle hours do not count", async () => {
    let works = true;
    const gpu = await openWebGpu({ gpu: fakeGpu(() => works) });
    const module = await createWebGpuModule(gpu, program);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(await outcome(module.finished())).toBe("done");
    await vi.advanceTimersByTimeAsync(100_000);
    works = false;
    const waiting = outcome(module.finished());
    for (let round = 0; round < 5; round++) {
      await vi.advanceTimersByTimeAsync(100_000);
      works = true;
      expect(await outcome(module.fetch([{ offset: 8, words: 8 }]))).toBe("done");
      works = false;
    }
    expect(gpu.failure).toBeUndefined();
    await vi.advanceTimersByTimeAsync(121_000);
    expect(await waiting).toMatchObject(hung);
  });

  it("keeps no timer when nothing is waited for", async () => {
    const gpu = await openWebGpu({ gpu: fakeGpu(() => true) });
    const module = await createWebGpuModule(gpu, program);
    await module.finished();
    await vi.advanceTimersByTimeAsync(121_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
