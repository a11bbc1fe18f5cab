import { describe, expect, it } from "vitest";
import { emitTfjsModule } from "../../src/driver/emit-module.js";
import { withSampler } from "../../src/driver/with-sampler.js";
import { latentScale, readSafetensors, withFirstStage, writeSafetensors } from "../../src/runtime/index.js";
import type { Columns, Model } from "../../src/runtime/model.js";
import { loadEmitted } from "../codegen/support/load-emitted.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { hasCompiler } from "../native/programs.js";
import { anyData } from "../support/any-data.js";
import { trainAll } from "../training/support.js";
import { missing } from "../webgpu/support.js";
import { compileModel, diffusionPrior, gaussianPrior, linearText, sum } from "./support/linear.js";
import { mixtureText } from "./support/mixture.js";

const rows = 512;
const vae = compileModel(linearText + gaussianPrior, "vae");
const x = Float32Array.from(anyData(vae.program, rows)["x"]!.values, (value) => 4 * value);
const data: Columns = { x: { rows, values: x, shape: [3] } };
const tensorsOf = async (model: Model) => readSafetensors(await model.save(), "saved").tensors;

/** A first stage after some training, and its checkpoint. */
async function firstStage(): Promise<Uint8Array> {
  const model = await kernelModel(vae.lowered, "wasm", { seed: 3 });
  await trainAll(model, data, { steps: 40, epochs: 100 });
  const bytes = await model.save();
  model.dispose();
  return bytes;
}

/** The first stage in a fresh second one. @returns the measured scale */
async function begin(model: Model, checkpoint: Uint8Array): Promise<number> {
  const fresh = await model.save();
  await model.load(withFirstStage(fresh, { model: "vae", checkpoint }, { "vae.z.scale": 1 }));
  const scale = latentScale((await model.infer(data, { draw: 0 }))["z"]!);
  await model.load(withFirstStage(fresh, { model: "vae", checkpoint }, { "vae.z.scale": scale }));
  return scale;
}

describe("a second stage", () => {
  // Guards the whole way: what a Gaussian learns of the latents is what follows from the linear guide and the moments of the data, in units of their deviation. Statistical: the means of 1,024
  // draws have a standard error of 0.03, the deviations of 0.02; adam at the end of its steps adds about 0.03. Five of these are allowed: false alarm below 1e-4; units of 1 instead would be off by more.
  it("learns the distribution of the latents", async () => {
    const checkpoint = await firstStage();
    const { tensors } = readSafetensors(checkpoint, "first");
    const A = tensors.get("A")!.data as Float32Array;
    const q = [...(tensors.get("q")!.data as Float32Array)].map(Math.exp);
    const means = Array.from({ length: rows }, (_, row) => [0, 1].map((at) => sum([0, 1, 2].map((i) => A[3 * at + i]! * x[3 * row + i]!))));
    const mean = [0, 1].map((at) => sum(means.map((each) => each[at]!)) / rows);
    const variance = [0, 1].map((at) => sum(means.map((each) => (each[at]! - mean[at]!) ** 2)) / rows + q[at]! ** 2);
    const middle = sum(mean) / 2;
    const deviation = Math.sqrt(sum([0, 1].map((at) => variance[at]! + (mean[at]! - middle) ** 2)) / 2);

    const model = await kernelModel(compileModel(linearText + gaussianPrior, "prior").lowered, "wasm", { seed: 1 });
    const scale = await begin(model, checkpoint);
    expect(Math.abs(scale / deviation - 1)).toBeLessThan(0.11);
    expect(Math.abs(deviation - 1)).toBeGreaterThan(0.3);
    await trainAll(model, data, {});
    const learnt = await tensorsOf(model);
    const [m, d] = ["m", "d"].map((name) => [...(learnt.get(`average/${name}`)!.data as Float32Array)]);
    for (const at of [0, 1]) {
      expect(Math.abs(m![at]! - mean[at]! / scale), `mean ${at}`).toBeLessThan(0.2);
      expect(Math.abs(Math.exp(d![at]!) / (Math.sqrt(variance[at]!) / scale) - 1), `deviation ${at}`).toBeLessThan(0.2);
    }
    // What belongs to the first stage is untouched, and has no average of its own that could drift.
    for (const name of ["A", "q"]) expect([...(learnt.get(`vae.${name}`)!.data as Float32Array)]).toEqual([...(tensors.get(name)!.data as Float32Array)]);
    expect(learnt.get("vae.z.scale")!.data[0]).toBe(Math.fround(scale));
    expect([...learnt.keys()].filter((name) => /(average|optimizer)\/vae/.test(name))).toEqual([]);
    model.dispose();
  }, 60_000);

  it("takes the averages of a first stage that has some", async () => {
    const text = linearText.replace("epochs = 3", "epochs = 3\n  ema = 0.9");
    const first = await kernelModel(compileModel(text + gaussianPrior, "vae").lowered, "wasm", { seed: 3 });
    await trainAll(first, data, { steps: 20, epochs: 100 });
    const checkpoint = await first.save();
    const model = await kernelModel(compileModel(text + gaussianPrior, "prior").lowered, "wasm", { seed: 1 });
    await begin(model, checkpoint);
    const { tensors } = readSafetensors(checkpoint, "first");
    expect([...((await tensorsOf(model)).get("vae.A")!.data as Float32Array)]).toEqual([...(tensors.get("average/A")!.data as Float32Array)]);
    first.dispose();
    model.dispose();
  });

  it("refuses another model's checkpoint for the first stage", async () => {
    const [first, other] = [await kernelModel(vae.lowered, "wasm", { seed: 3 }), await kernelModel(compileModel(linearText.replaceAll("real[2, 3]", "real[2, 4]").replaceAll("[3]", "[4]").replace(/\[\[.*\]\]/, "[[1, 0], [0, 1], [1, 1], [1, 0]]"), "vae").lowered, "wasm", { seed: 3 })];
    const model = await kernelModel(compileModel(linearText + gaussianPrior, "prior").lowered, "wasm", { seed: 1 });
    const [fresh, own, bytes] = [await model.save(), await first.save(), await other.save()];
    const bring = (checkpoint: Uint8Array, name = "vae") => () => withFirstStage(fresh, { model: name, checkpoint }, { "vae.z.scale": 1 });
    expect(bring(own)).not.toThrow();
    expect(bring(bytes)).toThrow("parameter A has shape [2, 4], here [2, 3]");
    expect(bring(fresh)).toThrow("it is of model prior");
    expect(() => withFirstStage(fresh, { model: "vae", checkpoint: own })).toThrow("parameter z.scale is missing");
    for (const each of [first, other, model]) each.dispose();
  });
});

const devices = [["wasm", ""], ["native", hasCompiler ? "" : "no C compiler"], ["webgpu", missing ?? ""]] as const;

// Guards that both stages are the same programs everywhere: trained alike from one checkpoint, sampled and evaluated alike.
describe("a diffusion of latents", () => {
  const { lowered, ...compiled } = compileModel(linearText + diffusionPrior, "prior");
  for (const [device, why] of devices) it.skipIf(why !== "")(`is on ${device} what it is on TensorFlow.js${why === "" ? "" : ` (skipped: ${why})`}`, async () => {
    const checkpoint = await firstStage();
    const reference = (await loadEmitted(emitTfjsModule({ ...compiled, lowered }))({ device: "tfjs-cpu", seed: 1 })) as Model;
    const model = await kernelModel(lowered, device, { seed: 1 });
    const scale = await begin(reference, checkpoint);
    expect(Math.abs((await begin(model, checkpoint)) / scale - 1)).toBeLessThan(1e-4);
    await model.load(await reference.save());
    const close = (found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
      expect(found.length, what).toBe(expected.length);
      Array.from(found).forEach((value, at) => expect(Math.abs(value - expected[at]!) / (1 + Math.abs(expected[at]!)), `${what} ${at}`).toBeLessThan(2e-3));
    };
    const [expectedRun, run] = [await trainAll(reference, data, { steps: 6, epochs: 100, metricsEvery: 1 }), await trainAll(model, data, { steps: 6, epochs: 100, metricsEvery: 1 })];
    close(run.steps.map(({ metrics }) => metrics.elbo), expectedRun.steps.map(({ metrics }) => metrics.elbo), "bounds");
    await model.load(await reference.save());
    const [found, expected] = [await model.sample(200), await reference.sample(200)];
    for (const name of ["z", "x", "mean.x"]) close(found[name]!.values, expected[name]!.values, name);
    const [ours, theirs] = [await model.evaluate(data), await reference.evaluate(data)];
    close([ours.elbo, ...Object.values(ours.terms)], [theirs.elbo, ...Object.values(theirs.terms)], "evaluation");
    expect(Object.keys(theirs.terms).sort()).toEqual(["denoising.z", "entropy.z", "prior-matching.z", "reconstruction.x", "reconstruction.z", "rescaling.z"]);
    reference.dispose();
    model.dispose();
  }, 120_000);
});

// Guards that the gradient within the sampler's loop is the same everywhere: of a network, with every sampler's places of it.
describe.each(["ancestral", "heun"] as const)("samples that a classifier guides, %s", (sampler) => {
  const text = `${mixtureText(16, false)}network classify(x: real[2], t: positive) -> (logits: real[2]) { logits = concat(x, reshape(t / T, 1)) |> dense(8) |> tanh |> dense(2) }
model side(x: real[2], t: positive, y: index(2)) { y ~ Categorical(logits = classify(x, t)) }
train side on points.x { maximize likelihood }
`;
  const guided = withSampler(compileModel(text, "points"), { sampler, steps: 6, classifier: { compiled: compileModel(text, "side"), strength: 3 } })!;
  const inputs = { y: { rows: 2, shape: [], values: Int32Array.of(0, 1) } };
  for (const [device, why] of devices) it.skipIf(why !== "")(`are on ${device} what they are on TensorFlow.js${why === "" ? "" : ` (skipped: ${why})`}`, async () => {
    const reference = (await loadEmitted(emitTfjsModule(guided))({ device: "tfjs-cpu", seed: 1 })) as Model;
    const model = await kernelModel(guided.lowered, device, { seed: 1 });
    // Larger weights than at the start, so that the gradient counts.
    const { tensors, metadata } = readSafetensors(await reference.save(), "saved");
    const bytes = writeSafetensors(new Map([...tensors].map(([name, tensor]) => [name, { dtype: "F32" as const, shape: tensor.shape, data: Float32Array.from(tensor.data as Float32Array, (value) => 2 * value) }])), metadata);
    await reference.load(bytes);
    await model.load(bytes);
    const [found, expected] = [(await model.sample(100, { inputs }))["x"]!.values, (await reference.sample(100, { inputs }))["x"]!.values];
    expect(found.length).toBe(200);
    found.forEach((value, at) => expect(Math.abs(value - expected[at]!) / (1 + Math.abs(expected[at]!)), `element ${at}`).toBeLessThan(1e-3));
    reference.dispose();
    model.dispose();
  }, 120_000);
});
