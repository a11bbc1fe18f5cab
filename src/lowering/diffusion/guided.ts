import { type Diffusion, isContinuous } from "../../ir/model/model.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { LoweringContext } from "../context.js";
import { asNumber } from "../elementwise.js";
import { aligned, ROWS, type Value } from "../value.js";
import { lowerMix, lowerNetwork } from "./bound.js";
import type { CapturedStep } from "./captured-loop.js";
import { DenoisingContext } from "./denoising-context.js";

/** Of each element [rows, …]: the prediction, and where a learnt variance lies between small and large. */
export interface Said {
  readonly output: TensorNode;
  readonly mix?: TensorNode;
}

/**
 * What the network says of a state [rows, …] at a step (its number less one, or t itself where time is continuous), in the body of a loop; guided, without the conditions + guidance · (with − without) (Ho & Salimans 2022, whose
 * w is guidance − 1): 1 is the model itself, 0 the model without its conditions. Noise, velocity and datum are affine in each other, with the same numbers for both, so it does not matter
 * which of them is guided. What it says of a learnt variance is not: that is what it says with the conditions.
 */
export function guided(context: LoweringContext, diffusion: Diffusion, guidance: number, { b, capture }: Pick<CapturedStep, "b" | "capture">): (state: TensorNode, at: TensorNode) => Said {
  const { name, type, time: { plate } } = diffusion;
  return (state, at) => {
    const said = (dropped?: "all"): Said => {
      const asked = new DenoisingContext(context, { name, plate, state: { node: state, axes: [ROWS] }, ...(isContinuous(diffusion) ? { time: { node: at, axes: [] } } : { place: { node: at, axes: [] } }), dropped }, b, capture);
      const full = (value: Value): TensorNode => b.broadcast(aligned(b, asNumber(asked, value), [ROWS], type.shape.length), state.shape);
      const output = full(lowerNetwork(asked, diffusion));
      const mix = lowerMix(asked, diffusion);
      return { output, ...(mix ? { mix: full(mix) } : {}) };
    };
    if (guidance === 1) return said();
    const without = said("all");
    if (guidance === 0) return without;
    const { output, mix } = said();
    return { output: b.add(without.output, b.multiply(b.subtract(output, without.output), guidance)), mix };
  };
}
