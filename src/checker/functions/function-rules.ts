import type { FunctionName } from "../../ir/model/functions.js";
import { addChannels, modulate, scaleChannels, timeEmbedding } from "./conditioning.js";
import { clip, comparison, pair, unary, where } from "./elementwise.js";
import type { FunctionRule } from "./function-rule.js";
import { patchify, unpatchify } from "./patches.js";
import * as ranges from "./ranges.js";
import { anything, range, rising, type Range } from "./ranges.js";
import { along, cumsum, dropout, globalAveragePool, pool, reduction, upsample } from "./reductions.js";
import * as shaping from "./shape-functions.js";

const real = (): Range => anything;
const between = (low: number, high: number) => (): Range => range(low, high);
/** relu and its kin: identity above 0, bounded by `least` below. */
const rectified = (least: number) => (each: Range): Range => (each.low >= 0 ? { ...each, integer: false } : range(least, Math.max(0, each.high)));
const keep = (each: Range): Range => ({ ...each, integer: false });

/** Type rules of every function and operator of the language: total over the model IR's names. */
export const functionRules: Readonly<Record<FunctionName, FunctionRule>> = {
  add: pair("`a + b`", "+", ranges.add, (a, b) => a + b),
  subtract: pair("`a - b`", "-", ranges.subtract, (a, b) => a - b),
  multiply: pair("`a * b`, element by element", "*", ranges.multiply, (a, b) => a * b),
  divide: pair("`a / b`, element by element", "/", ranges.divide, (a, b) => a / b),
  power: pair("`a ^ b`, element by element", "^", ranges.power, (a, b) => a ** b),
  negate: unary("`-a`", ranges.negate, (a) => -a),
  minimum: pair("`minimum(a, b)`: the smaller of two, element by element.", "minimum", ranges.minimum, Math.min),
  maximum: pair("`maximum(a, b)`: the larger of two, element by element.", "maximum", ranges.maximum, Math.max),
  less: comparison("`a < b`: 1 where it holds, else 0", "<", (a, b) => a < b),
  less_equal: comparison("`a <= b`: 1 where it holds, else 0", "<=", (a, b) => a <= b),
  greater: comparison("`a > b`: 1 where it holds, else 0", ">", (a, b) => a > b),
  greater_equal: comparison("`a >= b`: 1 where it holds, else 0", ">=", (a, b) => a >= b),
  equal: comparison("`a == b`: 1 where it holds, else 0", "==", (a, b) => a === b),
  not_equal: comparison("`a != b`: 1 where it holds, else 0", "!=", (a, b) => a !== b),
  where,
  exp: unary("`exp(x)`: positive.", (each) => rising(each, Math.exp, true), Math.exp),
  log: unary("`log(x)`: the natural logarithm.", (each) => (each.low >= 0 ? rising(each, Math.log) : anything), Math.log),
  log1p: unary("`log1p(x)`: log(1 + x), exact near 0.", (each) => (each.low >= -1 ? rising(each, Math.log1p, each.open) : anything), Math.log1p),
  expm1: unary("`expm1(x)`: exp(x) − 1, exact near 0.", (each) => rising(each, Math.expm1, each.open), Math.expm1),
  sqrt: unary("`sqrt(x)`", (each) => (each.low >= 0 ? rising(each, Math.sqrt, each.open) : range(0, Infinity)), Math.sqrt),
  square: unary("`square(x)`: x².", (each) => ranges.square(each), (x) => x * x),
  abs: unary("`abs(x)`", ranges.absolute, Math.abs),
  sign: unary("`sign(x)`: −1, 0 or 1.", between(-1, 1), Math.sign),
  floor: unary("`floor(x)`: rounded down.", (each) => ({ ...rising(each, Math.floor), integer: true }), Math.floor),
  sin: unary("`sin(x)`", between(-1, 1), Math.sin),
  cos: unary("`cos(x)`", between(-1, 1), Math.cos),
  erf: unary("`erf(x)`: the error function.", (each) => (each.low >= 0 ? range(0, 1, { open: each.open }) : range(-1, 1))),
  lgamma: unary("`lgamma(x)`: log Γ(x).", real),
  digamma: unary("`digamma(x)`: the derivative of log Γ.", real),
  clip,
  relu: unary("`relu(x)`: max(x, 0).", rectified(0), (x) => Math.max(x, 0)),
  leaky_relu: unary("`leaky_relu(x)`: x, and `slope`·x below 0.", (each) => (each.low >= 0 ? keep(each) : anything), undefined, [{ name: "slope", doc: "the slope below 0", kind: "number", default: 0.01, from: 0, to: 1 }]),
  elu: unary("`elu(x)`: x, and alpha·(exp(x) − 1) below 0 (Clevert et al. 2015).", (each) => (each.low >= 0 ? keep(each) : anything), undefined, [{ name: "alpha", doc: "the bound below", kind: "number", default: 1, from: 0 }]),
  selu: unary("`selu(x)`: self-normalizing elu (Klambauer et al. 2017).", real),
  gelu: unary("`gelu(x)`: x·Φ(x) (Hendrycks & Gimpel 2016).", (each) => (each.low >= 0 ? range(0, Infinity) : anything)),
  silu: unary("`silu(x)`: x·sigmoid(x).", (each) => (each.low >= 0 ? range(0, Infinity) : anything)),
  tanh: unary("`tanh(x)`: between −1 and 1.", (each) => (each.low >= 0 ? range(0, 1, { open: each.open }) : range(-1, 1)), Math.tanh),
  sigmoid: unary("`sigmoid(x)`: 1 / (1 + exp(−x)), between 0 and 1.", between(0, 1), (x) => 1 / (1 + Math.exp(-x))),
  softplus: unary("`softplus(x)`: log(1 + exp(x)), positive.", () => range(0, Infinity, { open: true }), (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  softsign: unary("`softsign(x)`: x / (1 + |x|).", between(-1, 1)),
  mish: unary("`mish(x)`: x·tanh(softplus(x)) (Misra 2019).", (each) => (each.low >= 0 ? range(0, Infinity) : anything)),
  hard_sigmoid: unary("`hard_sigmoid(x)`: x/6 + ½, cut at 0 and 1.", between(0, 1)),
  softmax: along("`softmax(x)`: nonnegative numbers that sum to 1, along the last axis or `axis`.", "simplex"),
  log_softmax: along("`log_softmax(x)`: the logarithm of softmax.", real),
  matmul: shaping.matmul,
  transpose: shaping.transpose,
  outer: shaping.outer,
  diagonal: shaping.diagonal,
  trace: shaping.trace,
  reshape: shaping.reshape,
  flatten: shaping.flatten,
  concat: shaping.concat,
  stack: shaping.stack,
  one_hot: shaping.oneHot,
  broadcast: shaping.broadcast,
  reverse: shaping.reverse,
  sum: reduction("`sum(x)`: over all axes, or over `axis`.", ranges.sum),
  mean: reduction("`mean(x)`: over all axes, or over `axis`.", (each) => ({ ...each, integer: false })),
  product: reduction("`product(x)`: over all axes, or over `axis`.", (each) => (each.low >= 0 ? range(0, each.high <= 1 ? 1 : Infinity, { open: each.low > 0 || each.open, integer: each.integer }) : anything)),
  min: reduction("`min(x)`: the least, over all axes or over `axis`.", (each) => each),
  max: reduction("`max(x)`: the greatest, over all axes or over `axis`.", (each) => each),
  logsumexp: reduction("`logsumexp(x)`: log Σ exp(x), over all axes or over `axis`.", (each) => (each.low >= 0 ? range(0, Infinity) : anything)),
  norm: reduction("`norm(x)`: the Euclidean length, over all axes or over `axis`.", () => range(0, Infinity)),
  cumsum,
  max_pool: pool("`max_pool(x, 2)`: the greatest of each window of [height, width, channels].", true),
  avg_pool: pool("`avg_pool(x, 2)`: the mean of each window of [height, width, channels].", false),
  global_avg_pool: globalAveragePool,
  upsample,
  patchify,
  unpatchify,
  time_embedding: timeEmbedding,
  add_channels: addChannels,
  scale_channels: scaleChannels,
  modulate,
  dropout,
  stop_gradient: {
    doc: "`stop_gradient(x)`: x, through which no gradient flows.",
    parameters: [{ name: "x", doc: "a value", kind: "value" }],
    type: ({ args: [x] }) => x && { type: x.type },
  },
};

/** Other names under which users know a function. */
export const functionAliases: Readonly<Record<string, FunctionName>> = { pow: "power", swish: "silu", logistic: "sigmoid", downsample: "avg_pool" };

/** Habits from other libraries: for suggestions only. */
export const functionHabits: Readonly<Record<string, string>> = {
  linear: "dense", fully_connected: "dense", conv: "conv2d", conv_2d: "conv2d", conv2d_transpose: "conv_transpose2d", deconv: "conv_transpose2d", batchnorm: "batch_norm",
  layernorm: "layer_norm", cat: "concat", concatenate: "concat", view: "reshape", avgpool: "avg_pool", maxpool: "max_pool", onehot: "one_hot", detach: "stop_gradient",
  log_sum_exp: "logsumexp", prod: "product", ln: "log", sum_of: "sum", average: "mean", dot: "matmul", diag: "diagonal", average_pool: "avg_pool", resize: "upsample", groupnorm: "group_norm", attention: "self_attention", multi_head_attention: "self_attention",
  positional_embedding: "position_embedding", sinusoidal_embedding: "time_embedding", timestep_embedding: "time_embedding", film: "modulate", resblock: "residual_block", resnet_block: "residual_block",
};
