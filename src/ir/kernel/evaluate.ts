import { InternalError } from "../../util/internal-error.js";
import { binaryMeaning, compareMeaning, convertMeaning, rounded, unaryMeaning } from "./evaluate/meaning.js";
import { laneOrder } from "./evaluate/lane-order.js";
import { eachRun, launchesOf } from "./launches.js";
import type { ElementType, Kernel, KernelExpr, KernelFunction, KernelProgram, Statement } from "./nodes.js";

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

type Lanes = Float32Array | Int32Array | Uint32Array;
/** A scalar is a number that its type can hold (bool: 0 or 1), a vector one for each lane. */
type Value = number | Lanes;

interface Memory {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
}

/** What one running body sees: its names by slot, its group, and the lanes that do not rest (undefined: none does). */
interface Frame {
  readonly slots: Value[];
  group: number;
  /** Of the loops around the kernel. */
  indices: readonly number[];
  mask?: Uint8Array;
}

type Code = (frame: Frame) => Value;
type Action = (frame: Frame) => void;

/** Compiles expressions and statements of one body to closures. */
interface Compiler {
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

const lanesOf = (type: ElementType, count: number): Lanes => (type === "f32" ? new Float32Array(count) : type === "u32" ? new Uint32Array(count) : new Int32Array(count));

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

const memoryOf = (buffer: ArrayBufferLike): Memory => ({ f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer) });

function compileFunction(definition: KernelFunction, compiler: Compiler): (args: readonly Value[]) => Value {
  const parameters = definition.parameters.map(({ name }) => slotOf(name, compiler));
  const body = compileBlock(definition.body, compiler);
  const value = compile(definition.value, compiler);
  return (args) => {
    const frame: Frame = { slots: [], group: 0, indices: [] };
    parameters.forEach((slot, i) => (frame.slots[slot] = args[i]!));
    body(frame);
    return value(frame);
  };
}

function slotOf(name: string, { names }: Compiler): number {
  const known = names.get(name);
  if (known !== undefined) return known;
  names.set(name, names.size);
  return names.size - 1;
}

// ── Statements ─────────────────────────────────────────────────────────────────────────────────────────────────────

function compileBlock(statements: readonly Statement[], compiler: Compiler): Action {
  const actions = statements.map((statement) => compileStatement(statement, compiler));
  return (frame) => {
    for (const action of actions) action(frame);
  };
}

type StatementRules = { readonly [K in Statement["kind"]]: (statement: Extract<Statement, { kind: K }>, compiler: Compiler) => Action };

const assign = ({ name, value }: { readonly name: string; readonly value: KernelExpr }, compiler: Compiler): Action => {
  const [code, slot] = [compile(value, compiler), slotOf(name, compiler)];
  return (frame) => {
    frame.slots[slot] = code(frame);
  };
};

const statementRules: StatementRules = {
  let: assign,
  var: assign,
  set: ({ name, value }, compiler) => {
    const [code, slot] = [compile(value, compiler), slotOf(name, compiler)];
    return (frame) => {
      const after = code(frame);
      const before = frame.slots[slot];
      frame.slots[slot] = frame.mask === undefined || typeof after === "number" || before === undefined || typeof before === "number" ? after : after.map((each, lane) => (frame.mask![lane] ? each : before[lane]!));
    };
  },
  for: ({ name, from, to, step, body }, compiler) => {
    const [start, end, slot, block] = [compile(from, compiler), compile(to, compiler), slotOf(name, compiler), compileBlock(body, compiler)];
    return (frame) => {
      const last = end(frame) as number;
      for (let i = start(frame) as number; i < last; i += step) {
        frame.slots[slot] = i;
        block(frame);
      }
    };
  },
  if: ({ condition, then, otherwise }, compiler) => {
    const [test, yes, no] = [compile(condition, compiler), compileBlock(then, compiler), compileBlock(otherwise, compiler)];
    return (frame) => {
      const met = test(frame);
      if (typeof met === "number") return met !== 0 ? yes(frame) : no(frame);
      const before = frame.mask;
      for (const [block, wanted] of [[yes, true], [no, false]] as const) {
        const mask = Uint8Array.from(met, (each, lane) => ((each !== 0) === wanted && before?.[lane] !== 0 ? 1 : 0));
        if (!mask.includes(1)) continue;
        frame.mask = mask.includes(0) ? mask : undefined;
        block(frame);
      }
      frame.mask = before;
    };
  },
  store: ({ index, value }, compiler) => {
    const [at, code] = [compile(index, compiler), compile(value, compiler)];
    const view = viewOf(value.type, compiler.memory);
    const { writes } = compiler;
    return (frame) => {
      const first = at(frame);
      const stored = code(frame);
      if (typeof stored === "number") {
        writes(first as number, 0);
        view[first as number] = stored;
        return;
      }
      for (let lane = 0; lane < stored.length; lane++) {
        if (frame.mask?.[lane] === 0) continue;
        const word = typeof first === "number" ? first + lane : first[lane]!;
        writes(word, lane);
        view[word] = stored[lane]!;
      }
    };
  },
  "store-shared": ({ index, value }, compiler) => {
    const [at, code] = [compile(index, compiler), compile(value, compiler)];
    const view = viewOf(value.type, compiler.shared);
    const { sharedWrites } = compiler;
    return (frame) => {
      const [words, stored] = [at(frame) as Lanes, code(frame) as Lanes];
      for (let lane = 0; lane < stored.length; lane++) {
        if (frame.mask?.[lane] === 0) continue;
        sharedWrites(words[lane]!, lane);
        view[words[lane]!] = stored[lane]!;
      }
    };
  },
  "load-four": ({ names, type, index }, compiler) => {
    const [at, slots, view] = [compile(index, compiler), names.map((name) => slotOf(name, compiler)), viewOf(type, compiler.shared)];
    const { sharedReads, lanes } = compiler;
    return (frame) => {
      const fours = at(frame) as Lanes;
      slots.forEach((slot, part) => {
        const loaded = lanesOf(type, lanes);
        for (let lane = 0; lane < lanes; lane++) {
          if (frame.mask?.[lane] === 0) continue;
          sharedReads(4 * fours[lane]! + part, lane);
          loaded[lane] = view[4 * fours[lane]! + part]!;
        }
        frame.slots[slot] = loaded;
      });
    };
  },
  "store-four": ({ index, values }, compiler) => {
    const [at, codes] = [compile(index, compiler), values.map((value) => ({ code: compile(value, compiler), view: viewOf(value.type, compiler.shared) }))];
    const { sharedWrites, lanes } = compiler;
    return (frame) => {
      const fours = at(frame) as Lanes;
      codes.forEach(({ code, view }, part) => {
        const stored = code(frame) as Lanes;
        for (let lane = 0; lane < lanes; lane++) {
          if (frame.mask?.[lane] === 0) continue;
          sharedWrites(4 * fours[lane]! + part, lane);
          view[4 * fours[lane]! + part] = stored[lane]!;
        }
      });
    };
  },
  barrier: (_, { barrier }) => barrier,
};

function compileStatement(statement: Statement, compiler: Compiler): Action {
  return (statementRules[statement.kind] as (statement: Statement, compiler: Compiler) => Action)(statement, compiler);
}

function viewOf(type: ElementType, memory: Memory): Lanes {
  return type === "f32" ? memory.f32 : type === "u32" ? memory.u32 : memory.i32;
}

// ── Expressions ────────────────────────────────────────────────────────────────────────────────────────────────────

type ExprRules = { readonly [K in KernelExpr["kind"]]: (expr: Extract<KernelExpr, { kind: K }>, compiler: Compiler) => Code };

/** Lane by lane where one of the values is a vector. */
function lifted(type: ElementType, lanes: number, of: (...values: number[]) => number, codes: readonly Code[]): Code {
  return (frame) => {
    const values = codes.map((code) => code(frame));
    if (values.every((value) => typeof value === "number")) return of(...(values as number[]));
    const result = lanesOf(type, lanes);
    const [a, b, c] = values.map((value) => (typeof value === "number" ? lanesOf("f32", 0) : value)) as [Lanes, Lanes, Lanes];
    if (values.length === 1) for (let lane = 0; lane < lanes; lane++) result[lane] = of(a[lane]!);
    else if (values.length === 2) for (let lane = 0; lane < lanes; lane++) result[lane] = of(a[lane]!, b[lane]!);
    else for (let lane = 0; lane < lanes; lane++) result[lane] = of(a[lane]!, b[lane]!, c[lane]!);
    return result;
  };
}

/** One word, to see its bits as another type. */
const word = new ArrayBuffer(4);
const bits: Memory = { f32: new Float32Array(word), i32: new Int32Array(word), u32: new Uint32Array(word) };

const exprRules: ExprRules = {
  constant: ({ value, type, width }, { lanes }) => {
    const exact = rounded[type](value);
    if (width === "scalar") return () => exact;
    const vector = lanesOf(type, lanes).fill(exact);
    return () => vector;
  },
  name: ({ name }, compiler) => {
    const slot = slotOf(name, compiler);
    return (frame) => {
      const value = frame.slots[slot];
      if (value === undefined) throw new InternalError(`${compiler.place}: ${name} has no value yet`);
      return value;
    };
  },
  group: () => (frame) => frame.group,
  "loop-index": ({ depth }, { place }) => (frame) => {
    const index = frame.indices[depth];
    if (index === undefined) throw new InternalError(`${place} asks for the index of loop ${depth} of ${frame.indices.length}`);
    return index;
  },
  load: ({ index, type, width }, compiler) => {
    const at = compile(index, compiler);
    const view = viewOf(type, compiler.memory);
    const { reads, lanes } = compiler;
    if (width === "scalar") {
      return (frame) => {
        const word = at(frame) as number;
        reads(word, -1);
        return view[word]!;
      };
    }
    return (frame) => {
      const first = at(frame) as number;
      const { mask } = frame;
      if (mask === undefined) {
        for (let lane = 0; lane < lanes; lane++) reads(first + lane, lane);
        return view.slice(first, first + lanes);
      }
      const result = lanesOf(type, lanes);
      for (let lane = 0; lane < lanes; lane++) {
        if (mask[lane] === 0) continue;
        reads(first + lane, lane);
        result[lane] = view[first + lane]!;
      }
      return result;
    };
  },
  gather: ({ index, type }, compiler) => {
    const at = compile(index, compiler);
    const view = viewOf(type, compiler.memory);
    const { reads, lanes } = compiler;
    return (frame) => {
      const words = at(frame) as Lanes;
      const result = lanesOf(type, lanes);
      for (let lane = 0; lane < lanes; lane++) {
        if (frame.mask?.[lane] === 0) continue;
        reads(words[lane]!, lane);
        result[lane] = view[words[lane]!]!;
      }
      return result;
    };
  },
  "load-shared": ({ index, type }, compiler) => {
    const at = compile(index, compiler);
    const view = viewOf(type, compiler.shared);
    const { sharedReads, lanes } = compiler;
    return (frame) => {
      const words = at(frame) as Lanes;
      const result = lanesOf(type, lanes);
      for (let lane = 0; lane < lanes; lane++) {
        if (frame.mask?.[lane] === 0) continue;
        sharedReads(words[lane]!, lane);
        result[lane] = view[words[lane]!]!;
      }
      return result;
    };
  },
  splat: ({ value, type }, compiler) => {
    const code = compile(value, compiler);
    return (frame) => lanesOf(type, compiler.lanes).fill(code(frame) as number);
  },
  "lane-numbers": (_, { lanes }) => {
    const vector = Int32Array.from({ length: lanes }, (_unused, lane) => lane);
    return () => vector;
  },
  unary: ({ op, value, type }, compiler) => lifted(type, compiler.lanes, unaryMeaning(op, type), [compile(value, compiler)]),
  binary: ({ op, left, right, type }, compiler) => lifted(type, compiler.lanes, binaryMeaning(op, type), [compile(left, compiler), compile(right, compiler)]),
  "multiply-add": ({ a, b, c, type }, compiler) => {
    const [times, plus] = [binaryMeaning("multiply", type), binaryMeaning("add", type)];
    return lifted(type, compiler.lanes, (x, y, z) => plus(times(x, y), z), [a, b, c].map((part) => compile(part, compiler)));
  },
  compare: ({ op, left, right }, compiler) => lifted("bool", compiler.lanes, compareMeaning[op], [compile(left, compiler), compile(right, compiler)]),
  select: ({ condition, yes, no, type }, compiler) =>
    lifted(type, compiler.lanes, (test, a, b) => (test !== 0 ? a : b), [condition, yes, no].map((part) => compile(part, compiler))),
  convert: ({ value, type }, compiler) => lifted(type, compiler.lanes, convertMeaning(value.type, type), [compile(value, compiler)]),
  bitcast: ({ value, type, width }, compiler) => {
    const code = compile(value, compiler);
    if (width === "scalar") {
      const [from, to] = [viewOf(value.type, bits), viewOf(type, bits)];
      return (frame) => {
        from[0] = code(frame) as number;
        return to[0]!;
      };
    }
    return (frame) => {
      const { buffer, byteOffset, length } = code(frame) as Lanes;
      return type === "f32" ? new Float32Array(buffer, byteOffset, length) : type === "u32" ? new Uint32Array(buffer, byteOffset, length) : new Int32Array(buffer, byteOffset, length);
    };
  },
  "reduce-lanes": ({ op, value, type }, compiler) => {
    const [code, combine] = [compile(value, compiler), binaryMeaning(op, type)];
    const { barrier } = compiler;
    return (frame) => {
      barrier();
      const lanes = (code(frame) as Lanes).slice();
      for (let half = lanes.length >> 1; half >= 1; half >>= 1) for (let lane = 0; lane < half; lane++) lanes[lane] = combine(lanes[lane]!, lanes[lane + half]!);
      return lanes[0]!;
    };
  },
  call: ({ function: name, args, type, width }, compiler) => {
    const codes = args.map((arg) => compile(arg, compiler));
    if (width === "vector") {
      return (frame) => {
        const target = compiler.functions.get(name);
        if (!target) throw new InternalError(`${compiler.place}: no function ${name}`);
        const vectors = codes.map((code) => code(frame) as Lanes);
        const result = lanesOf(type, compiler.lanes);
        for (let lane = 0; lane < compiler.lanes; lane++) if (frame.mask?.[lane] !== 0) result[lane] = target(vectors.map((vector) => vector[lane]!)) as number;
        return result;
      };
    }
    return (frame) => {
      const target = compiler.functions.get(name);
      if (!target) throw new InternalError(`${compiler.place}: no function ${name}`);
      return target(codes.map((code) => code(frame)));
    };
  },
};

function compile(expr: KernelExpr, compiler: Compiler): Code {
  return (exprRules[expr.kind] as (expr: KernelExpr, compiler: Compiler) => Code)(expr, compiler);
}
