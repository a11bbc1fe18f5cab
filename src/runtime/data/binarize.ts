import { fillUniform, type RandomKey } from "../random/index.js";

/** How grey levels become 0 or 1: drawn anew at each visit with the grey level as probability, or 1 from a threshold on. */
export type BinarizeMode = "fresh" | { readonly threshold: number };

/**
 * @param values grey levels from 0 to 1
 * @param key one for each visit (the step in it), so that each visit draws anew and a resumed run draws the same
 * @param out may be `values` itself
 */
export function binarize(values: Float32Array, mode: BinarizeMode, key: RandomKey, out: Float32Array = values): Float32Array {
  if (mode !== "fresh") {
    for (let i = 0; i < values.length; i++) out[i] = values[i]! >= mode.threshold ? 1 : 0;
    return out;
  }
  // Uniforms are never 0 or 1, so that black stays black and white stays white.
  const uniforms = uniformsOf(values.length);
  fillUniform(uniforms, key);
  for (let i = 0; i < values.length; i++) out[i] = uniforms[i]! < values[i]! ? 1 : 0;
  return out;
}

/** One array for all steps: a training step allocates nothing. */
function uniformsOf(length: number): Float32Array {
  if (scratch.length < length) scratch = new Float32Array(length);
  return scratch.subarray(0, length);
}

let scratch = new Float32Array(0);
