import type { Term } from "../../ir/objective/objective.js";
import { formulaLines } from "../../objectives/formula-text.js";
import { weightText } from "../../objectives/print-text.js";
import type * as ast from "../../parser/ast.js";
import type { Analysis } from "../analysis.js";
import { code, type Part, text, verbatim } from "../markup.js";
import type { Declaration, Occurrence } from "../names.js";
import { guideItem, modelItem } from "../vocabulary.js";
import { listed, programOf, statementText } from "./facts.js";

/** Columns of a formula. */
const width = 84;

/** A random variable: how it is drawn and inferred, what it reads, its terms of the objective and how they are estimated. */
export function siteParts(analysis: Analysis, declaration: Declaration): readonly Part[] {
  const { owner, name } = declaration;
  if (owner?.kind !== "model") return [];
  const model = modelItem(analysis, owner.name.name) ?? owner;
  const drawn = entriesOf(model.body, name);
  const guide = guideItem(analysis, owner.name.name);
  const inferred = guide ? entriesOf(guide.body, name) : [];
  return [
    code(drawn.map(({ span }) => statementText(span)).join("\n")),
    text(dependences(analysis, declaration, drawn, "Parents")),
    ...(guide && inferred.length > 0 ? [text(`In the guide:`), code(inferred.map(({ span }) => statementText(span)).join("\n")), text(dependences(analysis, declaration, inferred, "Given"))] : []),
    ...objectiveParts(analysis, owner, name),
  ];
}

/** The statements that say something of a site, in loops too. */
export function entriesOf(body: readonly ast.Statement[], name: string): readonly ast.Statement[] {
  return body.flatMap((statement): readonly ast.Statement[] => {
    if (statement.kind === "loop") return entriesOf(statement.body, name);
    if (statement.kind === "sample") return statement.name.name === name ? [statement] : [];
    return (statement.kind === "auto" || statement.kind === "marginalize") && statement.sites.some((site) => site.name === name) ? [statement] : [];
  });
}

/** What the distributions of these statements read: random variables and columns through computed values, and what is learnt. From the syntax, so it is said of broken files too. */
function dependences(analysis: Analysis, declaration: Declaration, statements: readonly ast.Statement[], title: string): string {
  const random = new Set<string>();
  const learnt = new Set<string>();
  const seen = new Set<Declaration>();
  const queue = statements.flatMap((statement) => (statement.kind === "sample" ? [statement.distribution.span] : []));
  // Computed values join behind.
  for (const span of queue) {
    for (const { role, declaration: found } of occurrencesIn(analysis.names.occurrences, span)) {
      if (role !== "read") continue;
      if (found.kind === "latent" || found.kind === "column") random.add(found === declaration ? `${found.name} of other steps` : found.name);
      else if (found.kind === "parameter" || found.kind === "local" || found.kind === "network") learnt.add(found.name);
      else if (found.kind === "import") {
        if (analysis.facts.context.networks.has(found.name) || analysis.facts.context.parameterItems.has(found.name)) learnt.add(found.name);
      } else if (found.kind === "binding" && !seen.has(found)) {
        seen.add(found);
        if (found.node.kind === "let") queue.push(found.node.value.span);
      }
    }
  }
  const parts = [random.size > 0 ? `${title}: ${listed([...random])}` : statements.some(({ kind }) => kind === "sample") ? `${title}: none` : "", learnt.size > 0 ? `learnt: ${listed([...learnt])}` : ""];
  return parts.filter((part) => part !== "").join(" · ");
}

/** Names within a span; they stand in the order of the file. */
function occurrencesIn(occurrences: readonly Occurrence[], { start, end }: ast.Node["span"]): readonly Occurrence[] {
  let low = 0;
  for (let high = occurrences.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (occurrences[middle]!.span.start < start) low = middle + 1;
    else high = middle;
  }
  let after = low;
  while (after < occurrences.length && occurrences[after]!.span.start < end) after += 1;
  return occurrences.slice(low, after);
}

function objectiveParts(analysis: Analysis, model: ast.ModelItem, name: string): readonly Part[] {
  const program = programOf(analysis, model);
  if (!program) return [];
  const { terms, latents } = analysis.objective(program);
  const own = terms.filter(({ sites, factors }) => sites.includes(name) || factors.includes(name));
  const plan = latents.find(({ sites }) => sites.includes(name));
  return [
    ...own.flatMap(termParts),
    ...(plan ? [text(`Gradient of the draws: **${plan.estimator}** (${plan.reason}).`)] : []),
  ];
}

/** A term of the objective: its formula, how it is computed and why so. */
function termParts(term: Term): readonly Part[] {
  const weight = weightText(term);
  return [
    text(`Term \`${term.name}\`: ${term.estimator}, ${term.exactness}${weight === "1" ? "" : `, weight ${weight}`} (${term.reason}).`),
    verbatim(formulaLines(term.formula, width).join("\n")),
  ];
}
