import type { Kernel, KernelProgram } from "../../ir/kernel/nodes.js";
import { loadAssembler } from "./assemble.js";
import { renderWat } from "./render.js";

/** What the runtime needs to run a program on one host (`createWasmModule` of src/runtime/wasm); plain data. */
export interface HostArtifact {
  readonly words: number;
  readonly kernels: readonly { readonly name: string; readonly groups: number; readonly threaded: boolean }[];
  readonly module: Uint8Array;
}

/** What it needs on any host: to be embedded in emitted code. `module` is for every host with SIMD. */
export interface WasmArtifact extends HostArtifact {
  /** The same with relaxed multiply-add. */
  readonly relaxed: Uint8Array;
}

/** Renders and assembles a program in both variants. */
export async function emitWasm(program: KernelProgram): Promise<WasmArtifact> {
  const assemble = await loadAssembler();
  return { ...(await emitWasmFor(program, false)), relaxed: assemble(renderWat(program, { relaxed: true }), { relaxed: true }) };
}

/** Renders and assembles a program in the variant for a host that is known: with relaxed multiply-add, or without. */
export async function emitWasmFor(program: KernelProgram, relaxed: boolean): Promise<HostArtifact> {
  const assemble = await loadAssembler();
  return {
    words: program.words,
    kernels: program.kernels.map((kernel) => ({ name: kernel.name, groups: kernel.groups, threaded: isWorthThreads(kernel) })),
    module: assemble(renderWat(program, { relaxed }), { relaxed }),
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
