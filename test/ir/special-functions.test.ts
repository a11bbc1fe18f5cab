import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { betaln } from "../../src/util/math/betaln.js";
import { deviance } from "../../src/util/math/deviance.js";
import { digamma } from "../../src/util/math/digamma.js";
import { erf, erfc, erfcx } from "../../src/util/math/erf.js";
import { gammaDerivative } from "../../src/util/math/gamma-derivative.js";
import { gammaQuantileLog } from "../../src/util/math/gamma-quantile.js";
import { betaI } from "../../src/util/math/incomplete-beta.js";
import { gammaP, gammaQ } from "../../src/util/math/incomplete-gamma.js";
import { lgamma } from "../../src/util/math/lgamma.js";
import { erfInverse, logNormalCdf, normalCdf, normalQuantile } from "../../src/util/math/normal.js";
import { stirlingError } from "../../src/util/math/stirling-error.js";
import { trigamma } from "../../src/util/math/trigamma.js";
import { oneArgument, twoArguments } from "./special-values.js";

const known = new URL("../../../shared/data/known-answers/", import.meta.url);
const absent = !existsSync(known);

/** |got − expected| ≤ relative |expected| + absolute; infinities and NaN must match. Returns a message or nothing. */
function differs(label: string, got: number, expected: number, relative: number, absolute = 0): string | undefined {
  if (Object.is(got, expected) || got === expected) return undefined;
  return Math.abs(got - expected) <= relative * Math.abs(expected) + absolute ? undefined : `${label}: ${got}, not ${expected} (off by ${(got / expected - 1).toExponential(1)})`;
}

function expectAll(checks: Iterable<string | undefined>): void {
  expect([...checks].filter((message) => message !== undefined)).toEqual([]);
}

const functions: Record<string, { of: (x: number) => number; relative: number; absolute?: number }> = {
  lgamma: { of: lgamma, relative: 1e-14 },
  digamma: { of: digamma, relative: 1e-13 },
  trigamma: { of: trigamma, relative: 1e-13 },
  erf: { of: erf, relative: 1e-14 },
  erfc: { of: erfc, relative: 1e-13 },
  erfcx: { of: erfcx, relative: 1e-13 },
  erfInverse: { of: erfInverse, relative: 1e-14 },
  normalQuantile: { of: normalQuantile, relative: 1e-13 },
  normalCdf: { of: normalCdf, relative: 2e-13 },
  logNormalCdf: { of: logNormalCdf, relative: 1e-13 },
  stirlingError: { of: stirlingError, relative: 1e-13 },
};

describe("special functions against values computed with many digits", () => {
  for (const [name, cases] of Object.entries(oneArgument)) {
    it(name, () => {
      const { of, relative, absolute } = functions[name]!;
      expectAll(cases.map(([x, y]) => differs(`${name}(${x})`, of(x), y, relative, absolute)));
    });
  }
  const pairs: Record<string, { of: (a: number, b: number) => number; relative: number }> = {
    betaln: { of: betaln, relative: 1e-13 },
    deviance: { of: deviance, relative: 1e-13 },
    gammaDerivative: { of: gammaDerivative, relative: 1e-12 },
  };
  for (const [name, cases] of Object.entries(twoArguments)) {
    it(name, () => {
      const { of, relative } = pairs[name]!;
      expectAll(cases.map(([a, b, y]) => differs(`${name}(${a}, ${b})`, of(a, b), y, relative)));
    });
  }
  it("edges: poles, infinities, arguments outside the domain", () => {
    expect([lgamma(0), lgamma(-3), lgamma(1), lgamma(2), lgamma(Infinity)]).toEqual([Infinity, Infinity, 0, 0, Infinity]);
    expect([digamma(0), digamma(-2), digamma(Infinity), trigamma(0), trigamma(Infinity)]).toEqual([NaN, NaN, Infinity, Infinity, 0]);
    expect([erf(Infinity), erf(-Infinity), erfc(Infinity), erfc(-Infinity), erfInverse(1), erfInverse(-1), erfInverse(1.1)]).toEqual([1, -1, 0, 2, Infinity, -Infinity, NaN]);
    expect([normalQuantile(0), normalQuantile(1), normalQuantile(0.5), normalQuantile(-0.1)]).toEqual([-Infinity, Infinity, 0, NaN]);
    expect([logNormalCdf(-Infinity), logNormalCdf(Infinity), logNormalCdf(NaN)].map((x) => x + 0)).toEqual([-Infinity, 0, NaN]);
    expect([stirlingError(0), stirlingError(-1), stirlingError(Infinity), deviance(0, 2), deviance(2, 2), deviance(2, 0)]).toEqual([Infinity, NaN, 0, 2, 0, Infinity]);
    expect([gammaP(2, 0), gammaQ(2, 0), gammaP(2, Infinity), gammaP(-1, 2), betaI(2, 3, 0), betaI(2, 3, 1), betaI(2, 3, 2)]).toEqual([0, 1, 1, NaN, 0, 1, NaN]);
    expect([gammaDerivative(2, 0), gammaDerivative(-1, 1), betaln(0, 1), betaln(-1, 1)]).toEqual([0, NaN, Infinity, NaN]);
    for (const f of Object.values(functions)) expect(f.of(NaN)).toBeNaN();
  });
});

describe("incomplete gamma and beta", () => {
  it("closed forms: Q(n, x) is a Poisson sum, Q(½, x) = erfc √x, I_x(a, 1) = x^a, I_x(2, 3) a polynomial", () => {
    for (const x of [0.01, 0.7, 3, 20]) {
      expectAll([
        differs(`Q(1, ${x})`, gammaQ(1, x), Math.exp(-x), 1e-13),
        differs(`Q(3, ${x})`, gammaQ(3, x), Math.exp(-x) * (1 + x + (x * x) / 2), 1e-13),
        differs(`Q(½, ${x})`, gammaQ(0.5, x), erfc(Math.sqrt(x)), 1e-12),
      ]);
    }
    for (const x of [1e-5, 0.3, 0.5, 0.9]) {
      expectAll([
        differs(`I(3.3, 1, ${x})`, betaI(3.3, 1, x), x ** 3.3, 1e-13),
        differs(`I(2, 3, ${x})`, betaI(2, 3, x), x * x * (6 - 8 * x + 3 * x * x), 1e-13),
        differs(`I + I = 1 at ${x}`, betaI(0.2, 7, x) + betaI(7, 0.2, 1 - x), 1, 1e-12),
      ]);
    }
  });

  it("the gamma quantile inverts P, down to α = 1e-3", () => {
    for (const alpha of [1e-3, 0.05, 0.4, 1, 3, 50, 1e4]) {
      for (const u of [1e-12, 1e-3, 0.2, 0.5, 0.77, 0.999, 1 - 1e-12]) {
        const logZ = gammaQuantileLog(alpha, u);
        if (logZ < -700) expectAll([differs(`first term at (${alpha}, ${u})`, alpha * logZ - lgamma(alpha + 1), Math.log(u), 1e-13)]);
        else if (u > 0.5) expectAll([differs(`Q(${alpha}, z(${u}))`, gammaQ(alpha, Math.exp(logZ)), 1 - u, 1e-10)]);
        else expectAll([differs(`P(${alpha}, z(${u}))`, gammaP(alpha, Math.exp(logZ)), u, 1e-10)]);
      }
    }
  });

  it("the gamma derivative is the quantile's slope in α (central difference)", () => {
    for (const alpha of [0.03, 0.5, 2, 40, 3000]) {
      for (const u of [0.05, 0.5, 0.95]) {
        const h = alpha * 1e-4;
        const z = Math.exp(gammaQuantileLog(alpha, u));
        const slope = ((gammaQuantileLog(alpha + h, u) - gammaQuantileLog(alpha - h, u)) / (2 * h)) * z;
        expectAll([differs(`dz/dα at (${alpha}, ${u})`, gammaDerivative(alpha, z), slope, 2e-6)]);
      }
    }
  });
});

function rows(file: string): number[][] {
  const text = readFileSync(new URL(`boost/${file}.txt`, known), "utf8");
  return text.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
}

describe.skipIf(absent)("tables of the shared data: Boost", () => {
  const oneColumn: [file: string, column: number, of: (x: number) => number, relative: number, absolute: number][] = [
    ["factorials", 2, lgamma, 2e-15, 1e-15], ["near_0", 2, lgamma, 1e-14, 1e-14], ["near_1", 2, lgamma, 4e-15, 0], ["near_2", 2, lgamma, 4e-15, 0],
    ["near_m10", 2, lgamma, 1e-14, 1e-14], ["near_m55", 2, lgamma, 1e-14, 1e-14],
    ["digamma_data", 1, digamma, 1e-14, 0], ["digamma_neg_data", 1, digamma, 1e-12, 1e-13], ["digamma_root_data", 1, digamma, 1e-13, 0], ["digamma_small_data", 1, digamma, 1e-14, 0],
    ["erf_data", 1, erf, 2e-15, 0], ["erf_data", 2, erfc, 1e-13, 0], ["erf_large_data", 2, erfc, 1e-13, 0], ["erf_small_data", 1, erf, 2e-15, 0], ["erf_small_data", 2, erfc, 1e-13, 0],
    ["erf_inv_data", 1, erfInverse, 1e-14, 0],
  ];
  for (const [file, column, of, relative, absolute] of oneColumn) {
    it(`${file}, column ${column}`, () => {
      expectAll(rows(file).map((row) => differs(`f(${row[0]})`, of(row[0]!), row[column]!, relative, absolute)));
    });
  }
  it("erfc_inv: erfc x = y gives −Φ⁻¹(y/2)/√2", () => {
    for (const file of ["erfc_inv_data", "erfc_inv_big_data"]) {
      expectAll(rows(file).filter((row) => row[0]! > 1e-300).map(([y, x]) => differs(`at ${y}`, -Math.SQRT1_2 * normalQuantile(y! / 2), x!, 2e-14, 1e-16)));
    }
  });
  it("beta", () => {
    for (const file of ["beta_med_data", "beta_exp_data"]) {
      expectAll(rows(file).filter((row) => row[2]! > 0).map(([a, b, value]) => differs(`B(${a}, ${b})`, betaln(a!, b!), Math.log(value!), 1e-13, 2e-14)));
    }
  });
  it("incomplete gamma: Q and P", () => {
    for (const file of ["igamma_small_data", "igamma_med_data", "igamma_big_data", "igamma_int_data"]) {
      const tolerance = file === "igamma_big_data" ? 2e-11 : 2e-12;
      for (const [alpha, x, , q, , p] of rows(file)) {
        if (!(alpha! > 0)) continue;
        const at = `${file} (${alpha}, ${x})`;
        expectAll([differs(`Q ${at}`, gammaQ(alpha!, x!), q!, tolerance, 1e-300), differs(`P ${at}`, gammaP(alpha!, x!), p!, tolerance, 1e-300)]);
      }
    }
  });
  it("incomplete beta", () => {
    // Absolute where I is found as 1 − (1 − I). An error of half a unit in x moves I by (relative) a or b of them: the tables' own arguments allow no more for large a and b.
    for (const file of ["ibeta_small_data", "ibeta_data", "ibeta_int_data", "ibeta_large_data"]) {
      expectAll(rows(file).map(([a, b, x, , , value]) => differs(`${file} I(${a}, ${b}, ${x})`, betaI(a!, b!, x!), value!, 1e-12 + 1e-14 * (a! + b!), 4e-15)));
    }
  });
});

describe.skipIf(absent)("tables of the shared data: stdlib", () => {
  const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`stdlib/${file}.json`, known), "utf8"));
  const numbers = (list: unknown): number[] => (list as unknown[]).map(Number);
  const columns = (file: string): { x: number[]; y: number[] } => {
    const table = read(file) as Record<string, unknown>;
    return { x: numbers(table.x), y: numbers(table.expected ?? table.y) };
  };
  it("gammaln, digamma, betaln from R", () => {
    for (const i of [1, 2]) {
      const [x, y] = [numbers(read(`math-base-special-gammaln/r/data${i}`)), numbers(read(`math-base-special-gammaln/r/expected${i}`))];
      expectAll(x.map((at, k) => differs(`lgamma(${at})`, lgamma(at), y[k]!, 1e-12, 1e-13)));
    }
    const [x, y] = [numbers(read("math-base-special-digamma/r/data")), numbers(read("math-base-special-digamma/r/expected"))];
    expectAll(x.map((at, k) => differs(`digamma(${at})`, digamma(at), y[k]!, 1e-12)));
    const [a, b, value] = ["arg1", "arg2", "expected"].map((name) => numbers(read(`math-base-special-betaln/r/${name}`))) as [number[], number[], number[]];
    expectAll(a.map((at, k) => differs(`betaln(${at}, ${b[k]})`, betaln(at, b[k]!), value[k]!, 1e-12)));
  });
  it("trigamma and erf", () => {
    for (const file of ["cpp/positive", "cpp/negative"]) {
      const { x, y } = columns(`math-base-special-trigamma/${file}`);
      expectAll(x.map((at, k) => differs(`trigamma(${at})`, trigamma(at), y[k]!, 1e-12)));
    }
    for (const file of ["tiny_negative", "tiny_positive", "small_negative", "small_positive", "smaller", "medium_negative", "medium_positive", "large_negative", "large_positive", "very_large_negative", "very_large_positive"]) {
      const { x, y } = columns(`math-base-special-erf/julia/${file}`);
      expectAll(x.map((at, k) => differs(`erf(${at})`, erf(at), y[k]!, 1e-14)));
    }
  });
});
