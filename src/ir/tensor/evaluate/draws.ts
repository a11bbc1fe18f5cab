import { InternalError } from "../../../util/internal-error.js";
import { drawStrides, rowsAxisOf } from "../draw-order.js";
import type { RandomSource } from "./random.js";
import { sizeOf, strided } from "./strided.js";
import type { EvaluateContext, EvaluateRule } from "./types.js";

export const evaluateRandom: EvaluateRule<"random"> = (op, _, context) => {
  const { count, strides, first } = placesOf(op, context);
  const known = context.bindings.within?.draws;
  const key = `${op.distribution} ${op.stream} ${count}`;
  const all = known?.get(key) ?? sourceOf(context)[op.distribution](op.stream, count);
  known?.set(key, all);
  const draws = strided(all, context.shape, strides, first);
  return op.distribution === "uniform" && context.bindings.precision === "f32" ? draws.map((u) => Math.min(u, largestBelowOne)) : draws;
};

export const evaluateRandomLogGamma: EvaluateRule<"random-log-gamma"> = (op, [alpha], context) => {
  const { count, strides, first } = placesOf(op, context);
  // A draw depends on its own α and place alone: the other places have any α.
  const alphas = new Float64Array(count).fill(1);
  strided(Float64Array.from(alphas.keys()), context.shape, strides, first).forEach((place, at) => (alphas[place] = alpha!.values[at]!));
  return strided(sourceOf(context).logGamma(op.stream, alphas), context.shape, strides, first);
};

/** Where the draws of a node stand in their stream: those of all steps of the loops around it are one array. */
function placesOf(op: Parameters<typeof rowsAxisOf>[0], { node, shape, bindings }: EvaluateContext): { readonly count: number; readonly strides: readonly number[]; readonly first: number } {
  const loops = bindings.within?.loops ?? [];
  const axis = rowsAxisOf(op, node.shape);
  const whole = [...loops.map(({ steps }) => steps), ...shape];
  const strides = drawStrides(whole, axis < 0 ? -1 : axis + loops.length);
  return { count: sizeOf(whole), strides: strides.slice(loops.length), first: loops.reduce((sum, { index }, at) => sum + index * strides[at]!, 0) };
}

function sourceOf({ bindings }: EvaluateContext): RandomSource {
  if (!bindings.random) throw new InternalError("a random source is not bound");
  return bindings.random;
}

/** 1 − 2⁻²⁴: a uniform stays below 1 in float32. */
const largestBelowOne = 1 - 2 ** -24;
