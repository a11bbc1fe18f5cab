import { type Diffusion, isContinuous } from "../../ir/model/model.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { LoweringContext } from "../context.js";
import { asNumber } from "../elementwise.js";
import { aligned, ROWS } from "../value.js";
import { lowerNetwork } from "./bound.js";
import type { CapturedStep } from "./captured-loop.js";
import { DenoisingContext } from "./denoising-context.js";

/**
 * What the network says of a state [rows, …] at a step (its number less one, or t itself where time is continuous), in the body of a loop; guided, without the conditions + guidance · (with − without) (Ho & Salimans 2022, whose
 * w is guidance − 1): 1 is the model itself, 0 the model without its conditions. Noise, velocity and datum are affine in each other, with the same numbers for both, so it does not matter
 * which of them is guided.
 */
export function guided(context: LoweringContext, diffusion: Diffusion, guidance: number, { b, capture }: Pick<CapturedStep, "b" | "capture">): (state: TensorNode, at: TensorNode) => TensorNode {
  const { name, type, time: { plate } } = diffusion;
  return (state, at) => {
    const said = (dropped?: "all"): TensorNode => {
      const asked = new DenoisingContext(context, { name, plate, state: { node: state, axes: [ROWS] }, ...(isContinuous(diffusion) ? { time: { node: at, axes: [] } } : { place: { node: at, axes: [] } }), dropped }, b, capture);
      return b.broadcast(aligned(b, asNumber(asked, lowerNetwork(asked, diffusion)), [ROWS], type.shape.length), state.shape);
    };
    if (guidance === 1) return said();
    const without = said("all");
    return guidance === 0 ? without : b.add(without, b.multiply(b.subtract(said(), without), guidance));
  };
}
