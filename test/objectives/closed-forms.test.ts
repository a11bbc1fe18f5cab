import { describe, expect, it } from "vitest";
import type { DistributionCall } from "../../src/ir/model/model.js";
import type { Formula } from "../../src/ir/objective/formula.js";
import { klWrittenOut } from "../../src/objectives/closed-forms.js";
import { settingOf } from "../../src/objectives/setting.js";
import * as b from "./build.js";

/** Guards the divergences that a reader is shown: the printed formula, evaluated, against KL by summation over a fine grid. */
type Values = ReadonlyMap<string, number>;

function evaluate(formula: Formula, values: Values): number {
  const at = (inner: Formula): number => evaluate(inner, values);
  switch (formula.kind) {
    case "number":
      return formula.value;
    case "symbol":
      return values.get(formula.name) ?? expect.fail(`no value of ${formula.name}`);
    case "subscript":
      return at(formula.base);
    case "superscript":
      return at(formula.base) ** at(formula.superscript);
    case "sum":
      return formula.terms.reduce((total, term) => total + at(term), 0);
    case "product":
      return formula.factors.reduce((total, factor) => total * at(factor), 1);
    case "negative":
      return -at(formula.of);
    case "fraction":
      return at(formula.numerator) / at(formula.denominator);
    case "log":
      return Math.log(at(formula.of));
    case "big-sum":
      // Coordinates are alike here, so a sum over j is a multiple.
      return at(formula.of) * (formula.to ? at(formula.to) : expect.fail("an open sum"));
    case "call":
      return values.get(formula.name) ?? expect.fail(`no value of ${formula.name}`);
    default:
      return expect.fail(`unexpected ${formula.kind}`);
  }
}

/** ∫ q log(q / p) by the trapezoid rule on [low, high]. */
function quadrature(logQ: (x: number) => number, logP: (x: number) => number, low: number, high: number, steps = 200_000): number {
  let total = 0;
  const width = (high - low) / steps;
  for (let step = 0; step <= steps; step++) {
    const x = low + step * width;
    const term = Math.exp(logQ(x)) * (logQ(x) - logP(x));
    if (Number.isFinite(term)) total += term * (step === 0 || step === steps ? 0.5 : 1) * width;
  }
  return total;
}

const setting = settingOf(b.vae(), "training");
const logNormal = (mean: number, scale: number) => (x: number) => -0.5 * ((x - mean) / scale) ** 2 - Math.log(scale) - 0.5 * Math.log(2 * Math.PI);
const written = (q: DistributionCall, p: DistributionCall, coordinates = 1): Formula => klWrittenOut(setting, q, p, coordinates)?.formula ?? expect.fail("not written out");

describe("a divergence written out", () => {
  it("of a Normal from the standard Normal, and of 3 coordinates", () => {
    const values = new Map([["μ", 0.7], ["σ", 0.4]]);
    const truth = quadrature(logNormal(0.7, 0.4), logNormal(0, 1), -10, 10);
    expect(evaluate(written(b.normal(b.num(0.7), b.num(0.4)), b.standard), values)).toBeCloseTo(truth, 8);
    expect(evaluate(written(b.normal(b.num(0.7), b.num(0.4)), b.standard, 3), values)).toBeCloseTo(3 * truth, 8);
  });

  it("of a Normal from any Normal", () => {
    const values = new Map([["μ", 0.7], ["σ", 0.4], ["m", -1.1], ["s", 2.3]]);
    expect(evaluate(written(b.normal(b.num(0.7), b.num(0.4)), b.normal(b.num(-1.1), b.num(2.3))), values)).toBeCloseTo(quadrature(logNormal(0.7, 0.4), logNormal(-1.1, 2.3), -15, 15), 8);
  });

  it("of a HalfNormal, an Exponential", () => {
    const logHalf = (scale: number) => (x: number) => logNormal(0, scale)(x) + Math.LN2;
    const half = (scale: number) => b.dist("HalfNormal", { scale: b.num(scale) });
    expect(evaluate(written(half(0.4), half(1.7)), new Map([["σ", 0.4], ["s", 1.7]]))).toBeCloseTo(quadrature(logHalf(0.4), logHalf(1.7), 0, 10), 6);
    const logExponential = (rate: number) => (x: number) => Math.log(rate) - rate * x;
    const exponential = (rate: number) => b.dist("Exponential", { rate: b.num(rate) });
    expect(evaluate(written(exponential(2), exponential(0.5)), new Map([["λ", 2], ["r", 0.5]]))).toBeCloseTo(quadrature(logExponential(2), logExponential(0.5), 0, 30), 6);
  });

  it("of a Poisson, by summation", () => {
    const logPoisson = (rate: number) => {
      const table = [-rate];
      for (let k = 1; k < 200; k++) table.push((table[k - 1] ?? 0) + Math.log(rate) - Math.log(k));
      return table;
    };
    const [q, p] = [logPoisson(3.5), logPoisson(1.2)];
    const truth = q.reduce((total, logQ, k) => total + Math.exp(logQ) * (logQ - (p[k] ?? 0)), 0);
    const poisson = (rate: number) => b.dist("Poisson", { rate: b.num(rate) });
    expect(evaluate(written(poisson(3.5), poisson(1.2)), new Map([["λ", 3.5], ["r", 1.2]]))).toBeCloseTo(truth, 10);
  });

  it("of a multivariate Normal from independent standard Normals, in two dimensions", () => {
    // ½ (tr Σ + μᵀ μ − K − log det Σ) with Σ = diag(0.4², 0.9²): the sum of two divergences in one dimension.
    const truth = quadrature(logNormal(0.7, 0.4), logNormal(0, 1), -10, 10) + quadrature(logNormal(-0.2, 0.9), logNormal(0, 1), -10, 10);
    const formula = written(b.dist("MultivariateNormal", { mean: b.num(0), cholesky: b.num(1) }), b.standard, 2);
    const inner = (node: Formula): Formula => (node.kind === "product" && node.factors.some((factor) => factor.kind === "superscript") ? { kind: "number", value: 0.7 ** 2 + 0.2 ** 2 } : node);
    const replaced: Formula = formula.kind === "product" ? { ...formula, factors: formula.factors.map((factor) => (factor.kind === "sum" ? { ...factor, terms: factor.terms.map(inner) } : factor)) } : formula;
    expect(evaluate(replaced, new Map([["tr", 0.4 ** 2 + 0.9 ** 2], ["det", (0.4 * 0.9) ** 2]]))).toBeCloseTo(truth, 8);
  });
});
