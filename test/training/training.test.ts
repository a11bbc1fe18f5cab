import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { LvmError } from "../../src/runtime/error.js";
import { compiledModel } from "../codegen/support/load-emitted.js";
import { patterns, tinyVae, trainAll } from "./support.js";

/** Guards training as a user meets it: it learns, repeats, resumes to the bit, leaks nothing, and says what went wrong. */

const create = compiledModel(tinyVae);
const data = patterns(64, 12);

describe("training", () => {
  it("learns: the bound rises well above that of the start", async () => {
    const model = await create({ device: "tfjs-wasm", seed: 1 });
    const { elbo: before } = await model.evaluate(data);
    const { result } = await trainAll(model, data, { steps: 300, epochs: 1000 });
    const after = await model.evaluate(data);
    expect(result).toMatchObject({ reason: "finished", step: 300 });
    // Two patterns of equal share: the best possible is −log 2 per row.
    expect(before).toBeLessThan(-7);
    expect(after.elbo).toBeGreaterThan(-2);
    expect(after.elbo).toBeLessThan(-Math.log(2) + 0.05);
    expect(after.terms["reconstruction.x"]! + after.terms["kl.z"]!).toBeCloseTo(after.elbo, 4);
    model.dispose();
  });

  it("repeats for a seed and differs for another", async () => {
    const losses = async (seed: number): Promise<number[]> => {
      const model = await create({ device: "tfjs-wasm", seed });
      const { steps } = await trainAll(model, data, { steps: 8, metricsEvery: 1 });
      model.dispose();
      return steps.map(({ metrics }) => metrics.loss);
    };
    const first = await losses(3);
    expect(await losses(3)).toEqual(first);
    expect(await losses(4)).not.toEqual(first);
  });

  it("goes on from a checkpoint to the same bits", async () => {
    const straight = await create({ device: "tfjs-wasm", seed: 5 });
    await trainAll(straight, data, { steps: 11, epochs: 100 });
    const first = await create({ device: "tfjs-wasm", seed: 5 });
    await trainAll(first, data, { steps: 6, epochs: 100 });
    const bytes = await first.save();
    const second = await create({ device: "tfjs-wasm", seed: 99 });
    expect(await second.load(bytes)).toEqual({ step: 6, epoch: 1, sameSource: true });
    await trainAll(second, data, { steps: 11, epochs: 100 });
    expect(await second.save()).toEqual(await straight.save());
    for (const model of [straight, first, second]) model.dispose();
  });

  it("keeps tf.memory() flat over 1,000 steps", async () => {
    const model = await create({ device: "tfjs-wasm", seed: 1 });
    const counts = new Set<string>();
    for await (const { step, fresh } of model.train(data, { steps: 1000, epochs: 10_000, metricsEvery: 10 })) {
      if (fresh && step > 20 && step % 10 === 0) counts.add(`${tf.memory().numTensors}/${tf.memory().numDataBuffers}`);
    }
    expect([...counts]).toHaveLength(1);
    model.dispose();
  });

  it("leaves nothing on the device after dispose", async () => {
    const before = tf.memory().numTensors;
    const model = await create({ device: "tfjs-wasm", seed: 1 });
    await trainAll(model, data, { steps: 5 });
    await model.evaluate(data, { evidenceSamples: 20 });
    await model.sample(3);
    await model.infer(data);
    await model.reconstruct(data);
    await model.load(await model.save());
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("stops on an AbortSignal and goes on from there", async () => {
    const model = await create({ device: "tfjs-wasm", seed: 1 });
    const control = new AbortController();
    const run = model.train(data, { steps: 20, epochs: 100, signal: control.signal });
    for (;;) {
      const next = await run.next();
      if (next.done) {
        expect(next.value).toMatchObject({ reason: "aborted", step: 5 });
        break;
      }
      if (next.value.step === 5) control.abort();
    }
    expect((await trainAll(model, data, { steps: 20, epochs: 100 })).result.step).toBe(20);
    model.dispose();
  });

  it("stops early when the validation bound no longer rises", async () => {
    const patient = compiledModel(tinyVae.replace("batch = 16", "batch = 16\n  early_stopping = patience(2)").replace("rate = 1e-2", "rate = 1e-12"));
    const model = await patient({ device: "tfjs-wasm", seed: 1 });
    const { result, steps } = await trainAll(model, data, { epochs: 50, validation: data });
    expect(result.reason).toBe("early-stopping");
    expect(steps.filter(({ validation }) => validation).length).toBeLessThan(20);
    model.dispose();
  });
});

describe("a loss that is not finite", () => {
  it("names the term, its line and the step, and keeps the state before it", async () => {
    // The logarithm of a negative scale-to-be: exp overflows soon at this rate.
    const text = `
param a: real = 1

model steep(x: real) {
  x ~ Normal(exp(a), 1)
}
train steep {
  maximize likelihood
  optimizer = sgd(rate = 30)
  batch = 8
  epochs = 100
}
`;
    const model = await compiledModel(text, "steep.lvm")({ device: "tfjs-wasm", seed: 1 });
    const column = { x: { rows: 8, values: new Float32Array(8).fill(50), shape: [] } };
    const failure = await trainAll(model, column, { metricsEvery: 10 }).then(() => undefined, (error: unknown) => error);
    expect(failure).toBeInstanceOf(LvmError);
    const error = failure as LvmError;
    expect(error.code).toBe("LVM7101");
    expect(error.exitCode).toBe(4);
    expect(error.message).toMatch(/step \d+/);
    expect(error.message).toContain("steep.lvm, line");
    expect(error.facts["step"]).toBe(model.step + 1);
    for (const { values } of Object.values(await model.parameters())) expect([...values].every(Number.isFinite)).toBe(true);
    model.dispose();
  });
});

describe("checkpoints", () => {
  it("of another model are refused, with what differs", async () => {
    const other = await compiledModel(tinyVae.replaceAll("dense(8)", "dense(9)"))({ device: "tfjs-wasm", seed: 1 });
    const bytes = await other.save();
    const model = await create({ device: "tfjs-wasm", seed: 1 });
    const before = await model.save();
    await expect(model.load(bytes)).rejects.toMatchObject({ code: "LVM7102", message: expect.stringContaining("encoder.dense_1.kernel has shape [12, 9], the model's has [12, 8]") });
    expect(await model.save()).toEqual(before);
    await expect(model.load(new Uint8Array([1, 2, 3]))).rejects.toBeInstanceOf(LvmError);
    other.dispose();
    model.dispose();
  });
});

describe("devices", () => {
  it("that do not exist are refused with exit code 5 and a list", async () => {
    await expect(create({ device: "abacus" })).rejects.toMatchObject({ code: "LVM7150", exitCode: 5, message: expect.stringContaining("tfjs-wasm") });
    await expect(create({ device: "native" })).rejects.toMatchObject({ code: "LVM7150", exitCode: 5, help: expect.stringContaining("--target kernels") });
  });

  it("that are not installed are refused with what was tried", async () => {
    await expect(create({ device: "tfjs-node-gpu" })).rejects.toMatchObject({ code: "LVM7150", exitCode: 5, facts: { tried: ["tfjs-node-gpu (not installed)"] } });
  });
});

describe("early stopping", () => {
  const patient = compiledModel(tinyVae.replace("batch = 16", "batch = 16\n  early_stopping = patience(3)").replace("rate = 1e-2", "rate = 1e-1"));
  // Rows of another pattern than those of training: the bound on them soon falls, and not steadily.
  const held = { x: { rows: 16, values: Float32Array.from({ length: 16 * 12 }, (_, at) => ((at * 2654435761) >>> 17) & 1), shape: [12] } };
  const options = { epochs: 40, validation: held };

  it("goes on from any checkpoint to the same stop and the same bits", async () => {
    const straight = await patient({ device: "tfjs-wasm", seed: 5 });
    const saved: { bytes: Uint8Array; step: number }[] = [];
    const whole = await trainAll(straight, data, { ...options, checkpointEvery: 1, onCheckpoint: (bytes, { step }) => void saved.push({ bytes, step }) });
    expect(whole.result.reason).toBe("early-stopping");
    const improved = whole.steps.filter((step) => step.improved).map(({ step }) => step);
    const evaluated = whole.steps.filter(({ validation }) => validation);
    // The best is where the highest bound was, three evaluations before the end.
    const best = evaluated.reduce((high, each) => (each.validation!.elbo > high.validation!.elbo ? each : high));
    expect(improved.at(-1)).toBe(best.step);
    expect(evaluated.findIndex(({ step }) => step === best.step)).toBe(evaluated.length - 4);
    const end = await straight.save();
    // Among them checkpoints of the very step that was evaluated, and of steps between two evaluations.
    for (const { bytes, step } of saved.slice(-14)) {
      const resumed = await patient({ device: "tfjs-wasm", seed: 99 });
      const report = await resumed.load(bytes);
      expect(report.best?.step).toBe(improved.filter((each) => each <= step).at(-1));
      const { result } = await trainAll(resumed, data, options);
      expect(result, `from step ${step}`).toMatchObject({ reason: "early-stopping", step: whole.result.step });
      expect(await resumed.save()).toEqual(end);
      resumed.dispose();
    }
    straight.dispose();
  });

  it("refuses a checkpoint whose memory of it makes no sense", async () => {
    const model = await patient({ device: "tfjs-wasm", seed: 5 });
    await trainAll(model, data, { epochs: 1, validation: held });
    const text = Buffer.from(await model.save()).toString("latin1");
    expect(text).toContain('"best_step":"4"');
    await expect(model.load(Buffer.from(text.replace('"best_step":"4"', '"best_step":"x"'), "latin1"))).rejects.toMatchObject({ code: "LVM7103" });
    model.dispose();
  });
});
