import * as tf from "@tensorflow/tfjs-core";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { SourceFile } from "../../src/diagnostics/span.js";
import { compile } from "../../src/driver/compile.js";
import { emitTfjsModule } from "../../src/driver/emit-module.js";
import { selectBackend } from "../../src/runtime/tfjs/index.js";
import { loadEmitted } from "../codegen/support/load-emitted.js";
import { readModel } from "../codegen/support/type-check.js";
import { anyData } from "../support/any-data.js";
import { smallSizes } from "../support/small-sizes.js";
import { trainAll } from "./support.js";

/**
 * Guards that every program of every model that ships runs (training, evaluation, evidence, samples, inference, reconstruction, checkpoint), and of
 * models that use what those do not: every estimator, plates, mixtures, every layer.
 */

const others = new URL("models/", import.meta.url);
const readOther = (name: string): SourceFile => ({ path: `test/training/models/${name}.lvm`, text: readFileSync(new URL(`${name}.lvm`, others), "utf8") });
const otherNames = readdirSync(others).map((file) => file.slice(0, -".lvm".length));
const names = readdirSync(new URL("../../models/", import.meta.url)).filter((file) => file.endsWith(".lvm")).map((file) => file.slice(0, -".lvm".length));
const rows = 40;

describe.each([...names, ...otherNames])("%s", (name) => {
  it("trains and answers", async () => {
    const source = names.includes(name) ? readModel(name) : readOther(name);
    const { value, diagnostics } = compile(source, { load: (path) => readModel(path.replace(/\.lvm$/, "")), set: smallSizes(source.text) });
    if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
    const data = anyData(value.program, rows);
    await selectBackend("tfjs-wasm");
    const before = tf.memory().numTensors;
    const model = await loadEmitted(emitTfjsModule(value))({ device: "tfjs-wasm", seed: 1 });
    const { result, steps } = await trainAll(model, data, { steps: 4, batch: 20, metricsEvery: 1 });
    expect(result.step).toBe(4);
    for (const { metrics } of steps) {
      expect(Object.keys(metrics.terms).length).toBeGreaterThan(0);
      for (const number of [metrics.loss, metrics.elbo, ...Object.values(metrics.terms)]) expect(Number.isFinite(number)).toBe(true);
    }
    const found = await model.evaluate(data, { batch: 15, ...(value.lowered.programs.importance ? { evidenceSamples: 60 } : {}) });
    const total = Object.values(found.terms).reduce((sum, term) => sum + term, 0);
    expect(Math.abs(found.elbo - total)).toBeLessThan(1e-3 * (1 + Math.abs(total)));
    if (found.logEvidence !== undefined) expect(found.logEvidence).toBeGreaterThan(found.elbo - 20);
    // Rows that are drawn have all their steps.
    const inputs = Object.fromEntries(value.program.columns.filter(({ name: column, role }) => role === "input" && column !== value.program.length?.column).map((column) => [column.name, data[column.name]]));
    const sample = await model.sample(7, { inputs });
    for (const column of Object.values(sample)) expect([...column.values].every(Number.isFinite)).toBe(true);
    if (value.lowered.programs.infer) expect(Object.keys(await model.infer(data)).length).toBeGreaterThan(0);
    const { reconstruct } = value.lowered.programs;
    if (reconstruct) expect(Object.keys(await model.reconstruct(data))).toHaveLength(Object.keys(reconstruct.outputs).length);
    await model.load(await model.save());
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
