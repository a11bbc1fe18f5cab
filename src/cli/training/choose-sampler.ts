import type { CompiledModel } from "../../driver/compile.js";
import { continuousStrides, type SamplerName } from "../../driver/sampler-names.js";
import { UsageError } from "../errors.js";

/** How a diffusion goes from noise to data. */
export interface SamplerChoice {
  readonly sampler?: SamplerName;
  readonly steps?: number;
  readonly eta?: number;
}

/** The model with the sampler that is asked for, or as it is. @throws UsageError where the model has no such choice */
export async function chooseSampler(compiled: CompiledModel, { sampler, steps, eta }: SamplerChoice): Promise<CompiledModel> {
  const given = Object.entries({ sampler, steps, eta }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
  if (given.length === 0) return compiled;
  const { program } = compiled;
  if (!program.diffusion) throw new UsageError(`${given.join(", ")}: ${program.name} is no diffusion, it draws without a sampler`, `leave ${given.length > 1 ? "them" : "it"} out`);
  const { time } = program.diffusion;
  const T = time.kind === "continuous" ? continuousStrides : time.plate.size;
  if (steps !== undefined && steps > T && time.kind === "discrete") throw new UsageError(`--steps ${steps}: the chain of ${program.name} has ${T} steps`, `from 1 to ${T}`);
  if (eta !== undefined && sampler !== "ddim") throw new UsageError(`--eta ${eta}: only ddim has noise that can be chosen`, "add --sampler ddim, or leave --eta out");
  const { withSampler } = await import("../../driver/with-sampler.js");
  return withSampler(compiled, { sampler, steps, eta }) ?? compiled;
}
