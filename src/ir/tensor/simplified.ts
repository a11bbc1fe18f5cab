import { sameDims, broadcastShapes } from "./shapes.js";
import type { BinaryFunction, TensorNode, TensorOp, UnaryFunction } from "./nodes.js";
import type { TensorBuilder } from "./builder.js";

/** The value of an f32 scalar constant. */
function scalarValue(node: TensorNode): number | undefined {
  return node.op.kind === "constant" && node.shape.length === 0 && node.dtype === "f32" ? node.op.values[0] : undefined;
}

const foldUnary: Partial<Record<UnaryFunction, (x: number) => number>> = {
  negate: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
};

const foldBinary: Partial<Record<BinaryFunction, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
};

/** The simpler node that an elementwise operation is, if it is: constants folded, neutral elements dropped. Never changes a NaN to a number. */
export function simplified(builder: TensorBuilder, op: TensorOp, inputs: readonly TensorNode[]): TensorNode | undefined {
  if (op.kind === "unary") {
    const [x] = inputs as [TensorNode];
    const value = scalarValue(x);
    const fold = foldUnary[op.function];
    if (value !== undefined && fold) return builder.scalar(fold(value));
    if (op.function === "negate" && x.op.kind === "unary" && x.op.function === "negate") return x.inputs[0];
    return undefined;
  }
  if (op.kind !== "binary") return undefined;
  const [left, right] = inputs as [TensorNode, TensorNode];
  const [a, b] = [scalarValue(left), scalarValue(right)];
  if (a !== undefined && b !== undefined) {
    const fold = foldBinary[op.function];
    return fold && builder.scalar(fold(a, b));
  }
  const keeps = (node: TensorNode): TensorNode | undefined => (sameDims(node.shape, broadcastShapes(left.shape, right.shape)) ? node : undefined);
  switch (op.function) {
    case "add":
      return a === 0 ? keeps(right) : b === 0 ? keeps(left) : undefined;
    case "subtract":
      return b === 0 ? keeps(left) : a === 0 ? builder.negate(right) : undefined;
    case "multiply":
      return a === 1 ? keeps(right) : b === 1 ? keeps(left) : a === -1 ? builder.negate(right) : b === -1 ? builder.negate(left) : undefined;
    case "divide":
      return b === 1 ? keeps(left) : undefined;
    case "power":
      return b === 1 ? keeps(left) : b === 2 ? builder.square(left) : b === 0.5 ? builder.sqrt(left) : undefined;
    default:
      return undefined;
  }
}
