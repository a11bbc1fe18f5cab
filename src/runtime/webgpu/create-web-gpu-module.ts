import { LvmError } from "../error.js";
import { STEP_WORD, type KernelModule, type WordRange } from "../kernel-engine.js";
import { buildPipelines } from "./build-pipelines.js";
import { lostError, messageOf, webGpuError } from "./failure.js";
import type { WebGpu } from "./open-web-gpu.js";
import { createStaging } from "./staging.js";

/** What a program is for WebGPU: the sizes, and the texts that `renderWgsl` of src/codegen/wgsl gives. Plain data, so that it can stand in generated code. */
export interface WebGpuProgram {
  /** Length of the arena in 32-bit words. */
  readonly words: number;
  /** `lines`: of the model file, for messages. */
  readonly kernels: readonly { readonly name: string; readonly title?: string; readonly lines?: readonly number[]; readonly groups: number }[];
  /** A shader module for each kernel. */
  readonly wgsl: readonly string[];
}

export interface WebGpuModuleOptions {
  /** Steps that are encoded into one submit at most; 64 if absent. */
  readonly stepsPerSubmit?: number;
}

export type WebGpuModule = KernelModule & Required<Pick<KernelModule, "timeKernels">>;

// Constants of WebGPU, which Node knows only from the package.
const usage = { copySource: 4, copyDestination: 8, uniform: 64, storage: 128, queryResolve: 512 } as const;
const computeStage = 4;

/** Workgroups along an axis, and in a row where there are more; src/codegen/wgsl/render.ts counts them by the same rule. */
const mostAlong = 65_535;
const rowOfGroups = 32_768;

/**
 * Puts a program on an open device: one buffer for the arena, a pipeline for each kernel, one bind group; a step makes nothing but what a submit is made of.
 *
 * @throws LvmError LVM7161 where the arena is larger than the adapter allows or has, or a shader does not compile
 */
export async function createWebGpuModule(gpu: WebGpu, program: WebGpuProgram, options: WebGpuModuleOptions = {}): Promise<WebGpuModule> {
  const { device } = gpu;
  if (gpu.failure) throw gpu.failure;
  const { words, kernels } = program;
  checkSize(words, gpu);
  const stepsPerSubmit = Math.max(1, Math.trunc(options.stepsPerSubmit ?? 64));
  const stride = Math.max(16, device.limits.minUniformBufferOffsetAlignment);

  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  const memory = device.createBuffer({ label: "arena", size: words * 4, usage: usage.storage | usage.copySource | usage.copyDestination });
  const launches = device.createBuffer({ label: "launches", size: stride * stepsPerSubmit, usage: usage.uniform, mappedAtCreation: true });
  // The step's number within its submit, and zeros.
  const numbers = new Uint32Array(launches.getMappedRange());
  for (let step = 0; step < stepsPerSubmit; step++) numbers[(step * stride) / 4] = step;
  launches.unmap();
  const layout = device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: computeStage, buffer: { type: "storage" } },
      { binding: 1, visibility: computeStage, buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: 16 } },
    ],
  });
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: memory } }, { binding: 1, resource: { buffer: launches, size: 16 } }] });
  const release = (): void => {
    memory.destroy();
    launches.destroy();
  };
  const building = buildPipelines(gpu, program, device.createPipelineLayout({ bindGroupLayouts: [layout] }));
  let pipelines: readonly GPUComputePipeline[];
  try {
    const [full, invalid] = await gpu.guard(Promise.all([device.popErrorScope(), device.popErrorScope()]));
    if (full) throw webGpuError("memory", `the GPU has no ${megabytes(words)} MiB for the arena: ${full.message}`, { facts: { words }, help: "a smaller --batch needs less" });
    if (invalid) throw webGpuError("adapter-refused", invalid.message);
    pipelines = await gpu.guard(building);
  } catch (error) {
    building.catch(() => undefined);
    release();
    throw error;
  }

  const buffer = new ArrayBuffer(words * 4);
  const arena = { f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer) };
  const staging = createStaging(device);
  const offsets = Array.from({ length: stepsPerSubmit }, (_, step) => [step * stride]);
  const dispatches = kernels.map(({ groups }) => (groups <= mostAlong ? [groups, 1] as const : [rowOfGroups, Math.ceil(groups / rowOfGroups)] as const));
  let open = true;
  /** What word 0 is on the device. */
  let counted = 0;

  const check = (): void => {
    if (!open) throw new LvmError("LVM7106", "the kernels were disposed");
    if (gpu.failure) throw gpu.failure;
  };
  const count = (): void => {
    if (counted === arena.u32[STEP_WORD]) return;
    device.queue.writeBuffer(memory, 0, arena.u32, STEP_WORD, 1);
    counted = arena.u32[STEP_WORD] as number;
  };
  const encodeStep = (pass: GPUComputePassEncoder, step: number): void => {
    pass.setBindGroup(0, group, offsets[step] as number[]);
    for (let index = 0; index < pipelines.length; index++) encodeKernel(pass, index);
  };
  const encodeKernel = (pass: GPUComputePassEncoder, index: number): void => {
    const [x, y] = dispatches[index] as readonly [number, number];
    pass.setPipeline(pipelines[index] as GPUComputePipeline);
    pass.dispatchWorkgroups(x, y);
  };
  /** A copy of ranges of the arena as it now is, once it has come. */
  const bring = async (ranges: readonly WordRange[], seen?: () => void): Promise<void> => {
    const total = ranges.reduce((sum, range) => sum + range.words, 0);
    if (total === 0) return void seen?.();
    const taken = staging.take(total * 4);
    const encoder = device.createCommandEncoder();
    let at = 0;
    for (const { offset, words: length } of ranges) {
      if (length > 0) encoder.copyBufferToBuffer(memory, offset * 4, taken, at * 4, length * 4);
      at += length;
    }
    device.queue.submit([encoder.finish()]);
    try {
      await gpu.guard(taken.mapAsync(1, 0, total * 4));
    } catch (error) {
      taken.destroy();
      if (!open) throw new LvmError("LVM7106", "the kernels were disposed");
      throw error instanceof LvmError ? error : lostError("lost", `the GPU gives nothing back: ${messageOf(error)}`, error);
    }
    const copy = new Uint32Array(taken.getMappedRange(0, total * 4));
    // The counter is the host's.
    const step = arena.u32[STEP_WORD] as number;
    at = 0;
    for (const { offset, words: length } of ranges) {
      arena.u32.set(copy.subarray(at, at + length), offset);
      at += length;
    }
    arena.u32[STEP_WORD] = step;
    taken.unmap();
    staging.give(taken);
    seen?.();
  };
  const settle = async (): Promise<void> => {
    // Errors of what was submitted come before the answer of a scope that is opened after it.
    device.pushErrorScope("validation");
    await gpu.guard(Promise.all([device.queue.onSubmittedWorkDone(), device.popErrorScope()]));
  };

  return {
    words,
    kernels: kernels.length,
    threads: 1,
    arena,
    run(steps) {
      check();
      for (let left = steps; left > 0; ) {
        const now = Math.min(left, stepsPerSubmit);
        count();
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        for (let step = 0; step < now; step++) encodeStep(pass, step);
        pass.end();
        device.queue.submit([encoder.finish()]);
        arena.u32[STEP_WORD] = (arena.u32[STEP_WORD] as number) + now;
        left -= now;
      }
    },
    runKernel(index) {
      check();
      if (!Number.isInteger(index) || index < 0 || index >= kernels.length) throw new RangeError(`kernel ${index} of ${kernels.length}`);
      count();
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setBindGroup(0, group, offsets[0] as number[]);
      encodeKernel(pass, index);
      pass.end();
      device.queue.submit([encoder.finish()]);
    },
    send(offset, length) {
      check();
      if (length > 0) device.queue.writeBuffer(memory, offset * 4, arena.u32, offset, length);
    },
    async fetch(ranges, seen) {
      check();
      await bring(ranges, seen);
    },
    async finished() {
      check();
      await settle();
    },
    async timeKernels() {
      check();
      if (!gpu.timestamps) return undefined;
      count();
      const times: number[] = [];
      const queries = device.createQuerySet({ type: "timestamp", count: 2 * kernels.length });
      const resolved = device.createBuffer({ size: 16 * kernels.length, usage: usage.queryResolve | usage.copySource });
      const taken = staging.take(16 * kernels.length);
      try {
        const encoder = device.createCommandEncoder();
        for (let index = 0; index < kernels.length; index++) {
          const pass = encoder.beginComputePass({ timestampWrites: { querySet: queries, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 } });
          pass.setBindGroup(0, group, offsets[0] as number[]);
          encodeKernel(pass, index);
          pass.end();
        }
        encoder.resolveQuerySet(queries, 0, 2 * kernels.length, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, taken, 0, 16 * kernels.length);
        device.queue.submit([encoder.finish()]);
        arena.u32[STEP_WORD] = (arena.u32[STEP_WORD] as number) + 1;
        await gpu.guard(taken.mapAsync(1, 0, 16 * kernels.length));
        const stamps = new BigUint64Array(taken.getMappedRange(0, 16 * kernels.length));
        for (let index = 0; index < kernels.length; index++) times.push(Number((stamps[2 * index + 1] as bigint) - (stamps[2 * index] as bigint)));
        taken.unmap();
        staging.give(taken);
      } finally {
        queries.destroy();
        resolved.destroy();
      }
      return times;
    },
    dispose() {
      if (!open) return;
      open = false;
      staging.dispose();
      release();
    },
  };
}

const megabytes = (words: number): number => Math.ceil(words / 2 ** 18);

/** Refused before anything is allocated: some drivers take the process down with them. */
function checkSize(words: number, { device }: WebGpu): void {
  const most = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  if (words * 4 <= most) return;
  throw webGpuError("memory", `the arena has ${megabytes(words).toLocaleString("en")} MiB; the adapter allows ${Math.floor(most / 2 ** 20).toLocaleString("en")} MiB in one piece`, {
    facts: { needed: words * 4, allowed: most },
    help: "a smaller --batch needs less; the devices native and wasm have the machine's whole memory",
  });
}
