import * as tf from "@tensorflow/tfjs-core";

type Pair = readonly [number, number];
export interface ConvolutionOptions {
  readonly strides: Pair;
  /** Cells of zeros before and after, for height and width. */
  readonly padding: readonly [Pair, Pair];
  readonly dilation?: Pair;
}

const same: Pair = [1, 1];

/** Cross-correlation of x [...lead, h, w, in] with filter [kh, kw, in, out] → [...lead, h′, w′, out]; padding may differ from side to side. */
export function conv2d(x: tf.Tensor, filter: tf.Tensor, { strides, padding, dilation = same }: ConvolutionOptions): tf.Tensor {
  const images = padImages(asImages(x), padding);
  const spread = dilate(filter as tf.Tensor4D, dilation);
  return withLead(tf.conv2d(images, spread, [...strides] as [number, number], "valid"), x);
}

/** The transposed convolution: dy [...lead, h′, w′, out] → [...lead, ...inputSize, in], what `conv2d`'s gradient with respect to x computes. */
export function conv2dTranspose(dy: tf.Tensor, filter: tf.Tensor, inputSize: Pair, { strides, padding, dilation = same }: ConvolutionOptions): tf.Tensor {
  const images = asImages(dy);
  const spread = dilate(filter as tf.Tensor4D, dilation);
  const channels = spread.shape[2];
  const padded: Pair = [inputSize[0] + padding[0][0] + padding[0][1], inputSize[1] + padding[1][0] + padding[1][1]];
  const full = tf.conv2dTranspose(images, spread, [images.shape[0], ...padded, channels], [...strides] as [number, number], "valid");
  return withLead(tf.slice(full, [0, padding[0][0], padding[1][0], 0], [images.shape[0], ...inputSize, channels]), dy);
}

/** The gradient of `conv2d` with respect to its filter, of `filterSize`: [kh, kw, in, out]. */
export function conv2dFilterGradient(x: tf.Tensor, dy: tf.Tensor, filterSize: Pair, { strides, padding, dilation = same }: ConvolutionOptions): tf.Tensor {
  const images = padImages(asImages(x), padding);
  const spanned: Pair = [(filterSize[0] - 1) * dilation[0] + 1, (filterSize[1] - 1) * dilation[1] + 1];
  const full = filterGradient(images, asImages(dy), spanned, strides);
  return dilation[0] === 1 && dilation[1] === 1 ? full : tf.stridedSlice(full, [0, 0, 0, 0], full.shape, [...dilation, 1, 1]);
}

/**
 * The filter gradient as a convolution with the roles exchanged, for backends without Conv2DBackpropFilter: channels are the batch, the batch
 * is the channels, dy is the filter, and the strides dilate it. x is padded already ("valid").
 */
export function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, size: Pair, strides: Pair): tf.Tensor4D {
  const images = tf.transpose(x, [3, 1, 2, 0]);
  const filter = dilate(tf.transpose(dy, [1, 2, 0, 3]), strides);
  const gradient = tf.conv2d(images, filter, 1, "valid"); // [in, kh + unused, kw + unused, out]
  return tf.slice(tf.transpose(gradient, [1, 2, 0, 3]), [0, 0, 0, 0], [...size, x.shape[3], dy.shape[3]]);
}

/** [...lead, h, w, c] as [n, h, w, c]. */
export function asImages(x: tf.Tensor): tf.Tensor4D {
  return x.rank === 4 ? (x as tf.Tensor4D) : tf.reshape(x, [-1, ...x.shape.slice(-3)] as [number, number, number, number]);
}

/** The leading axes of `like` instead of the one of `asImages`. */
export function withLead(images: tf.Tensor4D, like: tf.Tensor): tf.Tensor {
  return like.rank === 4 ? images : tf.reshape(images, [...like.shape.slice(0, -3), ...images.shape.slice(1)] as tf.ShapeMap[tf.Rank]);
}

export function padImages(x: tf.Tensor4D, padding: readonly [Pair, Pair], value = 0): tf.Tensor4D {
  const [[top, bottom], [left, right]] = padding;
  return top + bottom + left + right === 0 ? x : tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]], value);
}

/** Zeros between the cells of the first two axes, so that neither strides nor backends restrict dilation. */
function dilate(filter: tf.Tensor4D, [down, across]: Pair): tf.Tensor4D {
  if (down === 1 && across === 1) return filter;
  const [h, w, i, o] = filter.shape;
  const cells = tf.reshape(filter, [h, 1, w, 1, i, o]);
  const holes = tf.pad(cells, [[0, 0], [0, down - 1], [0, 0], [0, across - 1], [0, 0], [0, 0]]);
  return tf.slice(tf.reshape(holes, [h * down, w * across, i, o]) as tf.Tensor4D, [0, 0, 0, 0], [(h - 1) * down + 1, (w - 1) * across + 1, i, o]);
}
