import * as tf from "@tensorflow/tfjs-core";
import { binarize, gatherRows, type BoundColumn } from "../data/index.js";
import { deriveKey, fillUniform, runtimeSites, type RandomKey } from "../random/index.js";
import { type BoundData, missingValue } from "../train/bind-data.js";
import { siteOf } from "./draws.js";
import type { ModelState } from "./state.js";

export { bindData, type BoundData } from "../train/bind-data.js";

export interface Batch {
  readonly rows: number;
  readonly data: never;
  readonly rowIndex: tf.Tensor1D;
  readonly dispose: () => void;
}

/** The rows of one training step, on the device. Grey levels of binary columns become 0 or 1, afresh for each step where the model says so. */
export function trainingBatch(state: ModelState, data: BoundData, indices: Int32Array, step: number): Batch {
  return uploaded(data, indices, (values, column, at) => {
    const mode = state.definition.training.binarize;
    binarize(values, mode.kind === "fresh" ? "fresh" : { threshold: mode.at }, coinsOfStep(state, column, at, step));
    return column;
  });
}

/** Consecutive rows for evaluation: what is drawn for a row depends on its position alone, not on the batch. */
export function rowsBatch(state: ModelState, data: BoundData, first: number, count: number): Batch {
  const indices = Int32Array.from({ length: count }, (_, at) => first + at);
  return uploaded(data, indices, (values, column, at) => {
    const mode = state.definition.training.binarize;
    if (mode.kind === "threshold") binarize(values, { threshold: mode.at }, binarizeKey(state, at, 0));
    else {
      const uniforms = new Float32Array(values.length);
      fillUniform(uniforms, deriveKey(binarizeKey(state, at, 0), evaluationWord), first * column.size);
      for (let i = 0; i < values.length; i++) values[i] = (uniforms[i] ?? 0) < (values[i] ?? 0) ? 1 : 0;
    }
    return column;
  });
}

/** Coins of a training step. Kernels draw them from a stream of the step's program, but where values may be missing: the same ones here. */
function coinsOfStep(state: ModelState, { name, spec }: BoundColumn, at: number, step: number): RandomKey {
  return spec.partlyObserved ? binarizeKey(state, at, step) : state.random.key(siteOf(`train/binarize.${name}`), step);
}

const evaluationWord = 1;

function binarizeKey(state: ModelState, column: number, step: number): RandomKey {
  return deriveKey(state.random.key(runtimeSites.binarize, step), column + 2);
}

function uploaded(data: BoundData, indices: Int32Array, discretize: (values: Float32Array, column: BoundColumn, at: number) => BoundColumn): Batch {
  const tensors: Record<string, tf.Tensor> = Object.create(null);
  data.columns.forEach(({ plan, bound }, at) => {
    const size = plan.shape.reduce((product, dim) => product * dim, 1);
    const count = indices.length * size;
    const values = plan.dtype === "i32" ? new Int32Array(count) : new Float32Array(count);
    if (!bound) values.fill(missingValue(plan));
    else {
      gatherRows(bound, indices, values);
      if (bound.grey && values instanceof Float32Array) discretize(values, bound, at);
    }
    tensors[plan.name] = tf.tensor(values, [indices.length, ...plan.shape] as tf.ShapeMap[tf.Rank], plan.dtype === "i32" ? "int32" : "float32");
  });
  const rowIndex = tf.tensor1d(indices.slice(), "int32");
  return {
    rows: indices.length,
    data: tensors as never,
    rowIndex,
    dispose: () => {
      for (const tensor of Object.values(tensors)) tensor.dispose();
      rowIndex.dispose();
    },
  };
}
