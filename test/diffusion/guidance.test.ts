import { describe, expect, it } from "vitest";
import { samplerNames } from "../../src/lowering/diffusion/sampler-plan.js";
import { lowerText, maxError } from "../support/lowered.js";
import { quadratic } from "./support/gaussian.js";
import { sampled, startedAt } from "./support/sampled.js";

/** Data of each label is Normal(its center, v), without a label Normal(0, v): the network is the optimal denoiser of both. */
const v = 0.25;
const schedule = quadratic(9);
const text = (prediction: string): string => {
  const datum = "(m * (1 - s * s * V / q) + s * V / q * x[t])";
  const noise = `((x[t] - s * ${datum}) / d)`;
  return `const T = 64
const V = ${v}
param centers: real[3, 1] = normal(0, 1)
model labelled(x[0]: real[1], label: index(3) dropout 0.1) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 {
    s = sqrt(${schedule.text("t")})
    d = sqrt(1 - s * s)
    q = s * s * V + 1 - s * s
    m = centers[label]
    x[t-1] ~ guide(x[t-1] | x[t], ${prediction} = ${{ "x[0]": datum, noise, velocity: `s * ${noise} - d * ${datum}` }[prediction]!})
  }
}
guide labelled { chain t in 1..T { x[t] ~ Normal(sqrt(${schedule.text("t")} / (${schedule.text("t - 1")})) * x[t-1], variance = 1 - ${schedule.text("t")} / (${schedule.text("t - 1")})) } }
`;
};

const centers = [1.5, -0.7, 3];
const labels = [2, 0, 1, 1];
const starts = [0.4, -1.3, 0.9, 0];

describe.each(["x[0]", "noise", "velocity"])("guidance of %s", (prediction) => {
  const lowered = lowerText(text(prediction));

  // Guards what guidance is: without + g (with − without) of these denoisers is that of Normal(g · center, v), for every sampler and prediction, up to rounding.
  it.each(samplerNames.flatMap((sampler) => [0, 0.5, 1, 3].map((guidance) => ({ sampler, guidance }))))("$sampler at $guidance draws of centers so many times as far", ({ sampler, guidance }) => {
    const guided = sampled(lowered, { sampler, steps: 20, guidance }, { centers, label: labels }, 4);
    const moved = sampled(lowered, { sampler, steps: 20 }, { centers: centers.map((each) => guidance * each), label: labels }, 4);
    expect(maxError(guided, moved)).toBeLessThan(1e-9);
    if (guidance !== 1) expect(maxError(guided, sampled(lowered, { sampler, steps: 20 }, { centers, label: labels }, 4))).toBeGreaterThan(0.3);
  });

  // Guards the limit in closed form: the flow of Normal(g m, v) is x_0 = g m + (x_T − s_T g m) √(v / (s_T² v + σ_T²)). Heun, of second order, leaves below 1e-2 at 64 steps.
  it("follows the flow of the guided density", () => {
    const [s, guidance] = [Math.sqrt(schedule.value(1)), 3];
    const found = sampled(lowered, { sampler: "heun", guidance }, { centers, label: labels }, 4, startedAt(starts));
    const exact = labels.map((label, row) => guidance * centers[label]! + (starts[row]! - s * guidance * centers[label]!) * Math.sqrt(v / (s ** 2 * v + 1 - s ** 2)));
    expect(maxError(found, exact)).toBeLessThan(1e-2);
  });
});
