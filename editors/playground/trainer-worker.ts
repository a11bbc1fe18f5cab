/** Compiles the model and trains it, so that the page stays responsive whatever the device. */
import { columnPictures } from "../../src/cli/training/image-shape.js";
import { columnSpecs } from "../../src/driver/column-specs.js";
import { compile, type CompiledModel } from "../../src/driver/compile.js";
import { kernelDefinition } from "../../src/driver/kernel-programs.js";
import { withSampler } from "../../src/driver/with-sampler.js";
import { bindColumns, type Column, type Columns, createKernelModel, LvmError, makeBuiltinData, maskColumn, type Outputs } from "../../src/runtime/index.js";
import { hasRelaxedSimd } from "../../src/runtime/wasm/index.js";
import type { Drawn, FromTrainer, Start, ToTrainer } from "./protocol.js";

/** Steps between two readings of the metrics. */
const lookEvery = 5;
/** Milliseconds between two sets of draws, at least. */
const drawEvery = 800;
const drawnRows = 36;
const drawnPoints = 1000;
/** Steps of a diffusion's sampler: its own are as many as its chain has. */
const samplerSteps = 20;

let resume: (() => void) | undefined;
let paused = false;

addEventListener("message", ({ data }: MessageEvent<ToTrainer>) => {
  if (data.kind === "start") {
    train(data).catch((error: unknown) => tell({ kind: "failed", message: error instanceof Error ? error.message : String(error), help: error instanceof LvmError ? (error.help ?? "") : "" }));
    return;
  }
  paused = data.kind === "pause";
  if (!paused) resume?.();
});

function tell(message: FromTrainer): void {
  postMessage(message);
}

async function train({ text, model: name, device }: Start): Promise<void> {
  const source = { path: "model.lvm", text };
  const { value, diagnostics } = compile(source, name === undefined ? {} : { model: name });
  if (!value) {
    const [first] = diagnostics.filter(({ severity }) => severity === "error");
    return tell({ kind: "failed", message: first ? `${first.code}: ${first.message}` : "the model has a mistake", help: first?.help ?? "" });
  }
  const { program } = value;
  if (program.stage) return tell({ kind: "failed", message: `${program.name} is the second of two stages`, help: "two stages are trained with the command: lvmc train" });
  const data = builtinColumns(value);
  if (typeof data === "string") return tell({ kind: "failed", message: data, help: "name built-in data in the train block, such as `data = digits(8192)`; your own files are for the command: lvmc train" });
  const notes: string[] = [];
  const compiled = withSampler(value, { sampler: "dpm_solver", steps: samplerSteps }) ?? value;
  const model = await createKernelModel(kernelDefinition(compiled.lowered, source, () => 4, hasRelaxedSimd()), { ...(device === undefined ? {} : { device }), onNote: (note: string) => notes.push(note) });
  const rows = Object.values(data)[0]?.rows ?? 0;
  const parameters = model.description.parameters.reduce((sum, { shape }) => sum + shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : rows), 1), 0);
  tell({ kind: "opened", model: program.name, device: model.device === "webgpu" ? "WebGPU" : "WebAssembly", note: notes.join("; "), parameters, rows });
  const draw = async (): Promise<void> => tell({ kind: "drawn", step: model.step, drawn: await drawFrom(compiled, data, (count, inputs) => model.sample(count, { draw: 0, inputs }) as Promise<Outputs>) });
  let next = 0;
  for await (const { step, epoch, metrics, fresh } of model.train(data, { metricsEvery: lookEvery, yieldEvery: lookEvery })) {
    if (fresh) tell({ kind: "progress", step, epoch, loss: metrics.loss, terms: metrics.terms });
    if (performance.now() >= next || paused) {
      const begin = performance.now();
      await draw();
      const end = performance.now();
      // Slow devices spend most of their time on training all the same.
      next = end + Math.max(drawEvery, 4 * (end - begin));
    }
    if (!paused) continue;
    tell({ kind: "paused" });
    await new Promise<void>((done) => (resume = done));
  }
  await draw();
  tell({ kind: "finished" });
}

/** The data that the train block names, as the model's columns; what is wrong, where it names none. */
function builtinColumns({ program }: CompiledModel): Columns | string {
  const { data, observe, seed } = program.training;
  if (!data) return `${program.name} names no data`;
  const specs = columnSpecs(program);
  const bound = bindColumns(specs, makeBuiltinData(data.source, [...data.args], seed, "train"), { optional: specs.filter(({ partlyObserved }) => partlyObserved).map((each) => each.name) });
  return Object.fromEntries(bound.map((column) => {
    const rule = observe.find((each) => each.column === column.name);
    const { rows, values, spec } = rule ? maskColumn(column, rule.share, seed) : column;
    return [column.name, { rows, values, shape: spec.shape }];
  }));
}

async function drawFrom({ program }: CompiledModel, data: Columns, sample: (rows: number, inputs: Columns) => Promise<Outputs>): Promise<Drawn> {
  const specs = columnSpecs(program);
  const observed = specs.filter(({ role }) => role === "observed");
  const plane = observed.find(({ support, shape }) => support.kind === "real" && shape.length === 1 && shape[0] === 2);
  const count = plane ? drawnPoints : drawnRows;
  const inputs = Object.fromEntries(specs.filter(({ role }) => role === "input").map(({ name }) => [name, firstRows(data[name]!, count)]));
  const outputs = await sample(count, inputs);
  for (const spec of observed) {
    const pictures = columnPictures(program, spec);
    const output = outputs[`mean.${spec.name}`] ?? outputs[spec.name];
    if (!pictures || !output) continue;
    const scale = spec.support.kind === "byte" ? 1 : 255;
    return { kind: "pictures", column: spec.name, count: count * (pictures.frames ?? 1), shape: pictures.shape, bytes: Uint8ClampedArray.from(output.values, (value) => scale * value) as unknown as Uint8Array };
  }
  if (plane) return { kind: "points", column: plane.name, drawn: Float32Array.from(outputs[plane.name]!.values), data: Float32Array.from(firstRows(data[plane.name]!, drawnPoints).values) };
  return { kind: "numbers", text: table(outputs) };
}

function firstRows({ rows, values, shape }: Column, count: number): Column {
  const size = shape.reduce((product, each) => product * each, 1);
  const out = values.slice(0, 0).constructor === Float32Array ? new Float32Array(count * size) : new Int32Array(count * size);
  for (let row = 0; row < count; row++) for (let at = 0; at < size; at++) out[row * size + at] = values[(row % rows) * size + at]!;
  return { rows: count, values: out, shape };
}

/** The first draws of everything, a line each. */
function table(outputs: Outputs): string {
  return Object.entries(outputs)
    .map(([name, { values }]) => `${name}  ${[...values.slice(0, 8)].map((value) => Number(value.toPrecision(4))).join("  ")}${values.length > 8 ? "  …" : ""}`)
    .join("\n");
}
