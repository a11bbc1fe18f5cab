import * as tf from "@tensorflow/tfjs-core";
import { differentiable, sumTo } from "./differentiable.js";

/**
 * Functions that TensorFlow.js lacks, or has only to a few digits, are computed on the host in float64 and rounded once. On the CPU backends
 * this is faster than a dozen kernels; on a graphics card it costs a transfer.
 */
export function mapHost(x: tf.Tensor, f: (x: number) => number): tf.Tensor {
  const values = x.dataSync();
  const result = new Float32Array(values.length);
  for (let i = 0; i < result.length; i++) result[i] = f(values[i] ?? NaN);
  return tf.tensor(result, x.shape, "float32");
}

/** Elementwise over two tensors of one shape. */
export function mapHost2(a: tf.Tensor, b: tf.Tensor, f: (a: number, b: number) => number): tf.Tensor {
  const [left, right] = [a.dataSync(), b.dataSync()];
  const result = new Float32Array(left.length);
  for (let i = 0; i < result.length; i++) result[i] = f(left[i] ?? NaN, right[i] ?? NaN);
  return tf.tensor(result, a.shape, "float32");
}

export function hostUnary(f: (x: number) => number, derivative: (x: number) => number): (x: tf.Tensor) => tf.Tensor {
  return (x) => differentiable([x], (given) => mapHost(given, f), (dy, [given = x]) => tf.mul(dy, mapHost(given, derivative)));
}

/** A function of two numbers with both partial derivatives; operands broadcast. */
export function hostBinary(
  f: (a: number, b: number) => number,
  partials: readonly [(a: number, b: number) => number, (a: number, b: number) => number],
): (a: tf.Tensor | number, b: tf.Tensor | number) => tf.Tensor {
  return (left, right) => {
    const [a, b] = [asTensor(left), asTensor(right)];
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const spread = (x: tf.Tensor): tf.Tensor => (tf.util.arraysEqual(x.shape, shape) ? x : tf.broadcastTo(x, shape as tf.ShapeMap[tf.Rank]));
    return differentiable([a, b], (x, y) => mapHost2(spread(x ?? a), spread(y ?? b), f), (dy, [x = a, y = b]) => [
      sumTo(tf.mul(dy, mapHost2(spread(x), spread(y), partials[0])), x.shape),
      sumTo(tf.mul(dy, mapHost2(spread(x), spread(y), partials[1])), y.shape),
    ]);
  };
}

export function asTensor(x: tf.Tensor | number): tf.Tensor {
  return typeof x === "number" ? tf.scalar(x) : x;
}
