import type { KernelDevice } from "../devices.js";
import type { Launch } from "../kernel-engine.js";
import type { RowProgram } from "../train/definition.js";

/** Where a tensor lies in a program's arena, row-major. */
export interface Region {
  /** In words of 32 bits. */
  readonly offset: number;
  readonly words: number;
  readonly shape: readonly number[];
  /** Bools are i32 0 and 1. */
  readonly type: "f32" | "i32" | "u32" | "bool";
}

export type Regions = Readonly<Record<string, Region>>;

/** One kernel, for people and profiles. */
export interface KernelPlan {
  readonly name: string;
  /** `decoder.dense_2 + bias, Bernoulli log density`. */
  readonly title: string;
  /** Lines of the model file. */
  readonly lines: readonly number[];
  readonly groups: number;
  /** Of all its runs in one step. */
  readonly flops: number;
  readonly bytes: number;
  /** Worth sharing among threads; where it is missing, kernels of more than one group are. */
  readonly threaded?: boolean;
}

/** A compiled program as plain data: kernels over an arena of its own. */
export interface ProgramArtifact {
  readonly words: number;
  /** Inputs and state; they keep their values from step to step. */
  readonly inputs: Regions;
  readonly outputs: Regions;
  /** Words that must stand in the arena before the first run. */
  readonly constants: readonly { readonly offset: number; readonly type: Region["type"]; readonly values: readonly number[] }[];
  readonly kernels: readonly KernelPlan[];
  /** In what order they run; absent: each once, one after the other. */
  readonly launches?: readonly Launch[];
  /** The kernels as C, for the `native` device. */
  readonly c?: string;
  /** The kernels as WebAssembly: bytes or base64. `relaxed`: with relaxed multiply-add. */
  readonly wasm?: { readonly module: Uint8Array | string; readonly relaxed?: Uint8Array | string };
  /** A shader for each kernel, for the `webgpu` device. */
  readonly wgsl?: readonly string[];
}

/** State that lives from step to step beside the parameters: `encoder.dense_1.kernel/m`. */
export interface StateSlot {
  readonly name: string;
  /** Zeros, or a parameter's value. */
  readonly init: "zero" | { readonly copyOf: string };
}

/**
 * A whole training step. Inputs by name: parameters, slots, `data.<column>` (for `slots` minibatches; `resident`: all rows), `rows` (positions of
 * `slots` minibatches in the data set), `step` (word 0), `dataset`, `rate`, `metrics` (sums since the host last zeroed them). What a step replaces is
 * replaced in place. The output `last` has the metrics of the step that ran last.
 */
export interface StepArtifact extends ProgramArtifact {
  readonly batch: number;
  readonly slots: number;
  /** Rows for which the program has parameters, where rows have their own: as many as the data has, or more. */
  readonly dataset?: number;
  /** All rows of the data lie in the arena, and the step gathers its own. */
  readonly resident?: boolean;
  readonly state: readonly StateSlot[];
  /** Names in the order of `metrics`. */
  readonly metrics: readonly string[];
}

/** A program over `rows` rows. Inputs: parameters (those per row: of these rows), columns, `rowIndex`, `dataset`. Word 0 counts draws, word 3 chunks of rows. */
export interface RowsArtifact extends ProgramArtifact {
  readonly rows: number;
  /** The axis of the rows of each output; −1 where there is none. */
  readonly rowsAxis: Readonly<Record<string, number>>;
}

export interface StepSizes {
  readonly batch: number;
  readonly slots: number;
  /** Rows of the data set. */
  readonly dataset: number;
  /** Fits parameters per row alone, everything else frozen, without annealing and averages. */
  readonly refit?: boolean;
  /** Where the program may gather its minibatches from a whole data set in the arena. */
  readonly resident?: boolean;
}

/** What a GPU allows its workgroups. */
export interface WorkgroupLimits {
  readonly invocations: number;
  /** Of shared memory. */
  readonly bytes: number;
}

/** Where compiled programs come from: the compiler itself, or an emitted module, which has one of each (`fixedPrograms`). A step may be for more rows in a minibatch than asked, where these are all rows. An artifact holds at least the device's kernels, for workgroups of no more than `workgroup` where that is known. */
export interface KernelPrograms {
  /** Devices that there are programs for; any if absent. */
  readonly devices?: readonly KernelDevice[];
  readonly step: (sizes: StepSizes, device: KernelDevice, workgroup?: WorkgroupLimits) => StepArtifact | Promise<StepArtifact>;
  readonly rows: (program: RowProgram, sizes: { readonly rows: number }, device: KernelDevice, workgroup?: WorkgroupLimits) => RowsArtifact | Promise<RowsArtifact>;
  /** Programs that the model has. */
  readonly has: (program: RowProgram) => boolean;
}
