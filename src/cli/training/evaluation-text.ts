import type { DerivedModel } from "../../driver/derive.js";
import type { Evaluation } from "../../runtime/model.js";
import type { Reporter } from "../reporter.js";
import { boundName, summarizeTerms } from "./terms.js";
import { nats } from "./progress.js";

/** An evaluation as a table, in nats per row. */
export function evaluationText(evaluation: Evaluation, derived: DerivedModel, color: Reporter["color"]): string {
  const { terms, bound } = derived.evaluation;
  const lines: (readonly [name: string, value: string, note?: string])[] = [[boundName(bound), nats(evaluation.elbo)]];
  for (const [name, value] of Object.entries(evaluation.terms)) {
    const term = terms.find((each) => each.name === name);
    lines.push([`  ${name}`, nats(value), term && `${term.estimator}, ${term.exactness}`]);
  }
  for (const { name, value } of summarizeTerms(terms, evaluation.terms).kl) {
    const coordinates = evaluation.coordinates[name];
    const active = evaluation.activeUnits[name];
    lines.push([`  KL(${name})`, nats(value), active === undefined || !coordinates ? undefined : coordinates.length < active ? `${active} coordinates active` : `${active} of ${coordinates.length} coordinates active`]);
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
