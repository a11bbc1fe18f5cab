import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/ir/tensor/evaluate.js";
import { gradient, derivedGradient, maxError, run, someParameters, type Inputs } from "../support/lowered.js";
import { compileModel, diffusionPrior, gaussianPrior, linear, linearText, logEvidence, logNormal, pictureOf, posterior, sum } from "./support/linear.js";

const rows = 5;
const x = [0.3, -1.2, 0.8, 1.5, 0.2, -0.4, -0.9, 0.7, 1.1, 0.05, -0.3, 2.1, -1.4, 0.6, 0.9];
const scale = 1.7;
const rowOf = (values: ArrayLike<number>, row: number, size: number): number[] => Array.from(values).slice(row * size, (row + 1) * size);
/** Positive parameters are stored as logarithms. */
const stored = Math.log;

/** The guide's draws in a program: mean A x and scale q, with the noise of its stream. */
function drawn(inputs: Inputs, stream: string): number[] {
  const noise = seededRandom(1).normal(stream, rows * 2);
  const A = inputs["vae.A"] as readonly number[];
  const q = (inputs["vae.q"] as readonly number[]).map(Math.exp);
  return Array.from({ length: rows * 2 }, (_, at) => {
    const [row, element] = [Math.floor(at / 2), at % 2];
    return sum(rowOf(x, row, 3).map((value, i) => A[3 * element + i]! * value)) + q[element]! * noise[at]!;
  });
}

describe("a density of the latent of another model", () => {
  const { lowered, evaluation, training } = compileModel(linearText + gaussianPrior, "prior");
  const inputs: Inputs = { ...someParameters(lowered, rows), x, "vae.z.scale": scale };

  it("reads the data of the first stage", () => {
    expect(lowered.columns.map(({ name }) => name)).toEqual(["x"]);
    expect(lowered.parameters.filter(({ trainable }) => trainable).map(({ name }) => name).sort()).toEqual(["d", "m"]);
    expect(lowered.parameters.filter(({ frozen }) => frozen).map(({ name }) => name)).toEqual(["vae.A", "vae.q", "vae.z.scale"]);
    expect(training.terms.map(({ name }) => name)).toEqual(["reconstruction.z", "rescaling.z"]);
    expect(evaluation.terms.map(({ name }) => name)).toEqual(["reconstruction.x", "entropy.z", "reconstruction.z", "rescaling.z"]);
  });

  // Guards each term against densities written out: log p(x | z), −log q(z | x), log p_s(z / s) and −2 log s, at one draw of z for all.
  it("has the terms of both stages at one draw", () => {
    const outputs = run(lowered.programs.evaluate, inputs, { rows });
    const z = drawn(inputs, "evaluate.vae.z");
    const m = inputs["m"] as readonly number[];
    const [d, q] = [inputs["d"], inputs["vae.q"]].map((values) => (values as readonly number[]).map(Math.exp));
    const terms = {
      "row.reconstruction.x": (row: number) => sum(pictureOf(rowOf(z, row, 2)).map((mean, i) => logNormal(x[3 * row + i]!, mean, linear.noise))),
      "row.entropy.z": (row: number) => -sum([0, 1].map((i) => logNormal(z[2 * row + i]!, z[2 * row + i]! - q![i]! * seededRandom(1).normal("evaluate.vae.z", rows * 2)[2 * row + i]!, q![i]!))),
      "row.reconstruction.z": (row: number) => sum([0, 1].map((i) => logNormal(z[2 * row + i]! / scale, m[i]!, d![i]!))),
      "row.rescaling.z": () => -2 * Math.log(scale),
    };
    const all = Array.from({ length: rows }, (_, row) => Object.values(terms).map((term) => term(row)));
    Object.keys(terms).forEach((name, at) => expect(maxError(outputs[name]!.values, all.map((row) => row[at]!)), name).toBeLessThan(1e-12));
    expect(maxError(outputs["elbo"]!.values, all.map(sum))).toBeLessThan(1e-12);
  });

  // Guards that the sum is a bound of log p(x), constants included: with the exact posterior for a guide and the true density of the latent it is log p(x) itself, at any draw and in any units.
  it("is the evidence where guide and density are exact", () => {
    const { matrix, scale: deviations } = posterior();
    const exact: Inputs = { ...inputs, "vae.A": matrix.flat(), "vae.q": deviations.map((each) => stored(each)), m: [0, 0], d: [-stored(scale), -stored(scale)] };
    const { values } = run(lowered.programs.evaluate, exact, { rows, seed: 9 })["elbo"]!;
    expect(maxError(values, Array.from({ length: rows }, (_, row) => logEvidence(rowOf(x, row, 3))))).toBeLessThan(1e-11);
  });

  // Guards training: draws of its own, units and the constant, and a gradient of the density's parameters alone.
  it("trains on draws in units of their deviation", () => {
    const outputs = run(lowered.programs.train, inputs, { rows });
    const z = drawn(inputs, "vae.z");
    const m = inputs["m"] as readonly number[];
    const d = (inputs["d"] as readonly number[]).map(Math.exp);
    const own = sum(z.map((value, at) => logNormal(value / scale, m[at % 2]!, d[at % 2]!))) / rows;
    expect(outputs["term.reconstruction.z"]!.values[0]).toBeCloseTo(own, 12);
    expect(outputs["elbo"]!.values[0]).toBeCloseTo(own - 2 * Math.log(scale), 12);
    expect(outputs["loss"]!.values[0]).toBeCloseTo(-own, 12);
    for (const name of ["m", "d"]) expect(maxError(derivedGradient(lowered.programs.train, "loss", name, inputs, { rows }), gradient(lowered.programs.train, "loss", name, inputs, { rows }))).toBeLessThan(1e-8);
  });

  it("samples from the density through the likelihood", () => {
    const outputs = run(lowered.programs.sample, inputs, { rows });
    const z = outputs["z"]!.values;
    expect(maxError(outputs["mean.x"]!.values, Array.from({ length: rows }, (_, row) => pictureOf(rowOf(z, row, 2))).flat())).toBeLessThan(1e-12);
    const [m, d] = [inputs["m"] as readonly number[], (inputs["d"] as readonly number[]).map(Math.exp)];
    const noise = seededRandom(1).normal("sample.z", rows * 2);
    expect(maxError(z, [...noise].map((each, at) => scale * (m[at % 2]! + d[at % 2]! * each)))).toBeLessThan(1e-12);
    const pixels = seededRandom(1).normal("sample.vae.decode.x", rows * 3);
    expect(maxError(outputs["x"]!.values, [...outputs["mean.x"]!.values].map((mean, at) => mean + linear.noise * pixels[at]!))).toBeLessThan(1e-12);
  });

  it("infers and reconstructs by the first stage", () => {
    expect(maxError(run(lowered.programs.infer!, inputs, { rows })["z"]!.values, drawn(inputs, "infer.vae.z"))).toBeLessThan(1e-12);
    const z = drawn(inputs, "reconstruct.vae.z");
    expect(maxError(run(lowered.programs.reconstruct!, inputs, { rows })["mean.x"]!.values, Array.from({ length: rows }, (_, row) => pictureOf(rowOf(z, row, 2))).flat())).toBeLessThan(1e-12);
  });
});

describe("a diffusion of the latent of another model", () => {
  const { lowered } = compileModel(linearText + diffusionPrior, "prior");
  const alone = compileModel(diffusionPrior.replace("on vae.z ", ""), "prior").lowered;
  const inputs: Inputs = { ...someParameters(lowered, rows), x, "vae.z.scale": scale };
  const latent = (stream: string): Inputs => ({ ...inputs, z: drawn(inputs, stream).map((value) => value / scale) });

  // Guards that the programs are those of the diffusion alone, whose own tests compare it with the closed forms, on the guide's draws in place of data.
  it("is the diffusion alone on the guide's draws", () => {
    const train = [run(lowered.programs.train, inputs, { rows }), run(alone.programs.train, latent("vae.z"), { rows })];
    for (const name of ["loss", "term.denoising.z", "term.prior-matching.z", "term.reconstruction.z"]) expect(train[0]![name]!.values[0], name).toBeCloseTo(train[1]![name]!.values[0]!, 10);
    const evaluate = [run(lowered.programs.evaluate, inputs, { rows }), run(alone.programs.evaluate, latent("evaluate.vae.z"), { rows })];
    for (const name of ["row.denoising.z", "row.prior-matching.z", "row.reconstruction.z"]) expect(maxError(evaluate[0]![name]!.values, evaluate[1]![name]!.values), name).toBeLessThan(1e-12);
    const own = ["row.reconstruction.x", "row.entropy.z", "row.rescaling.z"].map((name) => evaluate[0]![name]!.values);
    expect(maxError(evaluate[0]!["elbo"]!.values, [...evaluate[1]!["elbo"]!.values].map((value, row) => value + sum(own.map((term) => term[row]!))))).toBeLessThan(1e-12);
  });

  it("samples as the diffusion alone does, in the latent's units and through the likelihood", () => {
    const [both, latents] = [run(lowered.programs.sample, inputs, { rows }), run(alone.programs.sample, inputs, { rows })];
    expect(maxError(both["z"]!.values, [...latents["z"]!.values].map((value) => value * scale))).toBeLessThan(1e-12);
    expect(maxError(both["mean.x"]!.values, Array.from({ length: rows }, (_, row) => pictureOf(rowOf(both["z"]!.values, row, 2))).flat())).toBeLessThan(1e-12);
  });
});
