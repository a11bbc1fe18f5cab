import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, seededRandom } from "../../src/ir/tensor/evaluate.js";
import { logBinMass } from "../../src/lowering/diffusion/discretized.js";
import { lowerDiffusionSample } from "../../src/lowering/diffusion/sample.js";
import { derivedGradient, gradient, lowerText, maxError, run, someParameters } from "../support/lowered.js";
import { logNormalMassByQuadrature } from "./support/normal-mass.js";

const place = (byte: number): number => byte / 127.5 - 1;

/** log p(byte | mean, deviation) and its derivative to the mean, as the compiler has it. */
function binMass(bytes: readonly number[], means: readonly number[], deviation: number, precision?: "f32"): { readonly values: readonly number[]; readonly slopes: readonly number[] } {
  const b = new TensorBuilder();
  const shape = [bytes.length];
  const [datum, mean] = [b.input("column", "x", shape, "f32"), b.input("column", "mean", shape, "f32")];
  const mass = logBinMass(b, datum, b.subtract(datum, mean), deviation);
  const [slope] = gradientsOf(b, b.sumLast(mass, 1), [mean]);
  const inputs = { x: { values: bytes.map(place), shape }, mean: { values: means, shape } };
  const outputs = evaluate(b.program("mass", { mass, slope: slope! }), { inputs, rows: 1, dataset: 1, random: seededRandom(1), ...(precision ? { precision } : {}) });
  return { values: [...outputs["mass"]!.values], slopes: [...outputs["slope"]!.values] };
}

/** The same by quadrature: edges are open. */
function byQuadrature(byte: number, mean: number, deviation: number): number {
  const end = (shift: number): number => (place(byte) + shift / 255 - mean) / deviation;
  return logNormalMassByQuadrature(byte === 0 ? -Infinity : end(-1), byte === 255 ? Infinity : end(1));
}

/** Means in, beside and far from the bins; deviations from a thousandth of a bin to many bins. */
const places = [0, 1, 7, 128, 254, 255].flatMap((byte) => [-30, -1.01, -1, -0.95, 0.003, 0.3, 0.999, 1, 1.2, 30].map((mean) => ({ byte, mean })));
const deviations = [1e-5, 1e-3, 0.01, 0.03, 0.2, 1, 20];

describe("the mass of a byte's bin", () => {
  // Guards all branches against quadrature: near, in a tail, open, narrow and wide bins, down to log masses of −10¹³.
  it.each(deviations)("is that of quadrature at deviation %d", (deviation) => {
    const { values } = binMass(places.map(({ byte }) => byte), places.map(({ mean }) => mean), deviation);
    places.forEach(({ byte, mean }, at) => {
      const truth = byQuadrature(byte, mean, deviation);
      expect(Math.abs(values[at]! - truth) / Math.max(1, Math.abs(truth)), `byte ${byte}, mean ${mean}`).toBeLessThan(1e-9);
    });
  });

  // Guards float32, which runs: no NaN and no infinity, the value to 1e-5 of itself or of 1, the slope to 1e-3 of the largest that it has there.
  it.each(deviations)("holds in float32 at deviation %d", (deviation) => {
    // Numbers of float32, so that both precisions have the same question.
    const given = places.map(({ mean }) => Math.fround(mean));
    const [exact, found] = [undefined, "f32" as const].map((precision) => binMass(places.map(({ byte }) => byte), given, deviation, precision)) as [ReturnType<typeof binMass>, ReturnType<typeof binMass>];
    places.forEach(({ byte, mean }, at) => {
      const where = `byte ${byte}, mean ${mean}`;
      // A rounding of the place of a byte, 1e-7, moves z by 1e-7 / σ and the logarithm by z times that.
      const apart = Math.abs(place(byte) - mean);
      const rounding = (2e-7 * (apart + 0.01)) / deviation ** 2;
      expect(Number.isFinite(found.values[at]!) && Number.isFinite(found.slopes[at]!), where).toBe(true);
      expect(Math.abs(found.values[at]! - exact.values[at]!), where).toBeLessThan(1e-5 * Math.max(1, Math.abs(exact.values[at]!)) + rounding);
      expect(Math.abs(found.slopes[at]! - exact.slopes[at]!), where).toBeLessThan((1e-3 * Math.abs(exact.slopes[at]!)) + (1e-3 + 3 * rounding / (apart + 0.01)) / deviation);
    });
  });

  // Guards the gradient by differences of the quadrature.
  it.each([0.01, 0.2])("has the slope of quadrature at deviation %d", (deviation) => {
    const { slopes } = binMass(places.map(({ byte }) => byte), places.map(({ mean }) => mean), deviation);
    places.forEach(({ byte, mean }, at) => {
      const step = 1e-4 * deviation;
      const truth = (byQuadrature(byte, mean + step, deviation) - byQuadrature(byte, mean - step, deviation)) / (2 * step);
      expect(Math.abs(slopes[at]! - truth) / (1 / deviation + Math.abs(truth)), `byte ${byte}, mean ${mean}`).toBeLessThan(1e-6);
    });
  });

  // Guards that it is a mass: nothing lies between two bins, and nothing outside.
  it.each(deviations)("sums to one over all bytes at deviation %d", (deviation) => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    for (const mean of [-3, -1, -0.9, 0.001, 0.5, 0.999, 2]) {
      const { values } = binMass(bytes, bytes.map(() => mean), deviation);
      expect(Math.abs(values.reduce((sum, value) => sum + Math.exp(value), 0) - 1), `mean ${mean}`).toBeLessThan(1e-9);
    }
  });
});
