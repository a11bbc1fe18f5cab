import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { emitTfjsModule } from "../../src/driver/emit-module.js";
import { withSampler } from "../../src/driver/with-sampler.js";
import { loadEmitted } from "../codegen/support/load-emitted.js";
import { kernelModel } from "../engine/support/kernel-model.js";
import { hasCompiler } from "../native/programs.js";
import { anyData } from "../support/any-data.js";
import { trainAll } from "../training/support.js";
import { missing } from "../webgpu/support.js";

const devices = [["wasm", ""], ["native", hasCompiler ? "" : "no C compiler"], ["webgpu", missing ?? ""]] as const;

const text = (type: string, schedule: string, prediction: string, objective: string): string => `
network net(x: real[2], t: unit, label: index(3)) -> (y: real[2]) {
  y = concat(x, time_embedding(1000 * t, 8), one_hot(label)) |> dense(16) |> tanh |> dense(2)
}
model m(x[0]: ${type}[2], label: index(3) dropout 0.2) {
  x[1] ~ Normal(0, 1)
  chain t in 1..0 { x[t-dt] ~ guide(x[t-dt] | x[t], ${prediction} = net(x[t], t, label)) }
}
guide m { chain t in 0..1 { ${schedule} } }
train m {
  maximize elbo(${objective})
  optimizer = adam(rate = 1e-2)
  batch = 16
  epochs = 4
}
`;

const cases = [
  { name: "points", text: text("real", "g = 6 - 11 * t\n  x[t] ~ Normal(sqrt(sigmoid(g)) * x[0], variance = sigmoid(-g))", "noise", "weight = bound, timesteps = importance"), sampler: "ancestral" },
  { name: "bytes", text: text("byte", "a = cos(0.5 * pi * (0.98 * t + 0.02))\n  x[t] ~ Normal(a * x[0], variance = 1 - a ^ 2)", "velocity", "weight = min_snr(5)"), sampler: "heun" },
] as const;

/** Guards that schedules, their derivatives, draws of t over the rows, and strides down to t = 0 are the same everywhere: after some training, from the same seed. */
describe.each(cases)("$name in continuous time", ({ text, sampler }) => {
  const { value, diagnostics } = compile({ path: "m.lvm", text });
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const compiled = withSampler(value, { sampler, steps: 9, guidance: 1.5 })!;
  const data = anyData(value.program, 48);
  const inputs = { label: { rows: 200, shape: [], values: Int32Array.from({ length: 200 }, (_, row) => row % 3) } };
  const isBytes = value.program.diffusion!.bytes;

  for (const [device, why] of devices) it.skipIf(why !== "")(`trains, evaluates and draws on ${device} as on TensorFlow.js${why === "" ? "" : ` (skipped: ${why})`}`, async () => {
    const reference = await loadEmitted(emitTfjsModule(compiled))({ device: "tfjs-cpu", seed: 1 });
    const model = await kernelModel(compiled.lowered, device, { seed: 1 });
    const [expectedRun, run] = [await trainAll(reference, data, { steps: 6, epochs: 100, metricsEvery: 1 }), await trainAll(model, data, { steps: 6, epochs: 100, metricsEvery: 1 })];
    expect(run.steps.length).toBe(6);
    run.steps.forEach(({ metrics }, at) => expect(Math.abs(metrics.elbo - expectedRun.steps[at]!.metrics.elbo) / (1 + Math.abs(metrics.elbo))).toBeLessThan(1e-3));
    await model.load(await reference.save());
    const [expectedBound, bound] = [await reference.evaluate(data), await model.evaluate(data)];
    expect(Object.keys(expectedBound.terms).length).toBe(3);
    for (const [name, term] of Object.entries(expectedBound.terms)) expect(Math.abs(bound.terms[name]! - term) / (1 + Math.abs(term)), name).toBeLessThan(1e-3);
    const [expected, found] = [(await reference.sample(200, { inputs }))["x"]!.values, (await model.sample(200, { inputs }))["x"]!.values];
    expect(found.length).toBe(400);
    // Nine strides of a small network in float32; a state that is nearly between two bytes may be rounded to either.
    found.forEach((drawn, at) => expect(Math.abs(drawn - expected[at]!) / (isBytes ? 1 : 1 + Math.abs(expected[at]!)), `element ${at}`).toBeLessThanOrEqual(isBytes ? 1 : 1e-3));
    expect(new Set([...found].map((drawn) => drawn.toFixed(3))).size).toBeGreaterThan(isBytes ? 40 : 150);
    reference.dispose();
    model.dispose();
  }, 300_000);
});
