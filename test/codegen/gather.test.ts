import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, it } from "vitest";
import { registerGradients } from "../../src/runtime/tfjs/gradients.js";
import { gather, scatterAdd } from "../../src/runtime/tfjs/ops/gather.js";

/** Guards gradients through indices that the differentiated function computes itself: TensorFlow.js disposes what it makes unless the way back keeps it. */
describe("gather and scatter-add at computed indices", () => {
  const floor = (t: tf.Tensor): tf.Tensor => tf.tidy(() => tf.cast(tf.floor(t), "int32"));
  // At x = (1, 2, 3): index 3 of three rows is clamped to 2.
  const cases: readonly (readonly [string, (t: tf.Tensor) => tf.Tensor, readonly number[]])[] = [
    ["x at ⌊x⌋", (t) => tf.sum(gather(t, floor(t))), [0, 1, 2]],
    ["x² at ⌊x⌋", (t) => tf.sum(gather(tf.square(t), floor(t))), [0, 4, 12]],
    ["x² added at ⌊x⌋", (t) => tf.sum(scatterAdd(floor(t), tf.square(t), 5)), [2, 4, 6]],
  ];
  it.each(cases)("%s", (_, f, expected) => {
    registerGradients();
    expect([...tf.grad(f as never)(tf.tensor1d([1, 2, 3])).dataSync()]).toEqual(expected);
  });
});
