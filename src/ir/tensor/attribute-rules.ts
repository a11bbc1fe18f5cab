import { loopProblem, loopResults } from "./loops.js";
import type { Conv2dAttributes, Dim, Shape, TensorNode, TensorOp, TensorOpKind } from "./nodes.js";
import { windowSize } from "./shape-rules.js";
import { broadcastShapes, countKey, printShape, sameDims } from "./shapes.js";

type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;
/** What is wrong with an operation's attributes or its stated shape; undefined where they are right. Shape rules are checked apart. */
type Rule<K extends TensorOpKind> = (op: OpOf<K>, inputs: readonly Shape[], node: TensorNode) => string | undefined;

/** How many operands each operation takes; concatenate takes any number from one on, a loop what it says. */
export const operandCounts: { readonly [K in TensorOpKind]: number | "some" } = {
  input: 0, constant: 0, size: 0, iota: 0, random: 0, "random-log-gamma": 1, unary: 1, binary: 2, compare: 2, select: 3, cast: 1, reshape: 1,
  transpose: 1, broadcast: 1, slice: 1, pad: 1, concatenate: "some", reverse: 1, gather: 2, "scatter-add": 2, reduce: 1, "arg-reduce": 1,
  "cumulative-sum": 1, softmax: 1, "log-softmax": 1, dot: 2, conv2d: 2, "conv2d-input-gradient": 2, "conv2d-filter-gradient": 2, pool2d: 1, "pool2d-gradient": 2,
  cholesky: 1, "triangular-solve": 2, "stop-gradient": 1, loop: "some", "loop-result": 1,
};

const fine = (): undefined => undefined;

function axisIn(op: { readonly axis: number }, [x]: readonly Shape[]): string | undefined {
  return Number.isInteger(op.axis) && op.axis >= 0 && op.axis < x!.length ? undefined : `axis ${op.axis} of ${printShape(x!)}`;
}

function rankAtLeast(shape: Shape, rank: number): string | undefined {
  return shape.length >= rank ? undefined : `an operand has shape ${printShape(shape)}: its rank must be at least ${rank}`;
}

function positive(values: readonly number[], what: string): string | undefined {
  return values.every((value) => Number.isInteger(value) && value >= 1) ? undefined : `${what} [${values.join(", ")}]`;
}

/** The small image y must be what the window makes of the large image x. */
function imagesFit(op: Conv2dAttributes, x: Shape, y: Shape, window: readonly Dim[]): string | undefined {
  const bad = rankAtLeast(x, 3) ?? rankAtLeast(y, 3) ?? positive(op.strides, "strides") ?? positive(op.dilation, "dilation");
  if (bad) return bad;
  if (!sameDims(x.slice(0, -3), y.slice(0, -3))) return `images ${printShape(x)} and ${printShape(y)} differ in their leading axes`;
  for (const side of [0, 1] as const) {
    const [size, cells, result] = [x.at(side - 3), window[side], y.at(side - 3)];
    if (typeof size !== "number" || typeof cells !== "number") return `image ${printShape(x)} has no fixed size`;
    const expected = windowSize(size, cells, op.strides[side], op.padding[side], op.dilation[side]);
    if (expected !== result || expected < 1) return `a window of ${cells} over ${size} gives ${expected} cells, not ${String(result)}`;
  }
  return undefined;
}

export const attributeRules: { readonly [K in TensorOpKind]: Rule<K> } = {
  input: (op) => (op.name === "" ? "an input has no name" : undefined),
  constant: (op, _, node) => (countKey(node.shape) === String(op.values.length) ? undefined : `${op.values.length} values for shape ${printShape(node.shape)}`),
  size: (_op, _inputs, node) => (node.shape.length === 0 ? undefined : `a size has shape ${printShape(node.shape)}`),
  iota: (_op, _inputs, node) => (node.shape.length === 1 ? undefined : `iota has shape ${printShape(node.shape)}`),
  random: fine,
  "random-log-gamma": fine,
  unary: fine,
  binary: fine,
  compare: fine,
  select: fine,
  cast: fine,
  reshape: (_, [x], node) => (countKey(x!) === countKey(node.shape) ? undefined : `reshape of ${printShape(x!)} to ${printShape(node.shape)}`),
  transpose: (op, [x]) => {
    const sorted = [...op.permutation].sort((a, b) => a - b);
    return sorted.length === x!.length && sorted.every((axis, at) => axis === at) ? undefined : `[${op.permutation.join(", ")}] is no permutation of ${printShape(x!)}`;
  },
  broadcast: (_, [x], node) => (sameDims(broadcastShapes(x!, node.shape), node.shape) ? undefined : `broadcast of ${printShape(x!)} to ${printShape(node.shape)}`),
  slice: (op, [x]) => {
    if (op.starts.length !== x!.length || op.sizes.length !== x!.length) return `slice of ${printShape(x!)} with ${op.starts.length} starts`;
    for (const [axis, dim] of x!.entries()) {
      const [start, size] = [op.starts[axis]!, op.sizes[axis]!];
      const inside = typeof dim === "number" && typeof size === "number" ? Number.isInteger(start) && start >= 0 && size >= 0 && start + size <= dim : start === 0 && size === dim;
      if (!inside) return `slice [${op.starts.join(", ")}] of size ${printShape(op.sizes)} from ${printShape(x!)}`;
    }
    return undefined;
  },
  pad: (op, [x]) => {
    if (op.low.length !== x!.length || op.high.length !== x!.length) return `pad of ${printShape(x!)} with ${op.low.length} amounts`;
    const bad = x!.some((dim, axis) => (typeof dim === "number" ? dim + Math.min(op.low[axis]!, 0) + Math.min(op.high[axis]!, 0) < 0 : op.low[axis] !== 0 || op.high[axis] !== 0));
    return bad ? `pad [${op.low.join(", ")}], [${op.high.join(", ")}] of ${printShape(x!)}` : undefined;
  },
  concatenate: (op, inputs) => {
    const [first] = inputs;
    if (!first) return "concatenate of nothing";
    const bad = axisIn(op, inputs);
    if (bad) return bad;
    const odd = inputs.find((shape) => shape.length !== first.length || shape.some((dim, axis) => axis !== op.axis && dim !== first[axis]));
    return odd && `concatenate of ${printShape(first)} and ${printShape(odd)} along axis ${op.axis}`;
  },
  reverse: axisIn,
  gather: (op, [table, indices]) => {
    const ranks = op.batchDims < table!.length && op.batchDims <= indices!.length;
    return ranks && sameDims(table!.slice(0, op.batchDims), indices!.slice(0, op.batchDims)) ? undefined : `gather from ${printShape(table!)} at ${printShape(indices!)} with ${op.batchDims} batch axes`;
  },
  "scatter-add": (op, [indices, updates], node) => {
    const { batchDims } = op;
    const batch = batchDims <= indices!.length && batchDims < node.shape.length && sameDims(node.shape.slice(0, batchDims), indices!.slice(0, batchDims));
    const fits = batch && sameDims(updates!.slice(0, indices!.length), indices!) && sameDims(node.shape.slice(batchDims + 1), updates!.slice(indices!.length));
    return fits ? undefined : `scatter-add of ${printShape(updates!)} at ${printShape(indices!)} into ${printShape(node.shape)}`;
  },
  reduce: (op, [x]) =>
    op.axes.every((axis, at) => Number.isInteger(axis) && axis >= 0 && axis < x!.length && (at === 0 || op.axes[at - 1]! < axis))
      ? undefined
      : `axes [${op.axes.join(", ")}] of ${printShape(x!)} are not sorted, unique and inside`,
  "arg-reduce": axisIn,
  "cumulative-sum": axisIn,
  softmax: axisIn,
  "log-softmax": axisIn,
  dot: (_, [left, right]) => rankAtLeast(left!, 2) ?? rankAtLeast(right!, 2),
  conv2d: (op, [x, filter], node) => imagesFit(op, x!, node.shape, filter!),
  "conv2d-input-gradient": (op, [dy, filter], node) => imagesFit(op, node.shape, dy!, filter!),
  "conv2d-filter-gradient": (op, [x, dy]) => imagesFit(op, x!, dy!, op.filterSize),
  pool2d: (op, [x], node) => imagesFit({ ...op, dilation: [1, 1] }, x!, node.shape, op.window),
  "pool2d-gradient": (op, [x, dy]) => (x!.at(-1) === dy!.at(-1) ? imagesFit({ ...op, dilation: [1, 1] }, x!, dy!, op.window) : `pool2d-gradient of ${printShape(x!)} and ${printShape(dy!)}`),
  cholesky: (_, [a]) => rankAtLeast(a!, 2) ?? (a!.at(-1) === a!.at(-2) ? undefined : `cholesky of ${printShape(a!)}`),
  "triangular-solve": (_, [lower, b]) =>
    rankAtLeast(lower!, 2) ?? rankAtLeast(b!, 2) ?? (lower!.at(-1) === lower!.at(-2) && lower!.at(-1) === b!.at(-2) ? undefined : `triangular-solve of ${printShape(lower!)} and ${printShape(b!)}`),
  "stop-gradient": fine,
  loop: (op, _, node) => loopProblem(op, node.inputs),
  "loop-result": (op, _, node) => {
    const [loop] = node.inputs;
    if (loop?.op.kind !== "loop") return `its operand is no loop but ${loop?.op.kind ?? "nothing"}`;
    const value = op.result >= 1 ? loopResults(loop.op)[op.result] : undefined;
    if (!value) return `result ${op.result} of a loop`;
    return value.dtype === node.dtype && sameDims(value.shape, node.shape) ? undefined : `it is ${node.dtype}${printShape(node.shape)}, but result ${op.result} of the loop is ${value.dtype}${printShape(value.shape)}`;
  },
};
