import { InternalError } from "../../util/internal-error.js";
import { evaluateBinary, evaluateCast, evaluateCompare, evaluateSelect, evaluateUnary } from "./evaluate/elementwise.js";
import { evaluateConv2d, evaluateConv2dFilterGradient, evaluateConv2dInputGradient, evaluatePool2d, evaluatePool2dGradient } from "./evaluate/images.js";
import { evaluateLoop, evaluateLoopResult } from "./evaluate/loops.js";
import {
  evaluateBroadcast, evaluateConcatenate, evaluateGather, evaluatePad, evaluateReverse, evaluateScatterAdd, evaluateSlice, evaluateTranspose,
} from "./evaluate/movement.js";
import { evaluateCholesky, evaluateDot, evaluateTriangularSolve } from "./evaluate/products.js";
import { evaluateRandom, evaluateRandomLogGamma } from "./evaluate/draws.js";
import { evaluateArgReduce, evaluateCumulativeSum, evaluateLogSoftmax, evaluateReduce, evaluateSoftmax } from "./evaluate/reductions.js";
import { sizeOf } from "./evaluate/strided.js";
import type { EvaluateBindings, EvaluateContext, EvaluateRule, Tensor } from "./evaluate/types.js";
import type { DType, TensorNode, TensorOpKind, TensorProgram } from "./nodes.js";
import { printShape } from "./shapes.js";

export { seededRandom } from "./evaluate/random.js";
export type { RandomSource } from "./evaluate/random.js";
export type { EvaluateBindings, InputValue, Tensor } from "./evaluate/types.js";

/** What each operation means; docs/tensor-ir.md says it in words. Total: an operation without a meaning does not compile. */
export const evaluateRules: { readonly [K in TensorOpKind]: EvaluateRule<K> } = {
  input: (op, _, context) => boundInput(op.name, context),
  constant: (op) => Float64Array.from(op.values),
  size: (op, _, { sizes }) => Float64Array.of(bound(sizes[op.of], op.of)),
  iota: (_op, _inputs, { count }) => Float64Array.from({ length: count }, (_, i) => i),
  random: evaluateRandom,
  "random-log-gamma": evaluateRandomLogGamma,
  unary: evaluateUnary,
  binary: evaluateBinary,
  compare: evaluateCompare,
  select: evaluateSelect,
  cast: evaluateCast,
  reshape: (_, [x]) => x!.values,
  transpose: evaluateTranspose,
  broadcast: evaluateBroadcast,
  slice: evaluateSlice,
  pad: evaluatePad,
  concatenate: evaluateConcatenate,
  reverse: evaluateReverse,
  gather: evaluateGather,
  "scatter-add": evaluateScatterAdd,
  reduce: evaluateReduce,
  "arg-reduce": evaluateArgReduce,
  "cumulative-sum": evaluateCumulativeSum,
  softmax: evaluateSoftmax,
  "log-softmax": evaluateLogSoftmax,
  dot: evaluateDot,
  conv2d: evaluateConv2d,
  "conv2d-input-gradient": evaluateConv2dInputGradient,
  "conv2d-filter-gradient": evaluateConv2dFilterGradient,
  pool2d: evaluatePool2d,
  "pool2d-gradient": evaluatePool2dGradient,
  cholesky: evaluateCholesky,
  "triangular-solve": evaluateTriangularSolve,
  "stop-gradient": (_, [x]) => x!.values,
  loop: evaluateLoop,
  "loop-result": evaluateLoopResult,
};

/**
 * The outputs of a program, in float64 (or rounded as float32 would be). It defines what the tensor IR means.
 * Throws InternalError where a binding is missing or does not have the declared shape.
 */
export function evaluate(program: TensorProgram, bindings: EvaluateBindings): Record<string, Tensor> {
  const values = evaluateNodes(program, bindings);
  return Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, values.get(node)!]));
}

/** Every node's value, for looking inside. */
export function evaluateNodes(program: TensorProgram, bindings: EvaluateBindings): ReadonlyMap<TensorNode, Tensor> {
  const sizes = boundSizes(program, bindings);
  const bind = (shape: TensorNode["shape"]): readonly number[] => shape.map((dim) => (typeof dim === "number" ? dim : bound(sizes[dim], dim)));
  const round = bindings.precision === "f32" ? Math.fround : identity;
  const values = new Map<TensorNode, Tensor>();
  const loops: EvaluateContext["loops"] = { results: new Map(), run: evaluate };
  for (const node of program.nodes) {
    const shape = bind(node.shape);
    const count = sizeOf(shape);
    const inputs = node.inputs.map((input) => {
      const known = values.get(input);
      if (!known) throw new InternalError(`node %${node.id} stands before its input %${input.id}`);
      return known;
    });
    const rule = evaluateRules[node.op.kind] as EvaluateRule<TensorOpKind>;
    const raw = rule(node.op as never, inputs, { node, shape, count, round, bindings, sizes, bind, loops });
    if (raw.length !== count) throw new InternalError(`node %${node.id} (${node.op.kind}) has ${raw.length} values for shape ${printShape(shape)}`);
    values.set(node, { shape, dtype: node.dtype, values: normalized(raw, node.dtype, bindings.precision) });
  }
  return values;
}

/**
 * The derivative of output `outputName` (summed over its elements) with respect to every element of input `inputName`, by central differences in
 * float64; the draws stay fixed. `step` is relative to max(1, |x|). The result has the input's shape.
 */
export function differentiate(
  program: TensorProgram, bindings: EvaluateBindings, outputName: string, inputName: string, options: { readonly step?: number } = {},
): Tensor {
  const step = options.step ?? 1e-6;
  const given = bindings.inputs[inputName];
  if (given === undefined) throw new InternalError(`no input ${inputName}`);
  const [values, shape] = typeof given === "number" ? [Float64Array.of(given), []] : [Float64Array.from(given.values), given.shape];
  const total = (at: Float64Array): number => {
    const output = evaluate(program, { ...bindings, precision: "f64", inputs: { ...bindings.inputs, [inputName]: { values: at, shape } } })[outputName];
    if (!output) throw new InternalError(`no output ${outputName}`);
    return output.values.reduce((sum, value) => sum + value, 0);
  };
  const gradient = values.map((value, i) => {
    const size = step * Math.max(1, Math.abs(value));
    const [above, below] = [values.slice(), values.slice()];
    above[i] = value + size;
    below[i] = value - size;
    return (total(above) - total(below)) / (above[i]! - below[i]!);
  });
  return { shape, dtype: "f32", values: gradient };
}

const identity = (value: number): number => value;

/** Values as the dtype holds them; the same array where nothing changes. */
function normalized(values: Float64Array, dtype: DType, precision: "f64" | "f32" = "f64"): Float64Array {
  switch (dtype) {
    case "f32":
      return precision === "f32" ? values.map(Math.fround) : values;
    case "i32":
      return values.map((value) => value | 0);
    case "u32":
      return values.map((value) => value >>> 0);
    case "bool":
      return values;
  }
}

function bound<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new InternalError(`${name} is not bound`);
  return value;
}

function shapeOfInput(value: EvaluateBindings["inputs"][string]): readonly number[] {
  return typeof value === "number" ? [] : value.shape;
}

function boundSizes(program: TensorProgram, bindings: EvaluateBindings): EvaluateContext["sizes"] {
  const sizes: Record<"rows" | "dataset", number | undefined> = { rows: bindings.rows, dataset: bindings.dataset };
  for (const { op, shape } of program.inputs) {
    const value = op.kind === "input" ? bindings.inputs[op.name] : undefined;
    if (value === undefined) continue;
    shape.forEach((dim, axis) => {
      if (typeof dim === "string") sizes[dim] ??= shapeOfInput(value)[axis];
    });
  }
  return sizes;
}

function boundInput(name: string, { bindings, shape, count }: EvaluateContext): Float64Array {
  const value = bound(bindings.inputs[name], `input ${name}`);
  const given = shapeOfInput(value);
  if (given.length !== shape.length || given.some((dim, axis) => dim !== shape[axis])) {
    throw new InternalError(`input ${name} has shape ${printShape(given)}, not ${printShape(shape)}`);
  }
  const values = typeof value === "number" ? Float64Array.of(value) : Float64Array.from(value.values);
  if (values.length !== count) throw new InternalError(`input ${name} has ${values.length} values for shape ${printShape(shape)}`);
  return values;
}
