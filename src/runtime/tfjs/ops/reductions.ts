import * as tf from "@tensorflow/tfjs-core";
import { differentiable } from "./differentiable.js";

/** log Σ eˣ over `axes`. −∞ where all are −∞ (an impossible event), with gradient 0 there; `tf.logSumExp` gives NaN for both. */
export function logSumExp(x: tf.Tensor, axes: number[], keepDims = false): tf.Tensor {
  const kept = differentiable(
    [x],
    (given = x) => {
      const top = finiteOrZero(tf.max(given, axes, true));
      return tf.add(tf.log(tf.sum(tf.exp(tf.sub(given, top)), axes, true)), top);
    },
    (dy, [given = x], value) => tf.mul(dy, tf.exp(tf.sub(given, finiteOrZero(value)))),
  );
  return keepDims ? kept : tf.squeeze(kept, axes);
}

function finiteOrZero(x: tf.Tensor): tf.Tensor {
  return tf.where(tf.isFinite(x), x, tf.zerosLike(x));
}

/** eˣ / Σ eˣ along any axis. */
export function softmax(x: tf.Tensor, axis: number): tf.Tensor {
  return alongLast(x, axis, (moved) => tf.softmax(moved));
}

/** x − log Σ eˣ along any axis. */
export function logSoftmax(x: tf.Tensor, axis: number): tf.Tensor {
  return alongLast(x, axis, (moved) => tf.logSoftmax(moved));
}

function alongLast(x: tf.Tensor, axis: number, apply: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  if (axis === x.rank - 1) return apply(x);
  const swap = x.shape.map((_, at) => (at === axis ? x.rank - 1 : at === x.rank - 1 ? axis : at));
  return tf.transpose(apply(tf.transpose(x, swap)), swap);
}
