import { describe, expect, it } from "vitest";
import type { ContinuousTime } from "../../src/ir/model/model.js";
import type { RandomSource } from "../../src/ir/tensor/evaluate.js";
import { scheduleNumbers } from "../../src/lowering/diffusion/schedule.js";
import { derivedGradient, gradient, lowerText, maxError, run, someParameters } from "../support/lowered.js";
import { logNormalMassByQuadrature } from "./support/normal-mass.js";
import { bent, continuousText, cosine, even, exploding, odd, predictions, type PredictionText, schedules, slopeOf, snr, type TimeSchedule } from "./support/continuous.js";

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const none = (): never => {
  throw new Error("no gamma is drawn");
};

/** A source with one uniform number u for all rows, and given noise. */
const at = (u: number, noise: (at: number) => number): RandomSource => ({
  uniform: (_, count) => {
    if (count !== 1) throw new Error(`${count} uniform numbers for one`);
    return Float64Array.of(u);
  },
  normal: (_, count) => Float64Array.from({ length: count }, (_, place) => noise(place)),
  logGamma: none,
});

describe.each(schedules)("the schedule $name", (schedule) => {
  const { program } = lowerText(continuousText({ schedule }));
  const time = program.diffusion!.time as ContinuousTime;
  const times = Array.from({ length: 41 }, (_, place) => 0.01 + (0.98 * place) / 40);
  const numbers = scheduleNumbers(program, time, times);

  // Guards the reading of the guide: factor of the datum, and the variance of each way to write the spread.
  it("is what the guide says", () => {
    expect(maxError(numbers.signal, times.map(schedule.s))).toBeLessThan(1e-14);
    expect(maxError(numbers.variance, times.map(schedule.variance))).toBeLessThan(1e-12);
    expect(time.marginals.snr[0]! / snr(schedule, 0)).toBeCloseTo(1, 10);
    expect(time.marginals.snr.at(-1)! / snr(schedule, 1)).toBeCloseTo(1, 10);
  });

  // Guards the derivatives, by differences whose error is about h⁶ and 1e-16 / h.
  it("has the derivatives of its expressions", () => {
    times.forEach((t, place) => {
      expect(Math.abs(numbers.signalSlope[place]! - slopeOf(schedule.s, t))).toBeLessThan(1e-9);
      expect(Math.abs(numbers.varianceSlope[place]! - slopeOf(schedule.variance, t))).toBeLessThan(1e-9 * Math.max(1, numbers.varianceSlope[place]!));
    });
  });
});

/** A linear network, so that all of it can be said by hand. */
const networkText = (schedule: TimeSchedule, prediction: PredictionText, objective: string): string =>
  `network net(x: real[2], t: unit) -> (y: real[2]) { y = concat(x, reshape(t, 1)) |> dense(2) }\n${continuousText({ schedule, prediction, said: "net(x[t], t)", objective, type: "real[2]" })}`;

const data = [0.4, -1.2, 1.7, 0.1, -0.6, 0.9];
const u = 0.83;
const rows = 3;
/** Spread over the rows: one number for all of them. */
const timesOf = Array.from({ length: rows }, (_, row) => (u + row / rows) % 1);
const noiseAt = (place: number): number => Math.sin(3 * place + 1);

describe.each(predictions.flatMap((prediction) => [even, odd, exploding].map((schedule) => ({ prediction, schedule, name: schedule.name }))))("the bound in continuous time with $prediction on $name", ({ prediction, schedule }) => {
  /** Each row's squared errors of output and datum at its time, summed over elements. */
  const byHand = (parameters: Readonly<Record<string, readonly number[]>>) => timesOf.map((t, row) => {
    const [s, v] = [schedule.s(t), schedule.variance(t)];
    const d = Math.sqrt(v);
    const r = Math.hypot(s, d);
    const x0 = data.slice(2 * row, 2 * row + 2);
    const noise = x0.map((_, element) => noiseAt(2 * row + element));
    const xt = x0.map((value, element) => s * value + d * noise[element]!);
    const [kernel, bias] = [parameters["net.dense_1.kernel"]!, parameters["net.dense_1.bias"]!];
    const output = bias.map((each, out) => each + sum([...xt, t].map((value, place) => value * kernel[2 * place + out]!)));
    const seen = output.map((each, element) => ({ "x[0]": each, noise: (xt[element]! - d * each) / s, velocity: (s * xt[element]! - d * r * each) / r ** 2 })[prediction]);
    const target = { "x[0]": x0, noise, velocity: x0.map((value, element) => (s * noise[element]! - d * value) / r) }[prediction];
    const squares = (left: readonly number[], right: readonly number[]): number => sum(left.map((each, place) => (each - right[place]!) ** 2));
    return { t, x0, output: squares(target, output), datum: squares(x0, seen) };
  });

  // Guards every weight and the draws of t: the loss is the mean over rows of ½ (−d snr / dt) |x_0 − x̂_0|² at (u + row / rows) mod 1, whatever is predicted, and the other terms are Gaussian.
  it.each(["bound", "simple", "min_snr(0.7)"])("is the integrand at the times of its rows with weight %s", (weight) => {
    const lowered = lowerText(networkText(schedule, prediction, `weight = ${weight}`));
    const parameters = someParameters(lowered, rows);
    const outputs = run(lowered.programs.train, { ...parameters, x: data }, { rows, random: at(u, noiseAt) });
    const each = byHand(parameters);
    const denoising = -mean(each.map(({ t, datum }) => -0.5 * slopeOf((place) => snr(schedule, place), t) * datum));
    const [s, v] = [schedule.s(1), schedule.variance(1)];
    const matching = -mean(each.map(({ x0 }) => sum(x0.map((value) => 0.5 * (-Math.log(v) + v + (s * value) ** 2 - 1)))));
    const reconstruction = -2 * 0.5 * (Math.log(2 * Math.PI) + 1 - Math.log(snr(schedule, 0)));
    const found = (name: string): number => outputs[name]!.values[0]!;
    expect(Math.abs(found("term.denoising.x") / denoising - 1)).toBeLessThan(1e-8);
    expect(Math.abs(found("term.prior-matching.x") - matching)).toBeLessThan(1e-10);
    expect(Math.abs(found("term.reconstruction.x") - reconstruction)).toBeLessThan(1e-10);
    const bound = denoising + matching + reconstruction;
    const loss = { bound: -bound, simple: mean(each.map(({ output }) => output)), "min_snr(0.7)": mean(each.map(({ t, datum }) => Math.min(snr(schedule, t), 0.7) * datum)) }[weight]!;
    expect(Math.abs(found("loss") / loss - 1)).toBeLessThan(1e-8);
  });

  // Guards the gradient of the loss against float64 central differences.
  it.each(["bound", "simple", "min_snr(5)"])("has the gradient of its loss with weight %s", (weight) => {
    const lowered = lowerText(networkText(schedule, prediction, `weight = ${weight}`));
    const inputs = { ...someParameters(lowered, rows), x: data };
    for (const { name } of lowered.parameters) {
      const derived = derivedGradient(lowered.programs.train, "loss", name, inputs, { rows, seed: 11 });
      expect(Math.max(...derived.map(Math.abs)), name).toBeGreaterThan(1e-3);
      expect(maxError(derived, gradient(lowered.programs.train, "loss", name, inputs, { rows, seed: 11 })) / Math.max(...derived.map(Math.abs)), name).toBeLessThan(1e-7);
    }
  });
});

/**
 * E over data and noise is exact: of quadratic forms, ±1 and ±√V have all that counts. The integral over t by midpoints, n of them, with that of n/2 to take away the term in 1/n².
 */
function expected(text: string, V: number, outputs: readonly string[], points = 1024): Readonly<Record<string, number>> {
  const lowered = lowerText(text);
  const midpoints = (n: number): Readonly<Record<string, number>> => {
    const found = [[1, 1], [1, -1], [-1, 1], [-1, -1]].map(([x, e]) => run(lowered.programs.train, { x: new Array<number>(n).fill(x! * Math.sqrt(V)) }, { rows: n, random: at(0.5 / n, () => e!) }));
    return Object.fromEntries(outputs.map((name) => [name, mean(found.map((each) => each[name]!.values[0]!))]));
  };
  const [coarse, fine] = [midpoints(points / 2), midpoints(points)];
  return Object.fromEntries(outputs.map((name) => [name, (4 * fine[name]! - coarse[name]!) / 3]));
}

describe("the bound of Gaussian data with the optimal denoiser, in continuous time", () => {
  const V = 0.3;
  /** E log p(x) of Normal(0, V) */
  const exact = -0.5 * Math.log(2 * Math.PI * Math.E * V);

  /**
   * With E |ε − ε̂|² = V snr / (1 + V snr) the integral is ½ log (1 + V snr(0)) / (1 + V snr(1)), so the bound lacks of the likelihood the divergence KL(q(x_1) ‖ p(x_1)) of the ends,
   * and ½ log(1 + 1 / (V snr(0))), since p(x_0 | x_{0+}) does not know that x_0 is Gaussian.
   */
  const gapByHand = (schedule: TimeSchedule): number => {
    const whole = schedule.s(1) ** 2 * V + schedule.variance(1);
    return 0.5 * (whole - 1 - Math.log(whole)) + 0.5 * Math.log1p(1 / (V * snr(schedule, 0)));
  };

  // Guards that nothing of the bound is lost and nothing counted twice, on any schedule.
  it.each(predictions.flatMap((prediction) => schedules.map((schedule) => ({ prediction, schedule, name: schedule.name }))))("is the likelihood less its two ends: $prediction, $name", ({ prediction, schedule }) => {
    const { elbo } = expected(continuousText({ schedule, prediction, V }), V, ["elbo"], 2048);
    expect(Math.abs(exact - elbo! - gapByHand(schedule))).toBeLessThan(1e-7);
  });

  // Guards the limit: with noise enough at the end and little at the beginning the bound is the likelihood, to the first order of both.
  it("becomes exact as the range of the signal-to-noise ratio grows", () => {
    const gaps = [4, 8, 12].map((range) => {
      const wide: TimeSchedule = { ...even, bindings: `g = ${range} - ${2 * range} * t` };
      return exact - expected(continuousText({ schedule: wide, V }), V, ["elbo"])["elbo"]!;
    });
    gaps.forEach((gap, place) => expect(gap / (Math.exp(-[4, 8, 12][place]!) / (2 * V))).toBeLessThan(1.3));
    expect(gaps[2]!).toBeLessThan(2e-5);
    for (const gap of gaps) expect(gap).toBeGreaterThan(0);
  });

  // Guards the meaning of the integral: the bound of T steps with the same marginals comes near it like 1/T, for the terms that both have.
  it.each([even, cosine, exploding])("is the limit of the bound of T steps: $name", (schedule) => {
    const { "term.denoising.x": integral } = expected(continuousText({ schedule, V }), V, ["term.denoising.x"]);
    const errors = [500, 1000, 2000].map((T) => stepsBound(schedule, V, T) - integral!);
    // A step's error is that of its end, the greater one: the sum is below the integral, and more steps are better (Kingma et al. 2021, appendix F).
    for (const error of errors) expect(error).toBeLessThan(0);
    for (const [place, error] of errors.slice(1).entries()) expect(Math.abs(Math.log2(errors[place]! / error) - 1)).toBeLessThan(0.05);
    expect(Math.abs(errors.at(-1)!)).toBeLessThan(0.03);
  });

  // Guards that only the ends of the schedule count (Kingma et al. 2021, section 5.1): a network that is not optimal, and sees the same of the same λ, has one bound.
  it("does not depend on the way between the ends", () => {
    const said = "(0.7 + 0.2 * sin(g)) * d * x[t] + 0.1 * cos(g)";
    const [first, second] = [even, bent].map((schedule) => expected(continuousText({ schedule, said, V }), V, ["term.denoising.x", "elbo"], 4096));
    expect(Math.abs(first!["term.denoising.x"]!)).toBeGreaterThan(0.3);
    for (const name of ["term.denoising.x", "elbo"]) expect(Math.abs(first![name]! / second![name]! - 1)).toBeLessThan(1e-8);
  });

  // Guards evaluation's draws, 16 of a row in as many parts of (0, 1) that prefer times that count, and those of `timesteps = importance`: over all their places they give the same bound.
  it("is what evaluation and importance draw, on average", () => {
    const { elbo } = expected(continuousText({ schedule: cosine, V }), V, ["elbo"]);
    const places = 512;
    const sign = (row: number, of: number): number => ((row >> of) & 1) * 2 - 1;
    // One draw is a row's at all 16 parts: rows first.
    const random: RandomSource = {
      uniform: (_, count) => Float64Array.from({ length: count }, (_, place) => ((Math.floor(place / 16) >> 2) + 0.5) / places),
      normal: (_, count) => Float64Array.from({ length: count }, (_, place) => sign(Math.floor(place / 16), 0)),
      logGamma: none,
    };
    const { programs } = lowerText(continuousText({ schedule: cosine, V }));
    const outputs = run(programs.evaluate, { x: Array.from({ length: 4 * places }, (_, row) => sign(row, 1) * Math.sqrt(V)) }, { rows: 4 * places, random });
    expect(Math.abs(mean([...outputs["elbo"]!.values]) - elbo!)).toBeLessThan(1e-3);
    const weighed = (timesteps: string): string => continuousText({ schedule: cosine, V, objective: `weight = simple, timesteps = ${timesteps}` });
    const [uniform, importance] = ["uniform", "importance"].map((timesteps) => expected(weighed(timesteps), V, ["elbo", "loss"], 4096));
    for (const name of ["elbo", "loss"]) expect(Math.abs(importance![name]! / uniform![name]! - 1)).toBeLessThan(1e-3);
    // A single draw differs.
    const single = ["uniform", "importance"].map((timesteps) => run(lowerText(continuousText({ schedule: cosine, V, objective: `timesteps = ${timesteps}` })).programs.train, { x: [0.6] }, { rows: 1, random: at(0.3, () => 0.8) })["elbo"]!.values[0]!);
    expect(Math.abs(single[0]! - single[1]!)).toBeGreaterThan(1e-2);
  });
});

describe("bytes in continuous time", () => {
  // Guards the last term: of x_0+ = s x_0 + σ ε at t = 0 the mass that Normal(x_0+ / s, (σ / s)²) gives to the byte's bin, by quadrature; and of the density that of the byte itself.
  it.each(["discretized", "gaussian"])("have their reconstruction: %s", (reconstruction) => {
    const text = continuousText({ schedule: even, type: "byte[1]" }).replace("variance = small)", `variance = small, reconstruction = ${reconstruction})`);
    const { programs } = lowerText(text);
    const bytes = [0, 1, 100, 254, 255];
    const noise = [0.3, -1.4, 2, 0.7, -0.2];
    // Both draws of a row, that of its time and that at t = 0, are these.
    const found = bytes.map((byte, row) => run(programs.train, { x: [byte] }, { rows: 1, random: at(0.5, () => noise[row]!) })["term.reconstruction.x"]!.values[0]!);
    const deviation = Math.sqrt(even.variance(0)) / even.s(0);
    const density = -0.5 * Math.log(2 * Math.PI * Math.E * (127.5 * deviation) ** 2);
    const mass = (row: number): number => {
      const end = (shift: number): number => (shift / 255 - deviation * noise[row]!) / deviation;
      return logNormalMassByQuadrature(bytes[row] === 0 ? -Infinity : end(-1), bytes[row] === 255 ? Infinity : end(1));
    };
    expect(maxError(found, bytes.map((_, row) => (reconstruction === "gaussian" ? density : mass(row))))).toBeLessThan(1e-9);
  });
});

/** −Σ KL of T steps between t = 0 and 1 with the marginals of a schedule, of Gaussian data with the optimal denoiser: a diffusion in steps, whose first takes the datum to x at t = 0. */
function stepsBound(schedule: TimeSchedule, V: number, T: number): number {
  const marginal = (step: number) => (step === 0 ? { s: 1, v: 0 } : { s: schedule.s((step - 1) / T), v: schedule.variance((step - 1) / T) });
  const steps = Array.from({ length: T + 1 }, (_, place) => {
    const [before, after] = [marginal(place), marginal(place + 1)];
    const a = after.s / before.s;
    return { a, b: Math.sqrt(after.v - a ** 2 * before.v), k: Math.sqrt(after.v) / (after.s ** 2 * V + after.v) };
  });
  const array = (of: "a" | "b" | "k"): string => `const ${of} = [${steps.map((step) => step[of]).join(", ")}]`;
  const { programs } = lowerText(`${array("a")}\n${array("b")}\n${array("k")}
model m(x[0]: real[1]) {
  x[${T + 1}] ~ Normal(0, 1)
  chain t in ${T + 1}..1 { x[t-1] ~ guide(x[t-1] | x[t], noise = k[t] * x[t]) }
}
guide m { chain t in 1..${T + 1} { x[t] ~ Normal(a[t] * x[t-1], b[t]) } }
train m { maximize elbo }
`);
  const source = (e: number): RandomSource => ({ uniform: (_, count) => Float64Array.from({ length: count }, (_, place) => (place + 0.5) / count), normal: (_, count) => new Float64Array(count).fill(e), logGamma: none });
  const found = [[1, 1], [1, -1], [-1, 1], [-1, -1]].map(([x, e]) => run(programs.train, { x: new Array<number>(T + 1).fill(x! * Math.sqrt(V)) }, { rows: T + 1, random: source(e!) })["term.denoising.x"]!.values[0]!);
  return mean(found);
}
