import { InternalError } from "../util/internal-error.js";
import type { Conv2dAttributes, TensorNode, TensorOpKind } from "../ir/tensor/nodes.js";
import { binaryRules } from "./binary-rules.js";
import { sumAlong, unbroadcast, withReducedAxes } from "./broadcasting.js";
import { loopRule } from "./loop-rule.js";
import { choleskyRule, dotRule, triangularSolveRule } from "./product-rules.js";
import { reduceRules } from "./reduce-rules.js";
import { logGammaSlope } from "./special-derivatives.js";
import { unaryRules } from "./unary-rules.js";
import type { NoGradient, ResultGradient, VjpRule } from "./vjp-rule.js";

/** The gradient of each operand of an operation from that of its result, the formula above each rule. Total: an operation without a rule does not compile. */
export const vjpRules: { readonly [K in TensorOpKind]: VjpRule<K> | NoGradient | ResultGradient } = {
  // ── Leaves ──
  input: "none",
  constant: "none",
  size: "none",
  iota: "none",
  random: "none",
  // The draw's quantile stays: dα = g · gamma_derivative(α, z) / z
  "random-log-gamma": ({ b, g, node, x }) => [() => b.multiply(g, logGammaSlope(b, x(0), node))],

  // ── Elementwise: g · ∂f, summed over the axes along which the operand was repeated ──
  unary: ({ b, op, g, node, x }) => {
    const rule = unaryRules[op.function];
    return [rule === "none" ? undefined : () => rule(b, g, x(0), node)];
  },
  binary: ({ b, op, g, node, x }) =>
    binaryRules[op.function].map((rule, at) => () => unbroadcast(b, rule(b, g, x(0), x(1), node), node.shape, x(at).shape)),
  compare: "none",
  // The branch taken gets g, the other 0: chosen, not multiplied, so that ∞ and NaN of one branch never reach the other
  select: ({ b, g, node, x }) => [
    undefined,
    () => unbroadcast(b, b.select(x(0), g, 0), node.shape, x(1).shape),
    () => unbroadcast(b, b.select(x(0), 0, g), node.shape, x(2).shape),
  ],
  cast: "none",
  "stop-gradient": "none",

  // ── Movement: g back to where it came from ──
  reshape: ({ b, g, full, x }) => [() => (uniform(g) ? g : b.reshape(full(), x(0).shape))],
  transpose: ({ b, op, g, full }) => [() => (uniform(g) ? g : b.transpose(full(), op.permutation.map((_, axis) => op.permutation.indexOf(axis))))],
  broadcast: ({ b, g, node, x }) => [() => unbroadcast(b, g, node.shape, x(0).shape)],
  slice: ({ b, op, full, x }) => [
    () => b.pad(full(), op.starts, x(0).shape.map((dim, axis) => (typeof dim === "number" ? dim - op.starts[axis]! - Number(op.sizes[axis]) : 0))),
  ],
  // Pads with the opposite amounts: what was put around is cut, what was cut gets 0
  pad: ({ b, op, g, full, x }) => [
    () => {
      if ([...op.low, ...op.high].some((amount) => amount < 0)) return b.pad(full(), op.low.map((amount) => -amount), op.high.map((amount) => -amount));
      return uniform(g) ? g : b.slice(full(), op.low, x(0).shape);
    },
  ],
  concatenate: ({ b, op, g, node, full }) => {
    let start = 0;
    return node.inputs.map(({ shape }) => {
      const [from, size] = [start, Number(shape[op.axis])];
      start += size;
      return () => (uniform(g) ? g : b.sliceAxis(full(), op.axis, from, size));
    });
  },
  reverse: ({ b, op, g, full }) => [() => (uniform(g) ? g : b.reverse(full(), op.axis))],
  // An element gathered several times gets the sum
  gather: ({ b, op, full, x }) => [() => b.scatterAdd(x(1), full(), x(0).shape[op.batchDims]!, op.batchDims), undefined],
  "scatter-add": ({ b, op, full, x }) => [undefined, () => b.gather(full(), x(0), op.batchDims)],

  // ── Reductions ──
  reduce: ({ b, op, g, node, x }) => {
    const rule = reduceRules[op.function];
    if (rule === "none") return [undefined];
    const kept = (value: TensorNode): TensorNode => (op.keepDims ? value : withReducedAxes(b, value, node.shape, op.axes));
    const whole = (): TensorNode => b.reshape(node, x(0).shape.map((dim, axis) => (op.axes.includes(axis) ? 1 : dim)));
    return [() => rule(b, kept(g), x(0), whole, op.axes)];
  },
  "arg-reduce": "none",
  // Each element is in the sums from its own on: the sum from the other end
  "cumulative-sum": ({ b, op, full }) => [() => b.cumulativeSum(full(), op.axis, op.exclusive, !op.reverse)],
  // y (g − Σ g y)
  softmax: ({ b, op, g, node }) => [
    () => b.multiply(node, b.subtract(g, b.sum(b.multiply(g, node), [op.axis], true))),
  ],
  // g − exp(y) Σ g
  "log-softmax": ({ b, op, g, node }) => [() => b.subtract(g, b.multiply(sumAlong(b, g, node.shape, [op.axis]), b.exp(node)))],

  // ── Products and images ──
  dot: dotRule,
  // The three are each other's adjoints: ⟨conv(x, f), g⟩ = ⟨x, input-gradient(g, f)⟩ = ⟨f, filter-gradient(x, g)⟩
  conv2d: ({ b, op, full, x }) => [
    () => b.conv2dInputGradient(full(), x(1), imageSize(x(0)), attributesOf(op)),
    () => b.conv2dFilterGradient(x(0), full(), filterSize(x(1)), attributesOf(op)),
  ],
  "conv2d-input-gradient": ({ b, op, full, x }) => [
    () => b.conv2d(full(), x(1), attributesOf(op)),
    () => b.conv2dFilterGradient(full(), x(0), filterSize(x(1)), attributesOf(op)),
  ],
  "conv2d-filter-gradient": ({ b, op, full, x }) => [
    () => b.conv2dInputGradient(x(1), full(), imageSize(x(0)), attributesOf(op)),
    () => b.conv2d(x(0), full(), attributesOf(op)),
  ],
  pool2d: ({ b, op, full, x }) => [() => b.pool2dGradient(op.function, x(0), full(), op.window, op.strides, op.padding)],
  // Mean: linear in dy, its adjoint is the mean itself. Max: which cell wins is not kept
  "pool2d-gradient": ({ b, op, full }) => [
    undefined,
    () => {
      if (op.function === "max") throw new InternalError("no second derivative: the gradient of max-pool2d cannot be differentiated again");
      return b.pool2d("mean", full(), op.window, op.strides, op.padding);
    },
  ],
  cholesky: choleskyRule,
  "triangular-solve": triangularSolveRule,

  // ── Loops ──
  loop: loopRule,
  "loop-result": "result",
};

/** One number for every element: movement keeps it. */
function uniform(g: TensorNode): boolean {
  return g.shape.length === 0;
}

function imageSize(x: TensorNode): [number, number] {
  return [x.shape.at(-3) as number, x.shape.at(-2) as number];
}

function filterSize(filter: TensorNode): [number, number] {
  return [filter.shape[0] as number, filter.shape[1] as number];
}

/** Without what only one of the three has. */
function attributesOf({ strides, padding, dilation }: Conv2dAttributes): Conv2dAttributes {
  return { strides, padding, dilation };
}
