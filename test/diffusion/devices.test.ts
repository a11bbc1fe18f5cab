import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { emitTfjsModule } from "../../src/driver/emit-module.js";
import { withSampler } from "../../src/driver/with-sampler.js";
import { samplerNames } from "../../src/lowering/diffusion/sampler-plan.js";
import { loadEmitted } from "../codegen/support/load-emitted.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { hasCompiler } from "../native/programs.js";
import { anyData } from "../support/any-data.js";
import { trainAll } from "../training/support.js";
import { missing } from "../webgpu/support.js";
import { bytesText } from "./support/bytes.js";
import { labelledText } from "./support/labelled.js";

const devices = [["wasm", ""], ["native", hasCompiler ? "" : "no C compiler"], ["webgpu", missing ?? ""]] as const;

/** Guards that every sampler draws the same everywhere: after some training, from the same seed, with labels. */
describe.each(samplerNames)("%s", (sampler) => {
  const { value } = compile({ path: "labelled.lvm", text: labelledText });
  if (!value) throw new Error("it does not compile");
  const compiled = withSampler(value, { sampler, steps: 9, ...(sampler === "ddim" ? { eta: 0.5 } : {}) })!;
  const data = anyData(value.program, 48);
  const inputs = { label: { rows: 300, shape: [], values: Int32Array.from({ length: 300 }, (_, row) => row % 3) } };

  for (const [device, why] of devices) it.skipIf(why !== "")(`draws on ${device} as on TensorFlow.js${why === "" ? "" : ` (skipped: ${why})`}`, async () => {
    const reference = await loadEmitted(emitTfjsModule(compiled))({ device: "tfjs-cpu", seed: 1 });
    const model = await kernelModel(compiled.lowered, device, { seed: 1 });
    const [expectedRun, run] = [await trainAll(reference, data, { steps: 6, epochs: 100, metricsEvery: 1 }), await trainAll(model, data, { steps: 6, epochs: 100, metricsEvery: 1 })];
    run.steps.forEach(({ metrics }, at) => expect(Math.abs(metrics.elbo - expectedRun.steps[at]!.metrics.elbo) / (1 + Math.abs(metrics.elbo))).toBeLessThan(1e-3));
    await model.load(await reference.save());
    const [expected, found] = [(await reference.sample(300, { inputs }))["x"]!, (await model.sample(300, { inputs }))["x"]!];
    expect(found.shape).toEqual(expected.shape);
    expect(found.values.length).toBe(600);
    // Nine steps of a small network in float32.
    found.values.forEach((drawn, at) => expect(Math.abs(drawn - expected.values[at]!) / (1 + Math.abs(expected.values[at]!)), `element ${at}`).toBeLessThan(1e-3));
    // The same draws, some rows at a time.
    const done: number[] = [];
    const [whole, parts] = [(await model.sample(300, { inputs, draw: 3 }))["x"]!, (await model.sample(300, { inputs, draw: 3, batch: 70, onProgress: (rows) => done.push(rows) }))["x"]!];
    expect(done).toEqual([70, 140, 210, 280, 300]);
    parts.values.forEach((drawn, at) => expect(Math.abs(drawn - whole.values[at]!) / (1 + Math.abs(drawn)), `element ${at}`).toBeLessThan(1e-3));
    // Draws are no constant.
    expect(new Set([...found.values].map((drawn) => drawn.toFixed(3))).size).toBeGreaterThan(200);
    reference.dispose();
    model.dispose();
  }, 120_000);
});

/** Guards bytes and learnt variances everywhere: the mass of bins and its gradient, the hybrid bound, the noise of ancestral steps, and the way back to bytes. */
describe.each(["simple", "bound"])("bytes of a learnt variance, trained with weight %s", (weight) => {
  const { value } = compile({ path: "bytes.lvm", text: bytesText(weight) });
  if (!value) throw new Error("it does not compile");
  // Bytes at both ends and in between.
  const data = { x: { rows: 48, shape: [3], values: Float32Array.from({ length: 144 }, (_, at) => [0, 255, (at * 37) % 256][at % 3]!) } };

  for (const [device, why] of devices) it.skipIf(why !== "")(`trains, evaluates and draws on ${device} as on TensorFlow.js${why === "" ? "" : ` (skipped: ${why})`}`, async () => {
    const reference = await loadEmitted(emitTfjsModule(value))({ device: "tfjs-cpu", seed: 1 });
    const model = await kernelModel(value.lowered, device, { seed: 1 });
    const [expectedRun, run] = [await trainAll(reference, data, { steps: 6, epochs: 100, metricsEvery: 1 }), await trainAll(model, data, { steps: 6, epochs: 100, metricsEvery: 1 })];
    run.steps.forEach(({ metrics }, at) => expect(Math.abs(metrics.elbo - expectedRun.steps[at]!.metrics.elbo) / (1 + Math.abs(metrics.elbo))).toBeLessThan(1e-3));
    await model.load(await reference.save());
    const [expectedBound, bound] = [await reference.evaluate(data), await model.evaluate(data)];
    expect(Number.isFinite(bound.elbo)).toBe(true);
    for (const [name, term] of Object.entries(expectedBound.terms)) expect(Math.abs(bound.terms[name]! - term) / (1 + Math.abs(term)), name).toBeLessThan(1e-4);
    const [expected, found] = [(await reference.sample(200))["x"]!.values, (await model.sample(200))["x"]!.values];
    expect(found.every((drawn) => Number.isInteger(drawn) && drawn >= 0 && drawn <= 255)).toBe(true);
    // A state that is nearly between two bytes may be rounded to either.
    found.forEach((drawn, at) => expect(Math.abs(drawn - expected[at]!), `element ${at}`).toBeLessThanOrEqual(1));
    expect([...found].filter((drawn, at) => drawn !== expected[at]).length).toBeLessThan(12);
    expect(new Set(found).size).toBeGreaterThan(40);
    reference.dispose();
    model.dispose();
  }, 120_000);
});
