import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/runtime/safetensors.js";
import { compiledModel } from "../codegen/support/load-emitted.js";
import { lowerText } from "../support/lowered.js";
import { patterns, tinyVae, trainAll } from "../training/support.js";
import { kernelModel, type TestDevice } from "./support/kernel-model.js";

const devices: readonly TestDevice[] = ["interpreter", "apart", "wasm", "native"];
const data = patterns(48, 12);
const bytesOf = async (model: { save(): Promise<Uint8Array> }): Promise<string> => Buffer.from(await model.save()).toString("base64");

describe.each(devices)("the kernel engine on %s", (device) => {
  // Guards that a run depends on nothing but its seed: not on threads, on how often one looks, or on being resumed.
  it("repeats bit for bit, with any number of threads and steps at a time", async () => {
    const lowered = lowerText(tinyVae);
    const run = async (threads: number, options: object): Promise<string> => {
      const model = await kernelModel(lowered, device, { seed: 3, threads });
      await trainAll(model, data, { epochs: 10, steps: 14, ...options });
      const bytes = await bytesOf(model);
      model.dispose();
      return bytes;
    };
    const first = await run(1, {});
    expect(await run(2, {})).toBe(first);
    expect(await run(2, { yieldEvery: 7, metricsEvery: 3 })).toBe(first);
    // With the data set where the kernels are, and minibatch by minibatch.
    const streamed = await kernelModel(lowered, device, { seed: 3, residentWords: 0 });
    await trainAll(streamed, data, { epochs: 10, steps: 14 });
    expect(await bytesOf(streamed)).toBe(first);
    streamed.dispose();
    // In two calls, with the same and with other sizes in between.
    const model = await kernelModel(lowered, device, { seed: 3 });
    await trainAll(model, data, { epochs: 10, steps: 6 });
    await trainAll(model, data, { epochs: 10, steps: 14 });
    expect(await bytesOf(model)).toBe(first);
    model.dispose();
  });

  it("goes on from a checkpoint as if it had not stopped", async () => {
    const lowered = lowerText(tinyVae.replace("epochs = 4", "epochs = 4\n  ema = 0.9\n  clip = 1"));
    const whole = await kernelModel(lowered, device, { seed: 5 });
    await trainAll(whole, data, { steps: 8, epochs: 10 });
    const half = await kernelModel(lowered, device, { seed: 5 });
    await trainAll(half, data, { steps: 5, epochs: 10 });
    const other = await kernelModel(lowered, device, { seed: 77 });
    await other.load(await half.save());
    expect(other.step).toBe(5);
    const { steps } = await trainAll(other, data, { steps: 8, epochs: 10 });
    expect(steps.at(-1)?.metrics.gradientNorm).toBeGreaterThan(0);
    expect(await bytesOf(other)).toBe(await bytesOf(whole));
    for (const model of [whole, half, other]) model.dispose();
  });

  // Guards that what is reported is the first bad step, its term and line, however many steps ran at a time, and that the state before it is kept.
  it("names the term, the line and the step of a loss that is not finite, and keeps the state before it", async () => {
    // Each step moves w by −1, from 3.5: the logarithm is NaN in step 5.
    const text = `
param w: real = 3.5
model m(x: real, y: real) {
  z: real ~ Normal(0, 1)
  x ~ Laplace(w, 1)
  y ~ Normal(1e-9 * log(w), 1)
}
guide m { z ~ Normal(0, 1) }
train m { maximize elbo optimizer = sgd(rate = 1) batch = 8 epochs = 40 }
`;
    const column = (value: number) => ({ rows: 8, values: new Float32Array(8).fill(value), shape: [] });
    const rows = { x: column(-100), y: column(0) };
    const model = await kernelModel(lowerText(text), device, { seed: 1 });
    const run = trainAll(model, rows, { yieldEvery: 40, metricsEvery: 40 });
    await expect(run).rejects.toMatchObject({ code: "LVM7101", exitCode: 4, facts: { term: "reconstruction.y", line: 6, step: 5 } });
    const slow = await kernelModel(lowerText(text), device, { seed: 1 });
    await expect(trainAll(slow, rows, { metricsEvery: 1 })).rejects.toMatchObject({ facts: { step: 5 } });
    expect(model.step).toBe(4);
    expect(await model.parameters()).toEqual(await slow.parameters());
    for (const { values } of Object.values(await model.parameters())) expect([...values].every(Number.isFinite)).toBe(true);
    model.dispose();
    slow.dispose();
  });
});

describe("the kernel engine", () => {
  // Guards that a checkpoint belongs to the model, not to the engine.
  it("reads TensorFlow.js's checkpoints and writes what it reads", async () => {
    const text = tinyVae.replace("epochs = 4", "epochs = 4\n  ema = 0.9");
    const kernels = await kernelModel(lowerText(text), "wasm", { seed: 2 });
    const tfjs = await compiledModel(text)({ device: "tfjs-cpu", seed: 2 });
    await trainAll(kernels, data, { steps: 4, epochs: 10 });
    await trainAll(tfjs, data, { steps: 4, epochs: 10 });
    const bytes = await tfjs.save();
    await kernels.load(bytes);
    expect(readSafetensors(await kernels.save(), "kernels").tensors).toEqual(readSafetensors(bytes, "tfjs").tensors);
    await tfjs.load(await kernels.save());
    const [a, b] = [await trainAll(kernels, data, { steps: 6, epochs: 10, metricsEvery: 1 }), await trainAll(tfjs, data, { steps: 6, epochs: 10, metricsEvery: 1 })];
    expect(a.steps.at(-1)!.metrics.elbo).toBeCloseTo(b.steps.at(-1)!.metrics.elbo, 3);
    kernels.dispose();
    tfjs.dispose();
  });

  it("agrees with its interpreter on every device", async () => {
    const lowered = lowerText(tinyVae);
    const runs = await Promise.all(devices.map(async (device) => {
      const model = await kernelModel(lowered, device, { seed: 4 });
      const { steps } = await trainAll(model, data, { steps: 6, epochs: 10, metricsEvery: 1 });
      const { elbo } = await model.evaluate(data);
      model.dispose();
      return [...steps.map(({ metrics }) => metrics.elbo), elbo];
    }));
    for (const run of runs) run.forEach((value, at) => expect(value).toBeCloseTo(runs[0]![at]!, 4));
  });

  // Guards that rows of their own are fitted while everything else stays.
  // Guards that whatever the host writes is sent and whatever it reads is fetched, in evaluation and draws as well.
  it("computes the same in a memory of its own", async () => {
    const lowered = lowerText(tinyVae.replace("epochs = 4", "epochs = 4\n  ema = 0.9"));
    const [near, apart] = await Promise.all((["interpreter", "apart"] as const).map((device) => kernelModel(lowered, device, { seed: 3 })));
    const look = async (model: NonNullable<typeof near>): Promise<unknown> => {
      const seen = await trainAll(model, data, { epochs: 3, validation: data, metricsEvery: 2 });
      const many = await Promise.all([model.sample(3), model.infer(data), model.sample(300), model.evaluate(data, { evidenceSamples: 8 })]);
      return [seen.steps.filter(({ fresh }) => fresh).map(({ step, metrics, validation }) => [step, metrics, validation]), many];
    };
    expect(await look(apart!)).toEqual(await look(near!));
  });

  it("fits parameters of new rows and leaves the others alone", async () => {
    const text = `
      param w: real[2] = 1
      model m(x: real[2]) {
        z: real ~ Normal(0, 1)
        x ~ Normal(w * z, 0.5)
      }
      guide m { local mean: real = 0
        z ~ Normal(mean, 0.3) }
      train m { maximize elbo optimizer = adam(rate = 0.05) batch = 8 epochs = 2 }
    `;
    const lowered = lowerText(text);
    const rows = (count: number) => ({ x: { rows: count, values: Float32Array.from({ length: 2 * count }, (_, at) => Math.sin(at)), shape: [2] } });
    const model = await kernelModel(lowered, "wasm", { seed: 1 });
    await trainAll(model, rows(24), { epochs: 3 });
    const before = await model.parameters();
    await expect(model.evaluate(rows(10))).rejects.toMatchObject({ code: "LVM7104" });
    const [few, many] = [await model.evaluate(rows(10), { refitSteps: 1 }), await model.evaluate(rows(10), { refitSteps: 200 })];
    expect(many.elbo).toBeGreaterThan(few.elbo);
    expect(await model.parameters()).toEqual(before);
    model.dispose();
  });
});

describe("memory", () => {
  const dist = new URL("../../dist/", import.meta.url);

  // Guards that a step allocates nothing: a long run has no pauses. Measured in a process of its own, which needs the compiled files.
  it.skipIf(!existsSync(new URL("driver/kernel-programs.js", dist)))("is not allocated by steps", () => {
    const folder = mkdtempSync(join(tmpdir(), "lvmc-engine-"));
    try {
      const file = join(folder, "measure.mjs");
      writeFileSync(file, measure(dist.href));
      const bytes = Number(execFileSync(process.execPath, ["--expose-gc", "--single-threaded-gc", file], { encoding: "utf8" }).trim());
      expect(bytes).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function measure(dist: string): string {
  return `
    import { compile } from "${dist}driver/compile.js";
    import { kernelDefinition } from "${dist}driver/kernel-programs.js";
    import { createKernelModel } from "${dist}runtime/kernels/index.js";
    const source = { path: "tiny.lvm", text: ${JSON.stringify(tinyVae)} };
    const model = await createKernelModel(kernelDefinition(compile(source).value.lowered, source, () => 4), { device: "wasm", threads: 1 });
    const rows = 160000;
    const run = model.train({ x: { rows, values: new Float32Array(rows * 12).fill(1), shape: [12] } }, { epochs: 10 });
    await run.next();
    const { trainer } = model;
    for (let i = 0; i < 6000; i++) trainer.run(1);
    const grown = (steps) => {
      gc();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < steps; i++) trainer.run(1);
      return process.memoryUsage().heapUsed - before;
    };
    // The least of some rounds: now and then the compiler of JavaScript makes something of its own. Looking at the heap takes a few bytes too.
    const least = (steps) => Math.min(...Array.from({ length: 8 }, () => grown(steps)));
    least(1);
    console.log(least(300) - least(0));
    process.exit(0);
  `;
}
