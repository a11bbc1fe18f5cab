import type { DerivedModel } from "../../driver/derive.js";
import type { Evaluation } from "../../runtime/model.js";

/**
 * Bits for each element of the datum of a diffusion of bytes: −elbo / (D ln 2), what a code by the model needs at most. Undefined for other models: the density of numbers is in nats, and
 * depends on their unit.
 */
export function bitsPerDimension({ diffusion }: Pick<DerivedModel["program"], "diffusion">, { elbo }: Pick<Evaluation, "elbo">): number | undefined {
  return diffusion?.bytes ? -elbo / (diffusion.type.shape.reduce((product, { value }) => product * value, 1) * Math.LN2) : undefined;
}
