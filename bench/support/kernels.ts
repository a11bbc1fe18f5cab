import { readFileSync } from "node:fs";
import { kernelDefinition } from "../../src/driver/kernel-programs.js";
import type { LoweredModel } from "../../src/ir/lowered-model.js";
import { createKernelModel } from "../../src/runtime/kernels/index.js";
import type { Columns, Model } from "../../src/runtime/model.js";
import { makeBuiltinData } from "../../src/runtime/builtin-data/index.js";
import { hostVectorWidth } from "../../src/runtime/node/native/index.js";
import { lowerText } from "../../test/support/lowered.js";
import { type Candidate, lossSteps } from "./measure.js";

export interface ModelFile {
  readonly path: string;
  readonly text: string;
  readonly lowered: LoweredModel;
}

/** A model of models/, or of another folder. */
export function modelFile(name: string, folder = "models"): ModelFile {
  const path = `${folder}/${name}.lvm`;
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  return { path, text, lowered: lowerText(text, path) };
}

/** Drawn digits, grey levels as bytes: what all candidates train on. */
export function digitRows(rows: number): Uint8Array {
  const [images] = makeBuiltinData("digits", [rows], 0);
  if (!(images?.values instanceof Uint8Array)) throw new Error("digits are bytes");
  return images.values;
}

export interface LookOptions {
  /** Steps between two looks at the metrics. */
  readonly look?: number;
  /** Steps before the loss is compared. */
  readonly before?: number;
}

export interface KernelCandidateOptions extends LookOptions {
  /** All cores where it is not given. */
  readonly threads?: number;
  /** Default: the device and its threads. */
  readonly name?: string;
}

/** The kernels that lvmc compiles, as a program that imports it runs them. */
export async function kernelCandidate(file: ModelFile, data: Columns, device: "native" | "wasm", steps: number, { threads, name, ...look }: KernelCandidateOptions = {}): Promise<Candidate> {
  const definition = kernelDefinition(file.lowered, file, () => hostVectorWidth());
  return modelCandidate(name ?? `${device}, ${threads} ${threads === 1 ? "thread" : "threads"}`, await createKernelModel(definition, { device, threads, seed: 1 }), data, steps, look);
}

/** A compiled model, whatever computes. */
export async function modelCandidate(name: string, model: Model, data: Columns, steps: number, { look = 10, before = lossSteps.before }: LookOptions = {}): Promise<Candidate> {
  let sum = 0;
  for await (const { step, metrics } of model.train(data, { epochs: 1e9, steps: before + lossSteps.over, metricsEvery: 1 })) if (step > before) sum -= metrics.elbo;
  const run = model.train(data, { epochs: 1e9, yieldEvery: look, metricsEvery: look });
  return {
    name,
    loss: sum / lossSteps.over,
    round: async () => {
      const from = model.step;
      const start = performance.now();
      while (model.step < from + steps) await run.next();
      return (performance.now() - start) / (model.step - from);
    },
    dispose: () => model.dispose(),
  };
}
