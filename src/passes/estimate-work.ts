import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { dispatchWork, elementFlops, heavyKinds } from "./costs.js";
import { countOf, staticShape } from "./static-shape.js";

/** What a program costs, whatever the device. */
export interface Work {
  readonly flops: number;
  /** Read and written. */
  readonly bytes: number;
  /** Kernels that run one after another; steps of loops count, because a barrier stands between them. */
  readonly kernels: number;
}

/**
 * What a program of static sizes will cost, without scheduling it: everything elementwise is fused into what needs it, so kernels are the operations that
 * need one of their own, as many as follow each other, and memory holds their operands and results, the inputs and the outputs. Within a factor of two of the schedule's own numbers for the shipped
 * models (tests), in a twentieth of the time.
 */
export function estimateWork(program: TensorProgram): Work {
  const moved = new Set<TensorNode>(Object.values(program.outputs));
  // How many kernels come before a value: those that do not need each other run side by side.
  const depths = new Map<TensorNode, number>();
  let [flops, bytes, loopSteps] = [0, 0, 0];
  for (const node of program.nodes) {
    const { op } = node;
    const heavy = heavyKinds.has(op.kind) && op.kind !== "loop-result";
    depths.set(node, node.inputs.reduce((most, input) => Math.max(most, depths.get(input) ?? 0), 0) + (heavy ? 1 : 0));
    if (op.kind === "input") moved.add(node);
    else if (op.kind === "loop") {
      const body = estimateWork(op.body);
      flops += op.steps * body.flops;
      bytes += op.steps * body.bytes;
      // Small steps stay in one kernel.
      loopSteps += body.flops < dispatchWork * body.kernels ? 1 : op.steps * body.kernels;
    } else if (heavy) {
      flops += heavyFlops(node);
      bytes += node.inputs.reduce((sum, input) => sum + 4 * sizeOf(input), 4 * sizeOf(node));
    } else flops += sizeOf(node) * elementFlops(node);
  }
  for (const node of moved) bytes += 4 * sizeOf(node);
  return { flops, bytes, kernels: Math.max(1, Math.ceil(perDepth * Math.max(0, ...depths.values()))) + loopSteps };
}

/** A product or a sum is often followed by a kernel that adds its parts: 1.75 is the shipped models' mean. */
const perDepth = 1.75;

const sizeOf = (node: TensorNode): number => countOf(staticShape(node));

function heavyFlops(node: TensorNode): number {
  const { op, inputs } = node;
  const [first = node, second = node] = inputs;
  const [left, right] = [staticShape(first), staticShape(second)];
  switch (op.kind) {
    case "dot":
      return 2 * sizeOf(node) * (left.at(op.transposeLeft ? -2 : -1) ?? 1);
    case "conv2d":
      return 2 * sizeOf(node) * countOf(right.slice(0, 3));
    case "conv2d-input-gradient":
      return 2 * sizeOf(first) * countOf(right.slice(0, 3));
    case "conv2d-filter-gradient":
      // Each element of dy meets the taps of all input channels.
      return 2 * sizeOf(second) * countOf(staticShape(node).slice(0, 3));
    case "cholesky":
      return (sizeOf(node) * (left.at(-1) ?? 1)) / 3;
    case "triangular-solve":
      return sizeOf(node) * (left.at(-1) ?? 1);
    case "softmax":
    case "log-softmax":
      return 20 * sizeOf(node);
    default:
      return sizeOf(first);
  }
}
