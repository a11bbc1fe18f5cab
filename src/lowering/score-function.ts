import type { TensorNode } from "../ir/tensor/nodes.js";
import type { LoweringContext } from "./context.js";
import type { Latent } from "./latents.js";
import { expectation, type TermValue } from "./terms.js";
import { ROWS, SAMPLES, addValues, aligned, isPlateAxis, multiplyValues, plateAxis, sumAxes, unionAxes, type Value } from "./value.js";

/**
 * The surrogate whose gradient is the score-function gradient of the objective to the guide's parameters (Williams 1992), for one site:
 * stop(f − b) · log q(k), with f the terms downstream of the site (Rao-Blackwellization; Ranganath, Gerrish & Blei 2014) and b the mean of
 * f over the other draws of the same row (leave-one-out; Kool, van Hoof & Welling 2019). A scalar, in the units of the objective.
 */
export function scoreSurrogate(context: LoweringContext, latent: Latent, terms: readonly TermValue[], weightOf: (term: TermValue) => TensorNode, latents: readonly Latent[]): TensorNode {
  const { b, space } = context;
  const logGuide = latent.logGuide;
  if (!logGuide) return b.scalar(0);
  // A step that others read has a part in their terms, so its score takes the terms of all steps.
  const ownPlates = latent.plan.coupled ? [] : latent.site.plates.map((plate) => plateAxis(plate.name));
  const downstream = terms.filter(({ term }) => latent.plan.downstream.includes(term.name));
  const costs = downstream.map((term): Value => {
    const expected = expectation(context, term.value, latents, logGuide.axes);
    const summed = sumAxes(b, expected, (axis) => isPlateAxis(axis) && !ownPlates.includes(axis));
    const rowless = latent.site.scope === "global" ? meanOver(context, summed, ROWS) : summed;
    return multiplyValues(b, space, rowless, { node: weightOf(term), axes: [] });
  });
  const cost = addValues(b, space, costs);
  const advantage = subtractBaseline(context, cost, latent.plan.baseline ?? "leave_one_out");
  const axes = unionAxes(space, [advantage, logGuide]);
  const product: Value = { node: b.multiply(b.stopGradient(aligned(b, advantage, axes, 0)), aligned(b, logGuide, axes, 0)), axes };
  const expected = expectation(context, product, latents);
  const rows = meanOver(context, meanOver(context, expected, SAMPLES), ROWS);
  return b.sum(rows.node);
}

function subtractBaseline(context: LoweringContext, cost: Value, baseline: "leave_one_out" | "none"): Value {
  const { b, space } = context;
  const at = cost.axes.indexOf(SAMPLES);
  const draws = at < 0 ? 1 : space.size(SAMPLES);
  if (baseline === "none" || typeof draws !== "number" || draws < 2) return cost;
  const others = b.divide(b.subtract(b.sum(cost.node, [at], true), cost.node), draws - 1);
  return { node: b.subtract(cost.node, others), axes: cost.axes };
}

/** Mean over one compiler axis, if the value has it. */
export function meanOver(context: LoweringContext, value: Value, axis: string): Value {
  const at = value.axes.indexOf(axis);
  if (at < 0) return value;
  return { node: context.b.mean(value.node, [at]), axes: value.axes.filter((candidate) => candidate !== axis) };
}
