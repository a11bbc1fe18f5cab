import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { it } from "vitest";
import { compiledModel } from "../test/codegen/support/load-emitted.js";

/**
 * A training step of models/vae.lvm (784-400-20, batch 128) as the compiler emits it, against the same model written by hand in TensorFlow.js, in
 * one process, taking turns. BENCH_DEVICE names the device (default tfjs-wasm). The target: at most 1.1 times the hand-written step.
 *
 * The hand-written model runs twice: with the gradients that lvmc registers, and with TensorFlow.js's own rule for matrix products.
 */

const [rows, size, batch, hidden, latent] = [1024, 784, 128, 400, 20];
const device = process.env["BENCH_DEVICE"] ?? "tfjs-wasm";
const rounds = device === "tfjs-cpu" ? 3 : 15;
const stepsPerRound = device === "tfjs-cpu" ? 2 : 5;

function byHand(values: Float32Array): { step: () => void; dispose: () => void } {
  const glorot = (i: number, o: number): tf.Variable<tf.Rank.R2> => tf.variable(tf.randomUniform([i, o], -Math.sqrt(6 / (i + o)), Math.sqrt(6 / (i + o)))) as tf.Variable<tf.Rank.R2>;
  const zeros = (n: number): tf.Variable<tf.Rank.R1> => tf.variable(tf.zeros([n])) as tf.Variable<tf.Rank.R1>;
  const dense = (i: number, o: number) => {
    const [kernel, bias] = [glorot(i, o), zeros(o)];
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
  const order = Array.from({ length: rows }, (_, at) => at).sort(() => Math.random() - 0.5);
  let at = 0;
  return {
    step: () => {
      const chosen = new Float32Array(batch * size);
      for (let i = 0; i < batch; i++) {
        const row = order[at++ % rows]!;
        chosen.set(values.subarray(row * size, (row + 1) * size), i * size);
      }
      tf.tidy(() => {
        const x = tf.tensor2d(chosen, [batch, size]);
        optimizer.minimize(() => loss(x));
      });
    },
    dispose: () => optimizer.dispose(),
  };
}

/** The rule for matrix products as TensorFlow.js has it. */
function standardMatMulGradient(on: boolean, ours: tf.GradConfig | undefined): void {
  const standard: tf.GradConfig = {
    kernelName: "BatchMatMul",
    inputsToSave: ["a", "b"],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return { a: () => tf.matMul(dy as tf.Tensor, b, false, true), b: () => tf.matMul(a, dy as tf.Tensor, true, false) };
    },
  };
  if (on) tf.registerGradient(standard);
  else if (ours) tf.registerGradient(ours);
}

it("measures", async () => {
  const text = readFileSync(new URL("../models/vae.lvm", import.meta.url), "utf8");
  const model = await compiledModel(text)({ device, seed: 1 });
  const values = Float32Array.from({ length: rows * size }, (_, at) => ((at * 2654435761) >>> 16) & 1);
  const hand = byHand(values);
  const ours = tf.getGradient("BatchMatMul");
  const times: Record<string, number[]> = { emitted: [], "by hand": [], "by hand, TensorFlow.js's own matMul gradient": [] };
  const run = model.train({ x: { rows, values, shape: [size] } }, { steps: 1e9, epochs: 1e9 });
  const timed = async (name: string, step: () => unknown): Promise<void> => {
    const start = performance.now();
    for (let i = 0; i < stepsPerRound; i++) await step();
    times[name]?.push((performance.now() - start) / stepsPerRound);
  };
  for (let round = 0; round <= rounds; round++) {
    await timed("emitted", () => run.next());
    await timed("by hand", hand.step);
    standardMatMulGradient(true, ours);
    await timed("by hand, TensorFlow.js's own matMul gradient", hand.step);
    standardMatMulGradient(false, ours);
    if (round === 0) for (const list of Object.values(times)) list.length = 0;
  }
  const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;
  const results = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, Number(median(list).toFixed(1))]));
  const emitted = median(times["emitted"] ?? []);
  console.log(JSON.stringify({ device: model.device, unit: "ms/step", ...results, ratio: Number((emitted / median(times["by hand"] ?? [])).toFixed(3)), ratioToStandard: Number((emitted / median(times["by hand, TensorFlow.js's own matMul gradient"] ?? [])).toFixed(3)) }));
  await run.return({ reason: "aborted", step: 0, metrics: { loss: 0, elbo: 0, terms: {}, learningRate: 0 } });
  hand.dispose();
  model.dispose();
});
