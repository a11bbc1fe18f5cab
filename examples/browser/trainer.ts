/** The worker: it owns the model, so that the page stays responsive whatever the device. */
import { LvmError, makeBuiltinData, type Column } from "lvmc/runtime";
import { create, type Vae } from "./generated/vae.js";
import { latentCells } from "./latent-cells.js";
import { mapSide, samplesSide, side, type FromWorker, type Pictures, type Start, type ToWorker } from "./protocol.js";

/** Draws from which the map's cells take theirs. */
const drawsForMap = 1024;
const encodedDigits = 600;
const epochs = 200;
/** Above the model file's: two latent numbers are soon found. */
const learningRate = 5e-3;
/** Steps between two readings of the metrics. */
const lookEvery = 5;
/** Milliseconds between two sets of pictures, at least. */
const picturesEvery = 300;

let resume: (() => void) | undefined;
let paused = false;

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "start") {
    train(data).catch((error: unknown) => tell({ kind: "failed", message: error instanceof Error ? error.message : String(error), help: error instanceof LvmError ? (error.help ?? "") : "" }));
    return;
  }
  paused = data.kind === "pause";
  if (!paused) resume?.();
});

function tell(message: FromWorker): void {
  postMessage(message);
}

async function train({ seed, device, steps }: Start): Promise<void> {
  const notes: string[] = [];
  const model = await create({ seed, ...(device === undefined ? {} : { device }), onNote: (note) => notes.push(note) });
  const x = digits("train", 8192).images;
  const unseen = digits("test", encodedDigits);
  tell({ kind: "opened", device: await deviceName(model.device), note: notes.join("; ") });
  const draw = pictures(model, unseen);
  let next = 0;
  for await (const { step, epoch, metrics, fresh } of model.train({ x }, { epochs, learningRate, metricsEvery: lookEvery, yieldEvery: lookEvery, ...(steps === undefined ? {} : { steps }) })) {
    if (fresh) tell({ kind: "progress", step, epoch, loss: metrics.loss, reconstruction: -metrics.terms["reconstruction.x"], kl: -metrics.terms["kl.z"] });
    if (performance.now() >= next || paused) {
      const begin = performance.now();
      tell(await draw());
      const end = performance.now();
      // Slow devices spend most of their time on training all the same.
      next = end + Math.max(picturesEvery, 4 * (end - begin));
    }
    if (!paused) continue;
    tell({ kind: "paused" });
    await new Promise<void>((done) => (resume = done));
  }
  tell(await draw());
  tell({ kind: "finished" });
}

async function deviceName(device: string): Promise<string> {
  if (device !== "webgpu") return "WebAssembly";
  const info = (await navigator.gpu.requestAdapter({ powerPreference: "high-performance" }))?.info;
  return ["WebGPU", info?.description || [info?.vendor, info?.architecture].join(" ").trim()].filter((part) => part !== "").join(", ");
}

function digits(split: "train" | "test", rows: number): { readonly images: Column; readonly labels: Uint8Array } {
  const [images, labels] = makeBuiltinData("digits", [rows], 0, split);
  if (!images || !labels) throw new Error("no digits");
  return { images, labels: Uint8Array.from(labels.values) };
}

/** Each time the same draws: what changes is what the model makes of them. */
function pictures(model: Vae, { images, labels }: ReturnType<typeof digits>): () => Promise<Pictures> {
  let cells: readonly number[] | undefined;
  return async () => {
    const { z, "mean.x": drawn } = await model.sample(drawsForMap, { draw: 0 });
    const { "mean.z": codes } = await model.infer({ x: images }, { draw: 0 });
    cells ??= latentCells(z.values, mapSide);
    return {
      kind: "pictures",
      step: model.step,
      samples: bytes(drawn.values, Array.from({ length: samplesSide ** 2 }, (_, row) => row)),
      map: bytes(drawn.values, cells),
      codes: Float32Array.from(codes.values),
      labels,
    };
  };
}

/** Rows as grey levels. */
function bytes(values: ArrayLike<number>, rows: readonly number[]): Uint8Array {
  const size = side * side;
  const all = new Uint8Array(rows.length * size);
  rows.forEach((row, at) => {
    for (let pixel = 0; pixel < size; pixel++) all[at * size + pixel] = 255 * (values[row * size + pixel] ?? 0);
  });
  return all;
}
