/*
 * Attributes of `apply` (the checker always writes them, defaults included):
 *   axis (from 1, never negative) — softmax, log_softmax, concat, stack, cumsum, reverse; reductions: only when one axis was named, and
 *     then that axis is gone from the result
 *   clip: low, high · leaky_relu: slope · elu: alpha · reshape, broadcast: shape (broadcast repeats a single number) · one_hot: size
 *   max_pool, avg_pool: size, stride, padding ("same" | "valid") · upsample: factor · dropout: rate
 *   patchify, unpatchify: size (the image's height and width follow from the types) · time_embedding: size, period
 *   matmul contracts the last axis of the left with the first axis of the right; transpose swaps the two axes of a matrix;
 *   diagonal makes a matrix of a vector, and gives a matrix's diagonal; concat and stack take any number of arguments.
 */

/** Operators and functions without weights: what `apply` may name. The checker types each, lowering emits each (total tables). */
export const functionNames = [
  // arithmetic; shapes are equal or one side is a scalar
  "add", "subtract", "multiply", "divide", "power", "negate", "minimum", "maximum",
  "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "where",
  // elementwise
  "exp", "log", "log1p", "expm1", "sqrt", "square", "abs", "sign", "floor", "sin", "cos", "erf", "lgamma", "digamma", "clip",
  // activations
  "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "softsign", "mish", "hard_sigmoid",
  "softmax", "log_softmax",
  // linear algebra; "matmul" is `@`: matrix·matrix, matrix·vector, vector·vector
  "matmul", "transpose", "outer", "diagonal", "trace",
  // shape
  "reshape", "flatten", "concat", "stack", "one_hot", "broadcast", "reverse",
  // reductions over all axes, or over `axis` (counted from 1; negative from the end)
  "sum", "mean", "product", "min", "max", "logsumexp", "norm", "cumsum",
  // pooling and resampling of [height, width, channels]
  "max_pool", "avg_pool", "global_avg_pool", "upsample",
  // images as rows of patches
  "patchify", "unpatchify",
  // conditioning: a moment as waves, and vectors that act at every position of [positions, channels] or [height, width, channels]
  "time_embedding", "add_channels", "scale_channels", "modulate",
  // regularization
  "dropout", "stop_gradient",
] as const;

export type FunctionName = (typeof functionNames)[number];
