import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Shape, TensorNode, TensorOp, TensorOpKind, TensorProgram } from "../ir/tensor/nodes.js";
import { simplified } from "../ir/tensor/simplified.js";
import { broadcastShapes, sameDims } from "../ir/tensor/shapes.js";
import { rewrite } from "./rewrite.js";
import { trimLoop } from "./trim-loop.js";

type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;
type SimplifyRule<K extends TensorOpKind> = (op: OpOf<K>, inputs: readonly TensorNode[], node: TensorNode, builder: TensorBuilder) => TensorNode | undefined;

/** The value with which a node is filled, if it is a constant all over. */
function filledWith(node: TensorNode): number | undefined {
  if (node.op.kind === "broadcast" || node.op.kind === "reshape") return filledWith(node.inputs[0]!);
  if (node.op.kind !== "constant") return undefined;
  const [first] = node.op.values;
  return node.op.values.every((value) => Object.is(value, first)) ? first : undefined;
}

/** An operand without its broadcast, where the other operands give the result its shape all the same. */
function withoutBroadcasts(inputs: readonly TensorNode[], shape: Shape): readonly TensorNode[] {
  let short = inputs;
  inputs.forEach((input, at) => {
    if (input.op.kind !== "broadcast") return;
    const shorter = short.map((each, i) => (i === at ? input.inputs[0]! : each));
    if (sameDims(shorter.map((each) => each.shape).reduce(broadcastShapes), shape)) short = shorter;
  });
  return short;
}

function elementwise(op: TensorOp, inputs: readonly TensorNode[], node: TensorNode, builder: TensorBuilder): TensorNode | undefined {
  const short = withoutBroadcasts(inputs, node.shape);
  const simpler = node.dtype === "f32" ? simplified(builder, op, short) : undefined;
  if (simpler && sameDims(simpler.shape, node.shape)) return simpler;
  return short === inputs ? undefined : builder.make(op, short, node.dtype);
}

const negated = (node: TensorNode): TensorNode | undefined => (node.op.kind === "unary" && node.op.function === "negate" ? node.inputs[0] : undefined);
const isSmall = (shape: Shape): boolean => shape.every((dim) => typeof dim === "number") && shape.reduce<number>((product, dim) => product * (dim as number), 1) <= 4096;
const isPowerOfTwo = (value: number): boolean => Number.isFinite(value) && value !== 0 && Number.isInteger(Math.log2(Math.abs(value))) && Math.abs(Math.log2(Math.abs(value))) < 100;

/** True where the permutation swaps the last two axes and nothing else. */
function swapsLastTwo(permutation: readonly number[]): boolean {
  const rank = permutation.length;
  return rank >= 2 && permutation.every((from, to) => from === (to === rank - 1 ? rank - 2 : to === rank - 2 ? rank - 1 : to));
}

function untransposed(node: TensorNode): TensorNode | undefined {
  return node.op.kind === "transpose" && swapsLastTwo(node.op.permutation) ? node.inputs[0] : undefined;
}

/** One rule for each kind that has something to simplify; each keeps the value (up to rounding where its comment says so) and every NaN. */
const rules: { readonly [K in TensorOpKind]?: SimplifyRule<K> } = {
  unary: (op, inputs, node, b) => (op.function === "not" && inputs[0]!.op.kind === "unary" && inputs[0]!.op.function === "not" ? inputs[0]!.inputs[0] : elementwise(op, inputs, node, b)),
  binary: (op, inputs, node, b) => {
    const [left, right] = inputs as [TensorNode, TensorNode];
    // a + (−b) = a − b and a − (−b) = a + b exactly.
    const [a, c] = [negated(left), negated(right)];
    if (c && op.function === "add") return b.make({ kind: "binary", function: "subtract" }, [left, c], node.dtype);
    if (a && op.function === "add") return b.make({ kind: "binary", function: "subtract" }, [right, a], node.dtype);
    if (c && op.function === "subtract") return b.make({ kind: "binary", function: "add" }, [left, c], node.dtype);
    // x / 2^k = x · 2^−k exactly.
    const divisor = op.function === "divide" && right.shape.length === 0 ? filledWith(right) : undefined;
    if (divisor !== undefined && divisor !== 1 && isPowerOfTwo(divisor)) return b.make({ kind: "binary", function: "multiply" }, [left, b.scalar(1 / divisor)], node.dtype);
    return elementwise(op, inputs, node, b);
  },
  compare: elementwise,
  select: (op, inputs, node, b) => {
    const [condition, yes, no] = inputs as [TensorNode, TensorNode, TensorNode];
    const known = filledWith(condition);
    const chosen = known !== undefined ? (known !== 0 ? yes : no) : yes === no ? yes : undefined;
    if (chosen) return b.broadcast(chosen, node.shape);
    return elementwise(op, inputs, node, b);
  },
  cast: (_, [x], node) => (x!.dtype === node.dtype ? x : undefined),
  "stop-gradient": (_, [x]) => x,
  reshape: (_, [x], node, b) => b.reshape(x!, node.shape),
  broadcast: (_, [x], node, b) => (x!.op.kind === "broadcast" ? b.broadcast(x!.inputs[0]!, node.shape) : b.broadcast(x!, node.shape)),
  transpose: (op, [x], node, b) => {
    if (x!.op.kind === "transpose") {
      const inner = x!.op.permutation;
      return b.transpose(x!.inputs[0]!, op.permutation.map((axis) => inner[axis]!));
    }
    // Moving axes of size 1 alone is a reshape.
    const long = op.permutation.filter((axis) => x!.shape[axis] !== 1);
    return long.every((axis, at) => at === 0 || long[at - 1]! < axis) ? b.reshape(x!, node.shape) : undefined;
  },
  slice: (op, [x], node, b) => {
    if (sameDims(x!.shape, node.shape)) return x;
    if (x!.op.kind !== "slice") return undefined;
    const outer = x!.op.starts;
    return b.slice(x!.inputs[0]!, op.starts.map((start, axis) => start + outer[axis]!), op.sizes);
  },
  pad: (op, [x]) => ([...op.low, ...op.high].every((amount) => amount === 0) ? x : undefined),
  concatenate: (_, inputs) => (inputs.length === 1 ? inputs[0] : undefined),
  reverse: (op, [x]) => (x!.shape[op.axis] === 1 ? x : x!.op.kind === "reverse" && x!.op.axis === op.axis ? x!.inputs[0] : undefined),
  dot: (op, [left, right], node, b) => {
    const [a, c] = [untransposed(left!), untransposed(right!)];
    return a || c ? b.dot(a ?? left!, c ?? right!, op.transposeLeft !== (a !== undefined), op.transposeRight !== (c !== undefined)) : undefined;
  },
  loop: (op, inputs, node, b) => trimLoop(b, op, inputs, node),
  reduce: (op, [x], node, b) => {
    const long = op.axes.filter((axis) => x!.shape[axis] !== 1);
    const plain = op.function !== "logsumexp" && op.function !== "all" && op.function !== "any";
    if (plain && long.length === 0) return b.reshape(x!, node.shape);
    if (x!.op.kind === "broadcast" && op.function === "sum" && node.dtype === "f32") {
      // Σ over repeats of x = n · x (one rounding instead of n).
      const from = x!.inputs[0]!;
      const skip = x!.shape.length - from.shape.length;
      const repeated = op.axes.filter((axis) => axis < skip || (from.shape[axis - skip] === 1 && x!.shape[axis] !== 1));
      const times = repeated.reduce<number>((product, axis) => product * (x!.shape[axis] as number), 1);
      if (repeated.length > 0 && Number.isFinite(times)) {
        const rest = b.reduce("sum", from, op.axes.filter((axis) => !repeated.includes(axis) && axis >= skip).map((axis) => axis - skip), true);
        const kept = x!.shape.map((dim, axis) => (op.axes.includes(axis) ? 1 : dim));
        const small = b.reshape(rest, Array.from({ length: x!.shape.length }, (_, axis) => (axis < skip ? 1 : rest.shape[axis - skip]!)));
        return b.reshape(b.broadcast(b.multiply(small, times), kept), node.shape);
      }
    }
    // Small sums alone: of a large one the inner sums are shared among threads.
    if (x!.op.kind === "reduce" && x!.op.function === op.function && op.function === "sum" && !x!.op.keepDims && !op.keepDims && isSmall(x!.inputs[0]!.shape)) {
      const inner = x!.op.axes;
      const from = x!.inputs[0]!;
      const kept = from.shape.map((_, axis) => axis).filter((axis) => !inner.includes(axis));
      return b.reduce("sum", from, [...inner, ...op.axes.map((axis) => kept[axis]!)]);
    }
    return undefined;
  },
};

/** Rounds until nothing changes; each round is one walk over the program. */
const rounds = 6;

/**
 * Algebra that is exact, or safe to the last bits of float32: neutral elements, double negation, selections by constants, views of views,
 * broadcasts that elementwise operations imply, transposes into the flags of matrix products, sums of repeats. A NaN or an infinity stays one.
 */
export function simplify(program: TensorProgram): TensorProgram {
  let current = program;
  for (let round = 0; round < rounds; round++) {
    let changed = false;
    current = rewrite(current, (node, inputs, builder) => {
      const rule = rules[node.op.kind] as SimplifyRule<TensorOpKind> | undefined;
      const simpler = rule?.(node.op as never, inputs, node, builder);
      changed ||= simpler !== undefined && !(simpler.op.kind === node.op.kind && simpler.inputs.length === inputs.length && simpler.inputs.every((input, at) => input === inputs[at]));
      return simpler;
    });
    if (!changed) break;
  }
  return current;
}
