import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { emitTfjsModule } from "../../src/driver/emit-module.js";
import type { Columns, Model } from "../../src/runtime/model.js";
import { loadEmitted } from "../codegen/support/load-emitted.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { emitted } from "../emitted/support.js";
import { trainAll } from "./support.js";

/** Guards rows of different lengths from the data to trained results, on kernels and on TensorFlow.js: where lengths come from, that padding has no part, and what is given back. */

const text = `const T = 4
network memory(h: real[3], x: binary[2], a: real) -> (next: real[3]) { next = gru(h, concat(x, a)) }
network head(h: real[3]) -> (mean: real, scale: positive) { mean = h |> dense(1) |> sum  scale = h |> dense(1) |> softplus |> sum }
network show(z: real, a: real) -> (logits: real[2]) { logits = concat(z, a) |> dense(2) }
model m(x: binary[T, 2], a: real[T]) where length(x) <= T {
  each t in 1..T {
    z[t]: real ~ Normal(0, 1)
    x[t] ~ Bernoulli(logits = show(z[t], a[t]))
  }
}
guide m {
  h[0] = zeros[3]
  chain t in 1..T { h[t] = memory(h[t - 1], x[t], a[t]) }
  each t in 1..T { q = head(h[t])  z[t] ~ Normal(q.mean, q.scale) }
}
train m { maximize elbo  optimizer = adam(rate = 1e-2)  batch = 4 }`;
const source = { path: "m.lvm", text };
const { value, diagnostics } = compile(source);
if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));

const rows = 12;
const lengths = Int32Array.from({ length: rows }, (_, row) => 1 + ((3 * row) % 4));
const within = (row: number, step: number): boolean => step < lengths[row]!;
const x = (padding: number): Float32Array => Float32Array.from({ length: rows * 8 }, (_, i) => (within(Math.floor(i / 8), Math.floor(i / 2) % 4) ? (i % 3 === 0 ? 1 : 0) : padding));
const a = (padding: number): Float32Array => Float32Array.from({ length: rows * 4 }, (_, i) => (within(Math.floor(i / 4), i % 4) ? Math.sin(i) : padding));
const column = (values: Float32Array, ...shape: number[]) => ({ rows, shape, values });
const derived: Columns = { x: column(x(-1), 4, 2), a: column(a(NaN), 4) };
const given: Columns = { x: column(x(1), 4, 2), a: column(a(1e6), 4), "length(x)": { rows, shape: [], values: lengths } };

const engines: Readonly<Record<string, (seed: number) => Promise<Model>>> = {
  kernels: (seed) => kernelModel(value.lowered, "wasm", { seed, threads: 1 }),
  "TensorFlow.js": (seed) => loadEmitted(emitTfjsModule(value))({ device: "tfjs-cpu", seed }),
};

describe.each(Object.entries(engines))("on %s", (_, open) => {
  it("lengths that the padding says and lengths that are given train, evaluate and infer alike, bit for bit", async () => {
    const figures = async (data: Columns) => {
      const model = await open(1);
      const all = { training: await trainAll(model, data, { epochs: 3, metricsEvery: 1 }), evaluation: await model.evaluate(data), inferred: await model.infer(data, { draw: 2 }), rebuilt: await model.reconstruct(data, { draw: 3 }) };
      model.dispose();
      return all;
    };
    const [found, expected] = [await figures(derived), await figures(given)];
    expect(found).toEqual(expected);
    expect(found.training.steps.every(({ metrics }) => Number.isFinite(metrics.loss))).toBe(true);
    // At the start each step of a row costs about log 2 for each of its two numbers, whatever its length: padding costs nothing.
    const perStep = -found.training.steps[0]!.metrics.terms["reconstruction.x"]! / (lengths.reduce((sum, each) => sum + each, 0) / rows);
    expect(perStep).toBeGreaterThan(0.7);
    expect(perStep).toBeLessThan(3);
  });

  it("what is drawn and rebuilt is missing beyond a row's end, and reads back with the same lengths; without lengths rows have all steps", async () => {
    const model = await open(2);
    const [sample, rebuilt] = [await model.sample(rows, { inputs: given, draw: 1 }), await model.reconstruct(given, { draw: 1 })];
    for (const [name, missing] of [["x", -1], ["mean.x", NaN]] as const) {
      sample[name]!.values.forEach((each, i) => (within(Math.floor(i / 8), Math.floor(i / 2) % 4) ? expect(each >= 0 && each <= 1).toBe(true) : expect(each).toBe(missing)));
    }
    expect(Array.from(rebuilt["mean.x"]!.values, (each) => !Number.isNaN(each))).toEqual(Array.from(x(-1), (each) => each >= 0));
    const again = { ...given, x: column(Float32Array.from(sample["x"]!.values), 4, 2), "length(x)": undefined };
    expect(await model.infer(again, { draw: 1 })).toEqual(await model.infer({ ...again, "length(x)": given["length(x)"] }, { draw: 1 }));
    const whole = await model.sample(rows, { inputs: { a: column(new Float32Array(rows * 4), 4) } });
    expect(whole["mean.x"]!.values.every((each) => each > 0 && each < 1)).toBe(true);
    model.dispose();
  });

  it("goes on from a checkpoint bit for bit", async () => {
    const [model, resumed] = [await open(3), await open(3)];
    await trainAll(model, derived, { epochs: 100, steps: 4 });
    await resumed.load(await model.save());
    await trainAll(model, derived, { epochs: 100, steps: 9 });
    await trainAll(resumed, derived, { epochs: 100, steps: 9 });
    expect(await resumed.parameters()).toEqual(await model.parameters());
    model.dispose();
    resumed.dispose();
  });

  it("refuses a length that no row can have", async () => {
    const model = await open(4);
    const wrong = { ...given, "length(x)": { rows, shape: [], values: lengths.map((each) => (each === 4 ? 5 : each)) } };
    await expect(model.evaluate(wrong)).rejects.toMatchObject({ code: "LVM7028" });
    model.dispose();
  });
});

it("an emitted module's type has the lengths, which may be left out", async () => {
  for (const module of [await emitted(value.lowered, source), emitTfjsModule(value)]) expect(module).toMatch(/readonly "length\(x\)"\?: Column<\[\]>;/);
});
