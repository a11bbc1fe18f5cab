import { marginalsOf } from "../../ir/diffusion/coefficients.js";
import { type DiscreteDiffusion, isContinuous, type Stage } from "../../ir/model/model.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { LoweringContext } from "../context.js";
import { datumOfRows } from "../diffusion/datum.js";
import { ROWS } from "../value.js";

/** The datum of each row at a step of its own, drawn evenly from 1 … T: x_t = s_t x_0 + σ_t ε in closed form, as `<site>`; and the step as a number. */
export function lowerNoise(stage: Extract<Stage, { readonly kind: "noised" }>, prefix: string): TensorProgram {
  const { diffusion } = stage.model;
  if (!diffusion || isContinuous(diffusion)) throw new InternalError(`${stage.model.name} is no diffusion in steps`);
  const context = new LoweringContext(stage.model, "evaluate", prefix);
  const { b, space } = context;
  const { time: { plate, forward } } = diffusion satisfies DiscreteDiffusion;
  const rows = space.size(ROWS);
  const shape = diffusion.type.shape.map(({ value }) => value);
  const share = b.uniform(context.stream("step"), [rows]);
  const place = b.minimum(b.cast(b.unary("floor", b.multiply(share, plate.size)), "i32"), b.scalar(plate.size - 1, "i32"));
  const { signal, deviation } = marginalsOf(forward);
  const each = (values: readonly number[]): TensorNode => b.reshape(b.gather(b.constant(values.slice(1), [plate.size]), place), [rows, ...shape.map(() => 1)]);
  const noise = b.normal(context.stream("noise"), [rows, ...shape]);
  const outputs: Record<string, TensorNode> = { [stage.site]: b.add(b.multiply(each(signal), datumOfRows(context, diffusion).node), b.multiply(each(deviation), noise)) };
  if (stage.step !== undefined) outputs[stage.step] = b.add(b.cast(place, "f32"), plate.from);
  return b.program("noise", outputs);
}
