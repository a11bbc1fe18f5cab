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
  const images = padImages(asImages(x), padding, -Infinity);
  return withLead(tf.maxPool(images, [...window] as [number, number], [...strides] as [number, number], "valid"), x);
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

/** For each window along one axis, how many of its cells lie inside. */
function insideCounts(size: number, windows: number, window: number, stride: number, before: number): number[] {
  return Array.from({ length: windows }, (_, at) => {
    const start = at * stride - before;
    return Math.min(start + window, size) - Math.max(start, 0);
  });
}
