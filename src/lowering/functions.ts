import type { Expr } from "../ir/model/model.js";
import type { FunctionName } from "../ir/model/functions.js";
import type { ReduceFunction, TensorNode, UnaryFunction } from "../ir/tensor/nodes.js";
import { samePadding } from "../ir/tensor/shape-rules.js";
import type { TensorBuilder } from "../ir/tensor/builder.js";
import { dims } from "../types/type.js";
import { InternalError } from "../util/internal-error.js";
import type { LoweringContext } from "./context.js";
import { asNumber, elementwise, expandedTogether } from "./elementwise.js";
import { timeEmbedding } from "./time-embedding.js";
import { aligned, eventShape, unionAxes, type Value } from "./value.js";

export interface FunctionCall {
  readonly context: LoweringContext;
  readonly expr: Extract<Expr, { kind: "apply" }>;
  readonly args: readonly Value[];
  /** Name of the random stream, should the function need one. */
  readonly stream: string;
}

type Lowering = (call: FunctionCall) => Value;

/** A constant argument of the call. */
function attribute(call: FunctionCall, name: string, fallback?: number): number {
  const value = call.expr.attributes[name] ?? fallback;
  if (typeof value !== "number") throw new InternalError(`${call.expr.function} lacks ${name}`);
  return value;
}

function pointwise(make: (b: TensorBuilder, ...nodes: TensorNode[]) => TensorNode): Lowering {
  return ({ context, args }) => elementwise(context, args.map((arg) => asNumber(context, arg)), (...nodes) => make(context.b, ...nodes));
}

const unary = (name: UnaryFunction): Lowering => pointwise((b, x) => b.unary(name, x!));
const comparison = (name: "less" | "lessEqual" | "greater" | "greaterEqual" | "equal" | "notEqual"): Lowering =>
  pointwise((b, x, y) => b.cast(b[name](x!, y!), "f32"));

/** A function of one value's own shape; `axes` of the compiler stay in front. */
function onShape(make: (call: FunctionCall, value: Value, lead: number) => TensorNode): Lowering {
  return (call) => {
    const value = call.args[0]!;
    return { node: make(call, value, value.axes.length), axes: value.axes };
  };
}

/** The axis that an attribute names, counted from 1 (negative from the end), as an axis of the node. Undefined when absent. */
function shapeAxis(call: FunctionCall, value: Value, fallback?: number): number | undefined {
  const axis = call.expr.attributes["axis"] ?? fallback;
  if (axis === undefined) return undefined;
  if (typeof axis !== "number") throw new InternalError(`axis of ${call.expr.function}`);
  return value.axes.length + (axis < 0 ? eventShape(value).length + axis : axis - 1);
}

function reduction(make: (b: TensorBuilder, x: TensorNode, axes: readonly number[]) => TensorNode): Lowering {
  return (call) => {
    const value = asNumber(call.context, call.args[0]!);
    const axis = shapeAxis(call, value);
    const all = eventShape(value).map((_, at) => value.axes.length + at);
    return { node: make(call.context.b, value.node, axis === undefined ? all : [axis]), axes: value.axes };
  };
}

const reduce = (name: ReduceFunction): Lowering => reduction((b, x, axes) => b.reduce(name, x, axes));

function pool(name: "max" | "mean"): Lowering {
  return onShape((call, value) => {
    const { b } = call.context;
    const window = attribute(call, "size");
    const stride = attribute(call, "stride", window);
    const [h, w] = [value.node.shape.at(-3), value.node.shape.at(-2)];
    if (typeof h !== "number" || typeof w !== "number") throw new InternalError("an image has no fixed size");
    const same = call.expr.attributes["padding"] === "same";
    const padding = same ? ([samePadding(h, window, stride), samePadding(w, window, stride)] as const) : ([[0, 0], [0, 0]] as const);
    return b.pool2d(name, value.node, [window, window], [stride, stride], padding);
  });
}

/** How each function of the language becomes tensor operations. Formulas: the usual ones; GELU is the exact form with erf. */
export const functionLowerings: Readonly<Record<FunctionName, Lowering>> = {
  add: pointwise((b, x, y) => b.add(x!, y!)),
  subtract: pointwise((b, x, y) => b.subtract(x!, y!)),
  multiply: pointwise((b, x, y) => b.multiply(x!, y!)),
  divide: pointwise((b, x, y) => b.divide(x!, y!)),
  power: pointwise((b, x, y) => b.power(x!, y!)),
  negate: unary("negate"),
  minimum: pointwise((b, x, y) => b.minimum(x!, y!)),
  maximum: pointwise((b, x, y) => b.maximum(x!, y!)),
  less: comparison("less"),
  less_equal: comparison("lessEqual"),
  greater: comparison("greater"),
  greater_equal: comparison("greaterEqual"),
  equal: comparison("equal"),
  not_equal: comparison("notEqual"),
  where: pointwise((b, condition, yes, no) => b.select(b.notEqual(condition!, 0), yes!, no!)),
  exp: unary("exp"),
  log: unary("log"),
  log1p: unary("log1p"),
  expm1: unary("expm1"),
  sqrt: unary("sqrt"),
  square: unary("square"),
  abs: unary("abs"),
  sign: unary("sign"),
  floor: unary("floor"),
  sin: unary("sin"),
  cos: unary("cos"),
  erf: unary("erf"),
  lgamma: unary("lgamma"),
  digamma: unary("digamma"),
  clip: (call) => pointwise((b, x) => b.minimum(b.maximum(x!, attribute(call, "low")), attribute(call, "high")))(call),
  relu: unary("relu"),
  leaky_relu: (call) => pointwise((b, x) => b.select(b.greater(x!, 0), x!, b.multiply(x!, attribute(call, "slope", 0.01))))(call),
  // exp only sees x ≤ 0, so that the branch not taken cannot overflow into the gradient.
  elu: (call) => pointwise((b, x) => b.select(b.greater(x!, 0), x!, b.multiply(attribute(call, "alpha", 1), b.expm1(b.minimum(x!, 0)))))(call),
  selu: pointwise((b, x) => b.multiply(1.0507009873554805, b.select(b.greater(x!, 0), x!, b.multiply(1.6732632423543772, b.expm1(b.minimum(x!, 0)))))),
  gelu: pointwise((b, x) => b.multiply(b.multiply(0.5, x!), b.add(1, b.erf(b.multiply(x!, Math.SQRT1_2))))),
  silu: pointwise((b, x) => b.multiply(x!, b.sigmoid(x!))),
  tanh: unary("tanh"),
  sigmoid: unary("sigmoid"),
  softplus: unary("softplus"),
  softsign: pointwise((b, x) => b.divide(x!, b.add(1, b.abs(x!)))),
  mish: pointwise((b, x) => b.multiply(x!, b.tanh(b.softplus(x!)))),
  hard_sigmoid: pointwise((b, x) => b.minimum(b.maximum(b.add(b.divide(x!, 6), 0.5), 0), 1)),
  softmax: onShape((call, value) => call.context.b.softmax(value.node, shapeAxis(call, value, -1)!)),
  log_softmax: onShape((call, value) => call.context.b.logSoftmax(value.node, shapeAxis(call, value, -1)!)),
  matmul,
  transpose: onShape((call, value, lead) => {
    const rank = eventShape(value).length;
    return call.context.b.transpose(value.node, value.node.shape.map((_, axis) => (axis < lead ? axis : lead + rank - 1 - (axis - lead))));
  }),
  outer: ({ context, args }) => {
    const { b, space } = context;
    const axes = unionAxes(space, args);
    const [x, y] = args.map((arg) => asNumber(context, arg)) as [Value, Value];
    const column = aligned(b, { node: b.reshape(x.node, [...x.node.shape, 1]), axes: x.axes }, axes, 2);
    return { node: b.multiply(column, aligned(b, y, axes, 2)), axes };
  },
  diagonal: onShape((call, value) => {
    const { b } = call.context;
    const size = eventShape(value)[0] as number;
    if (eventShape(value).length === 1) return b.multiply(b.expandDims(value.node, [-1]), identity(b, size));
    return b.sum(b.multiply(value.node, identity(b, size)), [-1]);
  }),
  trace: onShape((call, value) => {
    const { b } = call.context;
    return b.sumLast(b.multiply(value.node, identity(b, eventShape(value)[0] as number)), 2);
  }),
  reshape: toDeclaredShape(),
  flatten: toDeclaredShape(),
  concat: (call) => {
    const { nodes, axes } = expandedTogether(call.context, call.args.map((arg) => asNumber(call.context, arg)));
    const axis = call.expr.attributes["axis"];
    const at = typeof axis !== "number" ? -1 : axis < 0 ? axis : axes.length + axis - 1;
    return { node: call.context.b.concatenate(nodes, at), axes };
  },
  stack: (call) => {
    const { b } = call.context;
    const { nodes, axes } = expandedTogether(call.context, call.args.map((arg) => asNumber(call.context, arg)));
    const at = axes.length + (call.expr.attributes["axis"] === undefined ? 0 : attribute(call, "axis") - 1);
    return { node: b.concatenate(nodes.map((node) => b.expandDims(node, [at])), at), axes };
  },
  one_hot: (call) => {
    const value = call.args[0]!;
    const size = dims(call.expr.type).at(-1)!;
    return { node: value.soft ?? call.context.b.oneHot(call.context.b.cast(value.node, "i32"), size), axes: value.axes };
  },
  broadcast: (call) => {
    const { b, space } = call.context;
    const value = call.args[0]!;
    const shape = dims(call.expr.type);
    return { node: b.broadcast(aligned(b, value, value.axes, shape.length), [...space.dims(value.axes), ...shape]), axes: value.axes };
  },
  reverse: onShape((call, value) => call.context.b.reverse(value.node, shapeAxis(call, value, 1)!)),
  sum: reduce("sum"),
  mean: reduction((b, x, axes) => b.mean(x, axes)),
  product: reduce("product"),
  min: reduce("min"),
  max: reduce("max"),
  logsumexp: reduce("logsumexp"),
  // √ has no gradient at 0: the norm of a zero vector gets the subgradient 0.
  norm: reduction((b, x, axes) => {
    const squares = b.sum(b.square(x), axes);
    const zero = b.equal(squares, 0);
    return b.select(zero, 0, b.sqrt(b.select(zero, 1, squares)));
  }),
  cumsum: onShape((call, value) => call.context.b.cumulativeSum(asNumber(call.context, value).node, shapeAxis(call, value, -1)!)),
  max_pool: pool("max"),
  avg_pool: pool("mean"),
  global_avg_pool: onShape((call, value) => call.context.b.mean(value.node, [-3, -2])),
  upsample: onShape((call, value, lead) => {
    const { b } = call.context;
    const factor = attribute(call, "factor", 2);
    const before = value.node.shape.slice(0, lead);
    const [h, w, c] = eventShape(value) as [number, number, number];
    const spread = b.broadcast(b.reshape(value.node, [...before, h, 1, w, 1, c]), [...before, h, factor, w, factor, c]);
    return b.reshape(spread, [...before, h * factor, w * factor, c]);
  }),
  patchify: onShape((call, value, lead) => {
    const [h, w, c] = eventShape(value) as [number, number, number];
    const size = attribute(call, "size");
    return swapMiddle(call.context.b, value.node, lead, [h / size, size, w / size, size, c], dims(call.expr.type));
  }),
  unpatchify: onShape((call, value, lead) => {
    const [h, w, c] = dims(call.expr.type) as [number, number, number];
    const size = attribute(call, "size");
    return swapMiddle(call.context.b, value.node, lead, [h / size, w / size, size, size, c], [h, w, c]);
  }),
  time_embedding: (call) => {
    const t = asNumber(call.context, call.args[0]!);
    return { node: timeEmbedding(call.context.b, t.node, attribute(call, "size"), attribute(call, "period")), axes: t.axes };
  },
  // A vector has the last axis of x: NumPy's rule repeats it over the positions.
  add_channels: pointwise((b, x, v) => b.add(x!, v!)),
  scale_channels: pointwise((b, x, v) => b.multiply(x!, v!)),
  modulate: pointwise((b, x, scale, shift) => b.add(b.multiply(b.add(1, scale!), x!), shift!)),
  // Inverted dropout (Srivastava et al. 2014): kept units are scaled by 1 / (1 − rate), so that evaluation changes nothing.
  dropout: onShape((call, value) => {
    const { b, mode } = call.context;
    const rate = attribute(call, "rate", 0.5);
    if (mode === "evaluate" || rate === 0) return value.node;
    const kept = b.cast(b.greaterEqual(b.uniform(call.context.stream(`dropout.${call.stream}`), value.node.shape), rate), "f32");
    return b.multiply(value.node, b.multiply(kept, 1 / (1 - rate)));
  }),
  stop_gradient: onShape((call, value) => call.context.b.stopGradient(value.node)),
};

/** Behind the `lead` compiler axes: seen as `split`, five axes of which the second and third change places, then as `shape`. Patches of an image, and back. */
function swapMiddle(b: TensorBuilder, node: TensorNode, lead: number, split: readonly number[], shape: readonly number[]): TensorNode {
  const before = node.shape.slice(0, lead);
  const order = [...before.map((_, axis) => axis), ...[0, 2, 1, 3, 4].map((axis) => lead + axis)];
  return b.reshape(b.transpose(b.reshape(node, [...before, ...split]), order), [...before, ...shape]);
}

function toDeclaredShape(): Lowering {
  return onShape((call, value, lead) => call.context.b.reshape(value.node, [...value.node.shape.slice(0, lead), ...dims(call.expr.type)]));
}

function identity(b: TensorBuilder, size: number): TensorNode {
  return b.oneHot(b.iota(size), size);
}

/** `@`: vector·vector, matrix·vector, vector·matrix, matrix·matrix, by the ranks of the user's shapes. */
function matmul({ context, args }: FunctionCall): Value {
  const { b, space } = context;
  const [x, y] = args.map((arg) => asNumber(context, arg)) as [Value, Value];
  const axes = unionAxes(space, [x, y]);
  const [xRank, yRank] = [eventShape(x).length, eventShape(y).length];
  if (xRank === 1 && yRank === 1) return { node: b.sum(b.multiply(aligned(b, x, axes, 1), aligned(b, y, axes, 1)), [-1]), axes };
  // A matrix without compiler axes times a vector with some: one product of matrices, with the axes as its rows.
  if (xRank === 2 && yRank === 1 && x.axes.length === 0 && y.axes.length > 0) return { node: b.dot(y.node, x.node, false, true), axes };
  if (xRank === 1 && yRank === 2 && y.axes.length === 0 && x.axes.length > 0) return { node: b.dot(x.node, y.node), axes };
  const left = aligned(b, xRank === 1 ? { node: b.expandDims(x.node, [-2]), axes: x.axes } : x, axes, 2);
  const right = aligned(b, yRank === 1 ? { node: b.expandDims(y.node, [y.node.shape.length]), axes: y.axes } : y, axes, 2);
  const product = b.dot(left, right);
  const dropped = xRank === 1 ? product.shape.length - 2 : yRank === 1 ? product.shape.length - 1 : -1;
  return { node: b.reshape(product, product.shape.filter((_, axis) => axis !== dropped)), axes };
}
