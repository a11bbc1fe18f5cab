import * as tf from "@tensorflow/tfjs-core";
import { differentiable } from "./differentiable.js";

/**
 * Rows of `table` [...batch, n, ...rest] at `indices` [...batch, ...many] (int32, clamped to 0…n−1) → [...batch, ...many, ...rest], where
 * `batchDims` leading axes are common. The gradient adds up by ScatterNd, a kernel that every backend has.
 */
export function gather(table: tf.Tensor, indices: tf.Tensor, batchDims = 0): tf.Tensor {
  const batch = table.shape.slice(0, batchDims);
  const size = table.shape[batchDims] ?? 0;
  const rest = table.shape.slice(batchDims + 1);
  const result = [...indices.shape, ...rest];
  return differentiable(
    [table],
    (given = table) => {
      const flat = tf.reshape(given, [count(batch) * size, count(rest)]);
      return tf.reshape(tf.gather(flat, flatIndices(indices, batch, size)), result as tf.ShapeMap[tf.Rank]);
    },
    (dy, _, __, [at = indices]) => {
      const updates = tf.reshape(dy, [at.size, count(rest)]);
      const flat = scatterRows(flatIndices(at, batch, size), updates, count(batch) * size);
      return tf.reshape(flat, table.shape as tf.ShapeMap[tf.Rank]);
    },
    [indices],
  );
}

/** Adds `updates` [...batch, ...many, ...rest] at `indices` [...batch, ...many] (clamped) into zeros of [...batch, size, ...rest]. */
export function scatterAdd(indices: tf.Tensor, updates: tf.Tensor, size: number, batchDims = 0): tf.Tensor {
  const batch = indices.shape.slice(0, batchDims);
  const total = count(batch) * size;
  const rest = updates.shape.slice(indices.rank);
  return differentiable(
    [updates],
    (given = updates) => {
      const sums = scatterRows(flatIndices(indices, batch, size), tf.reshape(given, [indices.size, count(rest)]), total);
      return tf.reshape(sums, [...batch, size, ...rest] as tf.ShapeMap[tf.Rank]);
    },
    (dy, _, __, [at = indices]) => {
      const rows = tf.gather(tf.reshape(dy, [total, count(rest)]), flatIndices(at, batch, size));
      return tf.reshape(rows, updates.shape as tf.ShapeMap[tf.Rank]);
    },
    [indices],
  );
}

/** One index per row of the flattened table: the batch's offset is added. */
function flatIndices(indices: tf.Tensor, batch: readonly number[], size: number): tf.Tensor1D {
  const clamped = tf.minimum(tf.maximum(tf.reshape(indices, [indices.size]), tf.scalar(0, "int32")), tf.scalar(size - 1, "int32"));
  const batches = count(batch);
  if (batches <= 1) return tf.cast(clamped, "int32") as tf.Tensor1D;
  const many = indices.size / batches;
  const offsets = tf.mul(tf.range(0, batches, 1, "int32"), tf.scalar(size, "int32"));
  return tf.cast(tf.reshape(tf.add(tf.reshape(clamped, [batches, many]), tf.reshape(offsets, [batches, 1])), [indices.size]), "int32") as tf.Tensor1D;
}

function scatterRows(indices: tf.Tensor1D, updates: tf.Tensor, size: number): tf.Tensor {
  return tf.scatterND(tf.reshape(indices, [indices.size, 1]), updates, [size, updates.shape[1] ?? 1]);
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
