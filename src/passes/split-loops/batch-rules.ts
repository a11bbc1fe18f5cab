import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { Shape, TensorNode, TensorOp, TensorOpKind } from "../../ir/tensor/nodes.js";

type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;

/** A value of the body outside of its loop: of all steps [steps, …], or one that is the same at every step. */
export interface Outside {
  readonly node: TensorNode;
  readonly batched: boolean;
}

export interface BatchContext<Op extends TensorOp> {
  readonly b: TensorBuilder;
  readonly op: Op;
  /** The node of the body. */
  readonly node: TensorNode;
  readonly inputs: readonly Outside[];
  readonly steps: number;
}

/** [steps, …] from the operands, at least one of which is batched. */
type Make<Op extends TensorOp> = (context: BatchContext<Op>) => TensorNode;
/** How an operation is computed for all steps at once; `can` says for which operands, where it is not for all; `none` keeps it in the loop. */
export type BatchRule<Op extends TensorOp> = Make<Op> | { readonly can: (batched: readonly boolean[]) => boolean; readonly make: Make<Op> } | "none";

/** A batched value of its body's shape `own` with axes of size 1 behind that of the steps, so that it broadcasts as in the body: rank 1 + `rank`. Others broadcast as they are. */
function aligned(b: TensorBuilder, { node, batched }: Outside, rank: number): TensorNode {
  if (!batched) return node;
  const [steps, ...own] = node.shape;
  return b.reshape(node, [steps!, ...Array.from({ length: Math.max(0, rank - own.length) }, () => 1), ...own]);
}

/** [steps, …], repeated where it is the same at every step. */
export function ofAllSteps(b: TensorBuilder, { node, batched }: Outside, steps: number): TensorNode {
  return batched ? node : b.broadcast(node, [steps, ...node.shape]);
}

const elementwise: Make<TensorOp> = ({ b, op, node, inputs }) =>
  b.make(op, inputs.map((input) => aligned(b, input, node.shape.length)), node.dtype);

/** One operand and axes that move by one. */
const shifted = <Op extends TensorOp>(op: (op: Op) => TensorOp): Make<Op> => ({ b, op: own, node, inputs, steps }) =>
  b.make(op(own), [inputs[0]!.node], node.dtype, [steps, ...node.shape]);

const along = shifted<OpOf<"reverse" | "arg-reduce" | "cumulative-sum" | "softmax" | "log-softmax">>((op) => ({ ...op, axis: op.axis + 1 }));

/** Operations that take any leading axes, the same on all operands. */
const leading: Make<OpOf<"concatenate" | "pool2d-gradient">> = ({ b, op, node, inputs, steps }) =>
  b.make(op.kind === "concatenate" ? { ...op, axis: op.axis + 1 } : op, inputs.map((input) => ofAllSteps(b, input, steps)), node.dtype, [steps, ...node.shape]);

/** Operations whose leading axes broadcast, before the last two. */
const matrices: Make<OpOf<"dot" | "triangular-solve">> = ({ b, op, node, inputs }) => {
  const rank = Math.max(...inputs.map(({ node: { shape }, batched }) => shape.length - (batched ? 1 : 0)));
  return b.make(op, inputs.map((input) => aligned(b, input, rank)), node.dtype);
};

const images: BatchRule<OpOf<"conv2d" | "conv2d-input-gradient">> = {
  can: ([, filter]) => !filter,
  make: ({ b, op, inputs, node }) => b.make(op, inputs.map((input) => input.node), node.dtype),
};

const product = (shape: Shape): number | undefined => (shape.every((dim) => typeof dim === "number") ? shape.reduce<number>((count, dim) => count * (dim as number), 1) : undefined);

/** A product of all steps. Where one side is one matrix for all of them it is one product of matrices, whose rows are those of all steps. */
const dot: Make<OpOf<"dot">> = (context) => {
  const { b, op, node, inputs: [left, right] } = context as { inputs: readonly [Outside, Outside] } & BatchContext<OpOf<"dot">>;
  if (left.batched && !right.batched && !op.transposeLeft && right.node.shape.length === 2) {
    const rows = product(left.node.shape.slice(0, -1));
    if (rows !== undefined) return b.reshape(b.dot(b.reshape(left.node, [rows, left.node.shape.at(-1)!]), right.node, false, op.transposeRight), [left.node.shape[0]!, ...node.shape]);
  }
  // Matrix times column: (A x)ᵀ = xᵀ Aᵀ, with the columns of all steps as rows.
  if (right.batched && !left.batched && left.node.shape.length === 2 && node.shape.at(-1) === 1) {
    const rows = product(right.node.shape.slice(0, -2));
    const length = right.node.shape.at(op.transposeRight ? -1 : -2)!;
    if (rows !== undefined) return b.reshape(b.dot(b.reshape(right.node, [rows, length]), left.node, false, !op.transposeLeft), [right.node.shape[0]!, ...node.shape]);
  }
  return matrices(context);
};

/** For each operation how it is computed with an axis of steps in front of some operands. Total: a new operation must say. */
export const batchRules: { readonly [K in TensorOpKind]: BatchRule<OpOf<K>> } = {
  // Leaves: the same at every step, but for what the loop gives.
  input: "none",
  constant: "none",
  size: "none",
  iota: "none",
  // Draws of all steps are made by `prepareLoops`; a Gamma's depend on the step's parameter.
  random: "none",
  "random-log-gamma": "none",
  unary: elementwise,
  binary: elementwise,
  compare: elementwise,
  select: elementwise,
  cast: elementwise,
  "stop-gradient": elementwise,
  reshape: ({ b, node, inputs: [x], steps }) => b.reshape(x!.node, [steps, ...node.shape]),
  transpose: shifted((op) => ({ ...op, permutation: [0, ...op.permutation.map((axis) => axis + 1)] })),
  broadcast: ({ b, node, inputs: [x], steps }) => b.broadcast(aligned(b, x!, node.shape.length), [steps, ...node.shape]),
  slice: ({ b, op, node, inputs: [x], steps }) => b.make({ ...op, starts: [0, ...op.starts], sizes: [steps, ...op.sizes] }, [x!.node], node.dtype),
  pad: shifted((op) => ({ ...op, low: [0, ...op.low], high: [0, ...op.high] })),
  concatenate: leading,
  reverse: along,
  gather: ({ b, op, inputs, steps }) => {
    const [table, indices] = inputs as [Outside, Outside];
    if (!table.batched && op.batchDims === 0) return b.gather(table.node, indices.node);
    return b.gather(ofAllSteps(b, table, steps), ofAllSteps(b, indices, steps), op.batchDims + 1);
  },
  "scatter-add": ({ b, op, node, inputs, steps }) =>
    b.make({ ...op, batchDims: op.batchDims + 1 }, inputs.map((input) => ofAllSteps(b, input, steps)), node.dtype, [steps, ...node.shape]),
  reduce: shifted((op) => ({ ...op, axes: op.axes.map((axis) => axis + 1) })),
  "arg-reduce": along,
  "cumulative-sum": along,
  softmax: along,
  "log-softmax": along,
  dot,
  // One filter for all images.
  conv2d: images,
  "conv2d-input-gradient": images,
  // It sums over every leading axis: one step's alone is not to be had.
  "conv2d-filter-gradient": "none",
  pool2d: shifted((op) => op),
  "pool2d-gradient": leading,
  cholesky: shifted((op) => op),
  "triangular-solve": matrices,
  loop: "none",
  "loop-result": "none",
};

/** What differs from step to step whatever its operands, or belongs to another loop. */
const bound: ReadonlySet<TensorOpKind> = new Set(["input", "random", "random-log-gamma", "loop", "loop-result"] as const);

/** Whether the node can be computed outside of the loop, where these operands are of all steps. */
export function canLeave({ op }: TensorNode, batched: readonly boolean[]): boolean {
  if (!batched.includes(true)) return !bound.has(op.kind);
  const rule = batchRules[op.kind] as BatchRule<TensorOp>;
  return rule !== "none" && (typeof rule === "function" || rule.can(batched));
}

/** The node of the body outside of the loop. */
export function outsideOf(b: TensorBuilder, node: TensorNode, inputs: readonly Outside[], steps: number): Outside {
  if (!inputs.some(({ batched }) => batched)) return { node: b.make(node.op, inputs.map((input) => input.node), node.dtype, node.shape), batched: false };
  const rule = batchRules[node.op.kind] as Exclude<BatchRule<TensorOp>, "none">;
  return { node: (typeof rule === "function" ? rule : rule.make)({ b, op: node.op, node, inputs, steps }), batched: true };
}
