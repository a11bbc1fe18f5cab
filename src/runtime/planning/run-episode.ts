import type { Environment, Seen } from "../environments/environment.js";
import type { ImageBytes } from "../image/image-grid.js";
import { createStream, runtimeSites, seedWords } from "../random/index.js";
import type { History } from "./latent-model.js";
import type { Planner } from "./planner.js";

export interface Episode {
  /** Actions that were done. */
  readonly steps: number;
  /** The environment says that its aim is reached; the episode ends there. */
  readonly done: boolean;
  /** The reward seen at each step, the first one included: steps + 1 numbers. */
  readonly rewards: readonly number[];
  /** The environment's frames: steps + 1. */
  readonly frames: readonly ImageBytes[];
  /**
   * What the model imagined for each of the frames, as picture columns: the first from the belief at step 1, every other one from the belief and the action
   * of the step before, without having seen it. Empty where the environment shows no picture, or no planner acted.
   */
  readonly imagined: readonly ImageBytes[];
}

export interface EpisodeOptions {
  /** Of the start, and of everything random in planning. */
  readonly seed: number | bigint;
  /** Actions at most. */
  readonly steps: number;
  /** Asked before each action. */
  readonly signal?: AbortSignal;
}

/** Plays an episode in which a planner acts: it plans anew at each step, and the first action of each plan is done. */
export async function runEpisode(environment: Environment, planner: Planner, options: EpisodeOptions): Promise<Episode> {
  const picture = environment.observations.find((column) => column.image !== undefined);
  const imagined: ImageBytes[] = [];
  planner.begin(options.seed);
  const played = await play(environment, options, async (history) => {
    const planned = await planner.plan(history);
    const means = picture && planned.imagined.columns[picture.name];
    // Its first picture is the present: only for step 1 was it not imagined a step ago.
    if (picture?.image && means) for (const at of history.steps === 1 ? [0, 1] : [1]) imagined.push(pictureAt(means, at, picture.image));
    return planned.actions.subarray(0, environment.actions.size);
  });
  return { ...played, imagined };
}

/** Plays an episode of actions drawn uniformly within the bounds: what planning is compared with. */
export async function runRandomEpisode(environment: Environment, options: EpisodeOptions): Promise<Episode> {
  const random = createStream({ seed: seedWords(options.seed), site: runtimeSites.planning, step: 1 });
  const { size, low, high } = environment.actions;
  return { ...(await play(environment, options, async () => Float32Array.from({ length: size }, () => random.between(low, high)))), imagined: [] };
}

async function play(environment: Environment, { seed, steps, signal }: EpisodeOptions, act: (history: History) => Promise<Float32Array>): Promise<Omit<Episode, "imagined">> {
  const seen: Seen[] = [environment.reset(seed)];
  const frames: ImageBytes[] = [environment.frame()];
  const actions: number[] = [];
  for (let step = 0; step < steps && !seen.at(-1)!.done; step++) {
    signal?.throwIfAborted();
    const action = await act(historyOf(environment, seen, actions));
    seen.push(environment.step(action));
    frames.push(environment.frame());
    actions.push(...action);
  }
  return { steps: seen.length - 1, done: seen.at(-1)!.done, rewards: seen.map(({ reward }) => reward), frames };
}

function historyOf(environment: Environment, seen: readonly Seen[], actions: readonly number[]): History {
  const columns = Object.fromEntries(environment.observations.map(({ name }) => [name, concatenate(seen.map(({ observations }) => observations[name]!))]));
  return { steps: seen.length, columns: { ...columns, [environment.reward]: Float32Array.from(seen, ({ reward }) => reward) }, actions: Float32Array.from(actions) };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** One step's means as a picture: grey or RGB, clipped to 0 … 1; NaN is black. */
function pictureAt(means: Float32Array, step: number, [height, width, channels]: readonly [number, number, number]): ImageBytes {
  const length = height * width * channels;
  const data = Uint8Array.from(means.subarray(step * length, (step + 1) * length), (value) => (value > 0 ? Math.round(255 * Math.min(1, value)) : 0));
  return { width, height, channels: channels === 3 ? 3 : 1, data };
}
