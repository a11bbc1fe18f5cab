import type { Kernel, KernelProgram, Launch } from "../../ir/kernel/nodes.js";
import { renderBytes } from "./render.js";

/** What the runtime needs to run a program on one host (`createWasmModule` of src/runtime/wasm); plain data. */
export interface HostArtifact {
  readonly words: number;
  /** In what order they run; absent: each once, one after the other. */
  readonly launches?: readonly Launch[];
  readonly kernels: readonly { readonly name: string; readonly groups: number; readonly threaded: boolean }[];
  readonly module: Uint8Array;
}

/** What it needs on any host: to be embedded in emitted code. `module` is for every host with SIMD. */
export interface WasmArtifact extends HostArtifact {
  /** The same with relaxed multiply-add. */
  readonly relaxed: Uint8Array;
}

/** Renders a program in both variants. */
export function emitWasm(program: KernelProgram): WasmArtifact {
  const [module, relaxed] = renderBytes(program, [{ relaxed: false }, { relaxed: true }]) as [Uint8Array, Uint8Array];
  return { ...factsOf(program), module, relaxed };
}

/** Renders a program in the variant for a host that is known: with relaxed multiply-add, or without. */
export function emitWasmFor(program: KernelProgram, relaxed: boolean): HostArtifact {
  const [module] = renderBytes(program, [{ relaxed }]) as [Uint8Array];
  return { ...factsOf(program), module };
}

const factsOf = (program: KernelProgram) => ({
  words: program.words,
  ...(program.launches ? { launches: program.launches } : {}),
  kernels: program.kernels.map((kernel) => ({ name: kernel.name, groups: kernel.groups, threaded: isWorthThreads(kernel) })),
});

/**
 * A kernel is shared among threads if it takes longer than handing it over does. Handing over costs about a microsecond (two cache lines there
 * and back, and the caches of the other core are cold); a core does about 10 FLOP or 8 bytes in a nanosecond. Only a guess of time: results
 * are the same either way.
 */
function isWorthThreads({ groups, flops, bytes }: Kernel): boolean {
  return groups > 1 && Math.max(flops / 10, bytes / 8) > 3000;
}
