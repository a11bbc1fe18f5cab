import { describe, expect, it } from "vitest";
import { lowerDiffusionSample } from "../../src/lowering/diffusion/sample.js";
import { samplerNames } from "../../src/lowering/diffusion/sampler-plan.js";
import { lowerText, maxError, run, someParameters } from "../support/lowered.js";
import { centersText } from "./support/labelled.js";

const labels = [2, 0, 1, 1, 2];

describe("a diffusion that is told a label", () => {
  const lowered = lowerText(centersText);
  const parameters = someParameters(lowered, 5);
  const centers = parameters["centers"]!;

  it("has the label for an input", () => {
    expect(lowered.program.columns.map(({ name, role }) => [name, role])).toEqual([["x", "observed"], ["label", "input"]]);
  });

  // Guards that each row's network is told its own label: the last step ends at x̂_0, which is the label's center, whatever came before.
  it.each(samplerNames)("%s ends where the label says", (sampler) => {
    const drawn = run(lowerDiffusionSample(lowered.program, lowered.program.diffusion!, { sampler }), { ...parameters, label: labels }, { rows: 5 })["x"]!;
    expect(maxError(drawn.values, labels.flatMap((label) => centers.slice(2 * label, 2 * label + 2)))).toBeLessThan(1e-12);
  });

  // Guards the bound: the datum's error is x_0 − center at every step, so each divergence is ½ (snr_{t−1} − snr_t) of it (Kingma et al. 2021), and they telescope to ½ (snr_1 − snr_T).
  it("has the bound of its label", () => {
    const x = [0.3, -0.7, 1.1, 0.4, -0.2, 0.9, 0.5, 0.5, -1, 0];
    const { values } = run(lowered.programs.evaluate, { ...parameters, x, label: labels }, { rows: 5 })["row.denoising.x"]!;
    const { step } = lowered.program.diffusion!.forward;
    const kept = (t: number): number => step.slice(1, t + 1).reduce((product, each) => product * each ** 2, 1);
    const snr = (t: number): number => kept(t) / (1 - kept(t));
    const errors = labels.map((label, row) => [0, 1].reduce((sum, element) => sum + (x[2 * row + element]! - centers[2 * label + element]!) ** 2, 0));
    expect(maxError(values, errors.map((error) => -0.5 * (snr(1) - snr(6)) * error))).toBeLessThan(1e-9);
  });
});
