import type { DerivedModel } from "../../driver/derive.js";
import type { Evaluation } from "../../runtime/model.js";
import type { Reporter } from "../reporter.js";
import type { DataEvaluation } from "./evaluate-model.js";
import { boundName, summarizeTerms } from "./terms.js";
import { nats } from "./progress.js";

/** Coordinates whose posterior mean says something of the row. */
function activeText({ activeUnits, units }: Evaluation, name: string): string | undefined {
  const [active, of] = [activeUnits[name], units?.[name]];
  if (active === undefined) return undefined;
  return of === undefined ? `${active} coordinates active` : `${active} of ${of} ${of === 1 ? "coordinate" : "coordinates"} active`;
}

/** An evaluation as a table, in nats per row. */
export function evaluationText(evaluation: DataEvaluation, derived: DerivedModel, color: Reporter["color"]): string {
  const { terms, bound } = derived.evaluation;
  const lines: (readonly [name: string, value: string, note?: string])[] = [[boundName(bound), nats(evaluation.elbo)]];
  if (evaluation.bitsPerDimension !== undefined) lines.push(["bits per dimension", evaluation.bitsPerDimension.toFixed(3), derived.program.diffusion?.reconstruction === "gaussian" ? "of a density of bytes" : "what a code by the model takes at most"]);
  for (const [name, value] of Object.entries(evaluation.terms)) {
    const term = terms.find((each) => each.name === name);
    lines.push([`  ${name}`, nats(value), term && `${term.estimator}, ${term.exactness}`]);
  }
  for (const { name, value } of summarizeTerms(terms, evaluation.terms).kl) {
    lines.push([`  KL(${name})`, nats(value), activeText(evaluation, name)]);
  }
  // Latents that share a KL, and those inside the evidence.
  for (const name of Object.keys(evaluation.activeUnits)) {
    if (!lines.some(([label]) => label === `  KL(${name})`)) lines.push([`  ${name}`, "", activeText(evaluation, name)]);
  }
  for (const [name, values] of Object.entries(evaluation.coordinates)) {
    if (values.length <= 1) continue;
    const sorted = [...values].sort((a, b) => b - a);
    const shown = sorted.slice(0, 12).map(nats).join(" ");
    lines.push([`  KL of ${name}'s coordinates`, "", `${shown}${sorted.length > 12 ? ` … (${sorted.length} in all)` : ""}`]);
  }
  if (evaluation.logEvidence !== undefined) lines.push(["log p(x)", nats(evaluation.logEvidence), `importance sampling, ${(evaluation.evidenceSamples ?? 0).toLocaleString("en-US")} samples a row`]);
  for (const [name, share] of Object.entries(evaluation.accuracy)) lines.push([`accuracy of ${name}`, `${(100 * share).toFixed(2)} %`]);
  const width = Math.max(...lines.map(([name]) => name.length));
  const number = Math.max(...lines.map(([, value]) => value.length));
  return lines.map(([name, value, note]) => `${name.padEnd(width)}  ${color.bold(value.padStart(number))}${note === undefined ? "" : `  ${color.dim(note)}`}`.trimEnd()).join("\n");
}
