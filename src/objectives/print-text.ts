import { lineOf } from "../diagnostics/span.js";
import type { DerivationStep, LatentPlan, Objective, Term, TermAxis } from "../ir/objective/objective.js";
import { formulaLines, wrapText } from "./formula-text.js";
import { totalFormula } from "./total.js";

const width = 100;

/** The objective as text of at most 100 columns: what is maximized, its terms, the latents, the derivation. */
export function printObjectiveText(objective: Objective): string {
  return [...headline(objective), "", ...termBlock(objective), "", ...latentBlock(objective), ...derivationBlock(objective.steps), ...constraintBlock(objective)].join("\n").trimEnd() + "\n";
}

/** `vae: the evidence lower bound, in nats per row, is maximized`. */
export function boundTitle(objective: Pick<Objective, "bound" | "samples" | "mode">): string {
  const bound = {
    elbo: "evidence lower bound",
    "importance-weighted": `importance-weighted bound, K = ${objective.samples}`,
    likelihood: "log likelihood",
    posterior: "log posterior density (MAP)",
  }[objective.bound];
  return `${bound}, ${objective.mode === "training" ? "maximized in training" : "for evaluation"}`;
}

function headline(objective: Objective): readonly string[] {
  const formula = formulaLines(totalFormula(objective), width - 6);
  return [...wrapText(`${objective.model}: ${boundTitle(objective)} (nats per row)`, width, 2), "", ...formula.map((line, at) => (at === 0 ? `  L = ${line}` : `      ${line}`))];
}

function termBlock(objective: Objective): readonly string[] {
  const lines = ["Terms"];
  for (const term of objective.terms) {
    lines.push("", ...formulaLines(term.formula, width - 6).map((line, at) => (at === 0 ? `  ${term.name}\n      ${line}` : `      ${line}`)));
    const facts = [place(term), axesText(term.axes), `weight ${weightText(term)}`, term.estimator, term.exactness].filter((fact) => fact !== "");
    lines.push(...wrapText(facts.join(" · "), width - 6).map((line) => `      ${line}`));
    if (term.factors.length > 0) lines.push(`      factors ${term.factors.join(", ")}`);
    lines.push(...wrapText(term.reason, width - 6).map((line) => `      ${line}`));
  }
  return lines.flatMap((line) => line.split("\n"));
}

/** `models/vae.lvm:19`. */
export function place(node: Pick<Term | LatentPlan, "origin">): string {
  return `${node.origin.source.path}:${lineOf(node.origin)}`;
}

/** `mean over rows, sum over t = 1..5 and x (28 × 28 × 1)`. */
export function axesText(axes: readonly TermAxis[]): string {
  const rows = axes.some((axis) => axis.kind === "rows") ? ["mean over rows"] : [];
  const plates = axes.filter((axis) => axis.kind === "plate").map((axis) => axis.name);
  const events = new Map<string, string[]>();
  for (const axis of axes) {
    if (axis.kind !== "event") continue;
    const [site = "", size] = axis.name.split(": ");
    const name = site.replace(/\.\d+$/, "");
    events.set(name, [...(events.get(name) ?? []), size === undefined ? String(axis.size) : `${size} = ${axis.size}`]);
  }
  const sums = [...plates, ...[...events].map(([, sizes]) => sizes.join(" × "))];
  return [...rows, ...(sums.length > 0 ? [`sum over ${sums.join(", ")}`] : [])].join(", ");
}

/** `4 · a · 1/N`; 1 where nothing was changed. */
export function weightText(term: Term): string {
  const { factor, annealed, perDataset, freeBits } = term.weight;
  const parts = [factor !== 1 || (!annealed && !perDataset) ? String(factor) : "", annealed ? "a" : "", perDataset ? "1/N" : ""].filter((part) => part !== "");
  return parts.join(" · ") + (freeBits > 0 ? `, free bits ${freeBits}` : "");
}

function latentBlock(objective: Objective): readonly string[] {
  if (objective.latents.length === 0) return [];
  const rows = objective.latents.map((plan) => [plan.sites.join(", "), plan.scope, plan.guide === "guide-site" ? "by the guide" : plan.guide, plan.estimator] as const);
  const header = ["latent", "scope", "inferred", "estimator"] as const;
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? "").length)));
  const indent = widths.reduce((total, next) => total + next + 2, 2);
  const roomy = width - indent >= 30;
  const lines = ["Latents", "", `  ${header.map((title, at) => title.padEnd(widths[at] ?? 0)).join("  ")}${roomy ? "  why" : ""}`.trimEnd()];
  objective.latents.forEach((plan, at) => {
    const cells = (rows[at] ?? []).map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
    const why = wrapText(plan.reason, roomy ? width - indent : width - 6);
    if (roomy) lines.push(...why.map((line, row) => (row === 0 ? `  ${cells}  ${line}` : " ".repeat(indent) + line)));
    else lines.push(`  ${cells}`.trimEnd(), ...why.map((line) => `      ${line}`));
    if (plan.estimator === "score-function") lines.push(...wrapText(`downstream: ${plan.downstream.join(", ")}`, width - 6).map((line) => `      ${line}`));
  });
  return [...lines, ""];
}

function derivationBlock(steps: readonly DerivationStep[]): readonly string[] {
  if (steps.length === 0) return [];
  const lines = ["Derivation"];
  steps.forEach((step, at) => {
    const chained = step.relation !== "";
    const aside = at > 0 && !chained;
    if (aside || at === 0) lines.push("");
    const lead = chained ? `    ${step.relation} ` : "  ";
    const shown = formulaLines(step.formula, width - lead.length);
    lines.push(...shown.map((line, row) => (row === 0 ? lead + line : " ".repeat(lead.length) + line)));
    lines.push(...wrapText(step.rule, width - 12).map((line, row) => `          ${row === 0 ? "(" : " "}${line}`).map((line, row, all) => (row === all.length - 1 ? `${line})` : line)));
  });
  return [...lines, ""];
}

function constraintBlock(objective: Objective): readonly string[] {
  if (objective.constraints.length === 0) return [];
  return ["Constraints", "", ...objective.constraints.map((constraint) => `  ${constraint.name} ${constraint.relation === "<=" ? "≤" : "≥"} ${constraint.bound} nats per row, on ${constraint.terms.join(" + ")}`)];
}

