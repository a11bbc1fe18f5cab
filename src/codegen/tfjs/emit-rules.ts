import { InternalError } from "../../util/internal-error.js";
import type {
  BinaryFunction, ComparisonFunction, Conv2dAttributes, Dim, DType, Padding2d, ReduceFunction, Shape, TensorNode, TensorOp, TensorOpKind, UnaryFunction,
} from "../../ir/tensor/nodes.js";
import { sameDims } from "../../ir/tensor/shapes.js";
import { call, type Code, list, record } from "../typescript/expression.js";
import { numberLiteral, stringLiteral } from "../typescript/names.js";

type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;

/** What a rule may ask of the function whose body it writes. */
/** Constants with more elements stand in the module, by name. */
export const longestInlined = 8;

export interface EmitContext {
  /** A function of lvmc/runtime/tfjs; notes its import. */
  readonly helper: (name: string) => string;
  /** `rows` or `dataset`; notes that the function needs it. */
  readonly size: (of: "rows" | "dataset") => string;
  /** The source of random numbers; notes that the function needs it. */
  readonly random: () => string;
  /** An input of the program. */
  readonly input: (node: TensorNode) => Code;
  /** The function is called for operands of several ranks. */
  readonly anyRank: boolean;
  /** A long constant, hoisted to the module. */
  readonly constant: (node: TensorNode, values: readonly number[]) => string;
}

export type EmitRule<K extends TensorOpKind> = (op: OpOf<K>, args: readonly Code[], node: TensorNode, context: EmitContext) => Code;

export const tensorTypes: Readonly<Record<DType, string>> = { f32: "float32", i32: "int32", u32: "int32", bool: "bool" };

const unaryNames: Readonly<Record<UnaryFunction, string>> = {
  negate: "tf.neg", exp: "tf.exp", log: "tf.log", log1p: "tf.log1p", expm1: "tf.expm1", sqrt: "tf.sqrt", reciprocal: "tf.reciprocal", square: "tf.square",
  abs: "tf.abs", sign: "tf.sign", floor: "tf.floor", round: "tf.round", sin: "tf.sin", cos: "tf.cos", tan: "tf.tan", atan: "tf.atan", tanh: "tf.tanh",
  relu: "tf.relu", sigmoid: "tf.sigmoid", not: "tf.logicalNot", is_finite: "tf.isFinite",
  softplus: "softplus", erf: "erf", erf_inverse: "erfInverse", lgamma: "lgamma", digamma: "digamma", trigamma: "trigamma",
  log_normal_cdf: "logNormalCdf", normal_quantile: "normalQuantile", stirling_error: "stirlingError",
};

const binaryNames: Readonly<Record<BinaryFunction, string>> = {
  add: "tf.add", subtract: "tf.sub", multiply: "tf.mul", divide: "tf.div", power: "tf.pow", maximum: "tf.maximum", minimum: "tf.minimum", modulo: "tf.mod",
  atan2: "tf.atan2", deviance: "deviance", gamma_derivative: "gammaDerivative",
};

const comparisonNames: Readonly<Record<ComparisonFunction, string>> = {
  less: "tf.less", less_equal: "tf.lessEqual", greater: "tf.greater", greater_equal: "tf.greaterEqual", equal: "tf.equal", not_equal: "tf.notEqual",
  and: "tf.logicalAnd", or: "tf.logicalOr",
};

const reduceNames: Readonly<Record<ReduceFunction, string>> = {
  sum: "tf.sum", max: "tf.max", min: "tf.min", product: "tf.prod", logsumexp: "logSumExp", all: "tf.all", any: "tf.any",
};

/** TensorFlow.js's own function, or one of ours, which is then imported. */
function callNamed(name: string, context: EmitContext, ...args: readonly Code[]): Code {
  return call(name.startsWith("tf.") ? name : context.helper(name), ...args);
}

export function isNumberText(code: Code | undefined): code is string {
  return typeof code === "string" && /^(-?(\d|Infinity$|NaN$)|(rows|dataset)$)/.test(code);
}

/** A number as a tensor, where TensorFlow.js does not take plain numbers. */
export function asTensorCode(code: Code, dtype: DType = "f32"): Code {
  return isNumberText(code) ? call("tf.scalar", code, ...(dtype === "f32" ? [] : [stringLiteral(tensorTypes[dtype])])) : code;
}

/** Plain numbers are float32 to TensorFlow.js, so that only operations on float32 may take them. */
export function operandCodes(args: readonly Code[], inputs: readonly TensorNode[]): Code[] {
  const typed = args.map((arg, at) => (inputs[at]?.dtype === "f32" ? arg : asTensorCode(arg, inputs[at]?.dtype)));
  return typed.every(isNumberText) ? typed.map((arg, at) => (at === 0 ? asTensorCode(arg) : arg)) : typed;
}

export function shapeCode(shape: Shape, context: EmitContext): Code {
  return list(...shape.map((dim) => dimCode(dim, context)));
}

function dimCode(dim: Dim, context: EmitContext): string {
  return typeof dim === "number" ? String(dim) : context.size(dim);
}

const numbers = (values: readonly number[]): Code => list(...values.map(numberLiteral));
const pairs = (padding: Padding2d): Code => list(...padding.map(numbers));

function convolution(op: Conv2dAttributes): Code {
  const dilated = op.dilation.some((n) => n !== 1);
  return record([["strides", numbers(op.strides)], ["padding", pairs(op.padding)], ...(dilated ? [["dilation", numbers(op.dilation)] as const] : [])]);
}

function transposedLast(x: Code, rank: number): Code {
  const permutation = Array.from({ length: rank }, (_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis));
  return rank === 2 ? call("tf.transpose", x) : call("tf.transpose", x, numbers(permutation));
}

/** A sum over the rows alone, divided by their number, where the sum has no other use. */
function meanOverRows(op: OpOf<"binary">, [sum]: readonly Code[], { inputs: [total, count] }: TensorNode): Code | undefined {
  if (op.function !== "divide" || count?.op.kind !== "size" || count.op.of !== "rows" || total?.op.kind !== "reduce" || total.op.function !== "sum") return undefined;
  const summed = total.op.axes.map((axis) => total.inputs[0]?.shape[axis]);
  if (summed.length !== 1 || summed[0] !== "rows" || typeof sum !== "object" || sum.kind !== "call" || sum.callee !== "tf.sum") return undefined;
  return { ...sum, callee: "tf.mean" };
}

/** One tensor expression per operation. Total: an operation without a rule does not compile. */
export const emitRules: { readonly [K in TensorOpKind]: EmitRule<K> } = {
  input: (_op, _args, node, context) => context.input(node),
  constant: (op, _, node, context) => {
    const first = op.values[0];
    if (node.shape.length === 0 && first !== undefined) {
      return node.dtype === "f32" ? numberLiteral(first) : node.dtype === "bool" ? call("tf.scalar", String(first !== 0), '"bool"') : asTensorCode(numberLiteral(first), node.dtype);
    }
    const values = op.values.length <= longestInlined ? numbers(op.values) : context.constant(node, op.values);
    return call("tf.tensor", values, shapeCode(node.shape, context), ...(node.dtype === "f32" ? [] : [stringLiteral(tensorTypes[node.dtype])]));
  },
  size: (op, _args, _node, context) => context.size(op.of),
  iota: (_op, _args, node, context) => call("tf.range", "0", dimCode(node.shape[0] ?? 0, context), "1", '"int32"'),
  random: (op, _, node, context) => {
    const axis = node.shape.indexOf("rows");
    return call(`${context.random()}.${op.distribution}`, stringLiteral(op.stream), shapeCode(node.shape, context), ...(axis < 0 ? [] : [String(axis)]));
  },
  "random-log-gamma": (op, [alpha = "0"], node, context) => {
    const axis = node.shape.indexOf("rows");
    return call(`${context.random()}.logGamma`, stringLiteral(op.stream), asTensorCode(alpha), ...(axis < 0 ? [] : [String(axis)]));
  },
  unary: (op, args, node, context) => callNamed(unaryNames[op.function], context, ...args.map((arg) => asTensorCode(arg, node.inputs[0]?.dtype))),
  binary: (op, args, node, context) => meanOverRows(op, args, node) ?? callNamed(binaryNames[op.function], context, ...operandCodes(args, node.inputs)),
  compare: (op, args, node, context) => callNamed(comparisonNames[op.function], context, ...operandCodes(args, node.inputs)),
  select: (_, [condition = "", yes = "", no = ""], node) => {
    // An input's type knows its rank; beside another rank the common type must be said.
    const typed = node.inputs.slice(1).some(({ op }) => op.kind === "input") && node.inputs[1]?.shape.length !== node.inputs[2]?.shape.length;
    return call(typed ? "tf.where<tf.Tensor>" : "tf.where", condition, ...operandCodes([yes, no], node.inputs.slice(1)));
  },
  // Some backends keep the bits of a float that is cast to bool.
  cast: (_, [x = ""], node) => node.dtype === "bool" ? call("tf.notEqual", x, asTensorCode("0", node.inputs[0]?.dtype)) : call("tf.cast", asTensorCode(x, node.inputs[0]?.dtype), stringLiteral(tensorTypes[node.dtype])),
  reshape: (_, [x = ""], node, context) => {
    const axes = squeezedAxes(node.inputs[0]?.shape ?? [], node.shape);
    return axes ? call("tf.squeeze", x, numbers(axes)) : call("tf.reshape", asTensorCode(x, node.dtype), shapeCode(node.shape, context));
  },
  transpose: (op, [x = ""]) => (op.permutation.length === 2 ? call("tf.transpose", x) : call("tf.transpose", x, numbers(op.permutation))),
  broadcast: (_, [x = ""], node, context) =>
    isNumberText(x) && node.dtype === "f32" ? call("tf.fill", shapeCode(node.shape, context), x) : call("tf.broadcastTo", asTensorCode(x, node.dtype), shapeCode(node.shape, context)),
  slice: (op, [x = ""], _, context) => call("tf.slice", x, numbers(op.starts), shapeCode(op.sizes, context)),
  pad: (op, [x = ""]) => {
    const amounts = list(...op.low.map((low, axis) => numbers([low, op.high[axis] ?? 0])));
    return call("tf.pad", x, amounts, ...(op.value === 0 ? [] : [numberLiteral(op.value)]));
  },
  concatenate: (op, args, node) => call("tf.concat", list(...args.map((arg, at) => asTensorCode(arg, node.inputs[at]?.dtype))), String(op.axis)),
  reverse: (op, [x = ""]) => call("tf.reverse", x, String(op.axis)),
  gather: (op, [table = "", indices = ""], node, context) =>
    call(context.helper("gather"), table, asTensorCode(indices, node.inputs[1]?.dtype), ...(op.batchDims === 0 ? [] : [String(op.batchDims)])),
  "scatter-add": (op, [indices = "", updates = ""], node, context) =>
    call(context.helper("scatterAdd"), indices, updates, dimCode(node.shape[op.batchDims] ?? 0, context), ...(op.batchDims === 0 ? [] : [String(op.batchDims)])),
  reduce: (op, [x = ""], node, context) => {
    const whole = op.axes.length === (node.inputs[0]?.shape.length ?? 0) && !op.keepDims && op.function !== "logsumexp";
    const axes = op.axes.length === 1 && op.function !== "logsumexp" ? String(op.axes[0]) : numbers(op.axes);
    return callNamed(reduceNames[op.function], context, x, ...(whole ? [] : [axes, ...(op.keepDims ? ["true"] : [])]));
  },
  "arg-reduce": (op, [x = ""]) => call(op.function === "max" ? "tf.argMax" : "tf.argMin", x, String(op.axis)),
  "cumulative-sum": (op, [x = ""]) => call("tf.cumsum", x, String(op.axis), ...(op.exclusive || op.reverse ? [String(op.exclusive)] : []), ...(op.reverse ? ["true"] : [])),
  softmax: (op, [x = ""], node, context) => (op.axis === node.shape.length - 1 ? call("tf.softmax", x) : call(context.helper("softmax"), x, String(op.axis))),
  "log-softmax": (op, [x = ""], node, context) => (op.axis === node.shape.length - 1 ? call("tf.logSoftmax", x) : call(context.helper("logSoftmax"), x, String(op.axis))),
  dot: (op, [left = "", right = ""], node, context) => {
    const ranks = node.inputs.map((input) => input.shape.length);
    const a = op.transposeLeft ? transposedLast(left, ranks[0] ?? 2) : left;
    const b = op.transposeRight ? transposedLast(right, ranks[1] ?? 2) : right;
    const [leftLead, rightLead] = node.inputs.map((input) => input.shape.slice(0, -2));
    return !context.anyRank && sameDims(leftLead ?? [], rightLead ?? []) ? call("tf.matMul", a, b) : call(context.helper("batchMatMul"), a, b);
  },
  conv2d: (op, [x = "", filter = ""], _, context) => call(context.helper("conv2d"), x, filter, convolution(op)),
  "conv2d-input-gradient": (op, [dy = "", filter = ""], _, context) => call(context.helper("conv2dTranspose"), dy, filter, numbers(op.inputSize), convolution(op)),
  "conv2d-filter-gradient": (op, [x = "", dy = ""], _, context) => call(context.helper("conv2dFilterGradient"), x, dy, numbers(op.filterSize), convolution(op)),
  pool2d: (op, [x = ""], _, context) =>
    call(context.helper(op.function === "max" ? "maxPool" : "meanPool"), x, record([["window", numbers(op.window)], ["strides", numbers(op.strides)], ["padding", pairs(op.padding)]])),
  "pool2d-gradient": (op, [x = "", dy = ""], _, context) =>
    call(context.helper(op.function === "max" ? "maxPoolBackward" : "meanPoolBackward"), x, dy, record([["window", numbers(op.window)], ["strides", numbers(op.strides)], ["padding", pairs(op.padding)]])),
  cholesky: (_op, [a = ""], _node, context) => call(context.helper("cholesky"), a),
  "triangular-solve": (op, [lower = "", b = ""], _, context) => call(context.helper("triangularSolve"), lower, b, String(op.transpose)),
  "stop-gradient": (_op, [x = ""], _node, context) => call(context.helper("stopGradient"), asTensorCode(x)),
  loop: isNoExpression,
  "loop-result": isNoExpression,
};

/** `emitLoop` writes loops, as statements. */
function isNoExpression(_: unknown, _args: readonly Code[], node: TensorNode): never {
  throw new InternalError(`%${node.id}: a loop is no expression`);
}

/** The axes of size 1 that a reshape takes away, where that is all it does (and something is left that a squeeze could not mistake). */
function squeezedAxes(from: Shape, to: Shape): number[] | undefined {
  if (to.length >= from.length) return undefined;
  const axes: number[] = [];
  let at = 0;
  from.forEach((dim, axis) => {
    if (dim === to[at] && !(dim === 1 && from.length - axis > to.length - at)) at++;
    else if (dim === 1) axes.push(axis);
    else axes.push(NaN);
  });
  return at === to.length && axes.every(Number.isInteger) && axes.length === from.length - to.length ? axes : undefined;
}

/** The expression for a node, given those of its operands. */
export function emitNode(node: TensorNode, args: readonly Code[], context: EmitContext): Code {
  const rule = emitRules[node.op.kind] as EmitRule<TensorOpKind> | undefined;
  if (!rule) throw new InternalError(`no TensorFlow.js rule for ${node.op.kind}`);
  return rule(node.op as never, args, node, context);
}
