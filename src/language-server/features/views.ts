import type { Range } from "vscode-languageserver";
import { plateDiagram } from "../../graph/plate-diagram.js";
import { printSvg } from "../../graph/print-svg.js";
import type { ModelProgram } from "../../ir/model/model.js";
import { printObjective } from "../../objectives/print.js";
import type { Analysis } from "../analysis.js";
import type { Feature } from "../feature.js";
import { contains, offsetOf, rangeOf } from "../positions.js";

/** Which model of a document: the named one, or the one at the cursor. */
export interface ViewParams {
  readonly textDocument: { readonly uri: string };
  readonly model?: string;
  readonly position?: { readonly line: number; readonly character: number };
}

export interface ObjectiveView {
  readonly model: string;
  /** An HTML fragment with MathML: markup of its own alone, nothing of the file unescaped. */
  readonly mathml: string;
  readonly text: string;
  /** The model in the document. */
  readonly range: Range;
  /** Where each term is from, by its name. */
  readonly terms: readonly { readonly name: string; readonly range: Range }[];
}

export interface GraphView {
  readonly model: string;
  readonly svg: string;
  /** `data-id` of the nodes in the picture, with what declares them. */
  readonly nodes: readonly { readonly id: string; readonly range: Range }[];
}

/** `lvmc/objective` and `lvmc/graph`: what is maximized, and the plate diagram, of the model at the cursor; null where it has a mistake. */
export const views: Feature = {
  capabilities: () => ({ experimental: { lvmcViews: true } }),
  register({ connection, workspace }) {
    connection.onRequest("lvmc/objective", (params: ViewParams) => {
      const analysis = workspace.analysis(params.textDocument.uri);
      return (analysis && objectiveView(analysis, params)) ?? null;
    });
    connection.onRequest("lvmc/graph", (params: ViewParams) => {
      const analysis = workspace.analysis(params.textDocument.uri);
      return (analysis && graphView(analysis, params)) ?? null;
    });
  },
};

export function objectiveView(analysis: Analysis, params: Omit<ViewParams, "textDocument">): ObjectiveView | undefined {
  const program = programAt(analysis, params);
  if (!program) return undefined;
  const objective = analysis.objective(program);
  const here = objective.terms.filter(({ origin }) => origin.source === analysis.source);
  return {
    model: program.name,
    mathml: printObjective(objective, "mathml"),
    text: printObjective(objective, "text"),
    range: rangeOf(program.origin),
    terms: here.map(({ name, origin }) => ({ name, range: rangeOf(origin) })),
  };
}

export function graphView(analysis: Analysis, params: Omit<ViewParams, "textDocument">): GraphView | undefined {
  const program = programAt(analysis, params);
  if (!program) return undefined;
  const diagram = plateDiagram(program);
  const here = diagram.nodes.filter(({ origin }) => origin.source === analysis.source);
  return { model: program.name, svg: printSvg(diagram), nodes: here.map(({ id, origin }) => ({ id, range: rangeOf(origin) })) };
}

/** The named model, else the one in whose item the cursor stands (its model, guide or train block), else the last one above it, else the first. */
export function programAt({ module, source, programs }: Analysis, { model, position }: Pick<ViewParams, "model" | "position">): ModelProgram | undefined {
  const named = (name: string): ModelProgram | undefined => programs.find((program) => program.name === name);
  if (model !== undefined) return named(model);
  if (!position) return programs[0];
  const offset = offsetOf(source, position);
  const items = module.items.flatMap((item) => (item.kind === "model" || item.kind === "guide" || item.kind === "train" ? [item] : []));
  const around = items.find(({ span }) => contains(span, offset));
  if (around) return named(around.name.name);
  const above = items.findLast(({ span }) => span.end <= offset);
  return (above && named(above.name.name)) ?? programs[0];
}
