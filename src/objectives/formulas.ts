import { type Binding, type DistributionCall, type Expr, isDistributionCall, letterOf, type Plate, type Reference } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import { positionalParameters } from "./families.js";
import { dims } from "../types/type.js";
import { call, density, fraction, negative, number, product, relation, squared, subscript, sum, superscript, symbol } from "./formula-parts.js";
import { atIndex, type Index, indexFormula, type Piece, type Place, siteAt } from "./pieces.js";
import type { Setting } from "./setting.js";

export * from "./formula-parts.js";

/** The user's expressions and densities as formulas. */
const deepest = 6;

/** An expression as the user wrote it, in names; deeper than a formula can show it becomes `…`. */
export function formulaOf(place: Place, expr: Expr, depth = 0): Formula {
  if (depth > deepest) return symbol("…");
  const inner = (next: Expr): Formula => formulaOf(place, next, depth + 1);
  switch (expr.kind) {
    case "number":
      // A number that was computed is shown so where it is short: 784, but sqrt(0.5).
      return expr.written && String(expr.value).length > 6 ? inner(expr.written) : number(expr.value);
    case "constant":
      return expr.name ? symbol(expr.name) : expr.written ? inner(expr.written) : arrayFormula(expr.values, dims(expr.type));
    case "reference":
      return named(expr.to, ownSteps(place, expr.to));
    case "loop-variable":
      return indexFormula(stepAt(place, expr.plate, 0));
    case "step":
    case "position": {
      const { target, index } = indicesOf(place, expr);
      return target.kind === "reference" ? named(target.to, index) : atIndex(inner(target), index);
    }
    case "slice": {
      const first = expr.target.kind === "reference" ? (platesOf(place, expr.target.to)[0]?.from ?? 1) : 1;
      return subscript(inner(expr.target), symbol(`${expr.start + first}..${expr.start + first + expr.length - 1}`));
    }
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

/** A name with its steps. A `local` of the guide has one value for each row n; of a network's result `q.mean` the steps belong to q. */
function named(to: Reference, index: readonly (Index | Formula)[]): Formula {
  if (to.kind === "parameter" && to.name.startsWith("local.")) return atIndex(symbol(to.name.slice("local.".length)), [symbol("n"), ...index]);
  const [result = "", output] = to.name.split(".");
  if (to.kind === "binding" && output !== undefined && index.length > 0) return call(`.${output}`, atIndex(symbol(result), index));
  return atIndex(symbol(to.name), index);
}

/** The brackets behind a value: `z[s, t - 1]` with the positions as the user counts them, and the value itself. */
export function indicesOf(place: Place, expr: Extract<Expr, { readonly kind: "step" | "position" }>): { readonly target: Expr; readonly index: readonly Index[] } {
  const taken: (typeof expr)[] = [];
  let target: Expr = expr;
  for (; target.kind === "step" || target.kind === "position"; target = target.target) taken.unshift(target);
  const { to } = target.kind === "reference" ? target : { to: undefined };
  const own = to ? ownSteps(place, to) : [];
  const plates = to && own.length === 0 ? platesOf(place, to) : [];
  const index = taken.map((each, axis): Index => {
    const first = plates[axis]?.from ?? 1;
    if (each.kind === "position") return { offset: each.at + first };
    return stepAt(place, each.plate, each.offset + (first - 1));
  });
  return { target, index: [...own, ...index] };
}

function stepAt({ at }: Place, plate: Plate, offset: number): Index {
  const here = at.get(plate.name) ?? { letter: letterOf(plate), offset: 0 };
  return { ...here, offset: here.offset + offset };
}

/** The loops of a name: a read of all of it counts along these. */
export function platesOf({ setting, side }: Place, to: Reference): readonly Plate[] {
  if (to.kind === "binding") return bindingOf(setting, side, to.name)?.plates ?? [];
  if (to.kind !== "site") return [];
  const entry = side === "guide" ? setting.graph.entryOf(to.name) : undefined;
  return entry?.kind === "guide-site" ? entry.plates : setting.graph.site(to.name).plates;
}

export function bindingOf(setting: Setting, side: Place["side"], name: string): Binding | undefined {
  const steps: readonly { readonly kind: string }[] = setting.program[side];
  return steps.find((step): step is Binding => step.kind === "binding" && (step as Binding).name === name);
}

/** The steps at which a name without brackets is read inside its own loops. */
export function ownSteps(place: Place, to: Reference): readonly Index[] {
  if ((to.kind !== "site" && to.kind !== "binding") || to.whole) return [];
  return platesOf(place, to).flatMap((plate) => place.at.get(plate.name) ?? []);
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
export function familyFormula(place: Place, distribution: DistributionCall): Formula {
  return call(distribution.distribution, ...argumentFormulas(place, distribution));
}

/** Arguments in the order of the parameterization; those that stand where the first parameterization has them go without their names. */
export function argumentFormulas(place: Place, distribution: DistributionCall): readonly Formula[] {
  const places = positionalParameters(distribution.distribution);
  const rank = (name: string): number => (places.includes(name) ? places.indexOf(name) : places.length);
  const entries = Object.entries(distribution.args).sort(([left], [right]) => rank(left) - rank(right));
  return entries.map(([name, value], at) => {
    const shown = isDistributionCall(value) ? familyFormula(place, value) : argument(place, value);
    return places[at] === name ? shown : relation(symbol(name), "=", shown);
  });
}

/** An expression with the outputs of single-output networks written without the output's name: `decoder(z)`. */
export function argument(place: Place, expr: Expr): Formula {
  const single = new Set(place.setting.program.networks.filter((network) => network.outputs.length === 1).map((network) => network.name));
  return dropOutputs(formulaOf(place, expr), single);
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
    case "list":
      return { ...formula, items: formula.items.map(again) };
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
export function modelDensity(site: string, piece: Piece): Formula {
  return density(piece.prior.distribution, [siteAt(site, piece)], [], argumentFormulas(piece.inModel, piece.prior));
}

/** `Normal(encoder(x).mean, encoder(x).scale)`, or `q(z)` for automatic guides: the guide's distribution of a site. */
export function guideFamily(setting: Setting, site: string, piece: Piece): Formula {
  return piece.guide ? familyFormula(piece.inGuide, piece.guide) : autoDensity(setting, site, piece);
}

/** The guide's density of one site with its family's name, or q(z) in an automatic group. */
export function guideOwnDensity(setting: Setting, site: string, piece: Piece): Formula {
  if (!piece.guide) return autoDensity(setting, site, piece);
  return density(piece.guide.distribution, [siteAt(site, piece)], [], argumentFormulas(piece.inGuide, piece.guide));
}

function autoDensity(setting: Setting, site: string, piece: Piece): Formula {
  return piece.index.length === 0 ? guideDensity(setting, [site]) : density("q", [siteAt(site, piece)]);
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
