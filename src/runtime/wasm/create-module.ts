import { LvmError } from "../error.js";
import { directMemory, eachRun, mostLoops, STEP_WORD, type KernelModule, type Launch } from "../kernel-engine.js";
import type { WasmArtifact } from "./artifact.js";
import { coreCount, hasRelaxedSimd, hasSharedMemory } from "./host.js";
import { moduleBytes, withSharing } from "./module-bytes.js";
import { startTeam } from "./team.js";

export interface WasmModuleOptions {
  /** Default: the cores of the machine, at most 8. More than the kernels can use are not started. */
  readonly threads?: number;
  /** Whether multiply-adds may be rounded once, where the host can. Default: yes. */
  readonly relaxed?: boolean;
}

/** A range of groups, and the indices of the loops around; a kernel takes as many as there are. */
export type KernelFunction = (from: number, to: number, a?: number, b?: number, c?: number, d?: number) => void;
const pageWords = 16384;

/**
 * Compiles the kernels and starts the threads. Works in Node 20 and newer and in browsers; with one thread where memory cannot be shared.
 * Throws `LVM7150` where the host has no SIMD or not enough memory.
 */
export async function createWasmModule(artifact: WasmArtifact, options: WasmModuleOptions = {}): Promise<KernelModule> {
  const { words, kernels } = artifact;
  const launches: readonly Launch[] = artifact.launches ?? kernels.map((_, index) => index);
  const shareable = kernels.map(({ groups, threaded }) => (threaded ?? true) && groups > 1);
  const mostGroups = Math.max(1, ...kernels.map(({ groups }, index) => (shareable[index] ? groups : 1)));
  const wanted = Math.max(1, Math.min(options.threads ?? Math.min(coreCount(), 8), mostGroups));
  const shared = wanted > 1 && hasSharedMemory();

  const relaxed = (options.relaxed ?? true) && artifact.relaxed !== undefined && hasRelaxedSimd() ? artifact.relaxed : undefined;
  const { module, memory, instance } = await instantiate(withSharing(moduleBytes(relaxed ?? artifact.module), shared), words, shared);
  const { exports } = instance;
  const functions = kernels.map((_, index) => exports[`kernel_${index}`] as KernelFunction);
  const runAlone = exports["run"] as (steps: number) => void;
  const groups = kernels.map((each) => each.groups);
  const team = shared ? await startTeam(module, memory, groups, wanted) : undefined;

  const arena = {
    f32: new Float32Array(memory.buffer, 0, words),
    i32: new Int32Array(memory.buffer, 0, words),
    u32: new Uint32Array(memory.buffer, 0, words),
  };
  let live = true;
  const check = (): void => {
    if (!live) throw new LvmError("LVM7106", "the model was disposed");
  };
  const indices = new Array<number>(mostLoops).fill(0);
  const runOne = (index: number): void => {
    const own = functions[index] as KernelFunction;
    if (team !== undefined && shareable[index]) team.run(index, own, indices);
    else own(0, groups[index] as number, indices[0], indices[1], indices[2], indices[3]);
  };

  return {
    ...directMemory,
    words,
    kernels: kernels.length,
    threads: team?.threads ?? 1,
    arena,
    run(steps) {
      check();
      if (team === undefined) return runAlone(steps);
      for (let step = 0; step < steps; step++) {
        eachRun(launches, indices, runOne);
        arena.u32[STEP_WORD] = (arena.u32[STEP_WORD] as number) + 1;
      }
    },
    runKernel(index) {
      check();
      if (!(index in functions)) throw new RangeError(`there is no kernel ${index}; there are ${functions.length}`);
      eachRun(launches, indices, (each) => {
        if (each === index) runOne(each);
      });
    },
    dispose() {
      if (live) team?.dispose();
      live = false;
    },
  };
}

async function instantiate(bytes: Uint8Array<ArrayBuffer>, words: number, shared: boolean) {
  const pages = Math.max(1, Math.ceil(words / pageWords));
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    const module = await WebAssembly.compile(bytes);
    return { module, memory, instance: await WebAssembly.instantiate(module, { lvmc: { memory } }) };
  } catch (cause) {
    const megabytes = Math.ceil(pages / 16);
    throw new LvmError("LVM7150", `WebAssembly cannot start with ${megabytes} MiB of memory: ${cause instanceof Error ? cause.message : String(cause)}`, {
      exitCode: 5,
      facts: { device: "wasm", megabytes },
      help: "the wasm device needs SIMD (Node 20, or a browser of 2022 or newer) and memory for the whole model and its data; a smaller batch needs less",
      cause,
    });
  }
}
