import { aroundAxis, expand, permuted, sizeOf, strided, stridesOf } from "./strided.js";
import type { EvaluateRule } from "./types.js";

export const evaluateTranspose: EvaluateRule<"transpose"> = (op, [x]) => permuted(x!.values, x!.shape, op.permutation);

export const evaluateBroadcast: EvaluateRule<"broadcast"> = (_, [x], { shape }) => expand(x!.values, x!.shape, shape);

export const evaluateSlice: EvaluateRule<"slice"> = (op, [x], { shape }) => {
  const strides = stridesOf(x!.shape);
  return strided(x!.values, shape, strides, op.starts.reduce((offset, start, axis) => offset + start * strides[axis]!, 0));
};

export const evaluateReverse: EvaluateRule<"reverse"> = (op, [x], { shape }) => {
  const strides = stridesOf(shape);
  const offset = Math.max(0, shape[op.axis]! - 1) * strides[op.axis]!;
  return strided(x!.values, shape, strides.map((stride, axis) => (axis === op.axis ? -stride : stride)), offset);
};

/** Negative amounts cut. */
export const evaluatePad: EvaluateRule<"pad"> = (op, [x], { shape, count }) => {
  const result = new Float64Array(count).fill(op.value);
  const to = stridesOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let from = 0; from < x!.values.length; from++) {
    let at = 0;
    let inside = true;
    for (let axis = 0; axis < shape.length; axis++) {
      const position = index[axis]! + op.low[axis]!;
      if (position < 0 || position >= shape[axis]!) inside = false;
      at += position * to[axis]!;
    }
    if (inside) result[at] = x!.values[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < x!.shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return result;
};

export const evaluateConcatenate: EvaluateRule<"concatenate"> = (op, inputs, { shape, count }) => {
  const result = new Float64Array(count);
  const { outer, length, inner } = aroundAxis(shape, op.axis);
  let offset = 0;
  for (const part of inputs) {
    const width = part.shape[op.axis]! * inner;
    for (let row = 0; row < outer; row++) result.set(part.values.subarray(row * width, (row + 1) * width), row * length * inner + offset);
    offset += width;
  }
  return result;
};

function clamp(index: number, size: number): number {
  return Math.min(Math.max(index, 0), size - 1);
}

export const evaluateGather: EvaluateRule<"gather"> = (op, [table, indices], { count }) => {
  const result = new Float64Array(count);
  const batches = sizeOf(table!.shape.slice(0, op.batchDims));
  const size = table!.shape[op.batchDims]!;
  const rest = sizeOf(table!.shape.slice(op.batchDims + 1));
  const many = sizeOf(indices!.shape.slice(op.batchDims));
  for (let batch = 0, to = 0; batch < batches; batch++) {
    for (let i = 0; i < many; i++, to += rest) {
      const from = (batch * size + clamp(indices!.values[batch * many + i]!, size)) * rest;
      result.set(table!.values.subarray(from, from + rest), to);
    }
  }
  return result;
};

export const evaluateScatterAdd: EvaluateRule<"scatter-add"> = (op, [indices, updates], { shape, count, round }) => {
  const result = new Float64Array(count);
  const size = shape[op.batchDims]!;
  const rest = sizeOf(shape.slice(op.batchDims + 1));
  const many = sizeOf(indices!.shape.slice(op.batchDims));
  for (let i = 0; i < indices!.values.length; i++) {
    const to = (Math.floor(i / many) * size + clamp(indices!.values[i]!, size)) * rest;
    for (let j = 0; j < rest; j++) result[to + j] = round(result[to + j]! + updates!.values[i * rest + j]!);
  }
  return result;
};
