import { LvmError } from "../error.js";
import { depthOf, eachRun, type Launch, STEP_WORD, type KernelModule, type WordRange } from "../kernel-engine.js";
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
  /** In what order they run; absent: each once, one after the other. */
  readonly launches?: readonly Launch[];
  /** A shader module for each kernel. */
  readonly wgsl: readonly string[];
}

export interface WebGpuModuleOptions {
  /** Steps that are encoded into one submit at most; if absent 64, and fewer where they are many dispatches. */
  readonly stepsPerSubmit?: number;
}

export type WebGpuModule = KernelModule & Required<Pick<KernelModule, "timeKernels">>;

// Constants of WebGPU, which Node knows only from the package.
const usage = { copySource: 4, copyDestination: 8, uniform: 64, storage: 128, queryResolve: 512 } as const;
const computeStage = 4;

/** Workgroups along an axis, and in a row where there are more; src/codegen/wgsl/render.ts counts them by the same rule. */
const mostAlong = 65_535;
const rowOfGroups = 32_768;
/** Dispatches in a submit: what comes after it need not wait for more than some hundredths of a second. */
const mostDispatches = 4096;

/** Steps of the longest loop, 0 where there is none. */
const longest = (launches: readonly Launch[]): number => launches.reduce<number>((most, launch) => (typeof launch === "number" ? most : Math.max(most, launch.steps, longest(launch.body))), 0);

function dispatchesOf(launches: readonly Launch[]): number {
  return launches.reduce<number>((sum, launch) => sum + (typeof launch === "number" ? 1 : launch.steps * dispatchesOf(launch.body)), 0);
}

/**
 * Puts a program on an open device: one buffer for the arena, a pipeline for each kernel, one bind group; a step makes nothing but what a submit is made of.
 * The number of a step within its submit and the indices of loops are read from one buffer of numbers, at dynamic offsets.
 *
 * @throws LvmError LVM7161 where the arena is larger than the adapter allows or has, or a shader does not compile
 */
export async function createWebGpuModule(gpu: WebGpu, program: WebGpuProgram, options: WebGpuModuleOptions = {}): Promise<WebGpuModule> {
  const { device } = gpu;
  if (gpu.failure) throw gpu.failure;
  const { words, kernels } = program;
  checkSize(words, gpu);
  const launches: readonly Launch[] = program.launches ?? kernels.map((_, index) => index);
  const depth = depthOf(launches);
  const stepsPerSubmit = Math.max(1, Math.trunc(options.stepsPerSubmit ?? Math.min(64, mostDispatches / dispatchesOf(launches))));
  const most = Math.max(stepsPerSubmit, longest(launches));
  const stride = Math.max(16, device.limits.minUniformBufferOffsetAlignment);

  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  const memory = device.createBuffer({ label: "arena", size: words * 4, usage: usage.storage | usage.copySource | usage.copyDestination });
  const numbers = device.createBuffer({ label: "numbers", size: stride * most, usage: usage.uniform, mappedAtCreation: true });
  // 0, 1, …, each with zeros behind it.
  const written = new Uint32Array(numbers.getMappedRange());
  for (let number = 0; number < most; number++) written[(number * stride) / 4] = number;
  numbers.unmap();
  const bindings = Array.from({ length: 1 + depth }, (_, at) => 1 + at);
  const layout = device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: computeStage, buffer: { type: "storage" } },
      ...bindings.map((binding) => ({ binding, visibility: computeStage, buffer: { type: "uniform" as const, hasDynamicOffset: true, minBindingSize: 16 } })),
    ],
  });
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: memory } }, ...bindings.map((binding) => ({ binding, resource: { buffer: numbers, size: 16 } }))] });
  const release = (): void => {
    memory.destroy();
    numbers.destroy();
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
  /** Where the numbers of the bindings stand: of the step, and of the loops around. */
  const offsets = bindings.map(() => 0);
  const indices = new Array<number>(depth).fill(0);
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
  const bind = (pass: GPUComputePassEncoder): void => {
    for (let at = 0; at < depth; at++) offsets[1 + at] = (indices[at] as number) * stride;
    pass.setBindGroup(0, group, offsets);
  };
  const encodeStep = (pass: GPUComputePassEncoder, step: number): void => {
    offsets[0] = step * stride;
    encodeLaunches(pass, launches, 0);
  };
  /** All that stands in the same turn of a loop has the same bindings. */
  const encodeLaunches = (pass: GPUComputePassEncoder, list: readonly Launch[], level: number): void => {
    let bound = false;
    for (const launch of list) {
      if (typeof launch === "number") {
        if (!bound) bind(pass);
        bound = true;
        encodeKernel(pass, launch);
        continue;
      }
      for (let turn = 0; turn < launch.steps; turn++) {
        indices[level] = launch.reverse ? launch.steps - 1 - turn : turn;
        encodeLaunches(pass, launch.body, level + 1);
      }
      bound = false;
    }
  };
  /** A kernel alone, as often as a step runs it. */
  const encodeAlone = (pass: GPUComputePassEncoder, index: number): void => {
    offsets[0] = 0;
    eachRun(launches, indices, (each) => {
      if (each !== index) return;
      bind(pass);
      encodeKernel(pass, index);
    });
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
      encodeAlone(pass, index);
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
          encodeAlone(pass, index);
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
