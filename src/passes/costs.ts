import type { BinaryFunction, TensorNode, TensorOpKind, UnaryFunction } from "../ir/tensor/nodes.js";

/** Operations that need a kernel of their own: each element of the result takes many of an operand, or they run in order. */
export const heavyKinds: ReadonlySet<TensorOpKind> = new Set([
  "reduce", "arg-reduce", "cumulative-sum", "softmax", "log-softmax", "dot", "conv2d", "conv2d-input-gradient", "conv2d-filter-gradient", "pool2d",
  "pool2d-gradient", "cholesky", "triangular-solve", "scatter-add", "loop", "loop-result",
] as TensorOpKind[]);

/** Work of a kernel, in units of one addition, that takes a workgroup about as long as a dispatch takes a GPU: steps of loops with less of it are no launches there. */
export const dispatchWork = 8192;

/** Operations that keep every element where it is, in row-major order, when no operand is broadcast. */
export const alignedKinds: ReadonlySet<TensorOpKind> = new Set(["unary", "binary", "compare", "select", "cast", "reshape", "stop-gradient", "broadcast", "random-log-gamma"]);

/** Cost of an element, in units of one addition of vectors. */
const unaryCosts: Partial<Record<UnaryFunction, number>> = {
  exp: 12, log: 14, log1p: 18, expm1: 18, sqrt: 5, reciprocal: 4, sin: 16, cos: 16, tan: 24, atan: 16, tanh: 20, sigmoid: 18, softplus: 30, erf: 24, erf_inverse: 30,
  lgamma: 60, digamma: 50, trigamma: 50, log_normal_cdf: 60, normal_quantile: 40, stirling_error: 40, sign: 3, round: 2, floor: 1,
};
const binaryCosts: Partial<Record<BinaryFunction, number>> = { divide: 4, power: 40, modulo: 6, atan2: 24, deviance: 40, gamma_derivative: 2000 };

export function elementCost(node: TensorNode): number {
  const { op } = node;
  switch (op.kind) {
    case "unary":
      return unaryCosts[op.function] ?? 1;
    case "binary":
      return binaryCosts[op.function] ?? 1;
    case "random":
      return op.distribution === "uniform" ? 60 : 100;
    case "random-log-gamma":
      return 400;
    case "reshape":
    case "broadcast":
    case "slice":
    case "stop-gradient":
    case "constant":
    case "input":
    case "iota":
      return 0;
    case "transpose":
    case "reverse":
      return 2;
    case "pad":
      return 3;
    case "concatenate":
      return 3 * node.inputs.length;
    case "gather":
      return 4;
    default:
      return 1;
  }
}

/** Floating-point operations of an element, for reports: elementary functions count as ten. */
export function elementFlops(node: TensorNode): number {
  if (node.dtype !== "f32") return 0;
  if (node.op.kind === "unary" || node.op.kind === "binary") return elementCost(node) <= 5 ? 1 : 10;
  return node.op.kind === "random" || node.op.kind === "random-log-gamma" ? 10 : 0;
}

/** How often a heavy operation evaluates each element of an operand. */
export function repetitions(node: TensorNode): number {
  const { op } = node;
  switch (op.kind) {
    case "dot":
    case "conv2d":
    case "conv2d-input-gradient":
    case "conv2d-filter-gradient":
      return 12;
    case "softmax":
    case "log-softmax":
      return 3;
    case "reduce":
      return op.function === "logsumexp" ? 2 : 1;
    case "pool2d":
    case "pool2d-gradient":
    case "cholesky":
    case "triangular-solve":
      return 8;
    case "scatter-add":
      return 4;
    default:
      return 1;
  }
}
