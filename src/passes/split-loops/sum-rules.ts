import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode, TensorOp, TensorOpKind } from "../../ir/tensor/nodes.js";
import { type Outside, ofAllSteps } from "./batch-rules.js";

type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;

interface SumContext {
  readonly b: TensorBuilder;
  /** The node of the body. */
  readonly node: TensorNode;
  /** Its operands outside of the loop; of those in `sums` the sum over the steps. */
  readonly inputs: readonly Outside[];
  readonly steps: number;
}

/** How Σ over the steps of a node is computed without the node of each step. */
export interface Sum {
  /** Of which operands the sum alone is asked for: the operation is linear in those. */
  readonly sums: readonly boolean[];
  readonly make: (context: SumContext) => TensorNode;
}

/** Undefined where the node of all steps must be computed and summed. `batched`: which operands differ from step to step. */
type SumRule<Op extends TensorOp> = (op: Op, batched: readonly boolean[], node: TensorNode) => Sum | undefined;

/** The operation of the sums, and of what is the same at every step. */
const same = ({ b, node, inputs }: SumContext): TensorNode => b.make(node.op, inputs.map((input) => input.node), node.dtype, node.shape);
/** Linear in all operands together. */
const linear: SumRule<TensorOp> = (_, batched) => ({ sums: batched.map(() => true), make: same });
/** Linear in each operand: where one alone differs from step to step. */
const bilinear = (batched: readonly boolean[]): Sum | undefined => (batched.filter(Boolean).length === 1 ? { sums: batched, make: same } : undefined);

/** [steps, …lead, k, m] (`swapped`: [steps, …lead, m, k]) as […lead, steps · k, m]: the steps join the summed axis. Undefined where that is not a number. */
function joined(b: TensorBuilder, x: TensorNode, swapped: boolean): TensorNode | undefined {
  const rank = x.shape.length;
  const [k, m] = swapped ? [rank - 1, rank - 2] : [rank - 2, rank - 1];
  const lead = Array.from({ length: rank - 3 }, (_, axis) => axis + 1);
  const [steps, summed] = [x.shape[0], x.shape[k]];
  if (typeof steps !== "number" || typeof summed !== "number") return undefined;
  return b.reshape(b.transpose(x, [...lead, 0, k, m]), [...lead.map((axis) => x.shape[axis]!), steps * summed, x.shape[m]!]);
}

/** Σₜ AₜBₜ is one product: A₁, A₂, … beside each other times B₁, B₂, … below each other. */
function dotOfAllSteps({ b, node, inputs, steps }: SumContext): TensorNode {
  const { transposeLeft, transposeRight } = node.op as OpOf<"dot">;
  const [left, right] = inputs.map((x) => ofAllSteps(b, x, steps)) as [TensorNode, TensorNode];
  const [a, c] = [joined(b, left, !transposeLeft), joined(b, right, transposeRight)];
  if (a && c) return b.dot(a, c, true, false);
  // A symbolic size beside the steps: a product for each step.
  const rank = Math.max(left.shape.length, right.shape.length);
  const [p, q] = [left, right].map((x) => b.reshape(x, [steps, ...Array.from({ length: rank - x.shape.length }, () => 1), ...x.shape.slice(1)])) as [TensorNode, TensorNode];
  return b.sum(b.dot(p, q, transposeLeft, transposeRight), [0]);
}

const leadingSummed: Sum = { sums: [false, false], make: ({ b, node, inputs, steps }) => b.make(node.op, inputs.map((x) => ofAllSteps(b, x, steps)), node.dtype, node.shape) };

/** Whether a sum of it is one operation, and not one of all steps and a sum of those. */
function sumsWell({ op, inputs }: TensorNode): boolean {
  if (op.kind === "dot" || op.kind === "conv2d-filter-gradient" || op.kind === "scatter-add") return true;
  const view = op.kind === "reshape" || op.kind === "transpose" || (op.kind === "unary" && op.function === "negate");
  return view && sumsWell(inputs[0]!);
}

/** Operations whose sum over the steps is something simpler. The others are computed for all steps and summed. */
const sumRules: { readonly [K in TensorOpKind]?: SumRule<OpOf<K>> } = {
  unary: (op, batched, node) => (op.function === "negate" ? linear(op, batched, node) : undefined),
  binary: (op, batched, node) => {
    if (op.function === "add" || op.function === "subtract") return linear(op, batched, node);
    return op.function === "multiply" || (op.function === "divide" && !batched[1]) ? bilinear(batched) : undefined;
  },
  "stop-gradient": linear,
  reshape: linear,
  transpose: linear,
  broadcast: linear,
  slice: linear,
  reverse: linear,
  concatenate: linear,
  pad: (op, batched, node) => (op.value === 0 ? linear(op, batched, node) : undefined),
  reduce: (op, batched, node) => {
    if (op.function !== "sum") return undefined;
    if (sumsWell(node.inputs[0]!)) return linear(op, batched, node);
    // One sum over the steps and over what is summed at each.
    return { sums: [false], make: ({ b, inputs: [x] }) => b.reshape(b.sum(x!.node, [0, ...op.axes.map((axis) => axis + 1)]), node.shape) };
  },
  dot: (_, batched) => bilinear(batched) ?? { sums: [false, false], make: (context) => context.b.reshape(dotOfAllSteps(context), context.node.shape) },
  // It sums over all leading axes.
  "conv2d-filter-gradient": (_, batched) => bilinear(batched) ?? leadingSummed,
  // The steps are one more axis of indices.
  "scatter-add": (op, batched) => (batched[0] ? (op.batchDims === 0 ? leadingSummed : undefined) : { sums: [false, true], make: same }),
};

/** How the sum of a node over the steps is computed, if not from the node of all steps. */
export function sumOf(node: TensorNode, batched: readonly boolean[]): Sum | undefined {
  const rule = sumRules[node.op.kind] as SumRule<TensorOp> | undefined;
  return batched.includes(true) ? rule?.(node.op, batched, node) : undefined;
}
