import type { ReduceFunction } from "../nodes.js";
import { aroundAxis, permuted, sizeOf } from "./strided.js";
import type { EvaluateRule } from "./types.js";

type Fold = (values: Float64Array, start: number, end: number, round: (value: number) => number) => number;

function largest(values: Float64Array, start: number, end: number): number {
  let best = -Infinity;
  for (let i = start; i < end; i++) best = Math.max(best, values[i]!); // NaN propagates
  return best;
}

/** Each in row-major order over the reduced axes; the value of an empty reduction is the neutral element. */
const folds: Readonly<Record<ReduceFunction, Fold>> = {
  sum: (values, start, end, round) => {
    let sum = 0;
    for (let i = start; i < end; i++) sum = round(sum + values[i]!);
    return sum;
  },
  product: (values, start, end, round) => {
    let product = 1;
    for (let i = start; i < end; i++) product = round(product * values[i]!);
    return product;
  },
  max: largest,
  min: (values, start, end) => {
    let best = Infinity;
    for (let i = start; i < end; i++) best = Math.min(best, values[i]!);
    return best;
  },
  // max + log Σ exp(x − max); −∞ where all are −∞ and ∞ where one is ∞, not NaN.
  logsumexp: (values, start, end, round) => {
    const top = largest(values, start, end);
    if (!Number.isFinite(top)) return top;
    let sum = 0;
    for (let i = start; i < end; i++) sum = round(sum + round(Math.exp(round(values[i]! - top))));
    return top + round(Math.log(sum));
  },
  all: (values, start, end) => {
    for (let i = start; i < end; i++) if (values[i] === 0) return 0;
    return 1;
  },
  any: (values, start, end) => {
    for (let i = start; i < end; i++) if (values[i] !== 0) return 1;
    return 0;
  },
};

export const evaluateReduce: EvaluateRule<"reduce"> = (op, [x], { count, round, node }) => {
  const kept = x!.shape.map((_, axis) => axis).filter((axis) => !op.axes.includes(axis));
  const rows = permuted(x!.values, x!.shape, [...kept, ...op.axes]);
  const length = sizeOf(op.axes.map((axis) => x!.shape[axis]!));
  const fold = folds[op.function];
  const step = node.dtype === "f32" ? round : integerStep;
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) result[i] = fold(rows, i * length, (i + 1) * length, step);
  return result;
};

const integerStep = (value: number): number => value;

/** Walks every line along an axis. */
function alongAxis(shape: readonly number[], axis: number, visit: (start: number, stride: number, length: number, line: number) => void): void {
  const { outer, length, inner } = aroundAxis(shape, axis);
  for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) visit(o * length * inner + i, inner, length, o * inner + i);
}

/** The first NaN wins over every number. */
export const evaluateArgReduce: EvaluateRule<"arg-reduce"> = (op, [x], { count }) => {
  const result = new Float64Array(count);
  const sign = op.function === "max" ? 1 : -1;
  alongAxis(x!.shape, op.axis, (start, stride, length, line) => {
    let best = 0;
    for (let i = 1; i < length; i++) {
      const [value, known] = [sign * x!.values[start + i * stride]!, sign * x!.values[start + best * stride]!];
      if (value > known || (Number.isNaN(value) && !Number.isNaN(known))) best = i;
    }
    result[line] = best;
  });
  return result;
};

export const evaluateCumulativeSum: EvaluateRule<"cumulative-sum"> = (op, [x], { count, round }) => {
  const result = new Float64Array(count);
  alongAxis(x!.shape, op.axis, (start, stride, length) => {
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const at = start + (op.reverse ? length - 1 - i : i) * stride;
      const next = round(sum + x!.values[at]!);
      result[at] = op.exclusive ? sum : next;
      sum = next;
    }
  });
  return result;
};

/** exp(x − max) / Σ exp(x − max), or x − max − log Σ exp(x − max). */
function softmaxLines(log: boolean): EvaluateRule<"softmax" | "log-softmax"> {
  return (op, [x], { count, round }) => {
    const result = new Float64Array(count);
    const values = x!.values;
    alongAxis(x!.shape, op.axis, (start, stride, length) => {
      let top = -Infinity;
      for (let i = 0; i < length; i++) top = Math.max(top, values[start + i * stride]!);
      let sum = 0;
      for (let i = 0; i < length; i++) {
        const shifted = round(values[start + i * stride]! - top);
        const e = round(Math.exp(shifted));
        result[start + i * stride] = log ? shifted : e;
        sum = round(sum + e);
      }
      const logSum = round(Math.log(sum));
      for (let i = 0; i < length; i++) {
        const at = start + i * stride;
        result[at] = log ? result[at]! - logSum : result[at]! / sum;
      }
    });
    return result;
  };
}

export const evaluateSoftmax: EvaluateRule<"softmax"> = softmaxLines(false) as EvaluateRule<"softmax">;
export const evaluateLogSoftmax: EvaluateRule<"log-softmax"> = softmaxLines(true) as EvaluateRule<"log-softmax">;
