import { InternalError } from "../../util/internal-error.js";
import type { WasmOptions } from "./render.js";

/** Text to the bytes of a module. */
export type Assembler = (text: string, options: WasmOptions) => Uint8Array;

let loaded: Promise<Assembler> | undefined;

/** Loads wabt when it is first needed (about 20 ms), so that commands that do not assemble start fast. */
export function loadAssembler(): Promise<Assembler> {
  return (loaded ??= load());
}

/** Assembles and validates. Text that we wrote and that does not assemble is a bug of ours. */
export async function assembleWat(text: string, options: WasmOptions): Promise<Uint8Array> {
  return (await loadAssembler())(text, options);
}

async function load(): Promise<Assembler> {
  const wabt = await (await import("wabt")).default();
  return (text, { relaxed }) => {
    const features = { simd: true, threads: true, sat_float_to_int: true, bulk_memory: true, relaxed_simd: relaxed };
    let module: ReturnType<typeof wabt.parseWat> | undefined;
    try {
      module = wabt.parseWat("kernels.wat", text, features);
      // The declaration of wabt lacks the parameter; without it the defaults apply, which have no threads.
      (module.validate as (features: object) => void)(features);
      return module.toBinary({ canonicalize_lebs: true }).buffer;
    } catch (error) {
      throw new InternalError(`kernels do not assemble: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      module?.destroy();
    }
  };
}
