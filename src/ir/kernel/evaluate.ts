import { InternalError } from "../../util/internal-error.js";
import type { Kernel, KernelProgram } from "./nodes.js";
import { type Value, type Memory, type Frame, type Compiler, memoryOf } from "./evaluate/compiler.js";
import { compileBlock, compileFunction } from "./evaluate/statements.js";
import { laneOrder } from "./evaluate/lane-order.js";
import { eachRun, launchesOf } from "./launches.js";

export interface KernelEvaluateOptions {
  /** How often all kernels run in order; between two runs word 0 (u32) grows by one. */
  readonly steps?: number;
  /** Reading a word that still holds `poisonWord` throws: start from `poisonedArena`. */
  readonly poison?: boolean;
  /** Groups run in an order drawn from this seed instead of 0, 1, … */
  readonly shuffle?: number;
  /**
   * Throws where a group touches a word that another group of the same kernel writes: such a result would depend on the threads. With `simt` also
   * where a lane touches what another lane of its group writes with no barrier between.
   */
  readonly races?: boolean;
  /** Only these kernels, by position; in loops as often as they run there. */
  readonly kernels?: readonly number[];
}

/** A signalling NaN that no computation makes. */
export const poisonWord = 0x7fa0dead;

/** An arena of `words` words that nothing wrote. */
export function poisonedArena(words: number): ArrayBuffer {
  const arena = new ArrayBuffer(words * 4);
  new Uint32Array(arena).fill(poisonWord);
  return arena;
}

/**
 * Runs a program on an arena in exact float32 semantics: it defines what the kernel IR means. Every f32 operation rounds, a multiply-add
 * twice. Throws `InternalError` on an access outside the arena and on what the options watch for.
 */
export function evaluateKernels(program: KernelProgram, arena: ArrayBufferLike, options: KernelEvaluateOptions = {}): void {
  if (arena.byteLength < program.words * 4) throw new InternalError(`an arena of ${arena.byteLength / 4} words for a program of ${program.words}`);
  const memory = memoryOf(arena);
  const watch = options.races ? { writer: new Int32Array(program.words).fill(-1), reader: new Int32Array(program.words).fill(-1), group: 0 } : undefined;
  const chosen = new Set(options.kernels ?? program.kernels.keys());
  const runs = new Map([...chosen].map((index) => {
    const kernel = program.kernels[index];
    if (!kernel) throw new InternalError(`no kernel ${index}`);
    return [index, { kernel, run: compileKernel(program, kernel, memory, options, watch) }] as const;
  }));
  const steps = options.steps ?? 1;
  for (let step = 0; step < steps; step++) {
    if (step > 0) memory.u32[0]!++;
    eachRun(launchesOf(program), (index, indices) => {
      const found = runs.get(index);
      if (!found) return;
      const { kernel, run } = found;
      watch?.writer.fill(-1);
      watch?.reader.fill(-1);
      for (const group of groupOrder(kernel.groups, options.shuffle === undefined ? undefined : options.shuffle + step)) {
        if (watch) watch.group = group;
        run(group, indices);
      }
    });
  }
}

function groupOrder(count: number, seed: number | undefined): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  if (seed === undefined) return order;
  let state = (seed ^ 0x9e3779b9) | 0;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) | 0;
    const j = Math.floor(((state >>> 0) / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

interface Watch {
  readonly writer: Int32Array;
  /** −1 nobody, −2 several. */
  readonly reader: Int32Array;
  group: number;
}

function compileKernel(program: KernelProgram, kernel: Kernel, memory: Memory, options: KernelEvaluateOptions, watch: Watch | undefined): (group: number, indices: readonly number[]) => void {
  const place = `kernel ${kernel.name}`;
  const inside = (index: number): void => {
    if (!(index >= 0 && index < program.words)) throw new InternalError(`${place}: word ${index} is outside the arena of ${program.words} words`);
  };
  const reads = (index: number): void => {
    inside(index);
    if (options.poison && memory.u32[index] === poisonWord) throw new InternalError(`${place} reads word ${index}, which nothing wrote`);
    if (watch) {
      const writer = watch.writer[index]!;
      if (writer >= 0 && writer !== watch.group) throw new InternalError(`${place}: group ${watch.group} reads word ${index}, which group ${writer} writes`);
      watch.reader[index] = watch.reader[index] === -1 || watch.reader[index] === watch.group ? watch.group : -2;
    }
  };
  const writes = (index: number): void => {
    inside(index);
    if (watch) {
      const [writer, reader] = [watch.writer[index]!, watch.reader[index]!];
      if ((writer >= 0 && writer !== watch.group) || (reader !== -1 && reader !== watch.group)) {
        throw new InternalError(`${place}: group ${watch.group} writes word ${index}, which another group reads or writes`);
      }
      watch.writer[index] = watch.group;
    }
  };
  const own = memoryOf(new ArrayBuffer(4 * (kernel.shared ?? 0)));
  const ordered = options.races && program.simt ? laneOrder(place, program.words) : undefined;
  const orderedShared = program.simt ? laneOrder(`${place}, its own memory`, kernel.shared ?? 0) : undefined;
  const inShared = (index: number): void => {
    if (!(index >= 0 && index < (kernel.shared ?? 0))) throw new InternalError(`${place}: word ${index} is outside the group's ${kernel.shared ?? 0} words`);
  };
  const shared = {
    program, memory, lanes: kernel.lanes ?? program.lanes, place, shared: own,
    reads: ordered ? (index: number, lane: number) => (reads(index), ordered.reads(index, lane)) : reads,
    writes: ordered ? (index: number, lane: number) => (writes(index), ordered.writes(index, lane)) : writes,
    sharedReads: (index: number, lane: number) => {
      inShared(index);
      if (own.u32[index] === poisonWord) throw new InternalError(`${place} reads word ${index} of the group's own, which no lane wrote`);
      orderedShared?.reads(index, lane);
    },
    sharedWrites: (index: number, lane: number) => {
      inShared(index);
      orderedShared?.writes(index, lane);
    },
    barrier: () => {
      ordered?.barrier();
      orderedShared?.barrier();
    },
  };
  const functions = new Map<string, (args: readonly Value[]) => Value>();
  for (const definition of program.functions) functions.set(definition.name, compileFunction(definition, { ...shared, names: new Map(), functions, place: `function ${definition.name}` }));
  const compiler: Compiler = { ...shared, names: new Map(), functions };
  const body = compileBlock(kernel.body, compiler);
  const frame: Frame = { slots: [], group: 0, indices: [] };
  return (group, indices) => {
    frame.group = group;
    frame.indices = indices;
    own.u32.fill(poisonWord);
    shared.barrier();
    body(frame);
  };
}
