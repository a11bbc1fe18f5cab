import { InternalError } from "../../util/internal-error.js";
import { loopResults } from "./loops.js";
import type { Conv2dAttributes, Dim, Padding2d, Shape, TensorNode, TensorOp, TensorOpKind } from "./nodes.js";
import { broadcastShapes, printShape } from "./shapes.js";

type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;
type Rules = { readonly [K in TensorOpKind]: ((op: OpOf<K>, inputs: readonly Shape[]) => Shape) | "stated" };

/** Sizes after a window slides over an image. */
export function windowSize(input: number, window: number, stride: number, pad: readonly [number, number], dilation = 1): number {
  return Math.floor((input + pad[0] + pad[1] - dilation * (window - 1) - 1) / stride) + 1;
}

/** The padding called "same": the output has ⌈input / stride⌉ cells, the odd cell of padding goes last. */
export function samePadding(input: number, window: number, stride: number, dilation = 1): readonly [number, number] {
  const total = Math.max((Math.ceil(input / stride) - 1) * stride + dilation * (window - 1) + 1 - input, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

function number(dim: Dim | undefined): number {
  if (typeof dim !== "number") throw new InternalError(`a size of an image is ${String(dim)}`);
  return dim;
}

function slide(shape: Shape, window: readonly [number, number], strides: readonly [number, number], padding: Padding2d, dilation: readonly [number, number]): [number, number] {
  const [h, w] = [number(shape.at(-3)), number(shape.at(-2))];
  return [windowSize(h, window[0], strides[0], padding[0], dilation[0]), windowSize(w, window[1], strides[1], padding[1], dilation[1])];
}

const broadcastAll = (_: unknown, inputs: readonly Shape[]): Shape => inputs.reduce(broadcastShapes);
const first = (_: unknown, inputs: readonly Shape[]): Shape => inputs[0]!;

function convShape(op: Conv2dAttributes, [x, filter]: readonly Shape[]): Shape {
  if (x!.at(-1) !== filter![2]) throw new InternalError(`conv2d of ${printShape(x!)} with ${printShape(filter!)}`);
  return [...x!.slice(0, -3), ...slide(x!, [number(filter![0]), number(filter![1])], op.strides, op.padding, op.dilation), filter![3]!];
}

/** The shape of each operation's result; `stated` where the operation does not determine it. Total: a new operation must add its rule. */
export const shapeRules: Rules = {
  input: "stated",
  constant: "stated",
  size: "stated",
  iota: "stated",
  random: "stated",
  "random-log-gamma": first,
  unary: first,
  binary: broadcastAll,
  compare: broadcastAll,
  select: broadcastAll,
  cast: first,
  reshape: "stated",
  transpose: (op, [x]) => op.permutation.map((axis) => x![axis]!),
  broadcast: "stated",
  slice: (op) => op.sizes,
  pad: (op, [x]) => x!.map((dim, axis) => (typeof dim === "number" ? dim + op.low[axis]! + op.high[axis]! : dim)),
  concatenate: (op, inputs) =>
    inputs[0]!.map((dim, axis) => (axis === op.axis ? inputs.reduce((total, shape) => total + number(shape[axis]), 0) : dim)),
  reverse: first,
  gather: (op, [table, indices]) => [...indices!, ...table!.slice(op.batchDims + 1)],
  "scatter-add": "stated",
  reduce: (op, [x]) => x!.flatMap((dim, axis) => (op.axes.includes(axis) ? (op.keepDims ? [1] : []) : [dim])),
  "arg-reduce": (op, [x]) => x!.filter((_, axis) => axis !== op.axis),
  "cumulative-sum": first,
  softmax: first,
  "log-softmax": first,
  dot: (op, [left, right]) => {
    const [m, k] = op.transposeLeft ? [left!.at(-1), left!.at(-2)] : [left!.at(-2), left!.at(-1)];
    const [k2, n] = op.transposeRight ? [right!.at(-1), right!.at(-2)] : [right!.at(-2), right!.at(-1)];
    if (k === undefined || m === undefined || n === undefined || k !== k2) throw new InternalError(`dot of ${printShape(left!)} and ${printShape(right!)}`);
    return [...broadcastShapes(left!.slice(0, -2), right!.slice(0, -2)), m, n];
  },
  conv2d: convShape,
  "conv2d-input-gradient": (op, [dy, filter]) => {
    if (dy!.at(-1) !== filter![3]) throw new InternalError(`transposed conv2d of ${printShape(dy!)} with ${printShape(filter!)}`);
    return [...dy!.slice(0, -3), ...op.inputSize, filter![2]!];
  },
  "conv2d-filter-gradient": (op, [x, dy]) => [...op.filterSize, x!.at(-1)!, dy!.at(-1)!],
  pool2d: (op, [x]) => [...x!.slice(0, -3), ...slide(x!, op.window, op.strides, op.padding, [1, 1]), x!.at(-1)!],
  "pool2d-gradient": first,
  cholesky: first,
  "triangular-solve": (_, [lower, b]) => [...broadcastShapes(lower!.slice(0, -2), b!.slice(0, -2)), b!.at(-2)!, b!.at(-1)!],
  "stop-gradient": first,
  loop: (op) => loopResults(op)[0]!.shape,
  "loop-result": "stated",
};

/** The result's shape by the operation's rule; InternalError where the operands do not fit (the checker should have spoken). */
export function shapeOf<K extends TensorOpKind>(op: OpOf<K>, inputs: readonly TensorNode[]): Shape {
  const rule = shapeRules[op.kind];
  if (rule === "stated") throw new InternalError(`the shape of ${op.kind} must be stated`);
  return (rule as (op: TensorOp, inputs: readonly Shape[]) => Shape)(op, inputs.map((input) => input.shape));
}
