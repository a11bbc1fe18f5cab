import type { ModelProgram } from "../ir/model/model.js";
import type { Module } from "../parser/ast.js";

/** The models of a file with a `train` block, first stages before the second ones that learn of them; else in the file's order. */
export function trainingOrder(module: Module, programs: readonly ModelProgram[]): readonly ModelProgram[] {
  const trained = new Set(module.items.flatMap((item) => (item.kind === "train" ? [item.name.name] : [])));
  const own = programs.filter(({ name }) => trained.has(name));
  return [...own.filter(({ stage }) => !stage), ...own.filter(({ stage }) => stage)];
}

/** The model that a file with stages is about as a whole: the one whose samples go through the others, or that others of its datum with noise guide. */
export function mainModel(programs: readonly ModelProgram[]): ModelProgram | undefined {
  const through = new Set(programs.flatMap(({ stage }) => (stage?.kind === "latent" ? [stage.model.name] : [])));
  const [main, other] = programs.filter(({ name, stage }) => !through.has(name) && !(stage?.kind === "noised" && programs.some((program) => program.name === stage.model.name)));
  return other ? undefined : main;
}
