import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { withSampler } from "../../src/driver/with-sampler.js";
import type { RandomSource } from "../../src/ir/tensor/evaluate.js";
import { lowerDiffusionSample, type SamplerOptions } from "../../src/lowering/diffusion/sample.js";
import { samplerNames } from "../../src/lowering/diffusion/sampler-plan.js";
import { lowerText, run } from "../support/lowered.js";
import { bent, continuousText, cosine, even, exploding, predictions, type TimeSchedule } from "./support/continuous.js";
import { none, sampled, startedAt } from "./support/sampled.js";

const V = 0.3;
const whole = ({ s, variance }: TimeSchedule, t: number): number => s(t) ** 2 * V + variance(t);

/** x_0 of a start at t = 1, without noise. */
const flow = (text: string, options: SamplerOptions, start: number): number => sampled(lowerText(text), options, {}, 1, startedAt([start]))[0]!;

/**
 * Variance of what a sampler draws, exactly: x_0 is linear in the start and the noise of each step, so rows that have a one in one place and zeros elsewhere give its coefficients.
 * Draws of a loop are counted by rows first.
 */
function drawnVariance(text: string, options: SamplerOptions, strides: number): number {
  const { program } = lowerText(text);
  const places = 1 + strides;
  const random: RandomSource = {
    uniform: none,
    normal: (stream, count) => {
      const values = new Float64Array(count);
      if (!stream.endsWith("noise")) values[0] = 1;
      else for (let row = 1; row < places; row++) values[row * strides + row - 1] = 1;
      return values;
    },
    logGamma: none,
  };
  return [...run(lowerDiffusionSample(program, program.diffusion!, options), {}, { rows: places, random })["x"]!.values].reduce((sum, value) => sum + value ** 2, 0);
}

describe("samplers in continuous time", () => {
  // Guards coefficients at a grid of real times and the way from t = 0 to the datum: on Gaussian data the flow scales by √(whole(0) / whole(1)), and the datum is x / s there. The error falls with the order.
  it.each([
    { sampler: "ddim", order: 1, schedule: even }, { sampler: "ddim", order: 1, schedule: bent },
    { sampler: "dpm_solver", order: 2, schedule: even }, { sampler: "dpm_solver", order: 2, schedule: cosine },
    { sampler: "heun", order: 2, schedule: even }, { sampler: "heun", order: 2, schedule: exploding },
  ] as const)("$sampler follows the flow with order $order: $schedule.name", ({ sampler, order, schedule }) => {
    const exact = Math.sqrt(whole(schedule, 0) / whole(schedule, 1)) / schedule.s(0);
    const errors = [16, 32, 64, 128].map((steps) => Math.abs(flow(continuousText({ schedule, V }), { sampler, steps }, 1) / exact - 1));
    expect(errors.at(-1)!).toBeLessThan(order === 1 ? 3e-2 : 1e-3);
    for (const [at, error] of errors.slice(2).entries()) expect(Math.abs(Math.log2(errors[at + 1]! / error) - order)).toBeLessThan(0.25);
  });

  // Guards the default, 250 strides: the variance is that of the data, up to the noise that x has at t = 0 and what strides leave.
  it.each([even, bent, cosine])("ancestral draws the data's variance in 250 strides: $name", (schedule) => {
    expect(Math.abs(drawnVariance(continuousText({ schedule, V }), {}, 250) / V - 1)).toBeLessThan(0.03);
  });

  // Guards the ancestral step against moments that are carried by Bayes' rule through q(x_s | x_t, x̂_0), and its limit.
  it.each(predictions.flatMap((prediction) => (["small", "large"] as const).map((reverse) => ({ prediction, reverse }))))("ancestral draws what it says: $prediction, $reverse", ({ prediction, reverse }) => {
    const strides = 20;
    const byHand = Array.from({ length: strides }, (_, at) => [1 - at / strides, 1 - (at + 1) / strides] as const).reduce((variance, [from, to]) => {
      const factor = even.s(from) / even.s(to);
      const forward = even.variance(from) - factor ** 2 * even.variance(to);
      const precision = 1 / even.variance(to) + factor ** 2 / forward;
      const gain = ((even.s(to) * even.s(from) * V) / whole(even, from) / even.variance(to) + factor / forward) / precision;
      return variance * gain ** 2 + (reverse === "large" ? forward : 1 / precision);
    }, 1);
    expect(Math.abs(drawnVariance(continuousText({ schedule: even, V, prediction, reverse }), { steps: strides }, strides) - byHand / even.s(0) ** 2)).toBeLessThan(1e-9);
  });

  it("ancestral converges to the data", () => {
    // At t = 0 there is noise left: of the datum with it, x / s has the variance V + σ² / s². The prior at t = 1 has 1 in place of whole(1).
    const limit = V + even.variance(0) / even.s(0) ** 2;
    const errors = [125, 250, 500].map((steps) => Math.abs(drawnVariance(continuousText({ schedule: even, V, reverse: "large" }), { steps }, steps) / limit - 1));
    expect(errors.at(-1)!).toBeLessThan(0.02);
    for (const [at, error] of errors.slice(1).entries()) expect(Math.log2(errors[at]! / error)).toBeGreaterThan(0.8);
  });

  // Guards a start without signal, where cos(π / 2) is no exact 0: all samplers are finite there, and near the flow, by which a start of variance 1 gets that of the data; of the ancestral sampler that is the variance of what it draws.
  it.each(samplerNames)("%s begins at zero signal", (sampler) => {
    const zero: TimeSchedule = { ...cosine, bindings: "a = cos(0.5 * pi * (0.98 * t + 0.02))", s: (t) => Math.cos(0.5 * Math.PI * (0.98 * t + 0.02)), variance: (t) => Math.sin(0.5 * Math.PI * (0.98 * t + 0.02)) ** 2 };
    const text = continuousText({ schedule: zero, prediction: "velocity", V });
    const found = sampler === "ancestral" ? Math.sqrt(drawnVariance(text, { sampler, steps: 64 }, 64)) : flow(text, { sampler, steps: 64 }, 1);
    const exact = Math.sqrt(whole(zero, 0)) / zero.s(0);
    expect(Math.abs(found / exact - 1)).toBeLessThan(sampler === "ddim" || sampler === "ancestral" ? 0.1 : 0.02);
  });

  // Guards that the network is told t itself: one that says t for the datum ends, with one stride from 1, at what it says there.
  it("tells the network the time", () => {
    const said = (steps: number): readonly number[] => sampled(lowerText(continuousText({ schedule: even, prediction: "x[0]", said: "0 * x[t] + t" })), { sampler: "ddim", steps }, {}, 1, startedAt([0]));
    const { s, variance } = even;
    // x_0+ = s(0) x̂ + σ(0) / σ(1) (0 − s(1) x̂)
    expect(said(1)[0]!).toBeCloseTo((s(0) - Math.sqrt(variance(0) / variance(1)) * s(1)) / s(0), 10);
    const twice = [1, 0.5].reduce((state, from) => s(from - 0.5) * from + Math.sqrt(variance(from - 0.5) / variance(from)) * (state - s(from) * from), 0);
    expect(said(2)[0]!).toBeCloseTo(twice / s(0), 10);
  });

  // Guards that elements which are known stay, without the noise of t = 0.
  it.each(samplerNames)("%s keeps known elements", (sampler) => {
    const { lowered } = withSampler(compile({ path: "m.lvm", text: continuousText({ schedule: even, type: "real[2]" }) }).value!, { sampler, steps: 7, known: true })!;
    const drawn = run(lowered.programs.sample!, { "known.x": [0.25, 0, -3, 0], "mask.x": [1, 0, 1, 0] }, { rows: 2 })["x"]!.values;
    expect([drawn[0], drawn[2]]).toEqual([0.25, -3]);
    expect(drawn[1]).not.toBe(0);
  });
});
