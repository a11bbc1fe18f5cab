import type { ModelProgram } from "../ir/model/model.js";
import type { Module } from "../parser/ast.js";

/** The models of a file with a `train` block, first stages before the second ones that learn of them; else in the file's order. */
export function trainingOrder(module: Module, programs: readonly ModelProgram[]): readonly ModelProgram[] {
  const trained = new Set(module.items.flatMap((item) => (item.kind === "train" ? [item.name.name] : [])));
  const own = programs.filter(({ name }) => trained.has(name));
  return [...own.filter(({ stage }) => !stage), ...own.filter(({ stage }) => stage)];
}

/** The model that a file with stages is about as a whole: the one whose samples go through all others. */
export function lastStage(programs: readonly ModelProgram[]): ModelProgram | undefined {
  const last = programs.filter(({ stage }) => stage?.kind === "latent");
  return last.length === 1 && programs.every((program) => program === last[0] || program.name === last[0]!.stage!.model.name) ? last[0] : undefined;
}
