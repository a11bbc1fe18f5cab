import * as tf from "@tensorflow/tfjs-core";

type Forward = (...inputs: tf.Tensor[]) => tf.Tensor;
/** The gradient for each input, given the result's, the inputs, the result, and what else was kept. */
type Backward = (dy: tf.Tensor, inputs: readonly tf.Tensor[], value: tf.Tensor, kept: readonly tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/**
 * An operation whose gradient is stated rather than composed; inputs and result are kept for the way back, and so are `others`: tensors without a gradient, such as
 * indices. What is not kept may be disposed by then: all that a differentiated function makes is.
 */
export function differentiable(inputs: readonly tf.Tensor[], forward: Forward, backward: Backward, others: readonly tf.Tensor[] = []): tf.Tensor {
  const run = tf.customGrad((...args) => {
    const save = args[args.length - 1] as tf.GradSaveFunc;
    const given = args.slice(0, -1) as tf.Tensor[];
    const value = forward(...given);
    save([...given, value, ...others]);
    const count = given.length;
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => backward(dy, saved.slice(0, count), saved[count] ?? value, saved.slice(count + 1)) };
  });
  return run(...inputs);
}

/** Sums `dy` over the axes along which `shape` was broadcast. Always a tensor of its own: TensorFlow.js disposes gradients as it adds them up. */
export function sumTo(dy: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const lead = dy.rank - shape.length;
  const axes = dy.shape.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  return tf.reshape(axes.length === 0 ? dy : tf.sum(dy, axes), [...shape]);
}
