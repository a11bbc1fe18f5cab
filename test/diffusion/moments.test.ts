import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/ir/tensor/evaluate.js";
import { samplerNames } from "../../src/lowering/diffusion/sampler-plan.js";
import { lowerText, maxError } from "../support/lowered.js";
import { gaussianText, quadratic } from "./support/gaussian.js";
import { sampled, startedAt } from "./support/sampled.js";

const v = 0.25;
const schedule = quadratic(9);
const lowered = lowerText(gaussianText({ steps: 256, variance: v, schedule }));

describe("moments on the way from noise to the datum", () => {
  // Guards that moments are the states that they say: on Gaussian data x_t of the flow is x_T √(v_t / v_T), where v_t = s_t² v + σ_t²; Heun at 256 steps leaves less than 1e-3.
  it.each([2, 3, 5, 9])("%i of them are the flow's states at equal distances", (moments) => {
    const whole = (share: number): number => schedule.value(share) * v + 1 - schedule.value(share);
    const found = sampled(lowered, { sampler: "heun", moments }, {}, 2, startedAt([1, -2]), "moments.x");
    const exact = [1, -2].flatMap((start) => Array.from({ length: moments }, (_, at) => start * Math.sqrt(whole(1 - at / (moments - 1)) / whole(1))));
    expect(maxError(found, exact)).toBeLessThan(1e-3);
  });

  // Guards that looking changes nothing: the same draws, of which the last moment is the datum; steps that are done twice count by their last turn.
  it.each(samplerNames.flatMap((sampler) => [1, 2].map((repeats) => ({ sampler, repeats }))))("$sampler draws the same beside them, steps done $repeats times", ({ sampler, repeats }) => {
    const options = { sampler, steps: 10, repeats } as const;
    const plain = sampled(lowered, options, {}, 3, seededRandom(5));
    expect(sampled(lowered, { ...options, moments: 4 }, {}, 3, seededRandom(5))).toEqual(plain);
    const all = sampled(lowered, { ...options, moments: 11 }, {}, 3, seededRandom(5), "moments.x");
    expect(plain).toEqual([10, 21, 32].map((at) => all[at]));
    expect(new Set(all).size).toBe(33);
  });
});
