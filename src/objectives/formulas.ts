import { type DistributionCall, type Expr, isDistributionCall } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import { positionalParameters } from "./families.js";
import { dims } from "../types/type.js";
import type { Setting } from "./setting.js";

/** Constructors of formulas, and the user's expressions and densities as formulas. */
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

const deepest = 6;

/** An expression as the user wrote it, in names; deeper than a formula can show it becomes `…`. */
export function formulaOf(expr: Expr, depth = 0): Formula {
  if (depth > deepest) return symbol("…");
  const inner = (next: Expr): Formula => formulaOf(next, depth + 1);
  switch (expr.kind) {
    case "number":
      // A number that was computed is shown so where it is short: 784, but sqrt(0.5).
      return expr.written && String(expr.value).length > 6 ? inner(expr.written) : number(expr.value);
    case "constant":
      return expr.name ? symbol(expr.name) : expr.written ? inner(expr.written) : arrayFormula(expr.values, dims(expr.type));
    case "reference":
      // A `local` of the guide has one value for each row n.
      return expr.to.kind === "parameter" && expr.to.name.startsWith("local.") ? subscript(symbol(expr.to.name.slice("local.".length)), symbol("n")) : symbol(expr.to.name);
    case "loop-variable":
      return symbol(expr.plate.name);
    case "step": {
      const at = expr.offset === 0 ? symbol(expr.plate.name) : sum(symbol(expr.plate.name), number(expr.offset));
      return subscript(inner(expr.target), at);
    }
    case "position":
      return subscript(inner(expr.target), number(expr.at + 1));
    case "slice":
      return subscript(inner(expr.target), symbol(`${expr.start + 1}..${expr.start + expr.length}`));
    case "gather":
      return subscript(inner(expr.target), inner(expr.index));
    case "call": {
      const made = call(expr.network, ...expr.args.map(inner));
      return { kind: "call", name: "." + expr.output, args: [made] };
    }
    case "layer":
      return call(expr.layer, ...expr.args.map(inner));
    case "apply":
      return applyFormula(expr.function, expr.args.map(inner));
  }
}

/** A constant array without a name: `ones[3]`, `[1, 2]`, and the first numbers of a long one. */
function arrayFormula(values: readonly number[], shape: readonly number[]): Formula {
  const [first] = values;
  if (first === undefined) return symbol("[]");
  if (values.length === 1) return number(first);
  if ((first === 0 || first === 1) && values.every((value) => value === first)) return subscript(symbol(first === 0 ? "zeros" : "ones"), shape.length === 1 ? number(values.length) : symbol(shape.join(", ")));
  return values.length <= 6 ? call("", ...values.map(number)) : call("", ...values.slice(0, 3).map(number), symbol("…"));
}

function applyFormula(name: string, args: readonly Formula[]): Formula {
  const [left, right] = args;
  if (left && right) {
    if (name === "add") return sum(left, right);
    if (name === "subtract") return sum(left, negative(right));
    if (name === "multiply") return product(left, right);
    if (name === "matmul") return product(left, right);
    if (name === "divide") return fraction(left, right);
    if (name === "power") return superscript(left, right);
  }
  if (left && args.length === 1) {
    if (name === "negate") return negative(left);
    if (name === "square") return squared(left);
    if (name === "broadcast" || name === "reshape" || name === "flatten") return left;
  }
  return call(name, ...args);
}

/** `Normal(0, 1)`, `Bernoulli(logits = decoder(z))`: the family and its arguments as a call. */
export function familyFormula(setting: Setting, distribution: DistributionCall): Formula {
  return call(distribution.distribution, ...argumentFormulas(setting, distribution));
}

/** Arguments in the order of the parameterization; those that stand where the first parameterization has them go without their names. */
export function argumentFormulas(setting: Setting, distribution: DistributionCall): readonly Formula[] {
  const places = positionalParameters(distribution.distribution);
  const rank = (name: string): number => (places.includes(name) ? places.indexOf(name) : places.length);
  const entries = Object.entries(distribution.args).sort(([left], [right]) => rank(left) - rank(right));
  return entries.map(([name, value], at) => {
    const shown = isDistributionCall(value) ? familyFormula(setting, value) : argument(setting, value);
    return places[at] === name ? shown : relation(symbol(name), "=", shown);
  });
}

/** An expression with the outputs of single-output networks written without the output's name: `decoder(z)`. */
export function argument(setting: Setting, expr: Expr): Formula {
  const single = new Set(setting.program.networks.filter((network) => network.outputs.length === 1).map((network) => network.name));
  return dropOutputs(formulaOf(expr), single);
}

/** `.logits` around a call of a network with one output is dropped, everywhere in the formula. */
function dropOutputs(formula: Formula, single: ReadonlySet<string>): Formula {
  const again = (inner: Formula): Formula => dropOutputs(inner, single);
  switch (formula.kind) {
    case "call": {
      const [only] = formula.args;
      if (formula.name.startsWith(".") && only?.kind === "call" && single.has(only.name)) return again(only);
      return { ...formula, args: formula.args.map(again) };
    }
    case "subscript":
      return { ...formula, base: again(formula.base), subscript: again(formula.subscript) };
    case "superscript":
      return { ...formula, base: again(formula.base), superscript: again(formula.superscript) };
    case "sum":
      return { ...formula, terms: formula.terms.map(again) };
    case "product":
      return { ...formula, factors: formula.factors.map(again) };
    case "negative":
      return { ...formula, of: again(formula.of) };
    case "fraction":
      return { ...formula, numerator: again(formula.numerator), denominator: again(formula.denominator) };
    default:
      return formula;
  }
}

/** `Bernoulli(x; logits = decoder(z))`: the density of a site's value under the model, with its family's name. */
export function modelDensity(setting: Setting, site: string): Formula {
  const { distribution } = setting.graph.site(site);
  return density(distribution.distribution, [symbol(site)], [], argumentFormulas(setting, distribution));
}

/** `Normal(encoder(x).mean, encoder(x).scale)`, or `q(z)` for automatic guides: the guide's distribution of a site. */
export function guideFamily(setting: Setting, site: string): Formula {
  const entry = setting.graph.entryOf(site);
  return entry?.kind === "guide-site" ? familyFormula(setting, entry.distribution) : guideDensity(setting, [site]);
}

/** `q(z | x)`: of several sites jointly, given the columns and latents that their guide entries read. */
export function guideDensity(setting: Setting, sites: readonly string[]): Formula {
  const given = new Set<string>();
  for (const site of sites) {
    const reads = setting.graph.guideReads(site);
    for (const column of reads.columns) given.add(column);
    for (const latent of reads.latents) if (!sites.includes(latent)) given.add(latent);
  }
  return density("q", sites.map(symbol), [...given].map(symbol));
}

/** `p(x | z)`: the density of one site under the model by name, given what it reads. */
export function namedModelDensity(setting: Setting, site: string): Formula {
  const reads = setting.graph.modelReads(site);
  return density("p", [symbol(site)], [...reads.latents, ...reads.columns].map(symbol));
}

/** The guide under which an expectation over these drawn sites stands; undefined when nothing is random in them. */
export function underGuide(setting: Setting, drawn: readonly string[], random: (site: string) => boolean): Formula | undefined {
  const sites = drawn.filter(random);
  return sites.length === 0 ? undefined : guideDensity(setting, sites);
}
