import { loopResults } from "./loops.js";
import type { BinaryFunction, ComparisonFunction, DType, ReduceFunction, TensorOp, TensorOpKind, UnaryFunction } from "./nodes.js";

type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;
/** What is wrong with the dtypes of operands and result; undefined where they are right. */
type Rule<K extends TensorOpKind> = (op: OpOf<K>, inputs: readonly DType[], result: DType) => string | undefined;

const numeric: readonly DType[] = ["f32", "i32", "u32"];
const signed: readonly DType[] = ["f32", "i32"];
const real: readonly DType[] = ["f32"];
const bool: readonly DType[] = ["bool"];
const every: readonly DType[] = ["f32", "i32", "u32", "bool"];

const unaryOperands: Partial<Record<UnaryFunction, readonly DType[]>> = {
  negate: signed, abs: signed, sign: signed, square: numeric, relu: signed, not: bool,
};
const binaryOperands: Partial<Record<BinaryFunction, readonly DType[]>> = {
  add: numeric, subtract: numeric, multiply: numeric, maximum: numeric, minimum: numeric, modulo: numeric,
};
const comparisonOperands: Partial<Record<ComparisonFunction, readonly DType[]>> = { equal: every, not_equal: every, and: bool, or: bool };
const reduceOperands: Partial<Record<ReduceFunction, readonly DType[]>> = { logsumexp: real, all: bool, any: bool };

/** All operands of one dtype among `allowed`, and the result `expected` (or of the same dtype). */
function alike(inputs: readonly DType[], result: DType, allowed: readonly DType[], expected?: DType): string | undefined {
  const [first] = inputs;
  for (const dtype of inputs) {
    if (dtype !== first) return `operands are ${inputs.join(" and ")}`;
    if (!allowed.includes(dtype)) return `an operand is ${dtype}, not ${allowed.join(" or ")}`;
  }
  return stated(expected ?? first ?? result, result);
}

function stated(expected: DType, result: DType): string | undefined {
  return result === expected ? undefined : `the result is ${result}, not ${expected}`;
}

const same = (allowed: readonly DType[]) => (_: unknown, inputs: readonly DType[], result: DType): string | undefined => alike(inputs, result, allowed);

/** The dtypes that each operation takes and gives. Total: a new operation must add its rule. */
export const dtypeRules: { readonly [K in TensorOpKind]: Rule<K> } = {
  input: () => undefined,
  constant: (op, _, result) => {
    if (result === "bool") return op.values.every((value) => value === 0 || value === 1) ? undefined : "a bool constant is neither 0 nor 1";
    return result === "f32" || op.values.every(Number.isInteger) ? undefined : `a constant of ${result} is not an integer`;
  },
  size: (_op, _inputs, result) => stated("f32", result),
  iota: (_op, _inputs, result) => stated("i32", result),
  random: (_op, _inputs, result) => stated("f32", result),
  "random-log-gamma": same(real),
  unary: (op, inputs, result) =>
    op.function === "is_finite" ? alike(inputs, result, real, "bool") : alike(inputs, result, unaryOperands[op.function] ?? real),
  binary: (op, inputs, result) => alike(inputs, result, binaryOperands[op.function] ?? real),
  compare: (op, inputs, result) => alike(inputs, result, comparisonOperands[op.function] ?? numeric, "bool"),
  select: (_, [condition, ...branches], result) => (condition === "bool" ? alike(branches, result, every) : `the condition is ${condition}, not bool`),
  cast: () => undefined,
  reshape: same(every),
  transpose: same(every),
  broadcast: same(every),
  slice: same(every),
  pad: same(every),
  concatenate: same(every),
  reverse: same(every),
  gather: (_, [table, indices], result) => (indices === "i32" ? stated(table ?? "f32", result) : `the indices are ${indices}, not i32`),
  "scatter-add": (_, [indices, updates], result) => (indices === "i32" ? alike([updates ?? "f32"], result, numeric) : `the indices are ${indices}, not i32`),
  reduce: (op, inputs, result) => alike(inputs, result, reduceOperands[op.function] ?? numeric),
  "arg-reduce": (_, inputs, result) => alike(inputs, result, numeric, "i32"),
  "cumulative-sum": same(numeric),
  softmax: same(real),
  "log-softmax": same(real),
  dot: same(real),
  conv2d: same(real),
  "conv2d-input-gradient": same(real),
  "conv2d-filter-gradient": same(real),
  pool2d: same(real),
  "pool2d-gradient": same(real),
  cholesky: same(real),
  "triangular-solve": same(real),
  "stop-gradient": same(every),
  loop: (op, _, result) => stated(loopResults(op)[0]!.dtype, result),
  // Its attribute rule sees the loop.
  "loop-result": () => undefined,
};
