import type { UnaryFunction } from "../../tensor/nodes.js";
import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { atan } from "./arctangent.js";
import { exp, expm1, sigmoid, tanh } from "./exponential.js";
import { digamma, lgamma, stirlingError, trigamma } from "./gamma.js";
import { log, log1p, softplus } from "./logarithm.js";
import { erf, erfInverse, logNormalCdf, normalQuantile } from "./normal.js";
import { cos, sin, tan } from "./trigonometric.js";

/** Writes what a function needs and gives its value, for scalars and vectors alike. */
export type UnaryKernelFunction = (k: KernelBuilder, x: KernelExpr) => KernelExpr;

const bound = (of: UnaryKernelFunction): UnaryKernelFunction => (k, x) => of(k, k.bind(x));

/** The tensor IR's unary functions in float32 (`negate`, `abs`, `sign`, `relu` and `square` of integers too): within 4 ulp, docs in each file. */
export const unaryKernelFunctions: Readonly<Record<UnaryFunction, UnaryKernelFunction>> = {
  negate: (k, x) => k.unary("negate", x),
  exp,
  log,
  log1p,
  expm1,
  sqrt: (k, x) => k.unary("sqrt", x),
  reciprocal: (k, x) => k.divide(1, x),
  square: bound((k, x) => k.multiply(x, x)),
  abs: (k, x) => k.unary("abs", x),
  // NaN and the zeros come back as they are.
  sign: bound((k, x) => k.select(k.greater(x, 0), k.constant(1, x.type), k.select(k.less(x, 0), k.constant(-1, x.type), x))),
  floor: (k, x) => k.unary("floor", x),
  round: (k, x) => k.unary("nearest", x),
  sin,
  cos,
  tan,
  atan,
  tanh,
  relu: bound((k, x) => k.select(k.less(x, 0), 0, x)),
  sigmoid,
  softplus,
  erf,
  erf_inverse: erfInverse,
  lgamma,
  digamma,
  trigamma,
  log_normal_cdf: logNormalCdf,
  normal_quantile: normalQuantile,
  stirling_error: stirlingError,
  not: (k, x) => k.unary("not", x),
  is_finite: (k, x) => k.less(k.unary("abs", x), Infinity),
};
