import { hasErrors, type Checked } from "../diagnostics/diagnostic.js";
import type { SourceFile } from "../diagnostics/span.js";
import type { ModelProgram } from "../ir/model/model.js";
import type { Objective } from "../ir/objective/objective.js";
import { deriveObjective } from "../objectives/derive.js";
import type { Module } from "../parser/ast.js";
import { analyze, type CompileOptions } from "./analyze.js";
import { chooseModel } from "./choose-model.js";

/** One model of a file with what is maximized. */
export interface DerivedModel {
  readonly module: Module;
  readonly program: ModelProgram;
  readonly training: Objective;
  readonly evaluation: Objective;
}

/** The compiler's front: parse, check, choose the model, derive its two objectives. The value is undefined when there are errors. */
export function derive(source: SourceFile, options: CompileOptions = {}): Checked<DerivedModel | undefined> {
  const { value, diagnostics } = analyze(source, options);
  if (hasErrors(diagnostics)) return { value: undefined, diagnostics };
  const chosen = chooseModel(value.module, value.programs, options.model);
  const all = [...diagnostics, ...chosen.diagnostics];
  const program = chosen.value;
  if (!program) return { value: undefined, diagnostics: all };
  const training = deriveObjective(program, "training");
  const evaluation = deriveObjective(program, "evaluation");
  return { value: { module: value.module, program, training, evaluation }, diagnostics: all };
}
