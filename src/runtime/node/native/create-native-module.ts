import { directMemory, type KernelArena, type KernelModule } from "../../kernel-engine.js";
import { LvmError } from "../../error.js";
import { defaultCacheFolder, removeEntry } from "./cache.js";
import { compileLibrary } from "./compile-library.js";
import { findCompiler } from "./compiler.js";
import { nativeError } from "./failure.js";
import { physicalCores } from "./physical-cores.js";

export interface NativeOptions {
  /** How many threads share the groups of a kernel; the machine's cores if absent. Results do not depend on it. */
  readonly threads?: number;
  /** Where compiled libraries are kept; `~/.cache/lvmc/native` if absent. */
  readonly cacheFolder?: string;
  /** Instead of $CC or `cc`. */
  readonly compiler?: string;
  /** Milliseconds for the compiler; 60,000 if absent. */
  readonly timeout?: number;
  /** Told whether the library was found in the cache. */
  readonly onCompiled?: (cached: boolean) => void;
}

const mostThreads = 256;

/**
 * Compiles the C text of a program (or finds it compiled) and loads it.
 *
 * The arena is memory of the library, seen without copies. After `dispose` it is zeros; its addresses are released when the last view
 * is collected, so that a view which is kept by mistake reads nonsense but never someone else's memory.
 *
 * @throws LvmError LVM7160; `nativeFailure` tells the reason, and another device can take over
 */
export async function createNativeModule(text: string, options: NativeOptions = {}): Promise<KernelModule> {
  const [koffi, compiler] = await Promise.all([loadKoffi(), findCompiler(options.compiler)]);
  const folder = options.cacheFolder ?? defaultCacheFolder();
  const threads = Math.max(1, Math.min(mostThreads, Math.trunc(options.threads ?? physicalCores())));
  for (let attempt = 0; ; attempt++) {
    const { path, key, cached } = await compileLibrary(text, compiler, folder, options.timeout);
    let library: NativeLibrary;
    try {
      library = openLibrary(koffi, path);
    } catch (cause) {
      // Another run may have removed it to make room, between our looking and our loading.
      if (attempt === 0) {
        await removeEntry(folder, key);
        continue;
      }
      throw nativeError("load", `the compiled kernels cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    options.onCompiled?.(cached);
    return startModule(koffi, library, threads);
  }
}

/** Whether there are a compiler and a loader, as far as can be told before anything is compiled. @throws LvmError LVM7160 */
export async function checkNative(): Promise<void> {
  await Promise.all([loadKoffi(), findCompiler()]);
}

type Koffi = typeof import("koffi");

async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import("koffi")).default as unknown as Koffi;
  } catch (cause) {
    throw nativeError("no-loader", "the package koffi, which loads them, is not installed", { help: "npm install koffi", cause });
  }
}

/** Address of an engine. */
type Engine = bigint | object;

interface NativeLibrary {
  readonly words: () => number;
  readonly kernels: () => number;
  readonly create: (threads: number) => Engine | null;
  readonly threads: (engine: Engine) => number;
  readonly arena: (engine: Engine) => Engine;
  readonly run: (engine: Engine, steps: number) => void;
  readonly runKernel: (engine: Engine, index: number) => void;
  readonly dispose: (engine: Engine) => void;
  readonly free: (engine: Engine) => void;
}

function openLibrary(koffi: Koffi, path: string): NativeLibrary {
  const library = koffi.load(path);
  const define = (name: string, result: string, parameters: string[]): never => library.func(name, result, parameters) as never;
  return {
    words: define("lvmc_words", "int", []),
    kernels: define("lvmc_kernels", "int", []),
    create: define("lvmc_create", "void *", ["int"]),
    threads: define("lvmc_threads", "int", ["void *"]),
    arena: define("lvmc_arena", "void *", ["void *"]),
    run: define("lvmc_run", "void", ["void *", "uint32_t"]),
    runKernel: define("lvmc_run_kernel", "void", ["void *", "int"]),
    dispose: define("lvmc_dispose", "void", ["void *"]),
    free: define("lvmc_free", "void", ["void *"]),
  };
}

/** An engine goes when nobody can see its arena any more, disposed or not. */
const engines = new FinalizationRegistry<() => void>((free) => free());

function startModule(koffi: Koffi, library: NativeLibrary, threads: number): KernelModule {
  const words = library.words();
  const engine = library.create(threads);
  if (engine === null) throw nativeError("memory", `there is no memory for an arena of ${words * 4} bytes`);
  let buffer: ArrayBuffer;
  try {
    buffer = koffi.view(library.arena(engine), words * 4);
  } catch (cause) {
    library.free(engine);
    throw nativeError("load", "this JavaScript engine allows no buffers outside its own memory", { cause });
  }
  engines.register(buffer, () => library.free(engine));
  const arena: KernelArena = { f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer) };
  const kernels = library.kernels();
  let open = true;
  const check = (): void => {
    if (!open) throw new LvmError("LVM7106", "the kernels were disposed");
  };
  return {
    ...directMemory,
    words,
    kernels,
    threads: library.threads(engine),
    get arena() {
      check();
      return arena;
    },
    run(steps) {
      check();
      if (steps > 0) library.run(engine, steps);
    },
    runKernel(index) {
      check();
      if (!Number.isInteger(index) || index < 0 || index >= kernels) throw new RangeError(`kernel ${index} of ${kernels}`);
      library.runKernel(engine, index);
    },
    dispose() {
      if (!open) return;
      open = false;
      library.dispose(engine);
    },
  };
}
