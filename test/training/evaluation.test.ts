import { describe, expect, it } from "vitest";
import type { Model } from "../../src/runtime/model.js";
import { LvmError } from "../../src/runtime/error.js";
import { compiledModel } from "../codegen/support/load-emitted.js";
import { patterns, tinyVae, trainAll } from "./support.js";

/** Guards evaluation against closed forms. */

const conjugate = `
model conjugate(x: real) {
  z: real ~ Normal(0, 1)
  x ~ Normal(z, 1)
}
guide conjugate {
  z ~ Normal(0.5 * x, sqrt(0.5))
}
train conjugate {
  maximize elbo
  batch = 8
}
`;

const xs = [-2.5, -1, 0, 0.3, 1, 2, 4];
/** log Normal(x; 0, √2), the exact evidence. */
const logEvidence = xs.reduce((sum, x) => sum - 0.25 * x * x - 0.5 * Math.log(4 * Math.PI), 0) / xs.length;

describe("evaluation", () => {
  it("of the exact posterior is the evidence, by the bound in the mean and by importance weights exactly", async () => {
    const model = await compiledModel(conjugate)({ device: "tfjs-wasm", seed: 2 });
    const data = { x: { rows: xs.length, values: Float32Array.from(xs), shape: [] } };
    const found = await model.evaluate(data, { evidenceSamples: 120, batch: 3 });
    // Every importance weight is p(x) itself when the guide is exact.
    expect(found.logEvidence).toBeCloseTo(logEvidence, 4);
    expect(found.evidenceSamples).toBe(120);
    model.dispose();
  });

  it("does not depend on the batch, also with a smaller last one", async () => {
    const model = await compiledModel(tinyVae)({ device: "tfjs-wasm", seed: 2 });
    const data = patterns(37, 12);
    const [whole, parts] = [await model.evaluate(data, { evidenceSamples: 60 }), await model.evaluate(data, { evidenceSamples: 60, batch: 10 })];
    expect(parts.elbo).toBeCloseTo(whole.elbo, 4);
    expect(parts.logEvidence).toBeCloseTo(whole.logEvidence!, 4);
    expect(parts.coordinates["z"]).toHaveLength(2);
    expect(parts.activeUnits).toEqual(whole.activeUnits);
    model.dispose();
  });
});

describe("active units", () => {
  const joint = (guide: string): string => `
param spread: cholesky[2] = identity
model joint(x: real[2]) {
  z: real[2] ~ Normal(0, 1)
  x ~ Normal(z, 1)
}
guide joint {
  ${guide}
}
train joint {
  maximize elbo
}
`;
  // The posterior means are x₁ · (1, 0.05): their variances are those of x₁ times 1 and 0.0025.
  const values = Float32Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 100 + Math.sin(at) : 0));
  const data = { x: { rows: 10, values, shape: [2] } };
  const first = [...values].filter((_, at) => at % 2 === 0);
  const variance = first.reduce((sum, x) => sum + x * x, 0) / 10 - (first.reduce((sum, x) => sum + x, 0) / 10) ** 2;

  it("are those whose posterior mean varies, also where the KL is one number for all coordinates", async () => {
    expect(variance).toBeGreaterThan(0.01);
    expect(variance * 0.0025).toBeLessThan(0.01);
    for (const distribution of ["MultivariateNormal(MEAN, cholesky = spread)", "Normal(MEAN, 0.5)"]) {
      const model = await compiledModel(joint(`z ~ ${distribution.replace("MEAN", "x[1] * [1, 0.05]")}`))({ device: "tfjs-wasm", seed: 2 });
      const found = await model.evaluate(data, { batch: 3 });
      expect(found.coordinates["z"]).toHaveLength(distribution.startsWith("M") ? 1 : 2);
      expect([found.activeUnits["z"], found.units?.["z"]]).toEqual([1, 2]);
      model.dispose();
    }
  });

  it("are not told of a latent that is shared by all rows", async () => {
    const model = await compiledModel(joint("auto mean_field z").replace("z: real[2]", "global z: real[2]"))({ device: "tfjs-wasm", seed: 2 });
    await trainAll(model, data, { steps: 1 });
    expect((await model.evaluate(data)).activeUnits).toEqual({});
    model.dispose();
  });
});

const local = `
model local_mean(x: real[3]) {
  z: real ~ Normal(0, 1)
  x ~ Normal(z, 1)
}
guide local_mean {
  local m: real = 0
  local s: positive = 1
  z ~ Normal(m, s)
}
train local_mean {
  maximize elbo
  optimizer = adam(rate = 5e-2)
  batch = 16
}
`;

function rowsOfThree(rows: number, shift: number): { x: { rows: number; values: Float32Array; shape: number[] } } {
  return { x: { rows, values: Float32Array.from({ length: rows * 3 }, (_, at) => shift + Math.sin(at * 1.7)), shape: [3] } };
}

/** log p(x) of a row under x_j = z + ε: Normal with covariance I + 11ᵀ. */
function exact(values: Float32Array): number {
  let total = 0;
  for (let row = 0; row < values.length / 3; row++) {
    const x = values.subarray(row * 3, row * 3 + 3);
    const sum = x[0]! + x[1]! + x[2]!;
    const quadratic = x[0]! ** 2 + x[1]! ** 2 + x[2]! ** 2 - sum ** 2 / 4;
    total += -0.5 * quadratic - 0.5 * Math.log(4) - 1.5 * Math.log(2 * Math.PI);
  }
  return total / (values.length / 3);
}

describe("parameters per row", () => {
  it("reach the exact evidence on the training rows; other rows are refused, or fitted on request", async () => {
    const model: Model = await compiledModel(local)({ device: "tfjs-wasm", seed: 2 });
    const train = rowsOfThree(32, 0.5);
    await trainAll(model, train, { steps: 600, epochs: 1000 });
    const { elbo } = await model.evaluate(train);
    expect(elbo).toBeLessThan(exact(train.x.values) + 0.15);
    expect(elbo).toBeGreaterThan(exact(train.x.values) - 0.25);

    const other = rowsOfThree(20, -1);
    await expect(model.evaluate(other)).rejects.toBeInstanceOf(LvmError);
    await expect(model.evaluate(other)).rejects.toMatchObject({ code: "LVM7104", facts: { rows: 20, trained: 32 } });
    const refitted = await model.evaluate(other, { refitSteps: 600 });
    expect(refitted.elbo).toBeGreaterThan(exact(other.x.values) - 0.25);
    // As many rows as in training, but others: on request they are fitted too.
    const equal = rowsOfThree(32, -1);
    expect((await model.evaluate(equal, { refitSteps: 600 })).elbo).toBeGreaterThan(exact(equal.x.values) - 0.25);
    // The model itself is as before.
    expect((await model.evaluate(train)).elbo).toBe(elbo);
    model.dispose();
  });

  it("of validation rows are fitted at each evaluation, also where there are as many as in training", async () => {
    for (const rows of [20, 32]) {
      const model: Model = await compiledModel(local)({ device: "tfjs-wasm", seed: 2 });
      const validation = rowsOfThree(rows, -1);
      const { steps } = await trainAll(model, rowsOfThree(32, 0.5), { epochs: 2, validation, refitSteps: 600 });
      const found = steps.flatMap((step) => step.validation ?? []);
      expect(found).toHaveLength(2);
      // The exact evidence, less the noise of the last steps: nothing of the model itself is learnt.
      for (const { elbo } of found) expect(Math.abs(elbo - exact(validation.x.values))).toBeLessThan(0.4);
      expect(found[1]?.elbo).toBeCloseTo(found[0]!.elbo, 6);
      model.dispose();
    }
  });

  it("leave running statistics of the model alone when they are fitted", async () => {
    const normed = `
network decoder(z: real[1]) -> (mean: real[3]) {
  mean = z |> dense(4) |> batch_norm |> tanh |> dense(3)
}
model normed(x: real[3]) {
  z: real[1] ~ Normal(0, 1)
  x ~ Normal(decoder(z), 1)
}
guide normed {
  local m: real[1] = 0
  z ~ Normal(m, 0.5)
}
train normed {
  maximize elbo
  batch = 16
}
`;
    const model: Model = await compiledModel(normed)({ device: "tfjs-wasm", seed: 2 });
    await trainAll(model, rowsOfThree(32, 0.5), { steps: 6, epochs: 10 });
    const before = await model.save();
    await model.evaluate(rowsOfThree(20, -1), { refitSteps: 5 });
    expect(await model.save()).toEqual(before);
    model.dispose();
  });
});
