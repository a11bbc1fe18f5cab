import type { KernelDevice } from "../devices.js";
import { LvmError } from "../error.js";
import type { Launch } from "../kernel-engine.js";
import { hasPerRow, type ModelTables, type RowProgram } from "../train/definition.js";
import type { KernelPlan, KernelPrograms, ProgramArtifact, Region, RowsArtifact, StateSlot, StepArtifact } from "./artifact.js";

/** What is the same on every device, or one for each that the module is compiled for. */
export type ForDevice<T> = T | { readonly [D in KernelDevice]?: T };

/** Where a tensor lies. `type`: f32 where it is missing. `init`: state that begins with zeros, or with the value of a parameter. */
export interface RegionEntry {
  readonly offset: ForDevice<number>;
  readonly shape: readonly number[];
  readonly type?: Region["type"];
  readonly init?: StateSlot["init"];
}

export interface KernelEntry {
  readonly lines: readonly number[];
  readonly title: string;
  readonly groups: ForDevice<number>;
  readonly flops: ForDevice<number>;
  readonly bytes: ForDevice<number>;
  readonly threaded?: boolean;
}

type Constants = ProgramArtifact["constants"];

/** A program of an emitted module without its kernels, for all devices. */
export interface ProgramPlan {
  readonly words: ForDevice<number>;
  readonly inputs: Readonly<Record<string, RegionEntry>>;
  readonly outputs?: Readonly<Record<string, RegionEntry>>;
  readonly constants?: ForDevice<Constants>;
  readonly kernels: ForDevice<readonly KernelEntry[]>;
  readonly launches?: ForDevice<readonly Launch[]>;
}

export interface StepPlan extends ProgramPlan {
  readonly batch: number;
  readonly slots: number;
  /** Rows for which there are parameters, where rows have their own. */
  readonly dataset?: number;
  readonly metrics: readonly string[];
}

export interface RowsPlan extends ProgramPlan {
  readonly rows: number;
  readonly rowsAxis: Readonly<Record<string, number>>;
}

/** The programs of an emitted module, and the devices that they are compiled for. `refit` fits the parameters of new rows, where rows have their own. */
export type KernelPlans = { readonly devices: readonly KernelDevice[]; readonly step: StepPlan; readonly refit?: StepPlan } & { readonly [P in RowProgram]?: RowsPlan };

/** Their kernels: C, WebAssembly as base64 of deflated bytes, and a shader for each kernel. */
export type KernelCode = Readonly<Record<string, { readonly c?: string; readonly wasm?: { readonly module: string; readonly relaxed?: string }; readonly wgsl?: readonly string[] }>>;

/**
 * The programs of an emitted module. Minibatches have the size that it was compiled for; data with fewer rows fills one by being taken again. Where rows
 * have parameters of their own it holds those of so many rows, or fewer. Other sizes throw LVM7109, which says how to compile for them.
 */
export function fixedPrograms(tables: ModelTables, plans: KernelPlans, code: KernelCode): KernelPrograms {
  const { name, source } = tables;
  const refuse = (message: string, option: string, facts: Readonly<Record<string, number>>): LvmError =>
    new LvmError("LVM7109", `${name} was compiled ${message}`, { facts, help: `compile it for that: lvmc compile ${source} ${option}` });
  // A model with parameters per row is compiled for a number of rows: both options belong together.
  const rowsOption = (rows: number): string => (hasPerRow(tables) ? `--rows ${rows} ` : "");
  return {
    devices: plans.devices,
    async step({ batch, dataset, refit }, device) {
      const plan = refit ? plans.refit : plans.step;
      if (!plan) throw refuse("without the program that fits parameters of new rows", "", {});
      const most = plan.dataset ?? Infinity;
      if (dataset > most) throw refuse(`for at most ${most} rows, and there are ${dataset}`, `--rows ${dataset}`, { compiled: most, given: dataset });
      // A batch of all rows, where they are fewer than a minibatch.
      const filled = batch === dataset && batch < plan.batch;
      if (batch !== plan.batch && !filled && !refit) throw refuse(`for minibatches of ${plan.batch} rows, not ${batch}`, `${rowsOption(most)}--batch ${batch}`, { compiled: plan.batch, given: batch });
      return { ...(await programOf(plan, code[refit ? "refit" : "step"], device)), batch: plan.batch, slots: plan.slots, dataset: plan.dataset, metrics: plan.metrics, state: slotsOf(plan) } satisfies StepArtifact;
    },
    async rows(program, _, device) {
      const plan = plans[program];
      if (!plan) throw refuse(`without its program ${program}`, "", {});
      return { ...(await programOf(plan, code[program], device)), rows: plan.rows, rowsAxis: plan.rowsAxis } satisfies RowsArtifact;
    },
    has: (program) => plans[program] !== undefined,
  };
}

async function programOf(plan: ProgramPlan, code: KernelCode[string] | undefined, device: KernelDevice): Promise<ProgramArtifact> {
  const { c, wasm, wgsl } = code ?? {};
  return {
    words: forDevice(plan.words, device),
    inputs: regionsOf(plan.inputs, device),
    outputs: regionsOf(plan.outputs ?? {}, device),
    constants: forDevice<Constants>(plan.constants ?? [], device),
    kernels: forDevice(plan.kernels, device).map((kernel, at): KernelPlan => ({
      ...kernel,
      name: `kernel_${at}`,
      groups: forDevice(kernel.groups, device),
      flops: forDevice(kernel.flops, device),
      bytes: forDevice(kernel.bytes, device),
    })),
    ...(plan.launches === undefined ? {} : { launches: forDevice<readonly Launch[]>(plan.launches, device) }),
    ...(device === "native" ? { c } : {}),
    ...(device === "webgpu" ? { wgsl } : {}),
    ...(device === "wasm" && wasm ? { wasm: { module: await inflated(wasm.module), relaxed: wasm.relaxed === undefined ? undefined : await inflated(wasm.relaxed) } } : {}),
  };
}

function regionsOf(entries: Readonly<Record<string, RegionEntry>>, device: KernelDevice): Record<string, Region> {
  return Object.fromEntries(Object.entries(entries).map(([name, { offset, shape, type = "f32" }]) => [name, { offset: forDevice(offset, device), words: shape.reduce((product, dim) => product * dim, 1), shape, type }]));
}

function slotsOf({ inputs }: ProgramPlan): StateSlot[] {
  return Object.entries(inputs).flatMap(([name, { init }]) => (init === undefined ? [] : [{ name, init }]));
}

function forDevice<T extends number | readonly unknown[]>(value: ForDevice<T>, device: KernelDevice): T {
  if (!isPerDevice(value)) return value;
  const own = value[device];
  if (own === undefined) throw new LvmError("LVM7150", `the module is not compiled for the device ${device}`, { exitCode: 5, facts: { device } });
  return own;
}

function isPerDevice<T extends number | readonly unknown[]>(value: ForDevice<T>): value is { readonly [D in KernelDevice]?: T } {
  return typeof value === "object" && !Array.isArray(value);
}

/** Bytes from base64 of a raw deflate stream; line breaks in it do not matter. */
async function inflated(text: string): Promise<Uint8Array> {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
