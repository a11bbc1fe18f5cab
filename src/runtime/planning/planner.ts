import { deriveKey, runtimeSites, seedWords, type RandomKey } from "../random/index.js";
import { LvmError } from "../error.js";
import { crossEntropy, checkCrossEntropyOptions, type ActionBounds, type CrossEntropyOptions } from "./cross-entropy.js";
import type { History, Imagined, LatentModel } from "./latent-model.js";

/** Chooses actions in an episode, step by step. */
export interface Planner {
  /** Begins an episode: forgets the plan of the last one. Everything random in the episode follows from the seed. */
  begin(seed: number | bigint): void;
  /**
   * Plans from what has been seen so far.
   * @throws LvmError LVM7110 where the model expects no finite reward for any plan
   */
  plan(history: History): Promise<Planned>;
}

export interface Planned {
  /** [horizon, size of an action]; the first is to be done now. */
  readonly actions: Float32Array;
  /** The sum of rewards that the model expects of plans like this one. */
  readonly value: number;
  /** What the model expects to see along the plan. */
  readonly imagined: Imagined;
}

/**
 * A planner in the latent space of a model by the cross-entropy method: at each step the guide's belief, then a new search that begins at the last plan moved
 * up by a step. The value of a plan is the sum of its rewards.
 * @throws RangeError for impossible options
 */
export function createPlanner<Belief>(model: LatentModel<Belief>, bounds: ActionBounds, options: CrossEntropyOptions): Planner {
  checkCrossEntropyOptions(options);
  let episode: RandomKey = episodeKey(0);
  let before: Float32Array | undefined;
  return {
    begin(seed) {
      episode = episodeKey(seed);
      before = undefined;
    },
    async plan(history) {
      const planned = await planActions(model, bounds, options, history, { key: episode, before });
      before = planned.actions;
      return planned;
    },
  };
}

/**
 * One plan, from what has been seen so far.
 * @param key of the episode; the step's number is added to it
 * @param before the plan of the step before, where there is one
 * @throws LvmError LVM7110 where the model expects no finite reward for any plan
 */
export async function planActions<Belief>(model: LatentModel<Belief>, bounds: ActionBounds, options: CrossEntropyOptions, history: History, { key: episode, before }: { readonly key: RandomKey; readonly before?: Float32Array | undefined }): Promise<Planned> {
  const { samples, horizon } = options;
  const key = deriveKey(episode, history.steps);
  // Streams of the model's own draws: beside those of the iterations, whose words count from 0.
  const draw = (what: number): number => deriveKey(key, 0x80000000 + what).seed[0];
  const belief = await model.filter(latest(history, model.window), draw(0));
  const evaluate = async (actions: Float32Array, iteration: number): Promise<Float32Array> => sums(await model.rewards(belief, actions, samples, draw(2 + iteration)), samples, horizon);
  const { actions, value } = await crossEntropy(evaluate, bounds, options, key, before);
  if (!Number.isFinite(value)) throw new LvmError("LVM7110", `at step ${history.steps} the model expects no finite reward for any plan`, { facts: { step: history.steps, samples }, help: "was it trained long enough, on actions within the environment's bounds? lvmc eval shows its bound" });
  return { actions, value, imagined: await model.imagine(belief, actions, draw(1)) };
}

export function episodeKey(seed: number | bigint): RandomKey {
  return { seed: seedWords(seed), site: runtimeSites.planning, step: 0 };
}

/** The last steps of a history, as an episode that began there. */
function latest(history: History, window: number): History {
  const { steps } = history;
  if (steps <= window) return history;
  const from = steps - window;
  const part = (values: Float32Array, of: number): Float32Array => values.subarray((values.length / of) * from);
  return { steps: window, columns: Object.fromEntries(Object.entries(history.columns).map(([name, values]) => [name, part(values, steps)])), actions: part(history.actions, steps - 1) };
}

/** Row sums of [rows, length], in float64. */
function sums(values: Float32Array, rows: number, length: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = row * length; i < (row + 1) * length; i++) sum += values[i]!;
    return sum;
  });
}
