import type { Formula } from "../ir/objective/formula.js";

/** Constructors of formulas. */
export const symbol = (name: string): Formula => ({ kind: "symbol", name });
export const number = (value: number): Formula => ({ kind: "number", value });
export const call = (name: string, ...args: Formula[]): Formula => ({ kind: "call", name, args });
export const log = (of: Formula): Formula => ({ kind: "log", of });
export const negative = (of: Formula): Formula => ({ kind: "negative", of });
export const fraction = (numerator: Formula, denominator: Formula): Formula => ({ kind: "fraction", numerator, denominator });
export const subscript = (base: Formula, below: Formula): Formula => ({ kind: "subscript", base, subscript: below });
export const superscript = (base: Formula, above: Formula): Formula => ({ kind: "superscript", base, superscript: above });
export const squared = (base: Formula): Formula => superscript(base, number(2));
export const divergence = (left: Formula, right: Formula): Formula => ({ kind: "divergence", left, right });
export const bigSum = (index: string, of: Formula, from?: Formula, to?: Formula): Formula => ({ kind: "big-sum", index, from, to, of });
export const bigProduct = (index: string, of: Formula, from?: Formula, to?: Formula): Formula => ({ kind: "big-product", index, from, to, of });
export const list = (items: readonly Formula[]): Formula => ({ kind: "list", items });
export const relation = (left: Formula, sign: string, right: Formula): Formula => ({ kind: "relation", left, relation: sign, right });
export const density = (name: string, of: readonly Formula[], given: readonly Formula[] = [], parameters: readonly Formula[] = []): Formula => ({ kind: "density", name, of, given, parameters });

/** a + b; one term stays itself. */
export function sum(...terms: Formula[]): Formula {
  return terms.length === 1 && terms[0] ? terms[0] : { kind: "sum", terms };
}

/** a · b; factors 1 vanish. */
export function product(...factors: Formula[]): Formula {
  const kept = factors.filter((factor) => !(factor.kind === "number" && factor.value === 1));
  return kept.length === 1 && kept[0] ? kept[0] : { kind: "product", factors: kept };
}

/** E_under[of]; without anything drawn it is `of` itself. */
export function expectation(under: Formula | undefined, of: Formula): Formula {
  return under ? { kind: "expectation", under, of } : of;
}
