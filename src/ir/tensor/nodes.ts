import type { Span } from "../../diagnostics/span.js";

/**
 * The tensor IR: SSA over dense arrays. Shapes are static but for two symbols: `rows`, the rows of one batch, and `dataset`, the rows of
 * the whole data set (per-row parameters only); an engine that wants numbers binds them when it lowers. Elementwise operations broadcast
 * as NumPy does (right-aligned, size 1 expands). `ir/tensor/evaluate.ts` defines what every operation means, in float64.
 */

export type DType = "f32" | "i32" | "u32" | "bool";
export type Dim = number | "rows" | "dataset";
export type Shape = readonly Dim[];

export interface TensorNode {
  /** Position in the program: inputs come before users. */
  readonly id: number;
  readonly op: TensorOp;
  readonly inputs: readonly TensorNode[];
  readonly dtype: DType;
  readonly shape: Shape;
  /** The place in the model file that this computes. */
  readonly origin?: Span;
  /** A name for readers of the emitted code: the user's own where there is one. */
  readonly name?: string;
  /** The network call in whose body this stands; undefined outside networks. */
  readonly scope?: Scope;
}

/** One call of a network; the emitter makes a function of it. */
export interface Scope {
  readonly network: string;
  /** Unique for each call in the program. */
  readonly call: number;
}

export const unaryFunctions = [
  "negate", "exp", "log", "log1p", "expm1", "sqrt", "reciprocal", "square", "abs", "sign", "floor", "round", "sin", "cos", "tan", "atan", "tanh",
  "relu", "sigmoid", "softplus", "erf", "erf_inverse", "lgamma", "digamma", "trigamma", "log_normal_cdf", "normal_quantile",
  "stirling_error", // lgamma(x+1) − (x+½)log x + x − ½log 2π, without cancellation (Loader 2000)
  "not", "is_finite",
] as const;
export type UnaryFunction = (typeof unaryFunctions)[number];

export const binaryFunctions = [
  "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "modulo", "atan2",
  "deviance", // x log(x/m) + m − x, without cancellation near x = m (Loader 2000); x ≥ 0, m > 0
  "gamma_derivative", // dz/dα of z ~ Gamma(α, 1) at fixed z, by implicit differentiation: (α, z) → −(∂F/∂α)/p(z)
] as const;
export type BinaryFunction = (typeof binaryFunctions)[number];

export const comparisonFunctions = ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or"] as const;
export type ComparisonFunction = (typeof comparisonFunctions)[number];

export type ReduceFunction = "sum" | "max" | "min" | "product" | "logsumexp" | "all" | "any";

/** What an input is, so that an engine can bind it. `loop`: in the body of a loop, what the loop gives it at each step. */
export type InputRole = "parameter" | "column" | "row-index" | "scalar" | "latent" | "loop";

export type TensorOp =
  /** `row-index`: i32 [rows], the position of each row in the data set. `scalar`: a number that changes by step (β, multiplier). */
  | { readonly kind: "input"; readonly role: InputRole; readonly name: string }
  | { readonly kind: "constant"; readonly values: readonly number[] }
  /** The number of rows of the batch or of the data set, as an f32 scalar. */
  | { readonly kind: "size"; readonly of: "rows" | "dataset" }
  /** 0, 1, … n−1 (i32). */
  | { readonly kind: "iota" }
  /**
   * Independent draws, each stream with its own key: uniform in (0, 1), or standard normal. Draws are counted with the axis of the rows first, so that those of a row do not
   * depend on how many there are; `rowsAxis` is that axis once `rows` is a number. `chunked`: rows come a chunk at a time, each going on in the stream.
   */
  | { readonly kind: "random"; readonly distribution: "uniform" | "normal"; readonly stream: string; readonly rowsAxis?: number; readonly chunked?: true }
  /** log z with z ~ Gamma(α, 1), input α; its gradient to α is implicit: gamma_derivative(α, z) / z. */
  | { readonly kind: "random-log-gamma"; readonly stream: string; readonly rowsAxis?: number; readonly chunked?: true }
  | { readonly kind: "unary"; readonly function: UnaryFunction }
  | { readonly kind: "binary"; readonly function: BinaryFunction }
  | { readonly kind: "compare"; readonly function: ComparisonFunction }
  /** inputs: condition, then, else. */
  | { readonly kind: "select" }
  | { readonly kind: "cast" }
  | { readonly kind: "reshape" }
  | { readonly kind: "transpose"; readonly permutation: readonly number[] }
  | { readonly kind: "broadcast" }
  /** For axes of symbolic size `starts` is 0 and `sizes` the whole axis. */
  | { readonly kind: "slice"; readonly starts: readonly number[]; readonly sizes: Shape }
  | { readonly kind: "pad"; readonly low: readonly number[]; readonly high: readonly number[]; readonly value: number }
  | { readonly kind: "concatenate"; readonly axis: number }
  | { readonly kind: "reverse"; readonly axis: number }
  /**
   * inputs: table [...batch, n, ...rest], indices (i32) [...batch, ...many] → [...batch, ...many, ...rest], with `batchDims` leading
   * axes in common. An index outside 0..n−1 is clamped.
   */
  | { readonly kind: "gather"; readonly batchDims: number }
  /**
   * inputs: indices [...batch, ...many], updates [...batch, ...many, ...rest] → [...batch, n, ...rest], with `batchDims` leading axes in
   * common: adds each update at its index, clamped. The adjoint of gather.
   */
  | { readonly kind: "scatter-add"; readonly batchDims: number }
  | { readonly kind: "reduce"; readonly function: ReduceFunction; readonly axes: readonly number[]; readonly keepDims: boolean }
  /** i32; the first of equals. */
  | { readonly kind: "arg-reduce"; readonly function: "max" | "min"; readonly axis: number }
  | { readonly kind: "cumulative-sum"; readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean }
  | { readonly kind: "softmax"; readonly axis: number }
  | { readonly kind: "log-softmax"; readonly axis: number }
  /** Matrix product over the last two axes; leading axes broadcast. Rank ≥ 2 on both sides. */
  | { readonly kind: "dot"; readonly transposeLeft: boolean; readonly transposeRight: boolean }
  /** inputs: x [...lead, h, w, in], filter [kh, kw, in, out] → [...lead, h', w', out]; cross-correlation, as everywhere in deep learning. */
  | ({ readonly kind: "conv2d" } & Conv2dAttributes)
  /** inputs: dy [...lead, h', w', out], filter [kh, kw, in, out] → [...lead, ...inputSize, in]. Also the transposed convolution. */
  | ({ readonly kind: "conv2d-input-gradient"; readonly inputSize: readonly [number, number] } & Conv2dAttributes)
  /** inputs: x, dy → filter gradient [kh, kw, in, out]. */
  | ({ readonly kind: "conv2d-filter-gradient"; readonly filterSize: readonly [number, number] } & Conv2dAttributes)
  /** x [...lead, h, w, c]. `mean` divides by the number of cells inside the image. */
  | { readonly kind: "pool2d"; readonly function: "max" | "mean"; readonly window: readonly [number, number]; readonly strides: readonly [number, number]; readonly padding: Padding2d }
  /** inputs: x [...lead, h, w, c], dy [...lead, h', w', c] → gradient of x. `max` gives dy to the first of equals; `mean` reads of x only the shape. */
  | { readonly kind: "pool2d-gradient"; readonly function: "max" | "mean"; readonly window: readonly [number, number]; readonly strides: readonly [number, number]; readonly padding: Padding2d }
  /** A [..., n, n] symmetric positive definite → lower triangular L with L Lᵀ = A. */
  | { readonly kind: "cholesky" }
  /** inputs: L [..., n, n] lower triangular, b [..., n, k] → x with L x = b, or Lᵀ x = b. */
  | { readonly kind: "triangular-solve"; readonly transpose: boolean }
  | { readonly kind: "stop-gradient" }
  /** inputs: the carries' first values, the invariants, the scanned arrays. Its value is its first result; `loop-result` reads the others. */
  | LoopOp
  /** inputs: a loop → its result number `result`, from 1 on: the carries after the last step, the stacks, the histories. */
  | { readonly kind: "loop-result"; readonly result: number };

/**
 * `body` runs `steps` times. It has inputs `carry.<i>`, `invariant.<i>`, `scan.<i>` (slice `index` of a scanned array [steps, …]) and `index` (i32), of
 * which it lists those that it needs, and outputs `carry.<i>`, the carries of the next step, and `stack.<i>`, slice `index` of a result [steps, …].
 * `index` runs from 0 to steps − 1, or down where `reverse`. A `random` of shape s within draws what slice `index` of one of shape [steps, …s] would be.
 */
export interface LoopOp {
  readonly kind: "loop";
  /** At least 1. */
  readonly steps: number;
  readonly reverse: boolean;
  readonly carried: number;
  readonly invariants: number;
  readonly scanned: number;
  readonly stacked: number;
  readonly body: TensorProgram;
}

export type Padding2d = readonly [readonly [number, number], readonly [number, number]];

export interface Conv2dAttributes {
  readonly strides: readonly [number, number];
  readonly padding: Padding2d;
  readonly dilation: readonly [number, number];
}

export type TensorOpKind = TensorOp["kind"];

/** A function from named inputs to named outputs. `nodes` are in dependency order and hold no node that no output needs. */
export interface TensorProgram {
  readonly name: string;
  readonly nodes: readonly TensorNode[];
  readonly inputs: readonly TensorNode[];
  readonly outputs: Readonly<Record<string, TensorNode>>;
}
