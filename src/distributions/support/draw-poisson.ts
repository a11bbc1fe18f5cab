import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { Shape, TensorNode } from "../../ir/tensor/nodes.js";
import { drawBinomial } from "./draw-binomial.js";

/** Means up to which arrivals are counted one by one. */
const direct = 16;
/** Arrivals that are looked at: P(Poisson(24) ≥ 96) < 1e−25. */
const arrivals = 96;
const levels = 8;

/**
 * Poisson(m) for each element, exactly: in a Poisson process of rate 1 the time g of the k-th arrival is Gamma(k), k = ⌊7m/8⌋. Where g ≤ m, k arrivals are
 * known and Poisson(m − g) remain; else Binomial(k − 1, m/g) of those before g (Ahrens & Dieter 1974). Eight levels bring means to 10⁷ down to
 * 16, where the exponential waiting times are summed.
 */
export function drawPoisson(b: TensorBuilder, stream: string, mean: TensorNode, shape: Shape): TensorNode {
  let m = b.broadcast(mean, shape);
  let known: TensorNode = b.broadcast(b.scalar(0), shape);
  let trials: TensorNode = known;
  let chance: TensorNode = known;
  for (let level = 0; level < levels; level++) {
    const split = b.greater(m, direct);
    const k = b.select(split, b.floor(b.multiply(0.875, m)), 1);
    const g = b.exp(b.randomLogGamma(`${stream}.time${level}`, k));
    const passed = b.and(split, b.lessEqual(g, m));
    const beyond = b.and(split, b.greater(g, m));
    known = b.select(passed, b.add(known, k), known);
    trials = b.select(beyond, b.subtract(k, 1), trials);
    chance = b.select(beyond, b.divide(m, b.maximum(g, 1e-30)), chance);
    m = b.select(passed, b.subtract(m, g), b.select(beyond, 0, m));
  }
  const waits = b.negate(b.log(b.uniform(`${stream}.waits`, [...shape, arrivals])));
  const arrived = b.lessEqual(b.cumulativeSum(waits, -1), b.expandDims(m, [m.shape.length]));
  const few = b.sumLast(b.cast(arrived, "f32"), 1);
  return b.addAll([known, few, drawBinomial(b, `${stream}.before`, trials, chance, shape)]);
}
