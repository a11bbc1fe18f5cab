import { describe, expect, it } from "vitest";
import { type RandomSource, seededRandom } from "../../src/ir/tensor/evaluate.js";
import { lowerDiffusionSample, type SamplerOptions } from "../../src/lowering/diffusion/sample.js";
import { lowerText, run } from "../support/lowered.js";
import { discreteTime } from "./support/discrete-time.js";
import { evenLogarithm, type GaussianDiffusion, gaussianText, quadratic } from "./support/gaussian.js";

const v = 0.25;
const schedule = quadratic(9);
/** Variance of x_t, with x_0 integrated out. */
const whole = (share: number, { value } = schedule): number => value(share) * v + 1 - value(share);

const none = (): never => {
  throw new Error("only normals are drawn");
};

/** x_0 that a sampler makes of given starts x_T without noise. */
function flow(model: GaussianDiffusion, options: SamplerOptions, starts: readonly number[]): readonly number[] {
  const lowered = lowerText(gaussianText(model));
  const random: RandomSource = {
    uniform: none,
    normal: (_, count) => {
      if (count !== starts.length) throw new Error("more is drawn than the start");
      return Float64Array.from(starts);
    },
    logGamma: none,
  };
  return [...run(lowerDiffusionSample(lowered.program, lowered.program.diffusion!, options), {}, { rows: starts.length, random })["x"]!.values];
}

const predictions = ["x[0]", "noise", "velocity"] as const;

describe("samplers that follow the probability flow", () => {
  // Guards order and limit. On Gaussian data the flow scales: x_0 = x_T √(v / (s_T² v + σ_T²)). From 32 to 256 of 4,096 steps the error of a method of order p falls by 2^p at each doubling, in
  // steps that are even in what the method takes for time: λ of DPM-Solver, about σ / s of Heun.
  it.each([
    { sampler: "ddim", order: 1, along: schedule, least: 2e-2 },
    { sampler: "ddim", order: 1, along: evenLogarithm, least: 2e-2 },
    { sampler: "dpm_solver", order: 2, along: evenLogarithm, least: 5e-4 },
    { sampler: "heun", order: 2, along: schedule, least: 5e-4 },
  ] as const)("$sampler is of order $order", ({ sampler, order, along, least }) => {
    const errors = [32, 64, 128, 256].map((steps) => Math.abs(flow({ steps: 4096, variance: v, schedule: along }, { sampler, steps }, [1])[0]! - Math.sqrt(v / whole(1, along))) / Math.sqrt(v));
    const slopes = errors.slice(1).map((error, at) => Math.log2(errors[at]! / error));
    expect(errors.at(-1)!).toBeLessThan(least);
    for (const slope of slopes) expect(Math.abs(slope - order)).toBeLessThan(0.2);
  });

  // Guards `log_snr`, which is the default of the solvers: on a schedule of which λ moves by most near the data they are of second order from few steps on, which even steps of t are not.
  it.each(["dpm_solver", "heun"] as const)("%s is of order 2 in even steps of the log signal-to-noise ratio", (sampler) => {
    const exact = Math.sqrt(v / whole(1));
    const error = (steps: number, spacing?: "time" | "log_snr"): number => Math.abs(flow({ steps: 4096, variance: v, schedule }, { sampler, steps, spacing }, [1])[0]! - exact) / Math.sqrt(v);
    const errors = [32, 64, 128].map((steps) => error(steps));
    const slopes = errors.slice(1).map((each, at) => Math.log2(errors[at]! / each));
    for (const slope of slopes) expect(Math.abs(slope - 2)).toBeLessThan(0.2);
  });

  // Guards that what the network predicts makes no difference, where it says the same.
  it.each(["ddim", "dpm_solver", "heun"] as const)("%s gives the same for each prediction", (sampler) => {
    const [first, ...others] = predictions.map((prediction) => flow({ steps: 60, variance: v, schedule, prediction }, { sampler, steps: 20 }, [0.7, -1.4]));
    for (const other of others) other.forEach((value, at) => expect(Math.abs(value - first![at]!)).toBeLessThan(1e-9));
  });

  // Guards the start without signal, where λ = log s / σ is −∞ and only the datum or the velocity has a meaning: all of it is finite, and DDIM is its own formula.
  it.each(["ddim", "dpm_solver", "heun"] as const)("%s begins at zero signal", (sampler) => {
    const text = `const T = 20
const alpha = zero_terminal_snr(cosine_schedule(T))
model m(x[0]: real[1]) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], velocity = 0 * x[t]) }
}
guide m { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }
`;
    const lowered = lowerText(text);
    // No velocity: x̂_0 = s x and ε̂ = σ x, so a step of DDIM is x_to = (s_from s_to + σ_from σ_to) x_from.
    const { values } = run(lowerDiffusionSample(lowered.program, lowered.program.diffusion!, { sampler }), {}, { rows: 2, random: { uniform: none, normal: () => Float64Array.of(1, -2), logGamma: none } })["x"]!;
    expect([...values].every(Number.isFinite)).toBe(true);
    expect(values[1]).toBeCloseTo(-2 * values[0]!, 10);
    if (sampler !== "ddim") return;
    const { signal, deviation } = forwardOf(text);
    const turned = signal.slice(1).reduce((product, _, at) => product * (signal[at]! * signal[at + 1]! + deviation[at]! * deviation[at + 1]!), 1);
    expect(values[0]).toBeCloseTo(turned, 10);
  });
});

/** Signals and deviations of a text's schedule, from its numbers α. */
function forwardOf(text: string): { readonly signal: readonly number[]; readonly deviation: readonly number[] } {
  const { step } = discreteTime(lowerText(text).program).forward;
  const signal = step.map((_, t) => step.slice(0, t + 1).reduce((product, each) => product * each, 1));
  return { signal, deviation: signal.map((each) => Math.sqrt(1 - each ** 2)) };
}

/**
 * Variance of what a sampler draws, exactly: x_0 is linear in the start and the noise of each step, so rows that have a one in one place and zeros elsewhere give its coefficients.
 * Draws of a loop are counted by rows first.
 */
function drawnVariance(model: GaussianDiffusion, options: SamplerOptions): number {
  const lowered = lowerText(gaussianText(model));
  const places = 1 + (options.steps ?? model.steps);
  const random: RandomSource = {
    uniform: none,
    normal: (stream, count) => {
      const values = new Float64Array(count);
      if (!stream.endsWith("noise")) values[0] = 1;
      else for (let row = 1; row < places; row++) values[row * (places - 1) + row - 1] = 1;
      return values;
    },
    logGamma: none,
  };
  const { values } = run(lowerDiffusionSample(lowered.program, lowered.program.diffusion!, options), {}, { rows: places, random })["x"]!;
  return [...values].reduce((sum, value) => sum + value ** 2, 0);
}

/** The same from the definition: moments of x_{t−1} ~ Normal(c x̂_0 + k x_t, σ̃² or b²) by Bayes' rule, step by step, without noise at the end. */
function ancestralVariance(times: readonly number[], steps: number, large: boolean): number {
  const signal = (t: number): number => Math.sqrt(schedule.value(t / steps));
  const noise = (t: number): number => 1 - signal(t) ** 2;
  return times.slice(1).reduce((variance, to, at) => {
    const from = times[at]!;
    const factor = signal(from) / signal(to);
    const forward = noise(from) - factor ** 2 * noise(to);
    const seen = (signal(from) * v) / whole(from / steps);
    if (to === 0) return variance * seen ** 2;
    const precision = 1 / noise(to) + factor ** 2 / forward;
    const gain = ((signal(to) * seen) / noise(to) + factor / forward) / precision;
    return variance * gain ** 2 + (large ? forward : 1 / precision);
  }, 1);
}

describe("samplers with noise", () => {
  // Guards ancestral sampling, the chain that skips steps included, against moments that are carried by Bayes' rule.
  it.each(predictions.flatMap((prediction) => (["small", "large"] as const).flatMap((reverse) => [undefined, 13].map((steps) => ({ prediction, reverse, steps })))))("ancestral draws what it says: $prediction, $reverse, $steps steps", ({ prediction, reverse, steps }) => {
    const count = steps ?? 40;
    const times = Array.from({ length: count + 1 }, (_, at) => Math.round((40 * (count - at)) / count));
    expect(Math.abs(drawnVariance({ steps: 40, variance: v, schedule, prediction, reverse }, { steps }) - ancestralVariance(times, 40, reverse === "large"))).toBeLessThan(1e-9);
  });

  // Guards the limit: what is drawn has the variance of the data, up to 1/T.
  it("ancestral converges to the data", () => {
    const errors = [100, 200, 400].map((steps) => Math.abs(drawnVariance({ steps, variance: v, schedule, reverse: "large" }, {}) / v - 1));
    expect(errors.at(-1)!).toBeLessThan(0.02);
    for (const [at, error] of errors.slice(1).entries()) expect(Math.log2(errors[at]! / error)).toBeGreaterThan(0.8);
  });

  // Guards η: 1 is the ancestral sampler of the posterior's variance, and between 0 and 1 the marginals stay those of the data (Song, Meng & Ermon 2021), up to 1/T.
  it("ddim goes from the flow to the ancestral sampler", () => {
    const model = { steps: 40, variance: v, schedule } as const;
    expect(Math.abs(drawnVariance(model, { sampler: "ddim", eta: 1, steps: 13 }) - drawnVariance(model, { steps: 13 }))).toBeLessThan(1e-12);
    for (const eta of [0.3, 0.7]) expect(Math.abs(drawnVariance({ ...model, steps: 400 }, { sampler: "ddim", eta }) / v - 1)).toBeLessThan(0.05);
  });

  // Guards that a draw is one of independent noise at each step: other seeds, other draws; the same, the same.
  it("follows its seed", () => {
    const lowered = lowerText(gaussianText({ steps: 10, variance: v, schedule }));
    const draw = (seed: number): readonly number[] => [...run(lowered.programs.sample!, {}, { rows: 4, random: seededRandom(seed) })["x"]!.values];
    expect(draw(1)).toEqual(draw(1));
    expect(new Set([...draw(1), ...draw(2)]).size).toBe(8);
  });
});
