import { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import type { LoweringContext } from "../context.js";
import type { Value } from "../value.js";

/** What the body of a loop is lowered with. */
export interface CapturedStep {
  readonly b: TensorBuilder;
  /** Brings a value of the program around into the body. */
  readonly capture: (value: Value) => Value;
  readonly carries: readonly TensorNode[];
  /** Slices of the scanned arrays at this step. */
  readonly scans: readonly TensorNode[];
}

/**
 * A loop whose body may ask for anything of the program around: it is lowered twice, first to see what it asks for.
 * @param carries before the first step
 * @param scans [steps, …]
 * @returns the carries after the last step
 */
export function capturedLoop(context: LoweringContext, steps: number, carries: readonly TensorNode[], scans: readonly TensorNode[], body: (step: CapturedStep) => readonly TensorNode[]): readonly TensorNode[] {
  const { b } = context;
  const captured: Value[] = [];
  const find = (value: Value): number => captured.findIndex(({ node, axes }) => node === value.node && axes.join() === value.axes.join());
  const probe = new TensorBuilder();
  const input = (name: string, node: TensorNode, skip = 0): TensorNode => probe.input("loop", name, node.shape.slice(skip), node.dtype);
  const mark = context.streamMark();
  body({
    b: probe,
    capture: (value) => {
      if (find(value) < 0) captured.push(value);
      return { ...value, node: input(`probe.${find(value)}`, value.node) };
    },
    carries: carries.map((node, at) => input(`probe.carry.${at}`, node)), scans: scans.map((node, at) => input(`probe.scan.${at}`, node, 1)),
  });
  context.rewindStreams(mark);
  const made = b.loop({
    steps, carries, scans, invariants: captured.map(({ node }) => node),
    body: (inner, step) => ({
      carries: body({
        b: inner,
        capture: (value) => {
          const at = find(value);
          if (at < 0) throw new InternalError("the second step of a loop asks for what the first did not");
          return { ...value, node: step.invariants[at]! };
        },
        carries: step.carries, scans: step.scans,
      }),
    }),
  });
  return made.carries;
}
