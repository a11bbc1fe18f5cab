import * as tf from "@tensorflow/tfjs-core";
import { differentiable } from "./differentiable.js";

/** log(1 + eˣ) = max(x, 0) + log1p(e^−|x|); TensorFlow.js's own loses digits for negative x in float32. */
export function softplus(x: tf.Tensor): tf.Tensor {
  return differentiable(
    [x],
    (given = x) => tf.add(tf.relu(given), tf.log1p(tf.exp(tf.neg(tf.abs(given))))),
    (dy, [given = x]) => tf.mul(dy, tf.sigmoid(given)),
  );
}

/** The value of x, through which no gradient flows. */
export function stopGradient(x: tf.Tensor): tf.Tensor {
  return differentiable([x], (given = x) => tf.clone(given), (dy) => tf.zerosLike(dy));
}
