import type { KernelBuilder } from "../../ir/kernel/builder.js";
import { exp } from "../../ir/kernel/functions/exponential.js";
import { log } from "../../ir/kernel/functions/logarithm.js";
import type { ElementType, KernelExpr } from "../../ir/kernel/nodes.js";
import type { ReduceFunction } from "../../ir/tensor/nodes.js";
import { type ReduceStage, reduce } from "./reduce.js";
import type { Operand, Template, TemplateContext, Write, WriteOptions } from "./template.js";

export interface ReduceOpOptions extends WriteOptions {
  readonly x: Operand;
  /** Of x. */
  readonly type: ElementType;
  readonly axes: readonly number[];
  readonly function: ReduceFunction;
  /** At coordinates of the kept axes (without `keepDims`). */
  readonly write: Write;
}

/** The tensor operation `reduce`. */
export function reduceOp(o: ReduceOpOptions, context: TemplateContext): Template {
  const common = { shape: o.x.shape, axes: o.axes, repeatable: o.repeatable, title: o.function };
  if (o.function === "logsumexp") {
    return reduce({ ...common, stages: exponentialStages(o.x), write: (k, index, [top, sum]) => o.write(k, index, k.add(log(k, sum!), finiteOr0(k, top!))) }, context);
  }
  if (o.function === "all" || o.function === "any") {
    return reduce({
      ...common,
      stages: [{ folds: [o.function === "all" ? "min" : "max"], types: ["i32"], read: (k, index, width) => [k.convert(o.x.read(k, index, width), "i32")] }],
      // Over nothing the neutral elements are the extremes of i32.
      write: (k, index, [value]) => o.write(k, index, k.compare("greater", value!, 0)),
    }, context);
  }
  const fold = o.function;
  return reduce({ ...common, stages: [{ folds: [fold], types: [o.type], read: (k, index, width) => [o.x.read(k, index, width)] }], write: (k, index, [value]) => o.write(k, index, value!) }, context);
}

export interface SoftmaxOptions {
  readonly x: Operand;
  readonly axis: number;
  /** log-softmax. */
  readonly log: boolean;
  /** At coordinates of x. */
  readonly write: Write;
}

/** exp(x − max) / Σ exp(x − max), or x − max − log Σ exp(x − max). */
export function softmax(o: SoftmaxOptions, context: TemplateContext): Template {
  return reduce({
    shape: o.x.shape, axes: [o.axis], title: o.log ? "log-softmax" : "softmax",
    stages: [maximumStage(o.x), { folds: ["sum"], read: (k, index, width, [top]) => [exp(k, k.subtract(o.x.read(k, index, width), top!))] }],
    each: (k, index, [top, sum], width) => {
      const shifted = k.bind(k.subtract(o.x.read(k, index, width), top!), "shifted");
      o.write(k, index, k.bind(o.log ? k.subtract(shifted, log(k, sum!)) : k.divide(exp(k, shifted), sum!), "value"));
    },
  }, context);
}

export interface MomentsOptions {
  readonly x: Operand;
  readonly axes: readonly number[];
  /** Mean and variance (divided by the count) at coordinates of the kept axes. */
  readonly write?: (k: KernelBuilder, index: readonly KernelExpr[], mean: KernelExpr, variance: KernelExpr) => void;
  /** Every element with the moments of its row. */
  readonly each?: (k: KernelBuilder, index: readonly KernelExpr[], mean: KernelExpr, variance: KernelExpr, width: "scalar" | "vector") => void;
}

/** Mean, then the mean of squared deviations from it: no cancellation. */
export function moments(o: MomentsOptions, context: TemplateContext): Template {
  const count = o.axes.reduce((n, axis) => n * o.x.shape[axis]!, 1);
  const of = (k: KernelBuilder, total: KernelExpr) => k.bind(k.multiply(total, 1 / count), "mean");
  const { write, each } = o;
  return reduce({
    shape: o.x.shape, axes: o.axes, title: "moments",
    stages: [
      { folds: ["sum"], read: (k, index, width) => [o.x.read(k, index, width)] },
      { folds: ["sum"], read: (k, index, width, [sum]) => {
        const deviation = k.bind(k.subtract(o.x.read(k, index, width), k.multiply(sum!, 1 / count)), "deviation");
        return [k.multiply(deviation, deviation)];
      } },
    ],
    write: write && ((k, index, [sum, squares]) => write(k, index, of(k, sum!), of(k, squares!))),
    each: each && ((k, index, [sum, squares], width) => each(k, index, of(k, sum!), of(k, squares!), width)),
  }, context);
}

function maximumStage(x: Operand): ReduceStage {
  return { folds: ["max"], read: (k, index, width) => [x.read(k, index, width)] };
}

/** Σ exp(x − max), where an infinite maximum counts as 0: then all of −∞ gives log 0 and one ∞ gives ∞. */
function exponentialStages(x: Operand): ReduceStage[] {
  return [maximumStage(x), { folds: ["sum"], read: (k, index, width, [top]) => [exp(k, k.subtract(x.read(k, index, width), finiteOr0(k, top!)))] }];
}

function finiteOr0(k: KernelBuilder, x: KernelExpr): KernelExpr {
  return k.bind(k.select(k.compare("less", k.unary("abs", x), Infinity), x, 0), "top");
}
