import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { Shape, TensorNode } from "../../ir/tensor/nodes.js";
import type { SamplerStep } from "./sampler-plan.js";

/** Some of the states on the way, in a carry of the loop: a stack of all would be as large as there are steps. */
export interface KeptMoments {
  /** [steps]: which moment a step's result is, and −1 where it is none. */
  readonly table: TensorNode;
  /** Of states of this shape, [rows, …]: the carry before the first step, [rows, moments − 2, …]. */
  readonly before: (shape: Shape) => TensorNode;
  readonly after: (b: TensorBuilder, kept: TensorNode, state: TensorNode, moment: TensorNode) => TensorNode;
  /** [rows, moments, …]: noise first, the datum last. */
  readonly all: (first: TensorNode, kept: TensorNode, last: TensorNode) => TensorNode;
}

/** Moments at equal distances among the sampler's steps, those that are done once more counted by their last turn. */
export function keptMoments(b: TensorBuilder, steps: readonly SamplerStep[], moments: number): KeptMoments {
  const final = steps.flatMap(({ back }, at) => (back ? [] : [at]));
  const between = Math.max(0, moments - 2);
  // After the k-th step of K there is moment m where k is next to m K / (moments − 1).
  const places = Array.from({ length: between }, (_, at) => final[Math.round(((at + 1) * final.length) / (moments - 1)) - 1]!);
  return {
    table: b.constant(steps.map((_, at) => places.indexOf(at)), [steps.length], "i32"),
    before: ([rows, ...shape]) => b.full(0, [rows!, Math.max(1, between), ...shape]),
    after: (inner, kept, state, moment) => {
      const here = inner.equal(inner.iota(Math.max(1, between)), moment);
      return inner.select(inner.reshape(here, [1, Math.max(1, between), ...state.shape.slice(1).map(() => 1)]), inner.expandDims(state, [1]), kept);
    },
    all: (first, kept, last) => b.concatenate([b.expandDims(first, [1]), ...(between > 0 ? [kept] : []), b.expandDims(last, [1])], 1),
  };
}
