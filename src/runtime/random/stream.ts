import { deriveKey, type RandomKey } from "./key.js";
import { normalQuantile } from "./normal-quantile.js";
import { fillUniform } from "./uniform.js";

/** Numbers one after the other, for code that draws a varying count of them: data simulators, not kernels. */
export interface RandomStream {
  /** From the open interval (0, 1). */
  uniform(): number;
  /** From the open interval (low, high). */
  between(low: number, high: number): number;
  normal(): number;
  /** From 0 to size - 1. */
  integer(size: number): number;
  /** Index k with probability weights[k] / Σ weights, by inverse CDF. */
  categorical(weights: ArrayLike<number>): number;
}

export function createStream(key: RandomKey): RandomStream {
  const buffer = new Float32Array(64);
  let position = buffer.length;
  let page = 0;
  const uniform = (): number => {
    if (position === buffer.length) {
      fillUniform(buffer, key, page);
      page += buffer.length;
      position = 0;
    }
    return buffer[position++]!;
  };
  return {
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    normal: () => normalQuantile(uniform()),
    integer: (size) => Math.floor(uniform() * size),
    categorical(weights) {
      let total = 0;
      for (let k = 0; k < weights.length; k++) total += weights[k]!;
      let rest = uniform() * total;
      for (let k = 0; k < weights.length - 1; k++) {
        rest -= weights[k]!;
        if (rest < 0) return k;
      }
      return weights.length - 1;
    },
  };
}

/** A stream of its own for each row, so that row i is the same whatever the number of rows. */
export function rowStream(key: RandomKey, row: number): RandomStream {
  return createStream(deriveKey(key, row));
}
