import type { DiscreteTime, ModelProgram } from "../../../src/ir/model/model.js";

/** The steps of a diffusion that has some. */
export function discreteTime({ diffusion }: ModelProgram): DiscreteTime {
  if (diffusion?.time.kind !== "discrete") throw new Error("no diffusion in steps");
  return diffusion.time;
}
