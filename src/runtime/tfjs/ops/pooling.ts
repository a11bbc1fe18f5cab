import * as tf from "@tensorflow/tfjs-core";
import { asImages, padImages, withLead } from "./convolution.js";

type Pair = readonly [number, number];
export interface PoolingOptions {
  readonly window: Pair;
  readonly strides: Pair;
  readonly padding: readonly [Pair, Pair];
}

/** The largest of each window of x [...lead, h, w, c]; padding never wins. */
export function maxPool(x: tf.Tensor, { window, strides, padding }: PoolingOptions): tf.Tensor {
  const images = padImages(asImages(x), padding, leastFloat);
  return withLead(tf.maxPool(images, [...window] as [number, number], [...strides] as [number, number], "valid"), x);
}

/** Not −∞, which some kernels begin their search with and then never find. */
const leastFloat = -3.4028234663852886e38;

/**
 * The gradient of a "valid" max-pool by slices, for the wasm backend: its own kernel sends the gradient astray where all of a window is
 * negative. Of equal cells the first takes it.
 */
export function maxPoolGradient(x: tf.Tensor4D, y: tf.Tensor4D, dy: tf.Tensor4D, window: Pair, strides: Pair): tf.Tensor {
  const [n, h, w, c] = x.shape;
  const [, down, across] = y.shape;
  const spans = [(down - 1) * strides[0] + 1, (across - 1) * strides[1] + 1] as const;
  let left: tf.Tensor = dy;
  let sum: tf.Tensor | undefined;
  for (let i = 0; i < window[0]; i++) {
    for (let j = 0; j < window[1]; j++) {
      const cells = tf.stridedSlice(x, [0, i, j, 0], [n, i + spans[0], j + spans[1], c], [1, ...strides, 1]);
      const part = tf.where(tf.equal(cells, y), left, tf.zerosLike(left));
      left = tf.sub(left, part);
      const spread = holes(part as tf.Tensor4D, strides);
      const placed = tf.pad(spread, [[0, 0], [i, h - i - spans[0]], [j, w - j - spans[1]], [0, 0]]);
      sum = sum ? tf.add(sum, placed) : placed;
    }
  }
  return sum ?? tf.zerosLike(x);
}

/** Zeros between the cells of an image: as many as a stride passes over. */
function holes(x: tf.Tensor4D, [down, across]: Pair): tf.Tensor4D {
  if (down === 1 && across === 1) return x;
  const [n, h, w, c] = x.shape;
  const padded = tf.pad(tf.reshape(x, [n, h, 1, w, 1, c]), [[0, 0], [0, 0], [0, down - 1], [0, 0], [0, across - 1], [0, 0]]);
  return tf.slice(tf.reshape(padded, [n, h * down, w * across, c]) as tf.Tensor4D, [0, 0, 0, 0], [n, (h - 1) * down + 1, (w - 1) * across + 1, c]);
}

/** The mean of each window of x [...lead, h, w, c] over the cells inside the image. */
export function meanPool(x: tf.Tensor, { window, strides, padding }: PoolingOptions): tf.Tensor {
  const images = asImages(x);
  const pooled = tf.avgPool(padImages(images, padding), [...window] as [number, number], [...strides] as [number, number], "valid");
  const [, h, w] = pooled.shape;
  const down = insideCounts(images.shape[1], h, window[0], strides[0], padding[0][0]);
  const across = insideCounts(images.shape[2], w, window[1], strides[1], padding[1][0]);
  const full = window[0] * window[1];
  if (down.every((n) => n === window[0]) && across.every((n) => n === window[1])) return withLead(pooled, x);
  const factors = down.flatMap((a) => across.map((b) => full / (a * b)));
  return withLead(tf.mul(pooled, tf.tensor4d(factors, [1, h, w, 1])), x);
}

/** The gradients of the two at x, given those of their results: TensorFlow.js differentiates, as it does for the programs that it trains. */
export function maxPoolBackward(x: tf.Tensor, dy: tf.Tensor, options: PoolingOptions): tf.Tensor {
  return tf.grad((at) => maxPool(at, options))(x, dy);
}

export function meanPoolBackward(x: tf.Tensor, dy: tf.Tensor, options: PoolingOptions): tf.Tensor {
  return tf.grad((at) => meanPool(at, options))(x, dy);
}

/** For each window along one axis, how many of its cells lie inside. */
function insideCounts(size: number, windows: number, window: number, stride: number, before: number): number[] {
  return Array.from({ length: windows }, (_, at) => {
    const start = at * stride - before;
    return Math.min(start + window, size) - Math.max(start, 0);
  });
}
