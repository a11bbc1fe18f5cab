import type { DistributionCall } from "../ir/model/model.js";
import { isDistributionCall } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import { argument, bigSum, call, fraction, log, negative, number, product, squared, subscript, sum, superscript, symbol } from "./formulas.js";
import { outside, type Place } from "./pieces.js";
import type { Setting } from "./setting.js";

/** A divergence written out, and what its letters stand for: [`μ`, `encoder(x).mean`]. */
export interface WrittenOut {
  readonly formula: Formula;
  readonly letters: readonly (readonly [string, Formula])[];
}

/**
 * KL(q ‖ p) for a pair of families in letters: those of q are Greek, those of p Latin. Undefined for pairs whose expression is too long
 * for a line; they are named in the table of src/distributions all the same. `coordinates` = elements of the site, at one step of its loops; the places are where q and p stand.
 */
export function klWrittenOut(setting: Setting, q: DistributionCall | undefined, p: DistributionCall, coordinates: number, [inGuide, inModel]: readonly [Place, Place] = [outside(setting, "guide"), outside(setting, "model")]): WrittenOut | undefined {
  const taken = new Set([...inGuide.at.values(), ...inModel.at.values()].map((index) => index.letter));
  /** A letter that is no loop variable around the site. */
  const free = (name: string): string => (taken.has(name) ? `${name}′` : name);
  const letter = (name: string): Formula => (coordinates > 1 ? subscript(symbol(free(name)), symbol(free("j"))) : symbol(free(name)));
  const overCoordinates = (of: Formula): Formula => (coordinates > 1 ? bigSum(free("j"), of, number(1), number(coordinates)) : of);
  const left = (role: string): Formula | undefined => argumentOf(inGuide, q, role);
  const right = (role: string): Formula | undefined => argumentOf(inModel, p, role);
  const pair = `${q?.distribution ?? "Normal"} ${p.distribution}`;
  const [mu, sigma, m, s] = [letter("μ"), letter("σ"), letter("m"), letter("s")];
  const priorMean = right("mean");
  const priorScale = right("scale");
  const standard = isNumber(priorMean, 0) && isNumber(priorScale, 1);
  const letters = (entries: readonly (readonly [string, Formula | undefined])[]): WrittenOut["letters"] => entries.flatMap(([name, value]) => (value ? [[name.replace(/[a-z]$/, free), value] as const] : []));
  switch (pair) {
    case "Normal Normal": {
      const own = letters([["μ", left("mean") ?? (q ? undefined : symbol("location"))], ["σ", left("scale") ?? (q ? undefined : symbol("scale"))], ["σ²", left("variance")], ["log σ", left("log_scale")], ["1/σ²", left("precision")]]);
      if (standard) return { formula: product(number(0.5), overCoordinates(sum(squared(mu), squared(sigma), number(-1), negative(log(squared(sigma)))))), letters: own };
      return {
        formula: overCoordinates(sum(log(fraction(s, sigma)), fraction(sum(squared(sigma), squared(sum(mu, negative(m)))), product(number(2), squared(s))), number(-0.5))),
        letters: [...own, ...letters([["m", priorMean], ["s", priorScale], ["s²", right("variance")], ["log s", right("log_scale")], ["1/s²", right("precision")]])],
      };
    }
    case "MultivariateNormal Normal": {
      const mean = symbol("μ");
      const covariance = symbol("Σ");
      const own = letters([["μ", left("mean")], ["Σ", left("covariance")], ["Σ = L Lᵀ, L", left("cholesky")], ["Σ = diag(σ²), σ", left("scale")]]);
      if (!standard) return undefined;
      return {
        formula: product(number(0.5), sum(call("tr", covariance), product(superscript(mean, symbol("T")), mean), number(-coordinates), negative(log(call("det", covariance))))),
        letters: own,
      };
    }
    case "Categorical Categorical":
    case "Bernoulli Bernoulli":
      return { formula: overCoordinates(bigSum(free("k"), product(call("q", symbol(free("k"))), log(fraction(call("q", symbol(free("k"))), call("p", symbol(free("k")))))))), letters: [] };
    case "Exponential Exponential":
      return { formula: overCoordinates(sum(log(fraction(letter("λ"), letter("r"))), fraction(letter("r"), letter("λ")), number(-1))), letters: letters([["λ", left("rate")], ["r", right("rate")]]) };
    case "Poisson Poisson":
      return { formula: overCoordinates(sum(product(letter("λ"), log(fraction(letter("λ"), letter("r")))), negative(letter("λ")), letter("r"))), letters: letters([["λ", left("rate")], ["r", right("rate")]]) };
    case "HalfNormal HalfNormal":
      return {
        formula: overCoordinates(sum(log(fraction(s, sigma)), fraction(squared(sigma), product(number(2), squared(s))), number(-0.5))),
        letters: letters([["σ", left("scale")], ["s", priorScale]]),
      };
    default:
      return undefined;
  }
}

function isNumber(formula: Formula | undefined, value: number): boolean {
  return formula?.kind === "number" && formula.value === value;
}

function argumentOf(place: Place, distribution: DistributionCall | undefined, role: string): Formula | undefined {
  const value = distribution?.args[role];
  return value && !isDistributionCall(value) ? argument(place, value) : undefined;
}
