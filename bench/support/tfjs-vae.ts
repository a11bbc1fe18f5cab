import * as tf from "@tensorflow/tfjs-core";
import { shuffle } from "./shuffle.js";

const [size, batch, hidden, latent] = [784, 128, 400, 20];

/** The training loop of models/vae.lvm by hand in TensorFlow.js: a minibatch gathered and binarized on the host, tidied, one `minimize`. */
export function tfjsVae(data: Uint8Array): { readonly step: () => tf.Scalar; readonly dispose: () => void } {
  const lecun = (i: number, o: number): tf.Variable<tf.Rank.R2> => tf.variable(tf.randomUniform([i, o], -Math.sqrt(3 / i), Math.sqrt(3 / i))) as tf.Variable<tf.Rank.R2>;
  const zeros = (n: number): tf.Variable<tf.Rank.R1> => tf.variable(tf.zeros([n])) as tf.Variable<tf.Rank.R1>;
  const dense = (i: number, o: number) => {
    const [kernel, bias] = [lecun(i, o), zeros(o)];
    return { kernel, bias, apply: (x: tf.Tensor): tf.Tensor => tf.add(tf.matMul(x, kernel), bias) };
  };
  const layers = { h: dense(size, hidden), mean: dense(hidden, latent), scale: dense(hidden, latent), d: dense(latent, hidden), logits: dense(hidden, size) };
  const optimizer = tf.train.adam(1e-3);
  const loss = (x: tf.Tensor): tf.Scalar => {
    const h = tf.relu(layers.h.apply(x));
    const mean = layers.mean.apply(h);
    const scale = tf.softplus(layers.scale.apply(h));
    const z = tf.add(mean, tf.mul(scale, tf.randomNormal([batch, latent])));
    const logits = layers.logits.apply(tf.relu(layers.d.apply(z)));
    const crossEntropy = tf.add(tf.sub(tf.relu(logits), tf.mul(logits, x)), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))));
    const kl = tf.sub(tf.mul(0.5, tf.sub(tf.add(tf.square(mean), tf.square(scale)), 1)), tf.log(scale));
    return tf.mean(tf.add(tf.sum(crossEntropy, 1), tf.sum(kl, 1))) as tf.Scalar;
  };
  const rows = data.length / size;
  const order = Int32Array.from({ length: rows }, (_, at) => at);
  let at = rows;
  return {
    step: () => {
      if (at + batch > rows) {
        shuffle(order);
        at = 0;
      }
      // Coins on the host: TensorFlow.js draws its uniforms there as well, more slowly.
      const chosen = new Float32Array(batch * size);
      for (let i = 0; i < batch; i++, at++) for (let j = 0, from = order[at]! * size; j < size; j++) chosen[i * size + j] = Math.random() * 255 < data[from + j]! ? 1 : 0;
      return tf.tidy(() => {
        const x = tf.tensor2d(chosen, [batch, size]);
        return optimizer.minimize(() => loss(x), true) as tf.Scalar;
      });
    },
    dispose: () => optimizer.dispose(),
  };
}

/** Runs something under TensorFlow.js's own gradient of matrix products, which our run time replaces by a faster one. */
export async function withOwnGradients<T>(action: () => Promise<T>): Promise<T> {
  const ours = tf.getGradient("BatchMatMul");
  tf.registerGradient({
    kernelName: "BatchMatMul",
    inputsToSave: ["a", "b"],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return { a: () => tf.matMul(dy as tf.Tensor, b, false, true), b: () => tf.matMul(a, dy as tf.Tensor, true, false) };
    },
  });
  try {
    return await action();
  } finally {
    if (ours) tf.registerGradient(ours);
  }
}
