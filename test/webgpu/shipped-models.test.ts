import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { withSampler } from "../../src/driver/with-sampler.js";
import { readModel } from "../codegen/support/type-check.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { anyData } from "../support/any-data.js";
import { smallSizes } from "../support/small-sizes.js";
import { patterns, trainAll } from "../training/support.js";
import { missing } from "./support.js";

/**
 * Guards that a GPU trains every model as the processor does: from the same seed, the same minibatches and the same draws, training goes the same way, and
 * evaluation and samples are the same. Models that SwiftShader compiles for 15 s and more are left to `npm run test:webgpu`.
 */

const others = new URL("../training/models/", import.meta.url);
const namesIn = (folder: URL): string[] => readdirSync(folder).filter((file) => file.endsWith(".lvm")).map((file) => file.slice(0, -".lvm".length));
const shipped = namesIn(new URL("../../models/", import.meta.url));
const wanted = process.env["LVMC_WEBGPU_MODELS"];
const slow = ["conv_vae", "semi_supervised", "beta_latents", "linear_gaussian_ssm", "conditional_vrnn", "embed_to_control", "robot", "robot_free", "rssm", "diffusion_layers"];
const everything = [...shipped, ...namesIn(others)];
const names = wanted === "all" ? everything : (wanted?.split(",") ?? everything.filter((name) => !slow.includes(name)));
const [rows, batch, steps] = [24, 8, 6];

describe.skipIf(missing !== undefined).each(names)("%s on WebGPU", (name) => {
  it("trains, evaluates and samples as in WebAssembly", async () => {
    const source = shipped.includes(name) ? readModel(name) : { path: `test/training/models/${name}.lvm`, text: readFileSync(new URL(`${name}.lvm`, others), "utf8") };
    const { value, diagnostics } = compile(source, { load: (path) => readModel(path.replace(/\.lvm$/, "")), set: smallSizes(source.text) });
    if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
    // A sampler in continuous time takes 250 strides, which no const of the file says.
    const lowered = value.program.diffusion?.time.kind === "continuous" ? withSampler(value, { steps: 4 })!.lowered : value.lowered;
    const data = anyData(value.program, rows);
    const options = { epochs: 100, steps, batch, metricsEvery: 1 };
    const [model, reference] = [await kernelModel(lowered, "webgpu", { seed: 1 }), await kernelModel(lowered, "wasm", { seed: 1, threads: 1 })];
    const [found, expected] = [await trainAll(model, data, options), await trainAll(reference, data, options)];
    const near = (a: number | undefined, b: number | undefined, tolerance: number, what: string): void => {
      if (Object.is(a, b)) return;
      expect(Math.abs(a! - b!) / (1 + Math.abs(b!)), `${what}: ${a} for ${b}`).toBeLessThan(tolerance);
    };
    expect(found.steps.map(({ step, epoch }) => [step, epoch])).toEqual(expected.steps.map(({ step, epoch }) => [step, epoch]));
    found.steps.forEach(({ step, metrics }, at) => {
      const other = expected.steps[at]!.metrics;
      // Rounding differs, and training spreads the differences.
      const tolerance = 2e-4 * (1 + at / 4);
      for (const key of ["elbo", "loss", "learningRate", "gradientNorm"] as const) near(metrics[key], other[key], tolerance, `${key} at step ${step}`);
      for (const [term, nats] of Object.entries(other.terms)) near(metrics.terms[term], nats, tolerance, `${term} at step ${step}`);
    });
    // The same state on both sides.
    await model.load(await reference.save());
    const [a, b] = [await model.evaluate(data), await reference.evaluate(data)];
    near(a.elbo, b.elbo, 1e-3, "evaluated");
    expect(a.activeUnits).toEqual(b.activeUnits);
    // Rows that are drawn have all their steps.
    const inputs = Object.fromEntries(value.program.columns.filter(({ name: column, role }) => role === "input" && column !== value.program.length?.column).map((column) => [column.name, data[column.name]!]));
    const [drawn, same] = [await model.sample(7, { inputs, draw: 3 }), await reference.sample(7, { inputs, draw: 3 })];
    expect(Object.keys(drawn)).toEqual(Object.keys(same));
    for (const [column, given] of Object.entries(same)) {
      const values = Array.from(given.values);
      const scale = values.reduce((most, each) => Math.max(most, Math.abs(each)), 1);
      // A draw of a discrete value may fall on the other side of a limit.
      const off = values.filter((each, at) => !(Math.abs(each - drawn[column]!.values[at]!) <= 1e-3 * scale)).length;
      expect(off / values.length, `values of ${column} that differ`).toBeLessThan(0.01);
    }
    model.dispose();
    reference.dispose();
  }, 900_000);
});

// Guards what an epoch comes to: 32 steps, on rows with structure.
describe.skipIf(missing !== undefined || wanted !== "all")("an epoch of models/vae.lvm", () => {
  it("ends at the bound at which it ends in WebAssembly", async () => {
    const { value } = compile(readModel("vae"));
    const data = patterns(1024, 784);
    const bounds = await Promise.all((["webgpu", "wasm"] as const).map(async (device) => {
      const model = await kernelModel(value!.lowered, device, { seed: 1 });
      const before = (await model.evaluate(data)).elbo;
      const { result } = await trainAll(model, data, { epochs: 1, batch: 32, metricsEvery: 10, yieldEvery: 10 });
      expect(result.step).toBe(32);
      const { elbo } = await model.evaluate(data);
      model.dispose();
      return { before, elbo };
    }));
    const [found, expected] = bounds as [{ before: number; elbo: number }, { before: number; elbo: number }];
    expect(expected.elbo).toBeGreaterThan(expected.before / 2);
    expect(Math.abs(found.elbo / expected.elbo - 1), `${found.elbo} for ${expected.elbo}`).toBeLessThan(2e-3);
    process.stdout.write(`models/vae.lvm after an epoch: −ELBO ${(-found.elbo).toFixed(4)} on webgpu, ${(-expected.elbo).toFixed(4)} on wasm\n`);
  }, 900_000);
});
