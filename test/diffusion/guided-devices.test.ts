import { beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { emitTfjsModule } from "../../src/driver/emit-module.js";
import { withSampler } from "../../src/driver/with-sampler.js";
import type { Columns, Outputs } from "../../src/runtime/model.js";
import { loadEmitted } from "../codegen/support/load-emitted.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { hasCompiler } from "../native/programs.js";
import { anyData } from "../support/any-data.js";
import { trainAll } from "../training/support.js";
import { missing } from "../webgpu/support.js";
import { labelledText } from "./support/labelled.js";

const devices = [["wasm", ""], ["native", hasCompiler ? "" : "no C compiler"], ["webgpu", missing ?? ""]] as const;

/** Guards that guidance, moments on the way and a known part are the same everywhere, all at once, after some training. */
describe.each(["ancestral", "dpm_solver", "heun"] as const)("%s with a label that guides, moments, and a known part", (sampler) => {
  const { value } = compile({ path: "labelled.lvm", text: labelledText.replace("(x[0]: real[2], label: index(3))", "(x[0]: real[2], label: index(3) dropout 0.2)") });
  if (!value) throw new Error("it does not compile");
  const compiled = withSampler(value, { sampler, steps: 6, guidance: 2.5, moments: 4, known: true, repeats: 2 })!;
  const rows = 300;
  const inputs: Columns = {
    label: { rows, shape: [], values: Int32Array.from({ length: rows }, (_, row) => row % 3) },
    "known.x": { rows, shape: [2], values: Float32Array.from({ length: 2 * rows }, (_, at) => (at % 7) / 5) },
    "mask.x": { rows, shape: [2], values: Float32Array.from({ length: 2 * rows }, (_, at) => (at % 4 === 1 ? 1 : 0)) },
  };
  let bytes = new Uint8Array();
  let expected: Outputs = {};
  beforeAll(async () => {
    const trained = await kernelModel(value.lowered, "wasm", { seed: 1 });
    await trainAll(trained, anyData(value.program, 48), { steps: 6, epochs: 100, metricsEvery: 1 });
    bytes = Uint8Array.from(await trained.save());
    trained.dispose();
    const reference = await loadEmitted(emitTfjsModule(compiled))({ device: "tfjs-cpu", seed: 1 });
    await reference.load(bytes);
    expected = await reference.sample(rows, { inputs, draw: 2 });
    reference.dispose();
  }, 120_000);

  it("keeps what is known", () => {
    const { values } = expected["x"]!;
    for (let at = 1; at < 2 * rows; at += 4) expect(Math.abs(values[at]! - (at % 7) / 5)).toBeLessThan(1e-6);
    expect(new Set([...values].map((drawn) => drawn.toFixed(3))).size).toBeGreaterThan(200);
  });

  for (const [device, why] of devices) it.skipIf(why !== "")(`draws on ${device} as on TensorFlow.js${why === "" ? "" : ` (skipped: ${why})`}`, async () => {
    const model = await kernelModel(compiled.lowered, device, { seed: 1 });
    await model.load(bytes);
    const found = await model.sample(rows, { inputs, draw: 2 });
    expect(Object.keys(found).sort()).toEqual(["moments.x", "x"]);
    expect(found["moments.x"]!.shape).toEqual([4, 2]);
    // Steps of a small network in float32, guided.
    for (const name of ["x", "moments.x"]) found[name]!.values.forEach((drawn, at) => expect(Math.abs(drawn - expected[name]!.values[at]!) / (1 + Math.abs(drawn)), `${name}, element ${at}`).toBeLessThan(2e-3));
    model.dispose();
  }, 120_000);
});
