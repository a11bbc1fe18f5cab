import * as tf from "@tensorflow/tfjs-core";

/**
 * One step of a loop: what it gives lives on; what else it makes, and the carries before it, do not. So a loop of any number of steps holds as much as one step. Where a gradient is taken,
 * TensorFlow.js keeps by itself what it needs of each step.
 *
 * @param carries tensors of the loop alone
 * @param step gives tensors that are nobody else's, each once
 */
export function loopStep<Values extends tf.Tensor[]>(carries: readonly tf.Tensor[], step: () => [...Values]): [...Values] {
  const values = tf.tidy(step as () => tf.Tensor[]) as [...Values];
  tf.dispose([...carries]);
  return values;
}
