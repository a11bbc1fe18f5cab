import type { ElementType, KernelProgram } from "../nodes.js";

export type Lanes = Float32Array | Int32Array | Uint32Array;
/** A scalar is a number that its type can hold (bool: 0 or 1), a vector one for each lane. */
export type Value = number | Lanes;

export interface Memory {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
}

/** What one running body sees: its names by slot, its group, and the lanes that do not rest (undefined: none does). */
export interface Frame {
  readonly slots: Value[];
  group: number;
  /** Of the loops around the kernel. */
  indices: readonly number[];
  mask?: Uint8Array;
}

export type Code = (frame: Frame) => Value;
export type Action = (frame: Frame) => void;

/** Compiles expressions and statements of one body to closures. */
export interface Compiler {
  readonly program: KernelProgram;
  readonly memory: Memory;
  readonly names: Map<string, number>;
  readonly functions: Map<string, (args: readonly Value[]) => Value>;
  readonly lanes: number;
  /** The memory of the group that runs. */
  readonly shared: Memory;
  /** Called before each access with the word's index and the lane (−1: all of them). */
  readonly reads: (index: number, lane: number) => void;
  readonly writes: (index: number, lane: number) => void;
  readonly sharedReads: (index: number, lane: number) => void;
  readonly sharedWrites: (index: number, lane: number) => void;
  readonly barrier: () => void;
  /** Where messages say it happened. */
  readonly place: string;
}

export const lanesOf = (type: ElementType, count: number): Lanes => (type === "f32" ? new Float32Array(count) : type === "u32" ? new Uint32Array(count) : new Int32Array(count));

export const memoryOf = (buffer: ArrayBufferLike): Memory => ({ f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer) });

export function slotOf(name: string, { names }: Compiler): number {
  const known = names.get(name);
  if (known !== undefined) return known;
  names.set(name, names.size);
  return names.size - 1;
}

export function viewOf(type: ElementType, memory: Memory): Lanes {
  return type === "f32" ? memory.f32 : type === "u32" ? memory.u32 : memory.i32;
}
