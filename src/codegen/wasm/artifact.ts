import type { Kernel, KernelProgram } from "../../ir/kernel/nodes.js";
import { loadAssembler } from "./assemble.js";
import { renderWat } from "./render.js";

/** What the runtime needs to run a program (`createWasmModule` of src/runtime/wasm); plain data, to be embedded in emitted code. */
export interface WasmArtifact {
  readonly words: number;
  readonly kernels: readonly { readonly name: string; readonly groups: number; readonly threaded: boolean }[];
  /** The module for every host with SIMD. */
  readonly module: Uint8Array;
  /** The same with relaxed multiply-add. */
  readonly relaxed: Uint8Array;
}

/** Renders and assembles a program in both variants. */
export async function emitWasm(program: KernelProgram): Promise<WasmArtifact> {
  const assemble = await loadAssembler();
  return {
    words: program.words,
    kernels: program.kernels.map((kernel) => ({ name: kernel.name, groups: kernel.groups, threaded: isWorthThreads(kernel) })),
    module: assemble(renderWat(program, { relaxed: false }), { relaxed: false }),
    relaxed: assemble(renderWat(program, { relaxed: true }), { relaxed: true }),
  };
}

/**
 * A kernel is shared among threads if it takes longer than handing it over does. Handing over costs about a microsecond (two cache lines there
 * and back, and the caches of the other core are cold); a core does about 10 FLOP or 8 bytes in a nanosecond. Only a guess of time: results
 * are the same either way.
 */
function isWorthThreads({ groups, flops, bytes }: Kernel): boolean {
  return groups > 1 && Math.max(flops / 10, bytes / 8) > 3000;
}
