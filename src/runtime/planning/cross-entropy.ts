import { deriveKey, fillNormal, type RandomKey } from "../random/index.js";

export interface CrossEntropyOptions {
  /** Steps that are looked ahead. */
  readonly horizon: number;
  /** Sequences of actions that are tried in each iteration. */
  readonly samples: number;
  /** How many of the best decide the next iteration's distribution: 1 to `samples`. */
  readonly elites: number;
  readonly iterations: number;
  /** Standard deviation that each search begins with, in half widths of the actions' bounds. */
  readonly initialScale: number;
  /** Below this, in the same unit, the standard deviation does not fall. */
  readonly leastScale: number;
  /** Share of the last mean and standard deviation that is kept in each iteration, from 0 to below 1. */
  readonly momentum: number;
}

/** Hafner et al. (2019) plan 12 steps ahead with 1000 samples, 100 elites and 10 iterations, for six-dimensional actions. */
export const crossEntropyDefaults: CrossEntropyOptions = { horizon: 12, samples: 500, elites: 50, iterations: 6, initialScale: 0.5, leastScale: 0.02, momentum: 0.1 };

export interface ActionBounds {
  /** Numbers in one action. */
  readonly size: number;
  readonly low: number;
  readonly high: number;
}

/** What sequences of actions are worth: [samples, horizon, size] in, [samples] out. What is NaN is passed over. */
export type Evaluate = (actions: Float32Array, iteration: number) => Promise<Float32Array>;

export interface ActionPlan {
  /** The mean of the last distribution: [horizon, size], within the bounds. */
  readonly actions: Float32Array;
  /** Mean value of the last iteration's elites; NaN where all values were. */
  readonly value: number;
}

/**
 * The cross-entropy method (Rubinstein 1999; de Boer, Kroese, Mannor & Rubinstein 2005) for a sequence of actions, as model-predictive control uses it
 * (PlaNet, Hafner et al. 2019, algorithm 2): independent normals over all numbers of the plan, of which each iteration draws samples, clamped to the
 * bounds; those of the highest value, the elites, give the next mean and standard deviation (their own, without Bessel's correction).
 *
 * @param before the plan of the step before: moved up by one step, its end filled with the bounds' middle, it is the first mean; without it the middle is
 * @param key what the draws follow from: the same key and the same values give the same plan
 * @throws RangeError for impossible options
 */
export async function crossEntropy(evaluate: Evaluate, bounds: ActionBounds, options: CrossEntropyOptions, key: RandomKey, before?: Float32Array): Promise<ActionPlan> {
  checkCrossEntropyOptions(options);
  const { horizon, samples, elites, iterations, momentum } = options;
  const { size, low, high } = bounds;
  const length = horizon * size;
  const halfWidth = (high - low) / 2;
  const mean = new Float64Array(length).fill(low + halfWidth);
  if (before !== undefined) mean.set(before.subarray(size, length));
  const scale = new Float64Array(length).fill(options.initialScale * halfWidth);
  const noise = new Float32Array(samples * length);
  const actions = new Float32Array(samples * length);
  let value = NaN;
  for (let iteration = 0; iteration < iterations; iteration++) {
    fillNormal(noise, deriveKey(key, iteration));
    for (let i = 0; i < actions.length; i++) actions[i] = clamp(mean[i % length]! + scale[i % length]! * noise[i]!, low, high);
    const values = await evaluate(actions, iteration);
    const best = bestOf(values, elites);
    value = best.reduce((sum, sample) => sum + values[sample]!, 0) / best.length;
    if (best.length === 0) continue;
    for (let j = 0; j < length; j++) {
      let sum = 0;
      for (const sample of best) sum += actions[sample * length + j]!;
      const center = sum / best.length;
      let squares = 0;
      for (const sample of best) squares += (actions[sample * length + j]! - center) ** 2;
      mean[j] = momentum * mean[j]! + (1 - momentum) * center;
      scale[j] = Math.max(options.leastScale * halfWidth, momentum * scale[j]! + (1 - momentum) * Math.sqrt(squares / best.length));
    }
  }
  return { actions: Float32Array.from(mean), value };
}

/** @throws RangeError that names the option */
export function checkCrossEntropyOptions(options: CrossEntropyOptions): void {
  for (const name of ["horizon", "samples", "elites", "iterations"] as const) if (!Number.isInteger(options[name]) || options[name] < 1) throw new RangeError(`${name} is ${options[name]}; it must be a whole number from 1`);
  if (options.elites > options.samples) throw new RangeError(`elites are ${options.elites} of ${options.samples} samples; they cannot be more`);
  if (!(options.initialScale > 0) || !(options.leastScale >= 0)) throw new RangeError(`standard deviations are ${options.initialScale} and at least ${options.leastScale}; the first must be above 0, the second not below`);
  if (!(options.momentum >= 0 && options.momentum < 1)) throw new RangeError(`momentum is ${options.momentum}; it must be from 0 to below 1`);
}

/** Places of the `count` highest values, the earlier of equals first; those that are NaN are none of them. */
function bestOf(values: Float32Array, count: number): number[] {
  const order = Array.from(values, (_, i) => i).filter((i) => !Number.isNaN(values[i]!));
  // Infinities are compared, not subtracted.
  return order.sort((a, b) => (values[a] === values[b] ? a - b : values[b]! > values[a]! ? 1 : -1)).slice(0, count);
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
