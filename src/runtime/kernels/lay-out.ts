import { binarize } from "../data/index.js";
import { deriveKey, fillUniform, runtimeSites, type Random, type RandomKey } from "../random/index.js";
import { type BoundData, missingValue } from "../train/bind-data.js";
import type { TrainingPlan } from "../train/definition.js";

/** Copies rows of a column into the arena, grey levels as numbers from 0 to 1. Allocates nothing. */
export function layOutRows({ plan, bound }: BoundData["columns"][number], indices: Int32Array, size: number, out: Float32Array | Int32Array, at: number): void {
  if (!bound) {
    out.fill(missingValue(plan), at, at + indices.length * size);
    return;
  }
  const { values, scale } = bound;
  let to = at;
  for (let i = 0; i < indices.length; i++) {
    const start = (indices[i] as number) * size;
    if (scale === 1) for (let j = 0; j < size; j++) out[to++] = values[start + j] as number;
    else for (let j = 0; j < size; j++) out[to++] = (values[start + j] as number) * scale;
  }
}

/** Copies all rows of a column. */
export function layOutAll({ plan, bound }: BoundData["columns"][number], rows: number, size: number, out: Float32Array | Int32Array, at: number): void {
  const count = rows * size;
  if (!bound) out.fill(missingValue(plan), at, at + count);
  else if (bound.scale === 1) out.set(bound.values, at);
  else for (let i = 0; i < count; i++) out[at + i] = (bound.values[i] as number) * bound.scale;
}

const evaluationWord = 1;

/** The key of a column's coins at a step. */
export function binarizeKey(random: Random, column: number, step: number): RandomKey {
  return deriveKey(random.key(runtimeSites.binarize, step), column + 2);
}

/** Grey levels of consecutive rows become 0 or 1 for evaluation: what is drawn for a row depends on its position alone. */
export function binarizeRows(values: Float32Array, mode: TrainingPlan["binarize"], key: RandomKey, start: number): void {
  if (mode.kind === "threshold") {
    binarize(values, { threshold: mode.at }, key);
    return;
  }
  const uniforms = new Float32Array(values.length);
  fillUniform(uniforms, deriveKey(key, evaluationWord), start);
  for (let i = 0; i < values.length; i++) values[i] = (uniforms[i] ?? 0) < (values[i] ?? 0) ? 1 : 0;
}
