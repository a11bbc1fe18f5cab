import { describe, expect, it } from "vitest";
import { lowerDiffusionSample } from "../../src/lowering/diffusion/sample.js";
import { samplerNames } from "../../src/lowering/diffusion/sampler-plan.js";
import { lowerText, maxError, run, someParameters } from "../support/lowered.js";
import { discreteTime } from "./support/discrete-time.js";
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
    const { step } = discreteTime(lowered.program).forward;
    const kept = (t: number): number => step.slice(1, t + 1).reduce((product, each) => product * each ** 2, 1);
    const snr = (t: number): number => kept(t) / (1 - kept(t));
    const errors = labels.map((label, row) => [0, 1].reduce((sum, element) => sum + (x[2 * row + element]! - centers[2 * label + element]!) ** 2, 0));
    expect(maxError(values, errors.map((error) => -0.5 * (snr(1) - snr(6)) * error))).toBeLessThan(1e-9);
  });
});

describe("a condition with dropout", () => {
  const lowered = lowerText(centersText.replace("label: index(3)", "label: index(3) dropout 0.2"));
  const parameters = { centers: [3, 4, 3, 4, 3, 4] };
  const rows = 20_000;
  const columns = (x: readonly number[], label: number): Record<string, readonly number[]> => ({ x: Array.from({ length: rows }, () => x).flat(), label: new Array<number>(rows).fill(label) });

  // Guards the share: where each row is its center, the squared error is 5² in the rows whose label is left out (which then has no center: zeros) and 0 elsewhere. Four standard errors.
  it("is left out of its share of the rows in training, and is of no class there", () => {
    const { values } = run(lowered.programs.train, { ...parameters, ...columns([3, 4], 1) }, { rows })["loss"]!;
    expect(Math.abs(values[0]! / 25 - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / rows));
  });

  it("is there in every row of an evaluation", () => {
    expect(run(lowered.programs.evaluate, { ...parameters, ...columns([3, 4], 2) }, { rows })["row.denoising.x"]!.values.every((each) => each === 0)).toBe(true);
  });

  // Guards that one draw decides of a row: with shares 0.2 and 0.5 both are missing in 0.2 of the rows (errors of 1, of 2), not in 0.1.
  it("is left out where a condition with a larger share is, too", () => {
    const two = lowerText(centersText.replace("label: index(3)", "label: index(3) dropout 0.2, shift: real[2] dropout 0.5").replace("centers[label]", "centers[label] + shift"));
    const given = { centers: [1, 0, 1, 0, 1, 0], shift: Array.from({ length: rows }, () => [1, 0]).flat(), ...columns([2, 0], 1) };
    const { values } = run(two.programs.train, given, { rows })["loss"]!;
    // E = 0.2 · 2² + (0.5 − 0.2) · 1²; independent draws would give 0.1 · 4 + 0.5 · 1 = 0.9.
    expect(Math.abs(values[0]! - 1.1)).toBeLessThan(4 * Math.sqrt((0.2 * 16 + 0.3 - 1.1 ** 2) / rows));
  });
});
