import type { Checked } from "../diagnostics/diagnostic.js";
import { hasErrors } from "../diagnostics/diagnostic.js";
import type { SourceFile } from "../diagnostics/span.js";
import { plateDiagram, type PlateDiagram } from "../graph/plate-diagram.js";
import { printSvg } from "../graph/print-svg.js";
import { analyze, type CompileOptions } from "./analyze.js";
import { chooseModel } from "./choose-model.js";

/** A file's model as a plate diagram, in SVG; undefined when there are errors. */
export function drawGraph(source: SourceFile, options: CompileOptions = {}): Checked<{ readonly diagram: PlateDiagram; readonly svg: string } | undefined> {
  const { value, diagnostics } = analyze(source, options);
  if (hasErrors(diagnostics)) return { value: undefined, diagnostics };
  const chosen = chooseModel(value.module, value.programs, options.model);
  const all = [...diagnostics, ...chosen.diagnostics];
  if (!chosen.value) return { value: undefined, diagnostics: all };
  const diagram = plateDiagram(chosen.value);
  return { value: { diagram, svg: printSvg(diagram) }, diagnostics: all };
}
