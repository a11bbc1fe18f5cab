import { check } from "../checker/check.js";
import type { Checked } from "../diagnostics/diagnostic.js";
import type { SourceFile } from "../diagnostics/span.js";
import type { ModelProgram } from "../ir/model/model.js";
import type { Module } from "../parser/ast.js";
import { parse } from "../parser/parse.js";

export interface CompileOptions {
  /** `--set NAME=VALUE` */
  readonly set?: Readonly<Record<string, string>>;
  /** Reads an imported file; undefined when there is none. The compiler itself touches no file. */
  readonly load?: (path: string, from: SourceFile) => SourceFile | undefined;
  /** Which model of the file; by default the only one, the only one with a `train` block, or of stages the one whose samples go through the others. */
  readonly model?: string;
  /** lvmc's version, for the head of what is emitted; the compiler itself does not read its package. */
  readonly version?: string;
}

/** Text → syntax tree → model IR, with every diagnostic of both. */
export function analyze(source: SourceFile, options: CompileOptions = {}): Checked<{ readonly module: Module; readonly programs: readonly ModelProgram[] }> {
  const parsed = parse(source);
  const checked = check(parsed.value, options);
  return {
    value: { module: parsed.value, programs: checked.value.programs },
    diagnostics: [...parsed.diagnostics, ...checked.diagnostics],
  };
}
