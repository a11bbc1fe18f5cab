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

  // Guards a network that has lost its way: both ends of the bin are one number of float32, and log φ(z) = −z²/2 and its slope are all that is left.
  it.each([1e5, 1e6, 1e12])("is finite in float32 at a mean of ±%d", (mean) => {
    for (const side of [-mean, mean]) {
      // The open bin on the other side; that on the mean's own side has all the mass.
      const bytes = [128, side < 0 ? 255 : 0];
      const { values, slopes } = binMass(bytes, bytes.map(() => side), 0.01, "f32");
      for (const value of values) expect(value / (-0.5 * (mean / 0.01) ** 2)).toBeCloseTo(1, 4);
      for (const slope of slopes) expect(slope / (-side / 0.01 ** 2)).toBeCloseTo(1, 3);
    }
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

const T = 5;
const a = [0.95, 0.9, 0.97, 0.6, 0.8];
const b = [0.03, 0.35, 0.5, 0.7, 0.4];
const text = (said: string, options = "", weight = "bound"): string => `const T = ${T}
const a = [${a.join(", ")}]
const b = [${b.join(", ")}]
param centers: real[3] = normal(0, 1)
network net(x: real[3]) -> (noise: real[3]) { noise = x |> dense(3) }
model m(x[0]: byte[3]) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], ${said}${options}) }
}
guide m { chain t in 1..T { x[t] ~ Normal(a[t] * x[t-1], b[t]) } }
train m { maximize elbo(weight = ${weight}) }
`;
const data = [0, 128, 255, 3, 200, 0];
const centers = [-0.97, 0.05, 0.98];
/** Signals and variances, carried along. */
const marginals = a.reduce<{ s: number; v: number }[]>((all, factor, at) => [...all, { s: all[at]!.s * factor, v: factor ** 2 * all[at]!.v + b[at]! ** 2 }], [{ s: 1, v: 0 }]);
const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

describe("a diffusion of bytes", () => {
  const rowOf = (outputs: ReturnType<typeof run>, name: string, row: number): number => outputs[`row.${name}.x`]!.values[row]!;

  // Guards the scale in all three terms. The network says the same datum always, so each divergence is ½ (snr_{t−1} − snr_t) of its squared error and they telescope.
  it.each(["discretized", "gaussian"])("has the bound of its scaled datum, and the %s reconstruction of the byte", (reconstruction) => {
    const lowered = lowerText(text("x[0] = centers", `, reconstruction = ${reconstruction}`));
    const outputs = run(lowered.programs.evaluate, { centers, x: data }, { rows: 2 });
    const end = marginals[T]!;
    const snr = (t: number): number => marginals[t]!.s ** 2 / marginals[t]!.v;
    for (const row of [0, 1]) {
      const bytes = data.slice(3 * row, 3 * row + 3);
      const matching = -sum(bytes.map((byte) => 0.5 * (end.v + (end.s * place(byte)) ** 2 - 1 - Math.log(end.v))));
      const denoising = -0.5 * (snr(1) - snr(T)) * sum(bytes.map((byte, at) => (place(byte) - centers[at]!) ** 2));
      const density = (byte: number, mean: number): number => -0.5 * ((place(byte) - mean) / b[0]!) ** 2 - Math.log(b[0]! * Math.sqrt(2 * Math.PI)) - Math.log(127.5);
      const likelihood = sum(bytes.map((byte, at) => (reconstruction === "gaussian" ? density(byte, centers[at]!) : byQuadrature(byte, centers[at]!, b[0]!))));
      expect(Math.abs(rowOf(outputs, "prior-matching", row) - matching)).toBeLessThan(1e-9);
      expect(Math.abs(rowOf(outputs, "denoising", row) - denoising)).toBeLessThan(1e-8);
      expect(Math.abs(rowOf(outputs, "reconstruction", row) / likelihood - 1)).toBeLessThan(1e-9);
    }
  });

  // Guards the datum that a predicted noise stands for at t = 1: with none predicted it is x_1 / s, off by σ ε / s, and held within the range of bytes.
  it("asks the noise for the datum", () => {
    const lowered = lowerText(text("noise = 0 * x[t]"));
    const outputs = run(lowered.programs.evaluate, { x: data }, { rows: 2, seed: 5 });
    const draws = lowered.programs.evaluate.nodes.flatMap(({ op }) => (op.kind === "random" && op.distribution === "normal" ? [op.stream] : []));
    expect(draws).toHaveLength(1);
    const noise = seededRandom(5).normal(draws[0]!, 2 * T * 3);
    const { s, v } = marginals[1]!;
    for (const row of [0, 1]) {
      const truth = sum(data.slice(3 * row, 3 * row + 3).map((byte, at) => byQuadrature(byte, Math.max(-1, Math.min(1, place(byte) + (Math.sqrt(v) * noise[row * T * 3 + at]!) / s)), b[0]!)));
      expect(Math.abs(rowOf(outputs, "reconstruction", row) - truth)).toBeLessThan(1e-9);
    }
  });

  // Guards that training by the bound trains the mass itself, through a network, and that other steps put nothing into it: central differences of float64, 40 rows at random steps.
  it.each(["bound", "simple"])("has the gradient of its loss with weight %s", (weight) => {
    const lowered = lowerText(text("noise = net(x[t])", "", weight));
    const inputs = { ...someParameters(lowered, 40), x: Array.from({ length: 120 }, (_, at) => (at * 53) % 256) };
    for (const { name } of lowered.parameters.filter((each) => each.name !== "centers")) {
      const derived = derivedGradient(lowered.programs.train, "loss", name, inputs, { rows: 40, seed: 11 });
      expect(Math.max(...derived.map(Math.abs)), name).toBeGreaterThan(1e-3);
      expect(maxError(derived, gradient(lowered.programs.train, "loss", name, inputs, { rows: 40, seed: 11 })), name).toBeLessThan(1e-7);
    }
  });

  // Guards that `simple` weighs all errors alike, that of t = 1 too: without a prediction the loss is the mean of the squared noise.
  it("trains all squared errors with weight simple", () => {
    const rows = 4 * T;
    const outputs = run(lowerText(text("noise = 0 * x[t]", "", "simple")).programs.train, { x: Array.from({ length: 3 * rows }, () => 17) }, {
      rows, random: { uniform: (_, count) => Float64Array.from({ length: count }, (_, row) => (row + 0.5) / rows), normal: (_, count) => Float64Array.from({ length: count }, (_, at) => (Math.floor(at / 3) < 4 ? 2 : 1)), logGamma: () => expect.fail("no gamma is drawn") },
    });
    // The first four rows are those of t = 1.
    expect(outputs["loss"]!.values[0]).toBeCloseTo((3 * (4 * 4 + (rows - 4))) / rows, 12);
  });

  // Guards samples: the last step ends at x̂_0, which is rounded to the nearest byte, and kept among them.
  it("draws bytes", () => {
    const lowered = lowerText(text("x[0] = centers"));
    const drawn = (values: readonly number[]): readonly number[] => [...run(lowerDiffusionSample(lowered.program, lowered.program.diffusion as never, {}), { centers: values }, { rows: 2 })["x"]!.values];
    expect(drawn([place(3.4), place(3.6), place(254.9)])).toEqual([3, 4, 255, 3, 4, 255]);
    expect(drawn([-1.3, 1.7, place(127.2)])).toEqual([0, 255, 127, 0, 255, 127]);
  });
});
