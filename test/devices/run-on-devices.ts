import { renderC } from "../../src/codegen/c/index.js";
import { emitWasmFor } from "../../src/codegen/wasm/artifact.js";
import { renderWgsl } from "../../src/codegen/wgsl/index.js";
import { poisonWord } from "../../src/ir/kernel/evaluate.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import type { Schedule } from "../../src/passes/schedule.js";
import type { KernelModule } from "../../src/runtime/kernel-engine.js";
import { createNativeModule } from "../../src/runtime/node/native/index.js";
import { hasRelaxedSimd } from "../../src/runtime/wasm/host.js";
import { createWasmModule } from "../../src/runtime/wasm/index.js";
import { createWebGpuModule, type WebGpu } from "../../src/runtime/webgpu/index.js";
import { filledArena, outputsOf } from "../passes/support.js";
import { concatenate, guardWords, roundedTwice } from "./concatenate.js";
import type { CaseInputs, DeviceCase } from "./device-case.js";
import { scheduled, type Build } from "./ways.js";

export interface Job {
  readonly given: DeviceCase;
  readonly build: Build;
}

export interface Result {
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** The arena's words after the run. */
  readonly words: Uint32Array;
  /** What else is wrong: words that nothing may write were written. */
  readonly faults: readonly string[];
}

export type Compile = (program: KernelProgram) => Promise<KernelModule>;

/** `wanted`: with the multiply-add that rounds once, where the host has one. */
export const compileWasm = (wanted: boolean): Compile => async (program) => {
  const relaxed = wanted && hasRelaxedSimd();
  const { module } = emitWasmFor(program, relaxed);
  return createWasmModule({ words: program.words, kernels: program.kernels.map(({ name, groups }) => ({ name, groups })), launches: program.launches, module, relaxed: module }, { threads: 1, relaxed });
};

/** `level`: of the compiler's optimization, for its time; gcc obeys, clang uses its flags. */
export const compileNative = (cacheFolder: string, level: "g" | "1" | "3"): Compile => (program) =>
  createNativeModule(`${level === "3" ? "" : `#pragma GCC optimize ("O${level}")\n`}${renderC(program)}`, { threads: 1, cacheFolder, timeout: 600_000 });

/** All pipelines are built together. */
export const compileWebGpu = (gpu: WebGpu): Compile => (program) => createWebGpuModule(gpu, { words: program.words, kernels: program.kernels, launches: program.launches, wgsl: renderWgsl(program) });

/**
 * Runs many programs as one, compiled once. Every word besides inputs, constants and the engine's own is a NaN that no computation makes, so that what reads
 * a word which nothing wrote does not go unseen; guards between the programs and the inputs must be as they were.
 */
export async function runOnDevice(jobs: readonly Job[], compile: Compile): Promise<Result[]> {
  const schedules = jobs.map(({ given, build }) => scheduled(given, build));
  const programs = schedules.map(({ kernels }, at) => (jobs[at]!.build.twice ? roundedTwice(kernels) : kernels));
  // One vector width for each library.
  const widths = [...new Set(programs.map(({ lanes }) => lanes))];
  const results: Result[] = [];
  await Promise.all(widths.map(async (lanes) => {
    const chosen = programs.flatMap((each, at) => (each.lanes === lanes && each.kernels.length > 0 ? [at] : []));
    if (chosen.length === 0) return;
    const { program, bases } = concatenate(chosen.map((at) => programs[at]!));
    const module = await compile(program);
    const { u32 } = module.arena;
    u32.fill(poisonWord);
    const before = chosen.map((at, i) => {
      const own = new Uint32Array(filledArena(schedules[at]!, jobs[at]!.given.inputs));
      u32.set(own, bases[i]!);
      return own;
    });
    module.send(0, program.words);
    module.run(1);
    await module.fetch([{ offset: 0, words: program.words }]);
    chosen.forEach((at, i) => {
      const words = u32.slice(bases[i]!, bases[i]! + before[i]!.length);
      const around = [u32.subarray(bases[i]! - guardWords / 2, bases[i]!), u32.subarray(bases[i]! + words.length, bases[i]! + words.length + guardWords / 2)];
      const faults = around.some((guard) => guard.some((word) => word !== poisonWord)) ? ["words beyond the arena were written"] : [];
      results[at] = { outputs: outputsOf(schedules[at]!, words.buffer as ArrayBuffer), words, faults: [...faults, ...changedInputs(schedules[at]!, jobs[at]!.given, before[i]!, words)] };
    });
    module.dispose();
  }));
  // A program of inputs alone has no kernels.
  jobs.forEach(({ given }, at) => {
    const arena = filledArena(schedules[at]!, given.inputs);
    results[at] ??= { outputs: outputsOf(schedules[at]!, arena), words: new Uint32Array(arena), faults: [] };
  });
  return results;
}

function changedInputs(schedule: Schedule, { aliases }: { readonly aliases: DeviceCase["aliases"]; readonly inputs: CaseInputs }, before: Uint32Array, after: Uint32Array): string[] {
  const replaced = new Set(Object.values(aliases));
  const places = [...Object.entries(schedule.inputs).filter(([name]) => !replaced.has(name)), ...schedule.constants.map((each) => ["a constant", each] as const)];
  return places.flatMap(([name, { offset, words }]) => (before.subarray(offset, offset + words).some((word, i) => word !== after[offset + i]) ? [`${name} was overwritten`] : []));
}
