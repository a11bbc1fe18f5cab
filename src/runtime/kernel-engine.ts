/**
 * What runs compiled kernels, however they were compiled: the one interface of the `native`, the `wasm` and the `webgpu` device.
 *
 * The arena is one block of 32-bit words; its first four are the engine's own, see {@link arenaWords}. On a CPU it is the kernels' own memory and a
 * run is synchronous. On a GPU it is the host's copy: `send` and `fetch` bring words there and back, and `finished` waits.
 */

/** Words at the start of every arena. */
export const arenaWords = {
  /** u32: the number of steps that were run so far. */
  step: 0,
  /** u32, two words: the random key. */
  key: 1,
  /** u32: which chunk of rows this is, for programs that take rows some at a time: their draws go on where those of the chunk before ended. */
  chunk: 3,
  /** Where a program's own words may begin. */
  first: 4,
} as const;

/** Index of the step counter in the arena. */
export const STEP_WORD = arenaWords.step;

/** Three views over the same memory: a word is an f32, an i32 or a u32 as its kernel says. Bools are i32 0 and 1. */
export interface KernelArena {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
}

/** Words of the arena that follow each other. */
export interface WordRange {
  readonly offset: number;
  readonly words: number;
}

/** A kernel, by its position, or a loop over launches for each index from 0 to `steps` − 1, or down where `reverse`. */
export type Launch = number | { readonly steps: number; readonly reverse: boolean; readonly body: readonly Launch[] };

/** Loops of launches that may stand in each other. */
export const mostLoops = 4;

/** How many loops stand in each other at most. */
export const depthOf = (launches: readonly Launch[]): number => launches.reduce<number>((most, launch) => (typeof launch === "number" ? most : Math.max(most, 1 + depthOf(launch.body))), 0);

/** Calls `run` for each run of a kernel, in order; in `indices` stand the indices of the loops around it, outermost first. Nothing is allocated. */
export function eachRun(launches: readonly Launch[], indices: number[], run: (kernel: number) => void, depth = 0): void {
  for (let at = 0; at < launches.length; at++) {
    const launch = launches[at] as Launch;
    if (typeof launch === "number") run(launch);
    else {
      for (let turn = 0; turn < launch.steps; turn++) {
        indices[depth] = launch.reverse ? launch.steps - 1 - turn : turn;
        eachRun(launch.body, indices, run, depth + 1);
      }
    }
  }
}

export interface KernelModule {
  /** Length of the arena in 32-bit words. It begins with zeros. */
  readonly words: number;
  /** Number of kernels. */
  readonly kernels: number;
  /** How many threads share the groups of a kernel. Results do not depend on it. */
  readonly threads: number;
  /** Stays where it is until `dispose`; after that it must not be touched. */
  readonly arena: KernelArena;
  /**
   * Runs all kernels in order, `steps` times, and returns when all is done; on a GPU when all is under way. The word {@link STEP_WORD} is incremented
   * by one (wrapping) after each step, so `run(2)` is `run(1)` twice. No memory is allocated.
   */
  run(steps: number): void;
  /** The host wrote these words of `arena`: what is run from now on sees them. Word {@link STEP_WORD} needs none of this. */
  send(offset: number, words: number): void;
  /**
   * Brings words into `arena` as they are after all that was run before. Nothing of them may be read or written until then; what is run or sent in the
   * meantime makes no difference. `seen` is called when they stand there; after that a later fetch may put others in their place, before whoever awaits this
   * one has his turn. @throws LvmError LVM7162 where the device failed
   */
  fetch(ranges: readonly WordRange[], seen?: () => void): Promise<void> | void;
  /** Everything that was run is done. @throws LvmError LVM7162 where the device failed */
  finished(): Promise<void> | void;
  /** Runs one kernel by itself, for profiles, as often as a step does; the step counter stays. */
  runKernel(index: number): void;
  /** Of devices with a memory of their own: nanoseconds that each kernel takes in one step, by the device's clock; undefined where it has none. The step counts. */
  timeKernels?(): Promise<readonly number[] | undefined>;
  /** Ends the threads and gives the memory back. A second call does nothing. */
  dispose(): void;
}

/** Of devices whose arena is the host's own memory. */
export const directMemory: Pick<KernelModule, "send" | "fetch" | "finished"> = { send: () => undefined, fetch: (_, seen) => void seen?.(), finished: () => undefined };
