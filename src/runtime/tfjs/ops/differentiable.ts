import * as tf from "@tensorflow/tfjs-core";

type Forward = (...inputs: tf.Tensor[]) => tf.Tensor;
/** The gradient for each input, given the result's, the inputs, and the result. */
type Backward = (dy: tf.Tensor, inputs: readonly tf.Tensor[], value: tf.Tensor) => tf.Tensor | tf.Tensor[];

/** An operation whose gradient is stated rather than composed; inputs and result are kept for the way back. */
export function differentiable(inputs: readonly tf.Tensor[], forward: Forward, backward: Backward): tf.Tensor {
  const run = tf.customGrad((...args) => {
    const save = args[args.length - 1] as tf.GradSaveFunc;
    const given = args.slice(0, -1) as tf.Tensor[];
    const value = forward(...given);
    save([...given, value]);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => backward(dy, saved.slice(0, -1), saved[saved.length - 1] ?? value) };
  });
  return run(...inputs);
}

/** Sums `dy` over the axes along which `shape` was broadcast. Always a tensor of its own: TensorFlow.js disposes gradients as it adds them up. */
export function sumTo(dy: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const lead = dy.rank - shape.length;
  const axes = dy.shape.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  return tf.reshape(axes.length === 0 ? dy : tf.sum(dy, axes), [...shape]);
}
