import type { ModelProgram } from "../../ir/model/model.js";
import type { Evaluation } from "../../runtime/model.js";
import { elementCount } from "../../types/type.js";

/**
 * Bits for each element of the datum of a diffusion of bytes: −elbo / (D ln 2), what a code by the model needs at most. Undefined for other models: the density of numbers is in nats, and
 * depends on their unit.
 */
export function bitsPerDimension({ diffusion }: Pick<ModelProgram, "diffusion">, { elbo }: Pick<Evaluation, "elbo">): number | undefined {
  return diffusion?.bytes ? -elbo / (elementCount(diffusion.type) * Math.LN2) : undefined;
}
