import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { createWebGpuModule, nameOf, openWebGpu, webGpuFailure, type WebGpu } from "../../src/runtime/webgpu/index.js";
import { canonical, closeGpu, missing, programOf, runReference, testGpu, webGpuProgram } from "./support.js";

afterAll(closeGpu);
afterEach(() => void vi.restoreAllMocks());

/** sum += x[step mod 8], and a kernel of many groups beside. */
const adding = programOf(4 + 8 + 4 + 256, [
  { title: "sum of x", write: (b) => b.store(b.integer(12), b.add(b.load(b.integer(12)), b.load(b.add(b.remainder(b.load(b.integer(0), "i32"), 8), 4)))) },
  { title: "group numbers", groups: 16, write: (b) => b.store(b.add(b.multiply(b.group(), 16), 16), b.add(b.laneNumbers(), b.group())) },
]);
const x = [1, 2, 4, 8, 16, 32, 64, 128];

describe.skipIf(missing !== undefined)("a module on WebGPU", () => {
  it("says what the adapter is", async () => {
    const { adapter, failure } = await testGpu();
    expect(adapter).toMatchObject({ vendor: "google", architecture: "swiftshader", software: true });
    expect(nameOf(adapter)).toMatch(/SwiftShader.*\(google swiftshader\)/);
    expect(adapter.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
    expect(failure).toBeUndefined();
  });

  // Guards the cost of a step: nothing is made but an encoder, a pass and a command buffer for each submit, and there are as many dispatches as kernels.
  it("makes no objects in a step", async () => {
    const gpu = await testGpu();
    const making = (["createBuffer", "createBindGroup", "createBindGroupLayout", "createPipelineLayout", "createShaderModule", "createComputePipeline", "createComputePipelineAsync", "createQuerySet", "createCommandEncoder"] as const).map((name) => [name, vi.spyOn(gpu.device, name)] as const);
    const made = (): Record<string, number> => Object.fromEntries(making.flatMap(([name, spy]) => (spy.mock.calls.length === 0 ? [] : [[name, spy.mock.calls.length]])));
    const module = await createWebGpuModule(gpu, webGpuProgram(adding), { stepsPerSubmit: 16 });
    expect(made()).toEqual({ createBuffer: 2, createBindGroup: 1, createBindGroupLayout: 1, createPipelineLayout: 1, createShaderModule: 2, createComputePipelineAsync: 2 });
    module.arena.f32.set(x, 4);
    module.send(4, 8);
    await module.fetch([{ offset: 12, words: 1 }]);
    making.forEach(([, spy]) => spy.mockClear());
    const submit = vi.spyOn(gpu.device.queue, "submit");
    module.run(16);
    await module.finished();
    expect(made()).toEqual({ createCommandEncoder: 1 });
    expect(submit).toHaveBeenCalledTimes(1);
    // What comes back goes through the buffer of the time before.
    await module.fetch([{ offset: 12, words: 1 }]);
    expect(made()).toEqual({ createCommandEncoder: 2 });
    expect(module.arena.f32[12]).toBe(2 * 255);
    expect(module.arena.u32[0]).toBe(16);
    module.dispose();
  });

  it("dispatches each kernel once a step", async () => {
    const gpu = await testGpu();
    const module = await createWebGpuModule(gpu, webGpuProgram(adding));
    const dispatch = vi.fn();
    const create = gpu.device.createCommandEncoder.bind(gpu.device);
    vi.spyOn(gpu.device, "createCommandEncoder").mockImplementation((options) => {
      const encoder = create(options);
      const begin = encoder.beginComputePass.bind(encoder);
      encoder.beginComputePass = (each) => {
        const pass = begin(each);
        const own = pass.dispatchWorkgroups.bind(pass);
        pass.dispatchWorkgroups = (...sizes) => (dispatch(...sizes), own(...sizes));
        return pass;
      };
      return encoder;
    });
    module.run(5);
    expect(dispatch.mock.calls).toEqual(Array.from({ length: 5 }, () => [[1, 1], [16, 1]]).flat());
    module.dispose();
  });

  // Guards the order: words come back as they were when asked for, whatever is run or sent before they arrive.
  it("brings back ranges as they were, while more steps run", async () => {
    const module = await createWebGpuModule(await testGpu(), webGpuProgram(adding));
    module.arena.f32.set(x, 4);
    module.send(4, 8);
    module.run(3);
    const early = module.fetch([{ offset: 12, words: 1 }]);
    module.run(5);
    module.arena.f32[4] = 1000;
    module.send(4, 1);
    module.run(1);
    await early;
    expect(module.arena.f32[12]).toBe(7);
    await module.fetch([{ offset: 12, words: 1 }, { offset: 16, words: 0 }, { offset: 16 + 16 * 3, words: 20 }]);
    expect(module.arena.f32[12]).toBe(1255);
    expect([...module.arena.i32.slice(64, 84)]).toEqual([...Array.from({ length: 16 }, (_, i) => i + 3), 4, 5, 6, 7]);
    expect(module.arena.i32[16]).toBe(0);
    expect(module.arena.u32[0]).toBe(9);
    module.dispose();
  });

  it("runs one kernel by itself, without a step", async () => {
    const module = await createWebGpuModule(await testGpu(), webGpuProgram(adding));
    module.arena.f32.set(x, 4);
    module.send(0, module.words);
    module.arena.u32[0] = 3;
    module.runKernel(0);
    await module.fetch([{ offset: 0, words: module.words }]);
    expect([module.arena.u32[0], module.arena.f32[12], module.arena.i32[17]]).toEqual([3, 8, 0]);
    expect(() => module.runKernel(2)).toThrow(RangeError);
    module.dispose();
  });

  it("serves several modules on one device, and times kernels", async () => {
    const gpu = await testGpu();
    const modules = await Promise.all([1, 2, 3].map(() => createWebGpuModule(gpu, webGpuProgram(adding))));
    modules.forEach((module, at) => (module.arena.f32.set(x.map((value) => value * (at + 1)), 4), module.send(4, 8), module.run(8)));
    await Promise.all(modules.map((module) => module.fetch([{ offset: 12, words: 1 }])));
    expect(modules.map(({ arena }) => arena.f32[12])).toEqual([255, 510, 765]);
    const times = await modules[0]!.timeKernels();
    if (gpu.timestamps) expect(times!.every((time) => time >= 0) && times!.length === 2).toBe(true);
    expect(modules[0]!.arena.u32[0]).toBe(gpu.timestamps ? 9 : 8);
    modules[1]!.dispose();
    modules[1]!.dispose();
    expect(() => modules[1]!.run(1)).toThrow(/disposed/);
    modules[0]!.run(8);
    await modules[0]!.finished();
    modules[0]!.dispose();
    modules[2]!.dispose();
  });

  it("steps give the same bits however they are submitted", async () => {
    const gpu = await testGpu();
    const results = [];
    for (const stepsPerSubmit of [1, 3, 64]) {
      const module = await createWebGpuModule(gpu, webGpuProgram(adding), { stepsPerSubmit });
      module.arena.f32.set(x, 4);
      module.send(4, 8);
      module.run(20);
      await module.fetch([{ offset: 0, words: module.words }]);
      results.push(canonical(module.arena.u32));
      module.dispose();
    }
    const expected = canonical(runReference(adding, ({ f32 }) => f32.set(x, 4), 20));
    expect(results).toEqual([expected, expected, expected]);
  });
});

describe.skipIf(missing !== undefined)("what can fail", () => {
  it("no adapter, and one that refuses", async () => {
    const none = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    const error: unknown = await openWebGpu({ gpu: none }).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: "LVM7161", exitCode: 5, help: expect.stringContaining("Vulkan") });
    expect(webGpuFailure(error)).toBe("no-adapter");
    const adapter = await openWebGpu().then((gpu) => (gpu.dispose(), gpu.adapter));
    const refusing = { requestAdapter: () => Promise.resolve({ info: adapter, limits: adapter.limits, features: new Set(adapter.features), requestDevice: () => Promise.reject(new Error("out of device memory")) }) } as unknown as GPU;
    await expect(openWebGpu({ gpu: refusing })).rejects.toMatchObject({ code: "LVM7161", message: expect.stringMatching(/SwiftShader.*refuses to open: out of device memory/), facts: { reason: "adapter-refused" } });
  });

  it("an arena that no buffer holds, before anything is allocated", async () => {
    const gpu = await testGpu();
    const create = vi.spyOn(gpu.device, "createBuffer");
    const words = gpu.adapter.limits.maxStorageBufferBindingSize / 4 + 1;
    await expect(createWebGpuModule(gpu, { words, kernels: [], wgsl: [] })).rejects.toMatchObject({ code: "LVM7161", exitCode: 5, message: expect.stringMatching(/[\d,]+ MiB; the adapter allows [\d,]+ MiB/), help: expect.stringContaining("--batch"), facts: { reason: "memory" } });
    expect(create).not.toHaveBeenCalled();
  });

  it("a shader that does not compile", async () => {
    const gpu = await testGpu();
    const program = webGpuProgram(adding);
    const broken = { ...program, kernels: program.kernels.map((kernel) => ({ ...kernel, lines: [12, 13] })), wgsl: [program.wgsl[0]!, program.wgsl[1]!.replace("let lane =", "let lane: f32 =")] };
    await expect(createWebGpuModule(gpu, broken)).rejects.toMatchObject({ code: "LVM7161", message: expect.stringMatching(/the kernel k1 \(group numbers, lines 12, 13\) does not compile[^]*\d+:\d+: [^]*let lane: f32/), facts: { reason: "shader", kernel: "k1" } });
    // The device is as good as before.
    const module = await createWebGpuModule(gpu, program);
    module.run(1);
    await module.finished();
    module.dispose();
  });

  it("more lanes than the adapter has, and more shared memory", async () => {
    const gpu = await testGpu();
    const greedy = programOf(16, [{ shared: 2 ** 20, write: (b) => (b.storeShared(b.laneNumbers(), b.constant(1, "f32", "vector")), b.barrier(), b.store(b.integer(8), b.reduceLanes("add", b.loadShared(b.laneNumbers())))) }]);
    await expect(createWebGpuModule(gpu, webGpuProgram(greedy))).rejects.toMatchObject({ code: "LVM7161", facts: { reason: "shader" } });
  });

  /** A device of its own, to be lost. */
  const fresh = (): Promise<WebGpu> => openWebGpu();

  // Guards against waiting for ever: whoever waits when the device goes is told, and so is everyone after.
  it("a device that is lost, also in the middle of a fetch", async () => {
    const gpu = await fresh();
    const module = await createWebGpuModule(gpu, webGpuProgram(adding));
    module.run(64);
    const [fetched, finished] = [module.fetch([{ offset: 12, words: 4 }]), module.finished()].map((promise) => Promise.resolve(promise).catch((error: unknown) => error));
    gpu.device.destroy();
    const lost = { code: "LVM7162", exitCode: 5, help: expect.stringContaining("checkpoint") as string };
    expect(await finished).toMatchObject(lost);
    expect(await fetched).toMatchObject(lost);
    expect(gpu.failure).toMatchObject(lost);
    expect(() => module.run(1)).toThrow(expect.objectContaining(lost));
    await expect(module.fetch([])).rejects.toMatchObject(lost);
    await expect(createWebGpuModule(gpu, webGpuProgram(adding))).rejects.toMatchObject(lost);
    module.dispose();
    gpu.dispose();
  });

  it("work that the device refuses", async () => {
    const gpu = await fresh();
    const module = await createWebGpuModule(gpu, webGpuProgram(adding));
    gpu.device.createBuffer({ size: 16, usage: 0xffff_ffff });
    await expect(module.finished()).rejects.toMatchObject({ code: "LVM7162", message: expect.stringContaining("refused its work") });
    module.dispose();
    gpu.dispose();
  });

  it("a module or a device that is disposed while words come back", async () => {
    const gpu = await fresh();
    const modules = await Promise.all([1, 2].map(() => createWebGpuModule(gpu, webGpuProgram(adding))));
    const [first, second] = modules.map((module) => Promise.resolve(module.fetch([{ offset: 0, words: 100 }])).then(() => "came", (error: unknown) => error));
    modules[0]!.dispose();
    expect(["came", expect.objectContaining({ code: "LVM7106" })]).toContainEqual(await first);
    gpu.dispose();
    expect(["came", expect.objectContaining({ code: "LVM7162" }), expect.objectContaining({ code: "LVM7106" })]).toContainEqual(await second);
  });
});
