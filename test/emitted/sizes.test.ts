import { describe, expect, it } from "vitest";
import type { Columns, Model, TrainOptions } from "../../src/runtime/model.js";
import { readModel } from "../codegen/support/type-check.js";
import { lowerText } from "../support/lowered.js";
import { patterns, tinyVae, trainAll } from "../training/support.js";
import { emitted, inProcess, loadModule } from "./support.js";

/** Guards what an emitted module does with data of other sizes than it was compiled for: all that can be done without the compiler. */

const tiny = { path: "tiny.lvm", text: tinyVae };
const lowered = lowerText(tinyVae);
const tinyModule = emitted(lowered, tiny, { batch: 16 });

async function both(options: { readonly seed: number }): Promise<[Model, Model]> {
  return [await loadModule(await tinyModule)({ device: "wasm", ...options }), await inProcess(lowered, tiny, { device: "wasm", ...options })];
}

function firstRows(data: Columns, rows: number): Columns {
  return Object.fromEntries(Object.entries(data).flatMap(([name, column]) => (column ? [[name, { ...column, rows, values: column.values.subarray(0, (rows * column.values.length) / column.rows) }]] : [])));
}

describe("rows", () => {
  // Truth: the sum over rows does not know chunks. 300 rows are two chunks, the second with a tail; each row's share is also in 1, 17 and 282 rows.
  it("any number is evaluated, inferred, reconstructed and drawn, as in process", async () => {
    const [model, reference] = await both({ seed: 4 });
    const data = patterns(300, 12);
    await trainAll(model, data, { steps: 5, epochs: 10 });
    await reference.load(await model.save());
    for (const rows of [1, 17, 256, 257, 300]) {
      const some = firstRows(data, rows);
      expect(await model.evaluate(some, { evidenceSamples: 4 })).toEqual(await reference.evaluate(some, { evidenceSamples: 4 }));
      expect((await model.infer(some, { draw: 0 }))["z"]).toEqual((await reference.infer(some, { draw: 0 }))["z"]);
      const [short, long] = [await model.reconstruct(some, { draw: 0 }), await model.reconstruct(data, { draw: 0 })];
      expect(short["mean.x"]!.values).toEqual(long["mean.x"]!.values.subarray(0, rows * 12));
      expect((await model.sample(rows))["x"]).toMatchObject({ rows, shape: [12] });
    }
    model.dispose();
    reference.dispose();
  });

  it("training takes data of any number of rows from a minibatch on, as in process", async () => {
    for (const rows of [16, 31, 200]) {
      const [model, reference] = await both({ seed: 5 });
      const options: TrainOptions = { steps: 20, epochs: 100, batch: 16, metricsEvery: 1 };
      const data = patterns(rows, 12);
      expect(await trainAll(model, data, options)).toEqual(await trainAll(reference, data, options));
      model.dispose();
      reference.dispose();
    }
  });

  // A minibatch of 16 from 8 rows is each of them twice: the same objective as one of 8. From 7 rows the shares even out over the steps.
  it("fewer rows than a minibatch fill it by being taken again", async () => {
    for (const rows of [1, 7, 8]) {
      const [model, reference] = await both({ seed: 6 });
      const data = patterns(rows, 12);
      const options: TrainOptions = { steps: 400, epochs: 1000 };
      expect((await trainAll(model, data, options)).result.step).toBe(400);
      await trainAll(reference, data, options);
      // Both were trained from the same start with other draws; on 8 patterns of 12 the bound falls from 9 to about 5 nats, and draws move it by 0.1.
      const [found, expected] = [(await model.evaluate(data)).elbo, (await reference.evaluate(data)).elbo];
      expect(Math.abs(found - expected), `${found} for ${expected} with ${rows} rows`).toBeLessThan(0.7);
      model.dispose();
      reference.dispose();
    }
  });

  it("a run of few rows goes on from a checkpoint bit for bit", async () => {
    const data = patterns(7, 12);
    const [model, resumed] = [await loadModule(await tinyModule)({ device: "wasm" }), await loadModule(await tinyModule)({ device: "wasm" })];
    await trainAll(model, data, { steps: 6, epochs: 100 });
    await resumed.load(await model.save());
    await trainAll(model, data, { steps: 11, epochs: 100 });
    await trainAll(resumed, data, { steps: 11, epochs: 100 });
    expect(await resumed.parameters()).toEqual(await model.parameters());
    model.dispose();
    resumed.dispose();
  });

  it("another minibatch is refused, with the command that compiles for it", async () => {
    const [model, reference] = await both({ seed: 5 });
    reference.dispose();
    await expect(trainAll(model, patterns(64, 12), { batch: 8 })).rejects.toMatchObject({ code: "LVM7109", help: expect.stringContaining("lvmc compile tiny.lvm --batch 8") });
    expect(model.description.training.batch).toBe(16);
    model.dispose();
  });
});

describe("parameters per row", () => {
  const source = readModel("non_amortized");
  const declared = lowerText(source.text, source.path);
  // Minibatches of 16 in the model file as well: new rows are fitted with those.
  const perRow = { ...declared, program: { ...declared.program, training: { ...declared.program.training, batch: 16 } } };
  const module = emitted(perRow, source, { dataset: 40 });
  const size = perRow.columns[0]!.shape.reduce((product, dim) => product * dim, 1);
  const near = (a: number, b: number): void => expect(Math.abs(a - b) / (1 + Math.abs(b)), `${a} for ${b}`).toBeLessThan(1e-4);

  it("there may be fewer rows than it was compiled for, in training and in checkpoints", async () => {
    const data = patterns(30, size);
    const options: TrainOptions = { steps: 12, epochs: 100, batch: 16, metricsEvery: 1 };
    const [model, reference] = [await loadModule(await module)({ device: "wasm", seed: 1 }), await inProcess(perRow, source, { device: "wasm", seed: 1 })];
    const [found, expected] = [await trainAll(model, data, options), await trainAll(reference, data, options)];
    found.steps.forEach(({ metrics }, at) => near(metrics.elbo, expected.steps[at]!.metrics.elbo));
    // The state is that of 30 rows: it goes to a model that was compiled for them, and back.
    await reference.load(await model.save());
    near((await reference.evaluate(data)).elbo, (await model.evaluate(data)).elbo);
    const all = await model.parameters();
    for (const [name, { shape }] of Object.entries(await reference.parameters())) expect(all[name]!.shape).toEqual(shape);
    model.dispose();
    reference.dispose();
  });

  it("those of new rows are fitted", async () => {
    const data = patterns(40, size);
    const [model, reference] = [await loadModule(await module)({ device: "wasm", seed: 1 }), await inProcess(perRow, source, { device: "wasm", seed: 1 })];
    await trainAll(model, data, { steps: 12, epochs: 100, batch: 16 });
    await reference.load(await model.save());
    for (const rows of [20, 40]) near((await model.evaluate(patterns(rows, size), { refitSteps: 30 })).elbo, (await reference.evaluate(patterns(rows, size), { refitSteps: 30 })).elbo);
    // Fewer than a minibatch: other rows stand together in steps, the optimum is the same.
    const fitted = [];
    for (const each of [model, reference]) fitted.push((await each.evaluate(patterns(5, size), { refitSteps: 800 })).elbo);
    expect(Math.abs(fitted[0]! - fitted[1]!)).toBeLessThan(0.05 * Math.abs(fitted[1]!));
    model.dispose();
    reference.dispose();
  }, 300_000);

  it("more rows are refused, with the command that compiles for them", async () => {
    const model = await loadModule(await module)({ device: "wasm", seed: 1 });
    await expect(trainAll(model, patterns(41, size), { epochs: 1 })).rejects.toMatchObject({ code: "LVM7109", help: expect.stringContaining("--rows 41") });
    model.dispose();
  });
});
