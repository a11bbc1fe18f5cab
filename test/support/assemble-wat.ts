import loadWabt from "wabt";

/** An assembler that is not ours: WebAssembly text to the bytes of a module. Throws where the text does not assemble or is not valid. */
export async function assembleWat(text: string, { relaxed }: { readonly relaxed: boolean }): Promise<Uint8Array> {
  const wabt = await loadWabt();
  const features = { simd: true, threads: true, sat_float_to_int: true, bulk_memory: true, relaxed_simd: relaxed };
  const module = wabt.parseWat("kernels.wat", text, features);
  try {
    // The declaration of wabt lacks the parameter; without it the defaults apply, which have no threads.
    (module.validate as (features: object) => void)(features);
    return module.toBinary({ canonicalize_lebs: true }).buffer;
  } finally {
    module.destroy();
  }
}
