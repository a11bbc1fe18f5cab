import { hasErrors, type Checked } from "../diagnostics/diagnostic.js";
import { sortDiagnostics } from "../diagnostics/sort.js";
import type { SourceFile } from "../diagnostics/span.js";
import type { CompileOptions } from "../driver/analyze.js";
import { Stop } from "./errors.js";
import { exitCodes } from "./exit-codes.js";
import { readSettings } from "./options.js";
import { modelFiles, readImport, readModel } from "./read-model.js";
import type { CommandContext } from "./run.js";
import { version } from "./version.js";

/** Options of every command that reads a model. */
export interface ModelOptions {
  readonly set?: readonly string[];
  readonly model?: string;
}

/** A model file with the options under which it is compiled. */
export interface ModelInput {
  readonly source: SourceFile;
  readonly options: CompileOptions;
  readonly sources: () => readonly SourceFile[];
}

/** @throws UsageError */
export function openModel({ io }: CommandContext, file: string, options: ModelOptions): ModelInput {
  const source = readModel(file, io.cwd);
  const files = modelFiles(source, readImport(io.cwd));
  return { source, options: { set: readSettings(options.set), load: files.load, model: options.model, version: version() }, sources: files.sources };
}

/** Says what the compiler has to say. @throws Stop with exit 1 where there are errors */
export function accept<T>({ report }: CommandContext, checked: Checked<T | undefined>): T {
  report.diagnostics(sortDiagnostics(checked.diagnostics));
  if (hasErrors(checked.diagnostics) || checked.value === undefined) throw new Stop(exitCodes.model);
  return checked.value;
}
