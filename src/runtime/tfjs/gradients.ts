import * as tf from "@tensorflow/tfjs-core";
import { filterGradient } from "./ops/convolution.js";
import { sumTo } from "./ops/differentiable.js";
import { transposeLast } from "./ops/linear-algebra.js";
import { maxPoolGradient } from "./ops/pooling.js";

/**
 * The gradients of the kernels that emitted code calls. TensorFlow.js keeps its own in files that its build for Node leaves out, so they are
 * registered here, for every device alike; and they use no kernel that a backend lacks.
 */
export function registerGradients(): void {
  if (registered) return;
  registered = true;
  for (const [kernelName, { gradient, ...saves }] of Object.entries(gradients)) {
    tf.registerGradient({
      kernelName,
      ...saves,
      gradFunc: (dy, saved, attributes) => gradient(Array.isArray(dy) ? (dy[0] as tf.Tensor) : dy, saved, attributes as Attributes, Array.isArray(dy) ? dy : [dy]),
    });
  }
}

let registered = false;

type Attributes = Readonly<Record<string, unknown>>;
type Gradients = Record<string, () => tf.Tensor>;
interface Rule {
  readonly inputsToSave?: string[];
  readonly outputsToSave?: boolean[];
  readonly saveAllInputs?: boolean;
  /** `dy`: the result's gradient; `saved`: the inputs and results that the rule asked for. */
  readonly gradient: (dy: tf.Tensor, saved: readonly tf.Tensor[], attributes: Attributes, dys: readonly tf.Tensor[]) => Gradients;
}

/** dx from dy and x. */
const ofInput = (gradient: (dy: tf.Tensor, x: tf.Tensor, attributes: Attributes) => tf.Tensor, name = "x"): Rule => ({
  inputsToSave: [name],
  gradient: (dy, saved, attributes) => ({ [name]: () => gradient(dy, saved[0] as tf.Tensor, attributes) }),
});

/** dx from dy and y. */
const ofResult = (gradient: (dy: tf.Tensor, y: tf.Tensor, attributes: Attributes) => tf.Tensor, name = "x"): Rule => ({
  outputsToSave: [true],
  gradient: (dy, saved, attributes) => ({ [name]: () => gradient(dy, saved[0] as tf.Tensor, attributes) }),
});

/** dx from dy alone. */
const ofGradient = (gradient: (dy: tf.Tensor, attributes: Attributes) => tf.Tensor, name = "x"): Rule => ({
  gradient: (dy, _, attributes) => ({ [name]: () => gradient(dy, attributes) }),
});

/** da and db before they are summed to the operands' shapes. */
const ofPair = (left: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor, right: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Rule => ({
  inputsToSave: ["a", "b"],
  gradient: (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    return { a: () => sumTo(left(dy, a, b), a.shape), b: () => sumTo(right(dy, a, b), b.shape) };
  },
});

const flat = ofGradient((dy) => tf.zerosLike(dy));
const noGradient = (x: tf.Tensor): tf.Tensor => tf.zeros(x.shape as tf.ShapeMap[tf.Rank], "float32");
const float = (x: tf.Tensor): tf.Tensor => tf.cast(x, "float32");
const identity = (dy: tf.Tensor): tf.Tensor => tf.clone(dy);

const gradients: Readonly<Record<string, Rule>> = {
  // ── One operand ──
  Identity: ofGradient(identity),
  Cast: ofGradient(float),
  Neg: ofGradient((dy) => tf.neg(dy)),
  Exp: ofResult((dy, y) => tf.mul(dy, y)),
  Expm1: ofResult((dy, y) => tf.mul(dy, tf.add(y, 1))),
  Log: ofInput((dy, x) => tf.div(dy, x)),
  Log1p: ofInput((dy, x) => tf.div(dy, tf.add(x, 1))),
  Sqrt: ofResult((dy, y) => tf.div(dy, tf.mul(y, 2))),
  Reciprocal: ofResult((dy, y) => tf.neg(tf.mul(dy, tf.square(y)))),
  Square: ofInput((dy, x) => tf.mul(dy, tf.mul(x, 2))),
  Abs: ofInput((dy, x) => tf.mul(dy, tf.sign(x))),
  Sin: ofInput((dy, x) => tf.mul(dy, tf.cos(x))),
  Cos: ofInput((dy, x) => tf.neg(tf.mul(dy, tf.sin(x)))),
  Tan: ofResult((dy, y) => tf.mul(dy, tf.add(tf.square(y), 1))),
  Atan: ofInput((dy, x) => tf.div(dy, tf.add(tf.square(x), 1))),
  Tanh: ofResult((dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  Sigmoid: ofResult((dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  Softplus: ofInput((dy, x) => tf.mul(dy, tf.sigmoid(x))),
  Relu: ofResult((dy, y) => tf.mul(dy, float(tf.greater(y, 0)))),
  Sign: flat,
  Floor: flat,
  Round: flat,
  ZerosLike: flat,
  OnesLike: flat,
  LogicalNot: flat,
  IsFinite: flat,
  All: ofInput((_, x) => noGradient(x)),
  Any: ofInput((_, x) => noGradient(x)),
  ArgMax: ofInput((_, x) => noGradient(x)),
  ArgMin: ofInput((_, x) => noGradient(x)),

  // ── Two operands, broadcast ──
  Add: ofPair((dy) => dy, (dy) => dy),
  Sub: ofPair((dy) => dy, (dy) => tf.neg(dy)),
  Multiply: ofPair((dy, _, b) => tf.mul(dy, float(b)), (dy, a) => tf.mul(dy, float(a))),
  RealDiv: ofPair((dy, _, b) => tf.div(dy, b), (dy, a, b) => tf.neg(tf.mul(dy, tf.div(tf.div(a, b), b)))),
  // At a tie the first operand takes the gradient.
  Maximum: ofPair((dy, a, b) => tf.mul(dy, float(tf.greaterEqual(a, b))), (dy, a, b) => tf.mul(dy, float(tf.less(a, b)))),
  Minimum: ofPair((dy, a, b) => tf.mul(dy, float(tf.lessEqual(a, b))), (dy, a, b) => tf.mul(dy, float(tf.greater(a, b)))),
  // b a^(b−1), and 0 for b = 0 also where a = 0; log a is taken where a > 0.
  Pow: ofPair(
    (dy, a, b) => tf.mul(dy, tf.mul(b, tf.pow(a, tf.where(tf.equal(b, 0), tf.onesLike(b), tf.sub(b, 1))))),
    (dy, a, b) => tf.mul(dy, tf.mul(tf.pow(a, b), tf.log(tf.where(tf.greater(a, 0), a, tf.onesLike(a))))),
  ),
  Mod: ofPair((dy) => dy, (dy, a, b) => tf.neg(tf.mul(dy, tf.floor(tf.div(a, b))))),
  Atan2: ofPair(
    (dy, a, b) => tf.div(tf.mul(dy, b), tf.add(tf.square(a), tf.square(b))),
    (dy, a, b) => tf.neg(tf.div(tf.mul(dy, a), tf.add(tf.square(a), tf.square(b)))),
  ),
  SquaredDifference: ofPair((dy, a, b) => tf.mul(dy, tf.mul(tf.sub(a, b), 2)), (dy, a, b) => tf.mul(dy, tf.mul(tf.sub(b, a), 2))),
  ...Object.fromEntries(["Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "LogicalAnd", "LogicalOr"].map((name) => [name, ofPair((_, a) => noGradient(a), (_, __, b) => noGradient(b))])),
  // Not a product with 0 or 1: a gradient that is infinite on the branch not taken must not become NaN.
  Select: {
    inputsToSave: ["condition"],
    gradient: (dy, [condition]) => ({
      condition: () => noGradient(condition as tf.Tensor),
      t: () => tf.where(condition as tf.Tensor, dy, tf.zerosLike(dy)),
      e: () => tf.where(condition as tf.Tensor, tf.zerosLike(dy), dy),
    }),
  },

  // ── Movement ──
  Reshape: ofInput((dy, x) => tf.reshape(dy, x.shape as tf.ShapeMap[tf.Rank])),
  ExpandDims: ofInput((dy, x) => tf.reshape(dy, x.shape as tf.ShapeMap[tf.Rank]), "input"),
  Transpose: ofGradient((dy, { perm }) => tf.transpose(dy, inverse(perm as number[]))),
  Tile: ofInput((dy, x, { reps }) => {
    // [r₁ · n₁, …] as [r₁, n₁, …], summed over the repetitions.
    const parts = x.shape.flatMap((size, axis) => [(reps as number[])[axis] ?? 1, size]);
    const repeats = x.shape.map((_, axis) => 2 * axis);
    // Repeated axes of size 1, the common case, need no more than a sum.
    const ones = x.shape.every((size, axis) => size === 1 || (reps as number[])[axis] === 1);
    return ones ? sumTo(dy, x.shape) : tf.sum(tf.reshape(dy, parts as tf.ShapeMap[tf.Rank]), repeats);
  }),
  Slice: ofInput((dy, x, { begin }) => {
    const starts = typeof begin === "number" ? [begin] : (begin as number[]);
    return tf.pad(dy, x.shape.map((size, axis): [number, number] => [starts[axis] ?? 0, size - (starts[axis] ?? 0) - (dy.shape[axis] ?? 0)]));
  }),
  PadV2: ofInput((dy, x, { paddings }) => tf.slice(dy, (paddings as [number, number][]).map(([before]) => before), x.shape)),
  Reverse: ofGradient((dy, { dims }) => tf.reverse(dy, dims as number[])),
  Concat: {
    saveAllInputs: true,
    gradient: (dy, parts, { axis }) => {
      const at = tf.util.parseAxisParam(axis as number, parts[0]?.shape ?? [])[0] ?? 0;
      const pieces = tf.split(dy, parts.map((part) => part.shape[at] ?? 0), at);
      return Object.fromEntries(pieces.map((piece, index) => [String(index), () => tf.clone(piece)]));
    },
  },
  Pack: {
    saveAllInputs: true,
    gradient: (dy, _, { axis }) => Object.fromEntries(tf.unstack(dy, axis as number).map((piece, index) => [String(index), () => tf.clone(piece)])),
  },
  Unpack: { gradient: (_, __, { axis }, dys) => ({ value: () => tf.stack([...dys], axis as number) }) },
  AddN: { saveAllInputs: true, gradient: (dy, parts) => Object.fromEntries(parts.map((_, index) => [String(index), () => tf.clone(dy)])) },

  // ── Reductions ──
  Sum: ofInput((dy, x, { axis }) => tf.mul(keptDims(dy, x, axis), tf.onesLike(x))),
  Mean: ofInput((dy, x, { axis }) => {
    const axes = tf.util.parseAxisParam(axis as number | number[], x.shape);
    return tf.div(tf.mul(keptDims(dy, x, axis), tf.onesLike(x)), axes.reduce((product, each) => product * (x.shape[each] ?? 1), 1));
  }),
  Max: extremum("reductionIndices"),
  Min: extremum("axis"),
  Prod: ofInput((dy, x, { axis }) => {
    // The product of all the others: what is before times what is after, so that a zero factor does no harm.
    const axes = tf.util.parseAxisParam(axis as number | number[], x.shape);
    const order = [...x.shape.map((_, each) => each).filter((each) => !axes.includes(each)), ...axes];
    const count = axes.reduce((product, each) => product * (x.shape[each] ?? 1), 1);
    const moved = tf.transpose(x, order);
    const rows = tf.reshape(moved, [-1, count]);
    const others = tf.mul(tf.cumprod(rows, 1, true, false), tf.cumprod(rows, 1, true, true));
    const product = tf.mul(others, tf.reshape(dy, [-1, 1]));
    return tf.transpose(tf.reshape(product, moved.shape as tf.ShapeMap[tf.Rank]), inverse(order));
  }),
  Cumsum: ofGradient((dy, { axis, exclusive, reverse }) => tf.cumsum(dy, axis as number, exclusive as boolean, !(reverse as boolean))),
  Softmax: ofResult((dy, y) => {
    const weighted = tf.mul(dy, y);
    return tf.sub(weighted, tf.mul(tf.sum(weighted, -1, true), y));
  }, "logits"),
  LogSoftmax: ofResult((dy, y) => tf.sub(dy, tf.mul(tf.sum(dy, -1, true), tf.exp(y))), "logits"),

  // ── Products and images ──
  BatchMatMul: {
    inputsToSave: ["a", "b"],
    gradient: (dy, saved, { transposeA, transposeB }) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      if (transposeA) return transposeB ? { a: () => product(b, dy, true, true), b: () => product(dy, a, true, true) } : { a: () => product(b, dy, false, true), b: () => product(a, dy, false, false) };
      return transposeB ? { a: () => product(dy, b, false, false), b: () => product(dy, a, true, false) } : { a: () => product(dy, b, false, true), b: () => product(a, dy, true, false) };
    },
  },
  Conv2D: {
    inputsToSave: ["x", "filter"],
    gradient: (dy, saved, { strides }) => {
      const [x, filter, out] = [...saved, dy] as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      return { x: () => tf.conv2dTranspose(out, filter, x.shape, pairOf(strides), "valid"), filter: () => ofFilter(x, out, filter, pairOf(strides)) };
    },
  },
  Conv2DBackpropInput: {
    inputsToSave: ["dy", "filter"],
    gradient: (ddx, saved, { strides }) => {
      const [dy, filter, images] = [...saved, ddx] as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      return { dy: () => tf.conv2d(images, filter, pairOf(strides), "valid"), filter: () => ofFilter(images, dy, filter, pairOf(strides)) };
    },
  },
  MaxPool: {
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradient: (dy, saved, { filterSize, strides, pad }) => {
      const [input, output] = saved as [tf.Tensor4D, tf.Tensor4D];
      if (tf.getBackend() === "wasm") return { x: () => maxPoolGradient(input, output, dy as tf.Tensor4D, pairOf(filterSize), pairOf(strides)) };
      return { x: () => kernel("MaxPoolGrad", { dy, input, output }, { filterSize, strides, pad }) };
    },
  },
  AvgPool: ofInput((dy, input, { filterSize, strides, pad }) => kernel("AvgPoolGrad", { dy, input }, { filterSize, strides, pad })),
};

/** The wasm backend is quick for operands that are not transposed, so there the transposes are made first; others do both at once. */
function product(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  if (tf.getBackend() !== "wasm") return tf.matMul(a, b, transposeA, transposeB);
  return tf.matMul(transposeA ? transposeLast(a) : a, transposeB ? transposeLast(b) : b);
}

/** dfilter of a "valid" convolution; the wasm backend has no kernel for it. */
function ofFilter(x: tf.Tensor4D, dy: tf.Tensor4D, filter: tf.Tensor4D, strides: [number, number]): tf.Tensor {
  if (tf.getBackend() === "wasm") return filterGradient(x, dy, [filter.shape[0], filter.shape[1]], strides);
  return kernel("Conv2DBackpropFilter", { x, dy }, { strides, pad: "valid", dataFormat: "NHWC", filterShape: filter.shape });
}

function kernel(name: string, inputs: Record<string, tf.Tensor>, attributes: Attributes): tf.Tensor {
  return tf.engine().runKernel(name, inputs as unknown as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap) as tf.Tensor;
}

/** `dy` with the reduced axes back as axes of size 1. */
function keptDims(dy: tf.Tensor, x: tf.Tensor, axis: unknown): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis as number | number[], x.shape);
  return tf.reshape(dy, x.shape.map((size, at) => (axes.includes(at) ? 1 : size)) as tf.ShapeMap[tf.Rank]);
}

/** Every element that equals the extremum takes the gradient. */
function extremum(attribute: string): Rule {
  return {
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradient: (dy, saved, attributes) => {
      const [x, y] = saved as [tf.Tensor, tf.Tensor];
      const axis = attributes[attribute] ?? attributes["axis"];
      return { x: () => tf.mul(keptDims(dy, x, axis), float(tf.equal(x, keptDims(y, x, axis)))) };
    },
  };
}

function inverse(permutation: readonly number[]): number[] {
  const result = new Array<number>(permutation.length);
  permutation.forEach((from, to) => (result[from] = to));
  return result;
}

function pairOf(value: unknown): [number, number] {
  return Array.isArray(value) ? [Number(value[0]), Number(value[1])] : [Number(value), Number(value)];
}
