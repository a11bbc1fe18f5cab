import { it } from "vitest";
import { compiledModel } from "../test/codegen/support/load-emitted.js";
import { digitRows, modelFile } from "./support/kernels.js";
import { median } from "./support/measure.js";
import { tfjsVae, withOwnGradients } from "./support/tfjs-vae.js";

/**
 * A training step of models/vae.lvm (784-400-20, batch 128) as the compiler emits it, against the same model written by hand in TensorFlow.js, in
 * one process, taking turns. BENCH_DEVICE names the device (default tfjs-wasm). The target: at most 1.1 times the hand-written step.
 *
 * The hand-written model runs twice: with the gradients that lvmc registers, and with TensorFlow.js's own rule for matrix products.
 */

const rows = 1024;
const device = process.env["BENCH_DEVICE"] ?? "tfjs-wasm";
const rounds = device === "tfjs-cpu" ? 3 : 15;
const stepsPerRound = device === "tfjs-cpu" ? 2 : 5;

it("measures", async () => {
  const model = await compiledModel(modelFile("vae").text)({ device, seed: 1 });
  const values = digitRows(rows);
  const hand = tfjsVae(values);
  const step = async (): Promise<void> => hand.step().dispose();
  const times: Record<string, number[]> = { emitted: [], "by hand": [], "by hand, TensorFlow.js's own matMul gradient": [] };
  const run = model.train({ x: { rows, values, shape: [784] } }, { steps: 1e9, epochs: 1e9 });
  const timed = async (name: string, take: () => Promise<unknown>): Promise<void> => {
    const start = performance.now();
    for (let i = 0; i < stepsPerRound; i++) await take();
    times[name]?.push((performance.now() - start) / stepsPerRound);
  };
  for (let round = 0; round <= rounds; round++) {
    await timed("emitted", () => run.next());
    await timed("by hand", step);
    await withOwnGradients(() => timed("by hand, TensorFlow.js's own matMul gradient", step));
    if (round === 0) for (const list of Object.values(times)) list.length = 0;
  }
  const results = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, Number(median(list).toFixed(1))]));
  const emitted = median(times["emitted"] ?? []);
  console.log(JSON.stringify({ device: model.device, unit: "ms/step", ...results, ratio: Number((emitted / median(times["by hand"] ?? [])).toFixed(3)), ratioToStandard: Number((emitted / median(times["by hand, TensorFlow.js's own matMul gradient"] ?? [])).toFixed(3)) }));
  await run.return({ reason: "aborted", step: 0, metrics: { loss: 0, elbo: 0, terms: {}, learningRate: 0 } });
  hand.dispose();
  model.dispose();
});
