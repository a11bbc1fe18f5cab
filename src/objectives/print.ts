import type { Objective } from "../ir/objective/objective.js";
import { formulaLines, wrapText } from "./formula-text.js";
import { printObjectiveHtml } from "./print-html.js";
import { printObjectiveLatex } from "./print-latex.js";
import { printObjectiveMathml } from "./print-mathml.js";
import { boundTitle, printObjectiveText, weightText } from "./print-text.js";
import { totalFormula } from "./total.js";

export type ObjectiveFormat = "text" | "latex" | "mathml" | "html";

/** The objective in full, as `lvmc explain objective` shows it. */
export function printObjective(objective: Objective, format: ObjectiveFormat): string {
  switch (format) {
    case "text":
      return printObjectiveText(objective);
    case "latex":
      return printObjectiveLatex(objective);
    case "mathml":
      return printObjectiveMathml(objective);
    case "html":
      return printObjectiveHtml(objective);
  }
}

/** The short form for the emitted module's doc comment: what is maximized and a line or two for each term, at most 96 columns. */
export function printDocComment(objective: Objective): string[] {
  const lines = [`Maximizes the ${boundTitle({ ...objective, mode: "training" }).replace(/, maximized.*$/, "")}, in nats per row:`, ""];
  formulaLines(totalFormula(objective), 90).forEach((line, at) => lines.push(at === 0 ? `  L = ${line}` : `      ${line}`));
  lines.push("");
  for (const term of objective.terms) {
    const weight = weightText(term);
    lines.push(...wrapText(`- ${term.name}: ${weight === "1" ? "" : `weight ${weight}, `}${term.estimator}, ${term.exactness}: ${term.reason}.`, 96, 2));
  }
  // A name can end a comment only by `*/`, which no identifier holds; constants and paths are not printed here.
  return lines.map((line) => line.replaceAll("*/", "* /"));
}
