import { emitTfjs } from "../codegen/tfjs/emit-tfjs.js";
import type { Checked } from "../diagnostics/diagnostic.js";
import type { SourceFile } from "../diagnostics/span.js";
import type { LoweredModel } from "../ir/lowered-model.js";
import type { ModelProgram } from "../ir/model/model.js";
import type { Objective } from "../ir/objective/objective.js";
import { lower } from "../lowering/lower.js";
import { printDocComment } from "../objectives/print.js";
import type { Module } from "../parser/ast.js";
import type { CompileOptions } from "./analyze.js";
import { derive } from "./derive.js";

export type { CompileOptions } from "./analyze.js";
export { analyze } from "./analyze.js";

/** Everything that the compiler knows of one model, stage by stage. */
export interface CompiledModel {
  readonly module: Module;
  readonly program: ModelProgram;
  readonly training: Objective;
  readonly evaluation: Objective;
  readonly lowered: LoweredModel;
  /** The emitted TypeScript. */
  readonly typescript: string;
}

/** The compiler, in order: parse, check, derive, lower, emit. The value is undefined when there are errors. */
export function compile(source: SourceFile, options: CompileOptions = {}): Checked<CompiledModel | undefined> {
  const { value: derived, diagnostics } = derive(source, options);
  if (!derived) return { value: undefined, diagnostics };
  const { program, training, evaluation } = derived;
  const lowered = lower(program, training, evaluation);
  const typescript = emitTfjs(lowered, { source: source.text, sourcePath: source.path, version: options.version, docComment: printDocComment(training) });
  return { value: { ...derived, lowered, typescript }, diagnostics };
}
