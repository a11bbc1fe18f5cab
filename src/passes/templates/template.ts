import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { ElementType, KernelExpr, Statement, Width } from "../../ir/kernel/nodes.js";
import type { Placed } from "../placed.js";

/**
 * Templates turn one heavy tensor operation of static size into kernels. What is fused around it comes in as functions: `Read` gives a
 * value at coordinates (a load, or a producer computed on the spot), `Write` takes one (bias, activation, optimizer, stores).
 */

/** Where a tensor lies in the arena. */
export interface View {
  /** Word of the element at coordinates 0, 0, …. */
  readonly base: number;
  readonly shape: readonly number[];
  /** In words; 0 repeats along the axis. */
  readonly strides: readonly number[];
  readonly type: ElementType;
  /** Of what lies outside of the arena of a loop's body: how its place moves with the loops around. */
  readonly moves?: readonly Move[];
}

/** `words` times the index of loop `depth`; `alternates`: times its parity. */
export interface Move {
  readonly depth: number;
  readonly words: number;
  readonly alternates?: true;
}

/**
 * The value at `index` (i32 scalars, one for each axis). With width "vector": of `lanes` neighbours along the vector axis
 * (`vectorAxis` of the tensor's shape: the last axis whose size is not 1), of which `index` names the first. May bind names in `k`.
 */
export type Read = (k: KernelBuilder, index: readonly KernelExpr[], width: Width) => KernelExpr;

/** Takes the result at `index`; a vector value covers neighbours along the result's vector axis, all of them inside the tensor. */
export type Write = (k: KernelBuilder, index: readonly KernelExpr[], value: KernelExpr) => void;

/** `Write` for templates with several results of one shape (heads, mean and variance): all values at one place. */
export type WriteAll = (k: KernelBuilder, index: readonly KernelExpr[], values: readonly KernelExpr[]) => void;

/** What a template may know of a machine. The number of threads is not among it: results do not depend on it. */
export interface Target {
  /** 32-bit values in a vector. */
  readonly lanes: number;
  /** Vector registers that hold values: 32 for AVX-512, 15 for WebAssembly (V8 on x64 keeps one of 16 for itself). */
  readonly registers: number;
  /** Products of at least so many rows copy their right operand into panels even where it could be read in place. Default: never. */
  readonly packFrom?: number;
  /** Gradients of weights with at least so many rows are made in bands of whole rows (dot-bands.ts). Default: never. */
  readonly bandsFrom?: number;
  readonly l1Bytes: number;
  readonly l2Bytes: number;
  /** Groups are workgroups of a GPU and lanes their invocations (`KernelProgram.simt`). */
  readonly simt?: true;
  /** What a workgroup may have at most, where a kernel may ask for more lanes than `lanes`. */
  readonly workgroup?: WorkgroupLimits;
}

export interface WorkgroupLimits {
  readonly invocations: number;
  /** Of shared memory. */
  readonly bytes: number;
}

export const wasmTarget: Target = { lanes: 4, registers: 15, l1Bytes: 32 << 10, l2Bytes: 512 << 10, packFrom: 64, bandsFrom: 64 };
export const avx512Target: Target = { lanes: 16, registers: 32, l1Bytes: 32 << 10, l2Bytes: 1 << 20, bandsFrom: 64 };
export const avx2Target: Target = { lanes: 8, registers: 16, l1Bytes: 32 << 10, l2Bytes: 512 << 10, bandsFrom: 64 };
export const neonTarget: Target = { lanes: 4, registers: 32, l1Bytes: 64 << 10, l2Bytes: 1 << 20, bandsFrom: 64 };

/** What every WebGPU device has. */
const leastWorkgroup: WorkgroupLimits = { invocations: 256, bytes: 16 << 10 };

/** Limits as far as any choice depends on them: devices that are alike in that get the same programs. */
export function workgroupOf({ invocations, bytes }: WorkgroupLimits = leastWorkgroup): WorkgroupLimits {
  const step = 16 << 10;
  return { invocations: invocations >= 256 ? 256 : invocations >= 128 ? 128 : 64, bytes: bytes < step ? bytes : Math.min(3 * step, bytes - (bytes % step)) };
}

/** Workgroups of 64: two warps or one wavefront; every device offers them. Products may have up to four times as many. */
export function webgpuTargetOf(limits?: WorkgroupLimits): Target {
  return { lanes: 64, registers: 64, l1Bytes: 16 << 10, l2Bytes: 4 << 20, simt: true, workgroup: workgroupOf(limits) };
}

/** For a device that is not known yet. */
export const webgpuTarget: Target = webgpuTargetOf();

/** `lanes`: of a kernel that has its own number. */
export function kernelBuilder({ lanes, simt }: Target, own = lanes): KernelBuilder {
  return new KernelBuilder(own, simt === true);
}

/** What every template gets besides its operands. */
export interface TemplateContext {
  readonly target: Target;
  /**
   * Reserves words of the arena that live from the first kernel of the template to its last, and gives the first. A planner that must
   * know sizes before places runs the template twice: sizes do not depend on the places given out.
   */
  readonly scratch: (words: number) => number;
  /** What is decided by looking at expressions is decided once: indices become shorter where something happens to lie at word 0, and memory is promised by then. */
  readonly decide: (look: () => boolean) => boolean;
}

/** One kernel, without the name and origins that the scheduler gives it. */
export interface TemplateKernel {
  /** What this does within the template: `dot 128×784×400`, `pack`. */
  readonly title: string;
  readonly groups: number;
  /** Invocations of a workgroup, where they are not the target's lanes. */
  readonly lanes?: number;
  /** Words that the lanes of a group share. */
  readonly shared?: number;
  readonly body: readonly Statement[];
  /** Of a loop that is more than one kernel: its launches, instead of the body. */
  readonly launches?: () => readonly Placed[];
  /** Whether it needs nothing that the template's other kernels make: it may run as soon as what it reads is there. */
  readonly independent?: boolean;
  /** Without what Read and Write do. */
  readonly flops: number;
  /** Words that must be moved at least, times 4; without what Write moves beyond its result. */
  readonly bytes: number;
}

/** The main kernel, in which `Write` is called for each element once (twice at most where `repeatable` allows it), and those that must run first, in order. */
export interface Template extends TemplateKernel {
  readonly before: readonly TemplateKernel[];
}

/** An operand: how it is read, and its shape (row-major coordinates as in the tensor IR). */
export interface Operand {
  readonly shape: readonly number[];
  readonly read: Read;
  /** Vector reads along the vector axis are one load (and cheap arithmetic). Default true. */
  readonly contiguous?: boolean;
  /** Of a loop's body: whether it is the same at every step, so that what is made of it once serves them all. */
  readonly steady?: boolean;
  /** Where it lies, when `read` is nothing but a load from there: then it need not be copied to be read in another order. */
  readonly view?: View;
}

export interface WriteOptions {
  /**
   * Writing the same value at the same place twice, one after the other in one group, does no harm: true for plain stores, false when
   * the epilogue reads what it overwrites (Adam). Then tails are covered by overlapping vectors. Default false.
   */
  readonly repeatable?: boolean;
}

/** Axis along which vectors run: the last whose size is not 1 (the last where all are 1; −1 for a scalar). */
export function vectorAxis(shape: readonly number[]): number {
  for (let axis = shape.length - 1; axis >= 0; axis--) if (shape[axis] !== 1) return axis;
  return shape.length - 1;
}
