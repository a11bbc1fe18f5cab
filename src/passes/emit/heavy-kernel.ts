import { InternalError } from "../../util/internal-error.js";
import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { countOf, staticShape } from "../static-shape.js";
import { conv2d, conv2dInputGradient } from "../templates/conv.js";
import { conv2dFilterGradient } from "../templates/conv-filter-gradient.js";
import { dot } from "../templates/dot.js";
import { pool2d, pool2dGradient } from "../templates/pool.js";
import { argReduce, cumulativeSum, scatterAdd } from "../templates/rows.js";
import { softmax } from "../templates/softmax.js";
import { cholesky, triangularSolve } from "../templates/triangular.js";
import { type Operand, type Read, type Template, type TemplateKernel, vectorAxis, type Write } from "../templates/template.js";
import { simtConv2d, simtConv2dFilterGradient, simtConv2dInputGradient, simtDot } from "../simt/operands.js";
import { simtReduce } from "../simt/reduce.js";
import { simtSoftmax } from "../simt/softmax.js";
import { isInvariant } from "../loop-plan.js";
import type { EmitContext } from "./context.js";
import { affine, type Coordinate, type Position } from "./coordinate.js";
import { Expressions } from "./expressions.js";
import { loopKernel } from "./loop-kernel.js";
import { reduceKernel } from "./reduce-kernel.js";
import { writeResults } from "./results.js";

/** The expressions of each kernel that a template makes. */
function expressionsOf(context: EmitContext, made: Map<KernelBuilder, Expressions>): (k: KernelBuilder) => Expressions {
  return (k) => {
    const known = made.get(k) ?? new Expressions(k, context.places, context.use, context.loops);
    made.set(k, known);
    return known;
  };
}

function positionOf(k: KernelBuilder, shape: readonly number[], index: readonly KernelExpr[], vector: boolean): Position {
  const axis = vectorAxis(shape);
  // A vector of indices is each lane's own; of a scalar the lanes are neighbours, along the vector axis, unless another index is a vector.
  const own = index.some((each) => each.width === "vector");
  const at = index.map((each, i): Coordinate => {
    if (shape[i] === 1) return affine(k, 0);
    return each.width === "vector" ? { kind: "vector", value: each } : affine(k, each, vector && !own && i === axis ? 1 : 0);
  });
  return { shape, at };
}

/** Whether neighbours along the vector axis are adjacent in memory: the operand is stored, or seen through views that keep its last axis. */
export function isContiguous(node: TensorNode, places: EmitContext["places"]): boolean {
  if (places(node)) return true;
  const [input] = node.inputs;
  switch (node.op.kind) {
    case "reshape":
    case "stop-gradient":
      return isContiguous(input!, places);
    case "slice":
    case "broadcast":
      return vectorAxis(staticShape(node)) === staticShape(node).length - 1 && isContiguous(input!, places);
    case "unary":
    case "binary":
    case "compare":
    case "select":
    case "cast":
      return node.inputs.every((each) => countOf(staticShape(each)) === 1 || isContiguous(each, places));
    case "random":
    case "constant":
    case "iota":
      return true;
    default:
      return false;
  }
}

/** In the body of a loop: whether a value depends on its invariants alone. */
function isSteady(node: TensorNode, context: Pick<EmitContext, "places" | "loops">): boolean {
  const { places, loops } = context;
  if (loops.length === 0 || node.op.kind === "random-log-gamma") return false;
  if (node.op.kind === "input" || places(node)) return isInvariant(node);
  return node.inputs.every((input) => isSteady(input, context));
}

/** The kernels of a unit with a heavy operation: the templates get its operands as functions, and its users as the function that takes results. */
export function heavyKernel(context: EmitContext): { readonly template: Template; readonly loads: (kernel: TemplateKernel) => ReadonlySet<TensorNode> | undefined } {
  const made = new Map<KernelBuilder, Expressions>();
  const template = templateOf(context, made);
  const loads = (kernel: TemplateKernel) => [...made].find(([k]) => k.body() === kernel.body)?.[1].loaded;
  return { template, loads };
}

function templateOf(context: EmitContext, made: Map<KernelBuilder, Expressions>): Template {
  const { unit, places } = context;
  const anchor = unit.anchor!;
  const of = expressionsOf(context, made);
  const operand = (node: TensorNode): Operand => {
    const shape = staticShape(node);
    const read: Read = (k, index, width) => k.widened(of(k).value(node, positionOf(k, shape, index, width === "vector")), width);
    const view = places(node);
    return { shape, read, contiguous: isContiguous(node, places), view: view?.moves ? undefined : view, ...(isSteady(node, context) ? { steady: true } : {}) };
  };
  const shape = staticShape(anchor);
  const write: Write = (k, index, value) => writeResults(k, of(k), context, positionOf(k, shape, index, value.width === "vector"), value);
  const repeatable = !context.inPlace;
  const { op } = anchor;
  const [a, b] = anchor.inputs;
  if (context.target.simt) {
    switch (op.kind) {
      case "dot":
        return simtDot({ left: operand(a!), rights: [operand(b!)], transposeLeft: op.transposeLeft, transposeRight: op.transposeRight, write: (k, index, [value]) => write(k, index, value!) }, context);
      case "conv2d":
        return simtConv2d({ x: operand(a!), filter: operand(b!), attributes: op, outputSize: shape.slice(-3, -1) as [number, number], write }, context);
      case "conv2d-input-gradient":
        return simtConv2dInputGradient({ dy: operand(a!), filter: operand(b!), attributes: op, inputSize: op.inputSize, write }, context);
      case "conv2d-filter-gradient":
        return simtConv2dFilterGradient({ x: operand(a!), dy: operand(b!), attributes: op, filterSize: op.filterSize, write }, context);
      case "softmax":
      case "log-softmax":
        return simtSoftmax({ x: operand(a!), axis: op.axis, log: op.kind === "log-softmax", write }, context);
      case "reduce":
        return simtReduce(context, op);
    }
  }
  switch (op.kind) {
    case "dot":
      return dot({ left: operand(a!), rights: [operand(b!)], transposeLeft: op.transposeLeft, transposeRight: op.transposeRight, write: (k, index, [value]) => write(k, index, value!), repeatable }, context);
    case "conv2d":
      return conv2d({ x: operand(a!), filter: operand(b!), attributes: op, outputSize: shape.slice(-3, -1) as [number, number], write, repeatable }, context);
    case "conv2d-input-gradient":
      return conv2dInputGradient({ dy: operand(a!), filter: operand(b!), attributes: op, inputSize: op.inputSize, write, repeatable }, context);
    case "conv2d-filter-gradient":
      return conv2dFilterGradient({ x: operand(a!), dy: operand(b!), attributes: op, filterSize: op.filterSize, write, repeatable }, context);
    case "softmax":
    case "log-softmax":
      return softmax({ x: operand(a!), axis: op.axis, log: op.kind === "log-softmax", write }, context);
    case "pool2d":
      return pool2d({ x: operand(a!), function: op.function, window: op.window, strides: op.strides, padding: op.padding, outputSize: shape.slice(-3, -1) as [number, number], write }, context);
    case "pool2d-gradient":
      return pool2dGradient({ x: operand(a!), dy: operand(b!), function: op.function, window: op.window, strides: op.strides, padding: op.padding, write }, context);
    case "scatter-add":
      return scatterAdd({ indices: operand(a!), updates: operand(b!), type: anchor.dtype, shape, batchDims: op.batchDims, write }, context);
    case "cumulative-sum":
      return cumulativeSum({ x: operand(a!), type: anchor.dtype, axis: op.axis, exclusive: op.exclusive, reverse: op.reverse, write }, context);
    case "arg-reduce":
      return argReduce({ x: operand(a!), type: a!.dtype, axis: op.axis, function: op.function, write }, context);
    case "cholesky":
      return cholesky({ a: operand(a!), write }, context);
    case "triangular-solve":
      return triangularSolve({ lower: operand(a!), b: operand(b!), transpose: op.transpose, write }, context);
    case "reduce":
      return { ...reduceKernel(context, op), before: [] };
    case "loop":
      return loopKernel(context);
    default:
      throw new InternalError(`no kernel for ${op.kind}`);
  }
}
