import { printKernels } from "../ir/kernel/print.js";
import type { LoweredModel } from "../ir/lowered-model.js";
import { lowerTrainingStep } from "../lowering/training-step.js";
import { printPlan } from "../passes/print-plan.js";
import { schedule, type Region, type Schedule } from "../passes/schedule.js";
import { type KernelTarget, machineOf, type ModuleSizes, stepSizesOf } from "./kernel-programs.js";

/**
 * The kernels of a model's training step for people: what they compute from which lines, how the arena is divided, then each kernel as text.
 * The same model, sizes and vectors give the same text.
 */
export function printTrainingKernels(lowered: LoweredModel, target: KernelTarget, sizes: ModuleSizes = {}): string {
  const step = stepSizesOf(lowered, sizes);
  const { program, aliases } = lowerTrainingStep(lowered, step);
  const made = schedule(program, { target: machineOf(target), aliases, use: "train", pinned: { step: 0 } });
  const head = `${lowered.program.name}: one training step, batch ${step.batch}, vectors of ${made.kernels.lanes}`;
  return [`${head}\n`, printPlan(made.plan), printArena(lowered, made), printKernels(made.kernels)].join("\n");
}

/** `parameters  1.2 M words  4.6 MB`: what keeps its place by its purpose, then what is used again within a step. */
function printArena({ parameters, columns }: LoweredModel, { inputs, constants, plan }: Schedule): string {
  const names = new Set(parameters.map(({ name }) => name));
  const data = new Set(["rows", ...columns.map(({ name }) => `data.${name}`)]);
  const of = (keep: (name: string) => boolean): number => wordsOf(Object.entries(inputs).flatMap(([name, region]) => (keep(name) ? [region] : [])));
  const isState = (name: string): boolean => names.has(name.slice(0, Math.max(0, name.lastIndexOf("/"))));
  const parts: [string, number, string][] = [
    ["parameters", of((name) => names.has(name)), ""],
    ["optimizer state", of((name) => !names.has(name) && isState(name)), "and averages"],
    ["data", of((name) => data.has(name)), "laid out by the host for many steps"],
    ["constants", wordsOf(constants), ""],
  ];
  const rest = plan.persistentWords - parts.reduce((sum, [, words]) => sum + words, 0);
  parts.push(["other", rest, "step, key, sizes, metrics, outputs, alignment to 64 bytes"], ["scratch", plan.temporaryWords, "places that values take in turn"], ["arena", plan.words, ""]);
  const lines = parts.filter(([, words]) => words > 0).map(([name, words, note]) => `${name.padEnd(16)}${words.toLocaleString("en-US").padStart(14)} words${megabytes(words).padStart(12)} MB${note === "" ? "" : `  ${note}`}`);
  return `${lines.join("\n")}\n`;
}

function wordsOf(regions: readonly Region[]): number {
  return regions.reduce((sum, { words }) => sum + words, 0);
}

/** Of 10⁶ bytes, as kernels' bytes are counted. */
function megabytes(words: number): string {
  return ((4 * words) / 1e6).toFixed(3);
}
