import { deviance } from "../../../util/math/deviance.js";
import { digamma } from "../../../util/math/digamma.js";
import { erf } from "../../../util/math/erf.js";
import { gammaDerivative } from "../../../util/math/gamma-derivative.js";
import { lgamma } from "../../../util/math/lgamma.js";
import { erfInverse, logNormalCdf, normalQuantile } from "../../../util/math/normal.js";
import { stirlingError } from "../../../util/math/stirling-error.js";
import { trigamma } from "../../../util/math/trigamma.js";
import type { BinaryFunction, ComparisonFunction, UnaryFunction } from "../nodes.js";
import { expand } from "./strided.js";
import type { EvaluateRule } from "./types.js";

/** To the nearest integer, halves to the even one. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** 1 / (1 + e^−x) without overflow. */
function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** The remainder with the divisor's sign: a − b ⌊a/b⌋. */
function floorModulo(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

export const unaryMeaning: Readonly<Record<UnaryFunction, (x: number) => number>> = {
  negate: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  square: (x) => x * x,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  round: roundHalfEven,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  atan: Math.atan,
  tanh: Math.tanh,
  relu: (x) => (x <= 0 ? 0 : x),
  sigmoid,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  erf,
  erf_inverse: erfInverse,
  lgamma,
  digamma,
  trigamma,
  log_normal_cdf: logNormalCdf,
  normal_quantile: normalQuantile,
  stirling_error: stirlingError,
  not: (x) => (x === 0 ? 1 : 0),
  is_finite: (x) => (Number.isFinite(x) ? 1 : 0),
};

export const binaryMeaning: Readonly<Record<BinaryFunction, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: Math.pow,
  maximum: Math.max,
  minimum: Math.min,
  modulo: floorModulo,
  atan2: Math.atan2,
  deviance,
  gamma_derivative: gammaDerivative,
};

export const comparisonMeaning: Readonly<Record<ComparisonFunction, (a: number, b: number) => boolean>> = {
  less: (a, b) => a < b,
  less_equal: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greater_equal: (a, b) => a >= b,
  equal: (a, b) => a === b,
  not_equal: (a, b) => a !== b,
  and: (a, b) => a !== 0 && b !== 0,
  or: (a, b) => a !== 0 || b !== 0,
};

export const evaluateUnary: EvaluateRule<"unary"> = (op, [x]) => x!.values.map(unaryMeaning[op.function]);

export const evaluateBinary: EvaluateRule<"binary"> = (op, [left, right], { shape, count, node }) => {
  const a = expand(left!.values, left!.shape, shape);
  const b = expand(right!.values, right!.shape, shape);
  const result = new Float64Array(count);
  // Integer products wrap at 32 bits, as on every device; a float64 product would lose low bits first.
  const meaning = op.function === "multiply" && node.dtype !== "f32" ? Math.imul : binaryMeaning[op.function];
  for (let i = 0; i < count; i++) result[i] = meaning(a[i]!, b[i]!);
  return result;
};

export const evaluateCompare: EvaluateRule<"compare"> = (op, [left, right], { shape, count }) => {
  const a = expand(left!.values, left!.shape, shape);
  const b = expand(right!.values, right!.shape, shape);
  const result = new Float64Array(count);
  const meaning = comparisonMeaning[op.function];
  for (let i = 0; i < count; i++) result[i] = meaning(a[i]!, b[i]!) ? 1 : 0;
  return result;
};

export const evaluateSelect: EvaluateRule<"select"> = (_, [condition, yes, no], { shape, count }) => {
  const choose = expand(condition!.values, condition!.shape, shape);
  const a = expand(yes!.values, yes!.shape, shape);
  const b = expand(no!.values, no!.shape, shape);
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) result[i] = choose[i] !== 0 ? a[i]! : b[i]!;
  return result;
};

/** To integers towards zero (NaN to 0, outside the range unspecified); to bool by ≠ 0. */
export const evaluateCast: EvaluateRule<"cast"> = (_, [x], { node }) =>
  node.dtype === "bool" ? x!.values.map((value) => (value !== 0 ? 1 : 0)) : node.dtype === "f32" ? x!.values : x!.values.map(Math.trunc);
