import { rowPrograms, rowsProgram, type RowProgram } from "../codegen/kernels/rows-program.js";
import type { CompiledArtifact, CompiledModelPrograms, ModuleDevice } from "../codegen/kernels/compiled-programs.js";
import { modelTables } from "../codegen/kernels/tables.js";
import type { ModuleOptions } from "../codegen/typescript/model-module.js";
import { lineOf } from "../diagnostics/span.js";
import { runsOf } from "../ir/kernel/launches.js";
import type { LoweredModel } from "../ir/lowered-model.js";
import type { TensorProgram } from "../ir/tensor/nodes.js";
import { lowerTrainingStep, type StepSizes } from "../lowering/training-step.js";
import type { Schedule } from "../passes/schedule.js";
import { avx2Target, avx512Target, neonTarget, type Target, wasmTarget, webgpuTargetOf, type WorkgroupLimits, workgroupOf } from "../passes/templates/template.js";
import { InternalError } from "../util/internal-error.js";
import { type ProgramStore, storedPrograms } from "./stored-programs.js";

/** What kernels are compiled for: C for vectors of so many lanes, WebAssembly (with relaxed multiply-adds, without, or both), or WGSL (for workgroups of no more than so much; of what every device has if absent); `none` leaves them as kernel IR. */
export type KernelTarget = { readonly kind: "c"; readonly lanes: number } | { readonly kind: "wasm"; readonly relaxed?: boolean } | { readonly kind: "wgsl"; readonly workgroup?: WorkgroupLimits } | { readonly kind: "none" };

export interface CompiledProgram {
  readonly schedule: Schedule;
  /** For the run time (`ProgramArtifact`). */
  readonly artifact: ReturnType<typeof planOf> & { readonly c?: string; readonly wasm?: { readonly module: Uint8Array; readonly relaxed?: Uint8Array }; readonly wgsl?: readonly string[] };
}

/** The whole training step of a model as kernels. */
export async function compileStep(lowered: LoweredModel, sizes: StepSizes, target: KernelTarget) {
  const step = lowerTrainingStep(lowered, sizes);
  const compiled = await compileTensorProgram(step.program, step.aliases, "train", target);
  return { ...compiled, artifact: { ...compiled.artifact, batch: sizes.batch, slots: sizes.slots, dataset: sizes.dataset, resident: sizes.resident, state: step.slots.map(({ name, init }) => ({ name, init })), metrics: step.metrics } };
}

/** One of a model's programs over rows as kernels. @throws InternalError where the model has no such program */
export async function compileRows(lowered: LoweredModel, which: RowProgram, sizes: { readonly rows: number }, target: KernelTarget) {
  const made = rowsProgram(lowered, which, sizes.rows);
  if (!made) throw new InternalError(`${lowered.program.name} has no program ${which}`);
  const compiled = await compileTensorProgram(made.program, {}, which, target);
  return { ...compiled, artifact: { ...compiled.artifact, ...sizes, rowsAxis: made.rowsAxis } };
}

/** What is compiled for on a device; `workgroup`: what a GPU allows. */
export type TargetOf = (device: ModuleDevice, workgroup?: WorkgroupLimits) => KernelTarget | Promise<KernelTarget>;

/** Where the kernel engine gets a model's programs from while the compiler is at hand: for any sizes, when they are asked for. */
export function kernelPrograms(lowered: LoweredModel, targetOf: TargetOf) {
  return {
    step: async (sizes: StepSizes, device: ModuleDevice, workgroup?: WorkgroupLimits) => (await compileStep(lowered, sizes, await targetOf(device, workgroup))).artifact,
    rows: async (which: RowProgram, sizes: { readonly rows: number }, device: ModuleDevice, workgroup?: WorkgroupLimits) => (await compileRows(lowered, which, sizes, await targetOf(device, workgroup))).artifact,
    has: (which: RowProgram) => rowPrograms.includes(which) && lowered.programs[which] !== undefined,
  };
}

/** A model for `createKernelModel` of the run time: its tables, and its programs for any sizes. `lanes`: vectors of the native device; `relaxed`: whether WebAssembly has relaxed multiply-adds, where that is known; `store`: where programs are kept from run to run. */
export function kernelDefinition(lowered: LoweredModel, source: { readonly path: string; readonly text: string }, lanes: () => number | Promise<number>, relaxed?: boolean, store?: ProgramStore) {
  const targetOf: TargetOf = async (device, workgroup) => (device === "native" ? { kind: "c", lanes: await lanes() } : device === "webgpu" ? { kind: "wgsl", workgroup: workgroupOf(workgroup) } : { kind: "wasm", relaxed });
  const programs = kernelPrograms(lowered, targetOf);
  return { ...modelTables(lowered, source), programs: store ? storedPrograms(lowered, programs, targetOf, store) : programs };
}

export interface ModuleSizes {
  /** Rows of the data set, for models with parameters of their own for each row: their programs are for that many. */
  readonly dataset?: number;
  /** Default: the model file's. */
  readonly batch?: number;
}

/** Rows that programs over rows take at a time. */
const chunkRows = 256;
const slotWords = 1 << 20;

/** The sizes of a training step that is compiled before there is data. @throws InternalError where rows have parameters of their own and their number is not given */
export function stepSizesOf(lowered: LoweredModel, sizes: ModuleSizes): StepSizes {
  const perRow = lowered.parameters.some(({ shape }) => shape.includes("dataset"));
  if (perRow && sizes.dataset === undefined) throw new InternalError(`${lowered.program.name} has parameters for each row: the number of rows is needed`);
  const dataset = perRow ? sizes.dataset : undefined;
  const batch = Math.min(sizes.batch ?? lowered.program.training.batch, sizes.dataset ?? Infinity);
  const words = batch * lowered.columns.reduce((sum, { shape }) => sum + shape.reduce((product, dim) => product * dim, 1), 1);
  const slots = batch === sizes.dataset ? 1 : Math.max(1, Math.min(256, Math.floor(slotWords / words)));
  return { batch, slots, dataset };
}

/** Vectors of the C in emitted modules: of AVX2. Compilers make two of 4 of them where a machine has no longer ones. */
const emittedLanes = 8;

/** All programs of a model for some devices, `native` and `wasm` if nothing is said, and the TypeScript that holds them. */
export async function emitKernelModule(lowered: LoweredModel, options: ModuleOptions, { devices = ["native", "wasm"], ...sizes }: ModuleSizes & { readonly devices?: readonly ModuleDevice[] } = {}): Promise<string> {
  const step = stepSizesOf(lowered, sizes);
  const { batch, dataset } = step;
  const compiled = async (make: (target: KernelTarget) => Promise<{ readonly artifact: CompiledArtifact }>) => ({
    ...(devices.includes("native") ? { native: (await make({ kind: "c", lanes: emittedLanes })).artifact } : {}),
    ...(devices.includes("wasm") ? { wasm: (await make({ kind: "wasm" })).artifact } : {}),
    ...(devices.includes("webgpu") ? { webgpu: (await make({ kind: "wgsl" })).artifact } : {}),
  });
  const programs: Record<string, CompiledModelPrograms[string]> = { step: await compiled((target) => compileStep(lowered, step, target)) };
  if (dataset !== undefined) programs["refit"] = await compiled((target) => compileStep(lowered, { ...step, refit: true }, target));
  for (const which of rowPrograms) {
    if (!lowered.programs[which]) continue;
    const { importanceRows, evaluationRows = chunkRows } = lowered.programs;
    const rows = Math.min(chunkRows, which === "importance" ? importanceRows : which === "evaluate" ? evaluationRows : chunkRows);
    programs[which] = await compiled((target) => compileRows(lowered, which, { rows }, target));
  }
  // What the module says of its minibatches is what it was compiled for.
  const { program } = lowered;
  const { emitKernels } = await import("../codegen/kernels/emit-kernels.js");
  return emitKernels({ ...lowered, program: { ...program, training: { ...program.training, batch } } }, programs, options);
}

/** Any tensor program of static sizes as kernels for a target. */
export async function compileTensorProgram(program: TensorProgram, aliases: Readonly<Record<string, string>>, use: string, target: KernelTarget): Promise<CompiledProgram> {
  // Programs that are taken from a store need no passes.
  const { schedule } = await import("../passes/schedule.js");
  const made = schedule(program, { target: machineOf(target), aliases, use, pinned: { step: 0 } });
  const plan = planOf(made);
  // A program without outputs has nothing to compile; one that no memory holds is refused by the run time, with its size.
  switch (made.kernels.kernels.length === 0 || plan.words > mostWords[target.kind] ? "none" : target.kind) {
    // Only what writes for this target is loaded.
    case "c": {
      const { renderC } = await import("../codegen/c/index.js");
      return { schedule: made, artifact: { ...plan, c: renderC(made.kernels) } };
    }
    case "wasm": {
      const { emitWasm, emitWasmFor } = await import("../codegen/wasm/artifact.js");
      const relaxed = target.kind === "wasm" ? target.relaxed : undefined;
      const { words: _, launches: __, kernels, ...wasm } = await (relaxed === undefined ? emitWasm(made.kernels) : emitWasmFor(made.kernels, relaxed));
      return { schedule: made, artifact: { ...plan, kernels: plan.kernels.map((kernel, at) => ({ ...kernel, threaded: kernels[at]?.threaded })), wasm } };
    }
    case "wgsl": {
      const { renderWgsl } = await import("../codegen/wgsl/index.js");
      return { schedule: made, artifact: { ...plan, wgsl: renderWgsl(made.kernels) } };
    }
    case "none":
      return { schedule: made, artifact: plan };
  }
}

/** Pages of a WebAssembly memory; indices of words are i32 (`mostWords` of src/runtime/kernels/host.ts). */
const mostWords: Readonly<Record<KernelTarget["kind"], number>> = { c: 2 ** 30 - 1, wasm: 2 ** 30, wgsl: 2 ** 31 - 1, none: Infinity };

/** The vectors that kernels are made for. */
export function machineOf(target: KernelTarget): Target {
  if (target.kind === "wgsl") return webgpuTargetOf(target.workgroup);
  if (target.kind !== "c") return wasmTarget;
  return target.lanes >= 16 ? avx512Target : target.lanes >= 8 ? avx2Target : neonTarget;
}

interface PlannedKernel {
  readonly name: string;
  readonly title: string;
  readonly lines: readonly number[];
  readonly groups: number;
  readonly flops: number;
  readonly bytes: number;
  readonly threaded?: boolean;
}

function planOf({ kernels, inputs, outputs, constants }: Schedule) {
  return {
    words: kernels.words,
    inputs,
    outputs,
    constants: constants.map(({ offset, type, values }) => ({ offset, type, values })),
    kernels: kernels.kernels.map(({ name, title, origins, groups, loops, flops, bytes }): PlannedKernel => ({
      name, title, lines: [...new Set(origins.map(lineOf))].sort((a, b) => a - b), groups, flops: runsOf({ loops }) * flops, bytes: runsOf({ loops }) * bytes,
    })),
    ...(kernels.launches ? { launches: kernels.launches } : {}),
  };
}
