import type { Operand, TensorBuilder } from "../../ir/tensor/builder.js";
import type { Shape, TensorNode } from "../../ir/tensor/nodes.js";

/** Trials that are drawn one by one at the end. */
const direct = 32;

/**
 * Binomial(n, p) for each element, n and p of any value, exactly: the a-th smallest of n uniforms, a = ⌊n/2⌋ + 1, is Beta(a, n + 1 − a); where it lies
 * at y ≤ p, a successes are known and Binomial(n − a, (p − y)/(1 − y)) remain, else Binomial(a − 1, p/y) (Devroye 1986, X.4.3). Each level halves
 * n; the last 32 trials are uniforms below p. `largest` is the largest n where it is known; unknown, there are levels for 2²⁰, and of more trials than that the part that remains (one in
 * 2¹⁵) is rounded from a normal.
 */
export function drawBinomial(b: TensorBuilder, stream: string, trials: Operand, chance: Operand, shape: Shape, largest?: number): TensorNode {
  let n = b.broadcast(b.operand(trials), shape);
  let p = b.broadcast(b.operand(chance), shape);
  let known: TensorNode = b.broadcast(b.scalar(0), shape);
  const levels = Math.max(0, Math.ceil(Math.log2((largest ?? 2 ** 20) / direct)));
  for (let level = 0; level < levels; level++) {
    const split = b.greater(n, direct);
    const a = b.select(split, b.add(b.floor(b.multiply(0.5, n)), 1), 1);
    const rest = b.select(split, b.subtract(n, b.subtract(a, 1)), 1);
    const y = b.sigmoid(b.subtract(b.randomLogGamma(`${stream}.low${level}`, a), b.randomLogGamma(`${stream}.high${level}`, rest)));
    const below = b.lessEqual(y, p);
    known = b.select(b.and(split, below), b.add(known, a), known);
    const nextP = b.select(below, b.divide(b.subtract(p, y), b.maximum(b.subtract(1, y), 1e-30)), b.minimum(b.divide(p, b.maximum(y, 1e-30)), 1));
    p = b.select(split, nextP, p);
    n = b.select(split, b.select(below, b.subtract(rest, 1), b.subtract(a, 1)), n);
  }
  const width = Math.min(direct, Math.max(1, largest ?? direct));
  const uniforms = b.uniform(`${stream}.trials`, [...shape, width]);
  const counted = b.less(b.cast(b.iota(width), "f32"), b.expandDims(n, [n.shape.length]));
  const successes = b.sumLast(b.cast(b.and(counted, b.less(uniforms, b.expandDims(p, [p.shape.length]))), "f32"), 1);
  if (largest !== undefined) return b.add(known, successes);
  const spread = b.sqrt(b.maximum(b.multiply(b.multiply(n, p), b.subtract(1, p)), 0));
  const rounded = b.unary("round", b.add(b.multiply(n, p), b.multiply(spread, b.normal(`${stream}.rest`, shape))));
  return b.add(known, b.select(b.greater(n, direct), b.maximum(b.minimum(rounded, n), 0), successes));
}
