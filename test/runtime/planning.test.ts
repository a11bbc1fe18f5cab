import { describe, expect, it } from "vitest";
import { createPlanner, createRandom, crossEntropy, crossEntropyDefaults, environments, LvmError, runEpisode, runRandomEpisode, type CrossEntropyOptions, type Evaluate, type History, type LatentModel } from "../../src/runtime/index.js";
import { trueRoomModel } from "../support/true-room-model.js";

const key = createRandom(1).key(0);
const bounds = { size: 2, low: -1, high: 1 };
const options = (changes: Partial<CrossEntropyOptions> = {}): CrossEntropyOptions => ({ ...crossEntropyDefaults, horizon: 4, samples: 200, elites: 20, iterations: 10, leastScale: 0, ...changes });

/** What a plan is worth: minus its squared distance from a target, in a metric that binds neighbouring numbers together. */
const quadratic = (target: readonly number[], coupling = 0): Evaluate => async (actions) =>
  Float32Array.from({ length: actions.length / target.length }, (_, sample) => {
    const away = target.map((each, j) => actions[sample * target.length + j]! - each);
    return -away.reduce((sum, each, j) => sum + each * each + coupling * each * (away[j - 1] ?? 0), 0);
  });

describe("the cross-entropy method", () => {
  it("finds the optimum of a quadratic, coupled or not", async () => {
    const target = [0.3, -0.7, 0.05, 0.9, -0.2, 0.4, 0.6, -0.5];
    for (const coupling of [0, 1]) {
      const { actions, value } = await crossEntropy(quadratic(target, coupling), bounds, options({ iterations: 40, samples: 400, elites: 60 }), key);
      target.forEach((each, j) => expect(Math.abs(actions[j]! - each)).toBeLessThan(0.02));
      expect(value).toBeGreaterThan(-0.003);
      expect(value).toBeLessThanOrEqual(0);
    }
  });

  // Without coupling the best within the bounds is the target, held back by each bound.
  it("stops at bounds, also where they are not about 0", async () => {
    const { actions } = await crossEntropy(quadratic([9, 0.5, -3, 2.2, 1, 1, 1, 1]), { size: 2, low: 0.5, high: 2.5 }, options({ iterations: 25 }), key);
    [2.5, 0.5, 0.5, 2.2].forEach((each, j) => expect(Math.abs(actions[j]! - each)).toBeLessThan(0.05));
    for (const each of actions) expect(each >= 0.5 && each <= 2.5).toBe(true);
  });

  it("gives the same plan for the same key, another for another", async () => {
    const run = async (seed: number): Promise<number[]> => [...(await crossEntropy(quadratic(Array(8).fill(0.2) as number[]), bounds, options({ iterations: 3 }), createRandom(seed).key(0))).actions];
    expect(await run(1)).toEqual(await run(1));
    expect(await run(2)).not.toEqual(await run(1));
  });

  /** The actions of each iteration, as they were tried, with values that a function of their place gives. */
  const watched = async (changes: Partial<CrossEntropyOptions>, value: (sample: number) => number, before?: Float32Array): Promise<{ tried: Float32Array[]; actions: Float32Array; value: number }> => {
    const tried: Float32Array[] = [];
    const evaluate: Evaluate = async (actions) => {
      tried.push(actions.slice());
      return Float32Array.from({ length: actions.length / 8 }, (_, sample) => value(sample));
    };
    return { ...(await crossEntropy(evaluate, bounds, options(changes), key, before)), tried };
  };
  const momentsOf = (actions: Float32Array, samples: readonly number[], j: number): { mean: number; scale: number } => {
    const values = samples.map((sample) => actions[8 * sample + j]!);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return { mean, scale: Math.sqrt(values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length) };
  };

  it("begins with normals of the stated scale about the last plan moved up by a step", async () => {
    const before = Float32Array.of(0.1, 0.2, 0.3, 0.4, -0.5, -0.6, 0.7, -0.8);
    const { tried } = await watched({ iterations: 1, samples: 4000, elites: 1, initialScale: 0.05 }, () => 0, before);
    // Standard errors are 0.05 / √4000 = 0.0008 and that over √2.
    [0.3, 0.4, -0.5, -0.6, 0.7, -0.8, 0, 0].forEach((each, j) => {
      const { mean, scale } = momentsOf(tried[0]!, Array.from({ length: 4000 }, (_, i) => i), j);
      expect(Math.abs(mean - each)).toBeLessThan(0.004);
      expect(Math.abs(scale - 0.05)).toBeLessThan(0.003);
    });
  });

  it("takes the elites' mean and standard deviation, mixed with the last by momentum", async () => {
    // The best are samples 3, 7 and 11; samples that are NaN are never among them.
    const worth = (sample: number): number => (sample === 5 ? NaN : [3, 7, 11].includes(sample) ? 1 : -sample);
    const { actions, value } = await watched({ iterations: 1, samples: 30, elites: 3, momentum: 0.25 }, worth);
    const { tried } = await watched({ iterations: 2, samples: 30, elites: 3, momentum: 0.25 }, worth);
    // The same key draws the same noise: about one elite, with the least standard deviation, it can be read off.
    const { tried: still } = await watched({ iterations: 2, samples: 30, elites: 1, momentum: 0, leastScale: 0.01 }, (sample) => -sample);
    expect(value).toBe(1);
    let compared = 0;
    for (let j = 0; j < 8; j++) {
      const { mean, scale } = momentsOf(tried[0]!, [3, 7, 11], j);
      expect(actions[j]).toBeCloseTo(0.75 * mean, 6);
      for (let at = j; at < 240; at += 8) {
        if (Math.abs(still[1]![at]!) === 1) continue;
        const noise = (still[1]![at]! - still[0]![j]!) / 0.01;
        expect(tried[1]![at]).toBeCloseTo(Math.max(-1, Math.min(1, 0.75 * mean + (0.25 * 0.5 + 0.75 * scale) * noise)), 4);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(150);
  });

  it("does not let the standard deviation fall below its least", async () => {
    const { tried } = await watched({ iterations: 30, samples: 1000, elites: 2, momentum: 0, leastScale: 0.1 }, (sample) => -sample);
    // Two elites: their standard deviation is mostly below 0.1 after so many iterations; about √1000 samples in error.
    const last = momentsOf(tried[29]!, Array.from({ length: 1000 }, (_, i) => i), 3);
    expect(last.scale).toBeGreaterThan(0.05);
    const without = await watched({ iterations: 30, samples: 1000, elites: 2, momentum: 0, leastScale: 0 }, (sample) => -sample);
    expect(momentsOf(without.tried[29]!, Array.from({ length: 1000 }, (_, i) => i), 3).scale).toBeLessThan(1e-3);
  });

  it("keeps its distribution where every value is NaN, and says so by its value", async () => {
    const { actions, value } = await watched({ iterations: 2 }, () => NaN);
    expect(value).toBeNaN();
    expect([...actions]).toEqual(Array(8).fill(0));
    expect((await watched({ iterations: 1 }, (sample) => (sample === 0 ? Infinity : -Infinity))).actions.every(Number.isFinite)).toBe(true);
  });

  it("refuses impossible options by name", async () => {
    const refused: readonly (readonly [Partial<CrossEntropyOptions>, string])[] = [[{ horizon: 0 }, "horizon is 0"], [{ samples: 1.5 }, "samples is 1.5"], [{ elites: 300 }, "elites are 300 of 200"], [{ iterations: NaN }, "iterations is NaN"], [{ initialScale: 0 }, "0 and at least"], [{ momentum: 1 }, "momentum is 1"]];
    for (const [changes, message] of refused) await expect(crossEntropy(quadratic([0]), bounds, options(changes), key)).rejects.toThrow(message);
    expect(() => createPlanner({} as LatentModel, bounds, options({ elites: 0 }))).toThrow("elites is 0");
  });
});

describe("planning in the robot room with its true dynamics", () => {
  const search: CrossEntropyOptions = { ...crossEntropyDefaults, horizon: 8, samples: 64, elites: 8, iterations: 4 };

  // Measured: planning reaches it from all 200, in 4.35 steps on average; random actions from 23.
  it("reaches the goal from at least 95 % of 200 starts within 30 steps, random actions from fewer than a fifth", async () => {
    const environment = environments.robot_room();
    const planner = createPlanner(trueRoomModel(environment), environment.actions, search);
    let [planned, random] = [0, 0];
    for (let seed = 0; seed < 200; seed++) {
      const episode = await runEpisode(environment, planner, { seed, steps: 30 });
      if (episode.done) planned++;
      // A step moves at most 0.2 √2.
      expect(episode.steps).toBeGreaterThanOrEqual(Math.floor((-episode.rewards[0]! - 0.1) / (0.2 * Math.SQRT2)));
      if ((await runRandomEpisode(environment, { seed, steps: 30 })).done) random++;
    }
    expect(planned).toBeGreaterThanOrEqual(190);
    expect(random).toBeLessThan(40);
  });

  it("with frames: one for each step, each beside what was imagined for it, which with the true dynamics is the same", async () => {
    const environment = environments.robot_room();
    const episode = await runEpisode(environment, createPlanner(trueRoomModel(environment), environment.actions, search), { seed: 3, steps: 30 });
    expect(episode.frames).toHaveLength(episode.steps + 1);
    expect(episode.imagined).toHaveLength(episode.steps + 1);
    episode.frames.forEach(({ data }, i) => {
      // White shows the robot alike in red's two other channels and in grey, but where the goal's grey is.
      const { data: grey, width, channels } = episode.imagined[i]!;
      expect([width, channels]).toEqual([32, 1]);
      for (let pixel = 0; pixel < 1024; pixel++) if (data[3 * pixel] === data[3 * pixel + 1]) expect(Math.abs(grey[pixel]! - data[3 * pixel]!)).toBeLessThanOrEqual(1);
    });
  });

  it("plays the same episode for the same seed, whatever was played before, and stops when it is told to", async () => {
    const environment = environments.robot_room();
    const planner = createPlanner(trueRoomModel(environment), environment.actions, search);
    const first = await runEpisode(environment, planner, { seed: 11, steps: 30 });
    await runEpisode(environment, planner, { seed: 12, steps: 30 });
    expect(await runEpisode(environment, planner, { seed: 11, steps: 30 })).toEqual(first);
    await expect(runEpisode(environment, planner, { seed: 11, steps: 30, signal: AbortSignal.abort() })).rejects.toThrow();
    expect((await runEpisode(environment, planner, { seed: 11, steps: 2 })).steps).toBe(2);
  });

  it("shows a model no more than its window, with the actions between", async () => {
    const environment = environments.robot_room();
    const shown: History[] = [];
    const truth = trueRoomModel(environment);
    const done: number[][] = [];
    const model: LatentModel<readonly [number, number]> = { ...truth, window: 3, filter: (history, draw) => (shown.push(history), truth.filter(history, draw)), rewards: async (_, actions, samples) => new Float32Array(actions.length / 2 / samples * samples) };
    const stepped: typeof environment = { ...environment, step: (action) => (done.push(Array.from(action)), environment.step(action)) };
    const episode = await runEpisode(stepped, createPlanner(model, environment.actions, search), { seed: 2, steps: 6 });
    expect(shown.map(({ steps }) => steps)).toEqual([1, 2, 3, 3, 3, 3]);
    const last = shown.at(-1)!;
    expect([...last.columns["r"]!]).toEqual(episode.rewards.slice(3, 6).map(Math.fround));
    expect(last.columns["x"]).toHaveLength(3 * 1024);
    expect([...last.actions]).toEqual(done.slice(3, 5).flat());
  });

  it("gives the model's draws other streams at each call, and says where no plan has a finite reward", async () => {
    const environment = environments.robot_room();
    const draws: number[] = [];
    const truth = trueRoomModel(environment);
    const model: LatentModel<readonly [number, number]> = {
      ...truth,
      filter: (history, draw) => (draws.push(draw), truth.filter(history, draw)),
      rewards: (belief, actions, samples, draw) => (draws.push(draw), truth.rewards(belief, actions, samples, draw)),
      imagine: (belief, actions, draw) => (draws.push(draw), truth.imagine(belief, actions, draw)),
    };
    const planner = createPlanner(model, environment.actions, search);
    const { steps } = await runEpisode(environment, planner, { seed: 0, steps: 30 });
    expect(new Set(draws).size).toBe(steps * (search.iterations + 2));
    const broken = createPlanner({ ...truth, rewards: async (_, actions) => new Float32Array(actions.length / 2).fill(NaN) }, environment.actions, search);
    const failure = await runEpisode(environment, broken, { seed: 0, steps: 30 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LvmError);
    expect(failure).toMatchObject({ code: "LVM7110", exitCode: 3 });
  });
});
