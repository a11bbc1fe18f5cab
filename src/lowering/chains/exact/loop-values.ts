import type { TensorNode } from "../../../ir/tensor/nodes.js";
import type { LoweringContext } from "../../context.js";
import type { AxisName, Value } from "../../value.js";

/** A builder with the axes of the program around: the step of a loop has a builder of its own. */
export type Place = Pick<LoweringContext, "b" | "space">;

/** Values that the steps of a loop along an axis see: slices of those that differ along it, the others as they are. */
export interface LoopValues {
  readonly scans: readonly TensorNode[];
  readonly invariants: readonly TensorNode[];
  /** The values within a step, in order. */
  readonly within: (step: { readonly scans: readonly TensorNode[]; readonly invariants: readonly TensorNode[] }) => readonly Value[];
}

/** `size` steps from place `from` of the axis on. */
export function loopValues({ b }: Place, values: readonly Value[], axis: AxisName, from: number, size: number): LoopValues {
  const [scanned, others] = [values.filter(({ axes }) => axes.includes(axis)), values.filter(({ axes }) => !axes.includes(axis))];
  const stepsFirst = ({ node, axes }: Value): TensorNode => {
    const at = axes.indexOf(axis);
    const part = b.sliceAxis(node, at, from, size);
    return b.transpose(part, [at, ...part.shape.map((_, index) => index).filter((index) => index !== at)]);
  };
  return {
    scans: scanned.map(stepsFirst), invariants: others.map(({ node }) => node),
    within: (step) => values.map((value) => {
      const at = scanned.indexOf(value);
      return { node: at < 0 ? step.invariants[others.indexOf(value)]! : step.scans[at]!, axes: value.axes.filter((each) => each !== axis) };
    }),
  };
}

/** A value at one place of an axis. */
export function atPlace({ b }: Place, value: Value, axis: AxisName, at: number): Value {
  const along = value.axes.indexOf(axis);
  if (along < 0) return value;
  const part = b.sliceAxis(value.node, along, at, 1);
  return { node: b.reshape(part, part.shape.filter((_, index) => index !== along)), axes: value.axes.filter((each) => each !== axis) };
}
