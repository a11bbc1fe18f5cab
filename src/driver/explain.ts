import type { Checked } from "../diagnostics/diagnostic.js";
import type { SourceFile } from "../diagnostics/span.js";
import { printObjective, type ObjectiveFormat } from "../objectives/print.js";
import type { CompileOptions } from "./analyze.js";
import { derive, type DerivedModel } from "./derive.js";

export { type ObjectiveFormat } from "../objectives/print.js";

export interface ExplainOptions extends CompileOptions {
  readonly format?: ObjectiveFormat;
  readonly mode?: "training" | "evaluation";
}

/** What is maximized for a file's model, derived step by step, as text; undefined when there are errors. */
export function explainObjective(source: SourceFile, options: ExplainOptions = {}): Checked<{ readonly text: string; readonly derived: DerivedModel } | undefined> {
  const { value: derived, diagnostics } = derive(source, options);
  if (!derived) return { value: undefined, diagnostics };
  const objective = options.mode === "evaluation" ? derived.evaluation : derived.training;
  return { value: { text: printObjective(objective, options.format ?? "text"), derived }, diagnostics };
}
