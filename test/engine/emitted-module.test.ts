import { describe, expect, it } from "vitest";
import { transpile } from "../../src/codegen/typescript/transpile.js";
import { emitKernelModule } from "../../src/driver/kernel-programs.js";
import * as runtime from "../../src/runtime/index.js";
import type { CreateOptions, Model } from "../../src/runtime/model.js";
import { readModel, typeErrors } from "../codegen/support/type-check.js";
import { lowerText } from "../support/lowered.js";
import { patterns, tinyVae, trainAll } from "../training/support.js";
import { kernelModel } from "./support/kernel-model.js";

const emit = (text: string, path = "tiny.lvm", dataset?: number): Promise<string> =>
  emitKernelModule(lowerText(text, path), { source: text, sourcePath: path, version: "0", docComment: ["vae: evidence lower bound", "  L = …"] }, { dataset });

function load(typescript: string): (options: CreateOptions) => Promise<Model> {
  const body = transpile(typescript).replace(/^import (\{[^}]*\}) from "lvmc\/runtime";$/m, "const $1 = runtime;").replace(/^export async function/gm, "async function");
  return (new Function("runtime", `"use strict";\n${body}\nreturn create;`) as (given: unknown) => (options: CreateOptions) => Promise<Model>)(runtime);
}

describe("an emitted module of kernels", () => {
  // Guards the promise: typed by the model's names, one import, tsc --strict.
  it("passes tsc --strict, with one import", async () => {
    const modules = { tiny: await emit(tinyVae), mixture: await emit(readModel("mixture").text, "models/mixture.lvm"), eight: await emit(readModel("eight_schools").text, "models/eight_schools.lvm", 8) };
    expect(typeErrors(modules)).toEqual([]);
    for (const text of Object.values(modules)) expect([...text.matchAll(/^import /gm)]).toHaveLength(1);
    expect(modules.tiny).toContain("vae: evidence lower bound");
  });

  it("trains as the compiler's own programs do, on both devices", async () => {
    const create = load(await emit(tinyVae));
    const data = patterns(48, 12);
    const options = { epochs: 10, steps: 12, metricsEvery: 1 };
    const reference = await kernelModel(lowerText(tinyVae), "wasm", { seed: 2 });
    const expected = await trainAll(reference, data, options);
    for (const device of ["wasm", "native"]) {
      const model = await create({ device, seed: 2 });
      const found = await trainAll(model, data, options);
      found.steps.forEach(({ metrics }, at) => expect(metrics.elbo).toBeCloseTo(expected.steps[at]!.metrics.elbo, 3));
      expect((await model.evaluate(data)).elbo).toBeCloseTo((await reference.evaluate(data)).elbo, 2);
      expect((await model.sample(5))["x"]).toMatchObject({ rows: 5, shape: [12] });
      await expect(trainAll(model, data, { ...options, steps: 20, batch: 8 })).rejects.toMatchObject({ code: "LVM7109" });
      model.dispose();
    }
    reference.dispose();
  });

  it("is for one number of rows where rows have parameters of their own", async () => {
    const { text, path } = readModel("non_amortized");
    const typescript = await emit(text, path, 32);
    expect(typescript).toContain("dataset: 32");
    const model = await load(typescript)({ device: "wasm", seed: 1 });
    const size = model.description.columns[0]!.shape.reduce((product, dim) => product * dim, 1);
    await expect(trainAll(model, patterns(20, size), { epochs: 1 })).rejects.toMatchObject({ code: "LVM7109" });
    model.dispose();
  });
});
