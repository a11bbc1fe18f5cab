import { lowerDiffusionSample, type SamplerOptions } from "../lowering/diffusion/sample.js";
import type { CompiledModel } from "./compile.js";

/** The same model, whose program `sample` goes from noise to data in another way; undefined where it is no diffusion. */
export function withSampler(compiled: CompiledModel, options: SamplerOptions): CompiledModel | undefined {
  const { program, lowered } = compiled;
  if (!program.diffusion) return undefined;
  return { ...compiled, lowered: { ...lowered, programs: { ...lowered.programs, sample: lowerDiffusionSample(program, program.diffusion, options) } } };
}
