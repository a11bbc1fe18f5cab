import { LvmError } from "../error.js";
import type { Column, Outputs } from "../model.js";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../safetensors.js";

/** A first stage as its run has it. */
export interface FirstStage {
  /** The name of its model. */
  readonly model: string;
  /** Its checkpoint, as safetensors. */
  readonly checkpoint: Uint8Array;
}

/**
 * A checkpoint of a second stage (`train prior on vae.z`) that holds the first: `fresh.save()` of the second, with the parameters of the first as they are evaluated (their moving averages
 * where there are some) under `<model>.<parameter>`, and with `numbers`, which the second stage has beside them: the measured `vae.z.scale`. What a model loads from it is sampled and evaluated without the first run.
 * @throws LvmError LVM7102 where the first stage's checkpoint is of another model or lacks a parameter, LVM7103 where one is no checkpoint
 */
export function withFirstStage(fresh: Uint8Array, first: FirstStage, numbers: Readonly<Record<string, number>> = {}): Uint8Array {
  const { tensors, metadata } = readSafetensors(fresh, "checkpoint");
  const before = readSafetensors(first.checkpoint, "checkpoint of the first stage");
  if (before.metadata["format"] !== "lvmc-checkpoint-1") throw new LvmError("LVM7103", "the first stage's safetensors file is not a checkpoint of lvmc");
  const found = before.metadata["model"] ?? "?";
  const refuse = (differences: readonly string[]): never => {
    throw new LvmError("LVM7102", `the checkpoint is not of the first stage ${first.model}: ${differences.join("; ")}`, { facts: { model: first.model, found, differences: [...differences] }, help: "name a run of the first stage that was trained with the same file" });
  };
  if (found !== first.model) refuse([`it is of model ${found}`]);
  const all = new Map<string, SafeTensor>(tensors);
  const differences: string[] = [];
  const prefix = `${first.model}.`;
  for (const [name, tensor] of tensors) {
    const number = numbers[name];
    if (number !== undefined) all.set(name, { dtype: "F32", shape: tensor.shape, data: Float32Array.of(number) });
    if (number !== undefined || !name.startsWith(prefix)) continue;
    const own = name.slice(prefix.length);
    const value = before.tensors.get(`average/${own}`) ?? before.tensors.get(own);
    if (value && value.shape.join() === tensor.shape.join()) all.set(name, value);
    else differences.push(value ? `parameter ${own} has shape [${value.shape.join(", ")}], here [${tensor.shape.join(", ")}]` : `parameter ${own} is missing`);
  }
  if (differences.length > 0) refuse(differences);
  return writeSafetensors(all, metadata);
}

/** The standard deviation of all numbers of a drawn latent about their mean (Rombach et al. 2022, appendix G). */
export function latentScale(drawn: Outputs[string] | Pick<Column, "values">): number {
  const { values } = drawn;
  let mean = 0;
  for (let at = 0; at < values.length; at++) mean += values[at]!;
  mean /= values.length;
  let squares = 0;
  for (let at = 0; at < values.length; at++) squares += (values[at]! - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/**
 * A checkpoint of a diffusion with a classifier's parameters beside its own, `<classifier>.<parameter>`, as they are evaluated: what the model loads whose sampler is guided by it.
 * @throws LvmError LVM7103 where one is no checkpoint
 */
export function withClassifier(checkpoint: Uint8Array, classifier: FirstStage): Uint8Array {
  const { tensors, metadata } = readSafetensors(checkpoint, "checkpoint");
  const other = readSafetensors(classifier.checkpoint, "checkpoint of the classifier");
  if (other.metadata["format"] !== "lvmc-checkpoint-1") throw new LvmError("LVM7103", "the classifier's safetensors file is not a checkpoint of lvmc");
  const own = [...other.tensors].filter(([name]) => !/^(optimizer|average)\//.test(name));
  return writeSafetensors(new Map([...tensors, ...own.map(([name, tensor]) => [`${classifier.model}.${name}`, other.tensors.get(`average/${name}`) ?? tensor] as const)]), metadata);
}
