import type { Objective, Term } from "../ir/objective/objective.js";
import type { Formula } from "../ir/objective/formula.js";
import { bigSum, call, density, expectation, fraction, log, negative, number, product, relation, subscript, sum, superscript, symbol } from "./formulas.js";

/** What the formula of the whole objective depends on. */
export type Summed = Pick<Objective, "bound" | "samples" | "terms" | "constraints" | "latents">;

/** The whole objective as one formula: the terms with their weights, multipliers and, if importance-weighted, the log-mean-exp. */
export function totalFormula(objective: Summed): Formula {
  const multipliers = objective.constraints.map((constraint) => {
    const quantities = objective.terms.filter((term) => constraint.terms.includes(term.name)).map((term) => (constraint.quantity === "kl" ? negate(term.formula) : term.formula));
    const [first, second] = constraint.relation === "<=" ? [number(constraint.bound), negate(sum(...quantities))] : [sum(...quantities), number(-constraint.bound)];
    return product(subscript(symbol("λ"), symbol(constraint.name.replace(/^.*\((.*)\)$/, "$1"))), sum(first, second));
  });
  if (objective.bound !== "importance-weighted") return flatSum([...objective.terms.filter((term) => term.weight.factor !== 0).map(weightedTerm), ...multipliers]);
  const inside = objective.terms.filter(isInside);
  return flatSum([weightedLogMeanExp(objective, inside), ...objective.terms.filter((term) => !isInside(term)).map(weightedTerm), ...multipliers]);
}

/** Row terms other than supervision are factors of the importance weights. */
function isInside(term: Term): boolean {
  return term.kind !== "supervision" && !term.weight.perDataset;
}

/** E_{K draws}[log 1/K Σ_k exp(Σ terms at draw k)]; enumerated latents stand outside, as each of their values has its own mean of weights. */
function weightedLogMeanExp(objective: Summed, inside: readonly Term[]): Formula {
  const samples = number(objective.samples);
  const guide = inside.flatMap((term) => guidesIn(term.formula)).reduce<Density | undefined>((most, under) => (under.of.length > (most?.of.length ?? 0) ? under : most), undefined);
  const enumerated = new Set(objective.latents.filter((plan) => plan.estimator === "enumeration").flatMap((plan) => plan.sites));
  const isEnumerated = (variable: Formula): boolean => variable.kind === "symbol" && enumerated.has(variable.name);
  const mean = log(product(fraction(number(1), samples), bigSum("k", call("exp", flatSum(inside.map((term) => atDraw(term.formula)))), number(1), samples)));
  if (!guide) return mean;
  const summed = guide.of.filter(isEnumerated);
  const drawn = guide.of.filter((variable) => !isEnumerated(variable));
  const inner = drawn.length === 0 ? mean : expectation(superscript(density("q", drawn, [...guide.given, ...summed]), samples), mean);
  return summed.length === 0 ? inner : expectation(density("q", summed, guide.given), inner);
}

type Density = Extract<Formula, { readonly kind: "density" }>;

/** The guides under which the expectations of a term stand. */
function guidesIn(formula: Formula): readonly Density[] {
  if (formula.kind === "expectation") return formula.under.kind === "density" ? [formula.under] : [];
  if (formula.kind === "negative" || formula.kind === "big-sum") return guidesIn(formula.of);
  return formula.kind === "sum" ? formula.terms.flatMap(guidesIn) : [];
}

/** The parts of a term that are summed over steps, changed one by one. */
export function mapSummands(formula: Formula, change: (summand: Formula) => Formula): Formula {
  if (formula.kind === "negative") return negative(mapSummands(formula.of, change));
  if (formula.kind === "big-sum") return { ...formula, of: mapSummands(formula.of, change) };
  if (formula.kind === "sum") return sum(...formula.terms.map((term) => mapSummands(term, change)));
  return change(formula);
}

/** A term's integrand without its expectation. */
export function atDraw(formula: Formula): Formula {
  return mapSummands(formula, (summand) => (summand.kind === "expectation" ? summand.of : summand));
}

/** One term with its weight: `−4 a · KL(…)`, `1/N · E[…]`. */
export function weightedTerm(term: Term): Formula {
  const { factor, annealed, perDataset, freeBits } = term.weight;
  const factors: Formula[] = [];
  if (perDataset) factors.push(fraction(number(1), symbol("N")));
  if (factor !== 1) factors.push(number(factor));
  if (annealed) factors.push(symbol("a"));
  const minus = isMinus(term.formula);
  const magnitude = minus ? negate(term.formula) : term.formula;
  // Of a closed form the parts are KLs, of a log-ratio their negatives.
  const clamp = (part: Formula): Formula => bigSum("j", call("max", number(freeBits), subscript(minus ? part : negate(part), symbol("j"))));
  if (freeBits > 0) {
    const clamped = mapSummands(magnitude, clamp);
    return factors.length === 0 && clamped.kind === "sum" ? sum(...clamped.terms.map(negative)) : negative(product(...factors, clamped));
  }
  if (factors.length === 0) return term.formula;
  return minus ? negative(product(...factors, magnitude)) : product(...factors, magnitude);
}

function negate(formula: Formula): Formula {
  if (formula.kind === "sum" && isMinus(formula)) return sum(...formula.terms.map(negate));
  return formula.kind === "negative" ? formula.of : negative(formula);
}

function isMinus(formula: Formula): boolean {
  return formula.kind === "negative" || (formula.kind === "sum" && formula.terms.every(isMinus));
}

function flatSum(terms: readonly Formula[]): Formula {
  return sum(...terms.flatMap((term) => (term.kind === "sum" ? term.terms : [term])));
}

/** `L = …`. */
export const named = (total: Formula): Formula => relation(symbol("L"), "=", total);
