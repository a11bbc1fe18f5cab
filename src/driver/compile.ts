import type { Checked } from "../diagnostics/diagnostic.js";
import type { SourceFile } from "../diagnostics/span.js";
import type { LoweredModel } from "../ir/lowered-model.js";
import type { ModelProgram } from "../ir/model/model.js";
import type { Objective } from "../ir/objective/objective.js";
import { lower } from "../lowering/lower.js";
import type { Module } from "../parser/ast.js";
import type { CompileOptions } from "./analyze.js";
import { derive } from "./derive.js";

export type { CompileOptions } from "./analyze.js";
export { analyze } from "./analyze.js";

/** Everything that the compiler knows of one model before its code is made for a target and for sizes: `emitModule` and `kernelDefinition` go on from here. */
export interface CompiledModel {
  readonly module: Module;
  readonly program: ModelProgram;
  readonly training: Objective;
  readonly evaluation: Objective;
  readonly lowered: LoweredModel;
}

/** The compiler, in order: parse, check, derive, lower. The value is undefined when there are errors. */
export function compile(source: SourceFile, options: CompileOptions = {}): Checked<CompiledModel | undefined> {
  const { value: derived, diagnostics } = derive(source, options);
  if (!derived) return { value: undefined, diagnostics };
  const { program, training, evaluation } = derived;
  return { value: { ...derived, lowered: lower(program, training, evaluation) }, diagnostics };
}
