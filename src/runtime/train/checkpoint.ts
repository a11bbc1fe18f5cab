import type { DataPosition } from "../data/index.js";
import { LvmError } from "../error.js";
import type { LoadReport } from "../model.js";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../safetensors.js";
import { boundShape, isPerRow, type ModelTables } from "./definition.js";
import { type BestSoFar, noneSoFar } from "./early-stopping.js";

/** Where a run stands, beside its tensors. */
export interface RunState {
  readonly definition: ModelTables;
  readonly seed: readonly [number, number];
  readonly step: number;
  readonly position: DataPosition;
  readonly dataset: number | undefined;
  readonly best: BestSoFar;
}

export interface CheckpointTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * A run as safetensors, the same for every engine: parameters by their names, optimizer slots under `optimizer/`, moving averages under
 * `average/`. The metadata holds the model's name and hash, the seed, the position, and what early stopping has seen; random numbers follow
 * from seed and step alone.
 */
export function writeCheckpoint(run: RunState, tensors: Iterable<readonly [string, CheckpointTensor]>): Uint8Array {
  const all = new Map<string, SafeTensor>();
  for (const [name, { shape, values }] of tensors) all.set(name, { dtype: "F32", shape: [...shape], data: values });
  return writeSafetensors(all, {
    format: "lvmc-checkpoint-1",
    model: run.definition.name,
    hash: run.definition.hash,
    seed: run.seed.join(","),
    step: String(run.step),
    epoch: String(run.position.epoch),
    epoch_step: String(run.position.step),
    ...(run.dataset === undefined ? {} : { dataset: String(run.dataset) }),
    // Before the first evaluation there is nothing to remember.
    ...(run.best.step === 0 && run.best.since === 0 ? {} : { best_elbo: String(run.best.elbo), best_step: String(run.best.step), evaluations_since_best: String(run.best.since) }),
  });
}

/** What a checkpoint must fit. `dataset`: rows that the model was trained on, where it was. */
export interface CheckpointTarget {
  readonly definition: ModelTables;
  readonly dataset: number | undefined;
}

export interface Checkpoint extends Omit<RunState, "definition"> {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly report: LoadReport;
}

/**
 * Reads a checkpoint of any engine and checks all of it.
 * @throws LvmError LVM7102 for another model's, naming every difference; LVM7103 where the metadata is not lvmc's
 */
export function readCheckpoint(target: CheckpointTarget, bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes, "checkpoint");
  const { definition } = target;
  if (metadata["format"] !== "lvmc-checkpoint-1") throw new LvmError("LVM7103", `this safetensors file is not a checkpoint of lvmc${metadata["format"] === undefined ? "" : ` (format ${metadata["format"]})`}`);
  const dataset = metadata["dataset"] === undefined ? undefined : integer(metadata, "dataset");
  const differences = differencesOf(target, tensors, metadata["model"] ?? "?", dataset);
  if (differences.length > 0) {
    throw new LvmError("LVM7102", `the checkpoint is of another model: ${differences.slice(0, 8).join("; ")}${differences.length > 8 ? `; and ${differences.length - 8} more` : ""}`, {
      facts: { model: definition.name, found: metadata["model"] ?? "?", differences },
      help: "use the model file that the run kept beside its checkpoints",
    });
  }
  const [step, epoch, epochStep] = [integer(metadata, "step"), integer(metadata, "epoch"), integer(metadata, "epoch_step")];
  const seed = (metadata["seed"] ?? "").split(",").map(Number);
  const [low, high] = seed;
  if (seed.length !== 2 || low === undefined || high === undefined || !seed.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)) throw new LvmError("LVM7103", `the checkpoint's seed is ${JSON.stringify(metadata["seed"])}`);
  const best = bestOf(metadata);
  return {
    seed: [low, high],
    step,
    position: { epoch, step: epochStep },
    dataset,
    best,
    tensors: new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, values: Float32Array.from(tensor.data as Float32Array) }])),
    report: { step, epoch, sameSource: metadata["hash"] === definition.hash, ...(best.step > 0 ? { best: { step: best.step, elbo: best.elbo } } : {}) },
  };
}

/** The same checkpoint as if there had been no evaluation: for a run that goes on with other validation data. */
export function withoutBest(bytes: Uint8Array): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes, "checkpoint");
  return writeSafetensors(tensors, Object.fromEntries(Object.entries(metadata).filter(([key]) => !bestKeys.includes(key))));
}

const bestKeys = ["best_elbo", "best_step", "evaluations_since_best"];

/** A checkpoint from before the first evaluation lacks these. */
function bestOf(metadata: Readonly<Record<string, string>>): BestSoFar {
  const text = metadata["best_elbo"];
  if (text === undefined) return noneSoFar;
  const elbo = text === "-Infinity" ? -Infinity : Number(text);
  if (text.trim() === "" || !(Number.isFinite(elbo) || elbo === -Infinity)) throw new LvmError("LVM7103", `the checkpoint's best_elbo is ${JSON.stringify(text)}`);
  return { elbo, step: integer(metadata, "best_step"), since: integer(metadata, "evaluations_since_best") };
}

function differencesOf({ definition, dataset: known }: CheckpointTarget, tensors: ReadonlyMap<string, SafeTensor>, model: string, dataset: number | undefined): string[] {
  const differences: string[] = [];
  if (model !== definition.name) differences.push(`it is of model ${model}, this is ${definition.name}`);
  const expected = new Map(definition.parameters.map((parameter) => [parameter.name, parameter]));
  for (const [name, parameter] of expected) {
    const found = tensors.get(name);
    const shape = boundShape(parameter, dataset);
    if (!found) differences.push(`parameter ${name} is missing`);
    else if (!sameShape(found.shape, shape)) differences.push(`parameter ${name} has shape [${found.shape.join(", ")}], the model's has [${shape.join(", ")}]`);
    else if (found.dtype !== "F32") differences.push(`parameter ${name} is ${found.dtype}, not F32`);
  }
  for (const [name, found] of tensors) {
    const owner = name.startsWith("optimizer/") ? name.slice("optimizer/".length, name.lastIndexOf("/")) : name.startsWith("average/") ? name.slice("average/".length) : name;
    const parameter = expected.get(owner);
    if (!parameter) differences.push(owner === name ? `the model has no parameter ${name}` : `the model has no parameter for ${name}`);
    else if (owner !== name && !sameShape(found.shape, boundShape(parameter, dataset))) differences.push(`${name} has shape [${found.shape.join(", ")}]`);
  }
  if (known !== undefined && dataset !== undefined && dataset !== known && definition.parameters.some(isPerRow)) {
    differences.push(`it has parameters for ${dataset} rows, the data has ${known}`);
  }
  return differences;
}

function integer(metadata: Readonly<Record<string, string>>, key: string): number {
  const value = Number(metadata[key]);
  if (!Number.isSafeInteger(value) || value < 0) throw new LvmError("LVM7103", `the checkpoint's ${key} is ${JSON.stringify(metadata[key])}`);
  return value;
}

/** The two words of a seed as one number again. */
export function seedOf(words: readonly [number, number]): bigint {
  return (BigInt(words[1]) << 32n) | BigInt(words[0]);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
