import type { Objective, Term, TermKind } from "../ir/objective/objective.js";
import type { Formula } from "../ir/objective/formula.js";
import { bigSum, call, density, fraction, log, negative, number, product, relation, subscript, sum, symbol } from "./formulas.js";

/** The whole objective as one formula: the terms with their weights, multipliers and, if importance-weighted, the log-mean-exp. */
export function totalFormula(objective: Pick<Objective, "bound" | "samples" | "terms" | "constraints">): Formula {
  const multipliers = objective.constraints.map((constraint) => {
    const quantities = objective.terms.filter((term) => constraint.terms.includes(term.name)).map((term) => (constraint.quantity === "kl" ? negate(term.formula) : term.formula));
    const [first, second] = constraint.relation === "<=" ? [number(constraint.bound), negate(sum(...quantities))] : [sum(...quantities), number(-constraint.bound)];
    return product(subscript(symbol("λ"), symbol(constraint.name.replace(/^.*\((.*)\)$/, "$1"))), sum(first, second));
  });
  if (objective.bound !== "importance-weighted") return flatSum([...objective.terms.map(weightedTerm), ...multipliers]);
  const inside = objective.terms.filter(isInside);
  return flatSum([weightedLogMeanExp(inside, objective.samples), ...objective.terms.filter((term) => !isInside(term)).map(weightedTerm), ...multipliers]);
}

/** Row terms other than supervision are factors of the importance weights. */
function isInside(term: Term): boolean {
  return term.kind !== "supervision" && !term.weight.perDataset;
}

/** E_{draws}[log 1/K Σ_k exp(Σ terms at draw k)], as weights p/q. */
function weightedLogMeanExp(inside: readonly Term[], samples: number): Formula {
  const under = inside.find((term) => term.expectation.length > 0)?.formula;
  const guide = under?.kind === "expectation" ? under.under : density("q", [symbol("z")]);
  const exponent = flatSum(inside.map((term) => atDraw(term.formula)));
  return { kind: "expectation", under: guide, of: log(product(fraction(number(1), number(samples)), bigSum("k", call("exp", exponent), number(1), number(samples)))) };
}

/** A term's integrand without its expectation. */
export function atDraw(formula: Formula): Formula {
  if (formula.kind === "expectation") return formula.of;
  if (formula.kind === "negative") return negative(atDraw(formula.of));
  return formula;
}

/** One term with its weight: `−4 a · KL(…)`, `1/N · E[…]`. */
export function weightedTerm(term: Term): Formula {
  const { factor, annealed, perDataset, freeBits } = term.weight;
  const factors: Formula[] = [];
  if (perDataset) factors.push(fraction(number(1), symbol("N")));
  if (factor !== 1) factors.push(number(factor));
  if (annealed) factors.push(symbol("a"));
  const minus = term.formula.kind === "negative";
  const magnitude = term.formula.kind === "negative" ? term.formula.of : term.formula;
  const kl = minus ? magnitude : negate(magnitude);
  if (freeBits > 0) return negative(product(...factors, bigSum("j", call("max", number(freeBits), subscript(kl, symbol("j"))))));
  if (factors.length === 0) return term.formula;
  return minus ? negative(product(...factors, magnitude)) : product(...factors, magnitude);
}

function negate(formula: Formula): Formula {
  return formula.kind === "negative" ? formula.of : negative(formula);
}

function flatSum(terms: readonly Formula[]): Formula {
  return sum(...terms.flatMap((term) => (term.kind === "sum" ? term.terms : [term])));
}

/** Which kinds of terms pull latents towards their priors. */
export const priorKinds: readonly TermKind[] = ["kl", "log-ratio", "cross-entropy", "entropy", "log-prior"];

/** `L = …`. */
export const named = (total: Formula): Formula => relation(symbol("L"), "=", total);
