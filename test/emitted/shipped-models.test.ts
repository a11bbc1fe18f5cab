import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import type { Model, TrainOptions } from "../../src/runtime/model.js";
import { readModel } from "../codegen/support/type-check.js";
import { anyData } from "../support/any-data.js";
import { smallSizes } from "../support/small-sizes.js";
import { trainAll } from "../training/support.js";
import { emitted, inProcess, loadModule, shippedModels } from "./support.js";

/**
 * Guards that an emitted module, whose programs were compiled before there was data, computes what the compiler's own programs compute for the data at
 * hand: training, evaluation and draws, bit for bit where both have vectors of the same width.
 */

const rows = 44;
const sizes = { dataset: rows, batch: 20 };
const options: TrainOptions = { epochs: 100, steps: 5, batch: 20, metricsEvery: 1 };
/** Compiling C takes seconds: these have a guide network, parameters per row, global latents, convolutions. */
const nativeModels = ["vae", "non_amortized", "eight_schools"];
/** Importance weights of the wide ones take seconds. */
const weighted = ["eight_schools", "radon", "mixture"];
const cases = shippedModels.flatMap((name) => (nativeModels.includes(name) ? [[name, "wasm"], [name, "native"]] : [[name, "wasm"]]) as [string, "wasm" | "native"][]);

function compiled(name: string) {
  const source = readModel(name);
  const { value, diagnostics } = compile(source, { load: (path) => readModel(path.replace(/\.lvm$/, "")), set: smallSizes(source.text) });
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return { source, ...value };
}

describe.each(cases)("%s on %s", (name, device) => {
  it("trains, evaluates and draws as in process", async () => {
    const { source, lowered, program } = compiled(name);
    const data = anyData(program, rows);
    const inputs = Object.fromEntries(program.columns.filter(({ role }) => role === "input").map((column) => [column.name, data[column.name]]));
    const figures = async (model: Model) => {
      const { steps, result } = await trainAll(model, data, options);
      const all = { steps, result, parameters: await model.parameters(), evaluation: await model.evaluate(data, { evidenceSamples: weighted.includes(name) ? 3 : 0 }), sample: await model.sample(7, { inputs }) };
      model.dispose();
      return all;
    };
    const expected = await figures(await inProcess(lowered, source, { device, seed: 3 }));
    const found = await figures(await loadModule(await emitted(lowered, source, { ...sizes, devices: [device] }))({ device, seed: 3 }));
    expect(found.result.step).toBe(5);
    expect(found).toEqual(expected);
  }, 300_000);
});
