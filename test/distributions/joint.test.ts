import { describe, expect, it } from "vitest";
import { lgamma } from "../../src/util/math/lgamma.js";
import { draws, logDensities, quadrature, statistic, type ArgumentValues } from "./harness.js";
import { reference } from "./references.js";

/** Log density of a Normal on ℝ³ by Cramer's rule, apart from any decomposition. */
function normal3(x: readonly number[], mean: readonly number[], s: readonly (readonly number[])[]): number {
  const [a, b, c] = s as [number[], number[], number[]];
  const det = (m: readonly (readonly number[])[]): number => {
    const [p, q, r] = m as [number[], number[], number[]];
    return p[0]! * (q[1]! * r[2]! - q[2]! * r[1]!) - p[1]! * (q[0]! * r[2]! - q[2]! * r[0]!) + p[2]! * (q[0]! * r[1]! - q[1]! * r[0]!);
  };
  const d = x.map((value, i) => value - mean[i]!);
  const matrix = [a, b, c];
  const solution = [0, 1, 2].map((column) => det(matrix.map((row, i) => row.map((value, j) => (j === column ? d[i]! : value)))) / det(matrix));
  return -0.5 * (d.reduce((sum, value, i) => sum + value * solution[i]!, 0) + Math.log(det(matrix)) + 3 * Math.log(2 * Math.PI));
}

const product = (l: readonly (readonly number[])[]): number[][] => l.map((row) => l.map((other) => row.reduce((sum, value, k) => sum + value * other[k]!, 0)));

const mean = [0.5, -1, 2];
const lower = [[1.2, 0, 0], [-0.4, 0.8, 0], [0.3, 0.5, 1.5]];
const factor = [[1, 0.5], [-0.3, 0.8], [0.2, -1.1]];
const diagonal = [0.5, 1.2, 0.3];
const lowRank = product(factor).map((row, i) => row.map((value, j) => value + (i === j ? diagonal[i]! : 0)));
const points = [[0.5, -1, 2], [0, 0, 0], [3, -2, 4], [-20, 15, 8]];

const parameterizations: readonly (readonly [string, ArgumentValues, number[][]])[] = [
  ["scale", { mean, scale: [0.5, 2, 1] }, [[0.25, 0, 0], [0, 4, 0], [0, 0, 1]]],
  ["cholesky", { mean, cholesky: lower }, product(lower)],
  ["covariance", { mean, covariance: product(lower) }, product(lower)],
  ["factor and diagonal", { mean, factor, diagonal }, lowRank],
];

describe.each(parameterizations)("MultivariateNormal by %s", (_, args, sigma) => {
  it("has the density of its covariance", () => {
    const truth = points.map((x) => normal3(x, mean, sigma));
    logDensities("MultivariateNormal", args, points).forEach((found, i) => expect(found).toBeCloseTo(truth[i]!, 9));
    logDensities("MultivariateNormal", args, points, "f32").forEach((found, i) => expect(Math.abs(found / truth[i]! - 1)).toBeLessThan(1e-5));
  });

  it("states entropy and mean", () => {
    // Entropy is −log p at the mean plus n/2.
    expect(statistic("MultivariateNormal", args, "entropy", [1, 3])![0]).toBeCloseTo(1.5 - normal3(mean, mean, sigma), 10);
    expect(statistic("MultivariateNormal", args, "mean", [1, 3])).toEqual(mean);
  });

  // Each z-score is beyond 5.5 with probability 4e-8: 9 of them, false alarm below 4e-7; an entry off by 0.1 of its scale is missed below 1e-6.
  it("draws with its mean and covariance (false alarm 4e-7)", () => {
    const n = 40_000;
    const z = draws("MultivariateNormal", args, n, 5, { size: 3 });
    for (let i = 0; i < 3; i++) {
      const at = (row: number, column: number): number => z[row * 3 + column]! - mean[column]!;
      let sum = 0;
      for (let row = 0; row < n; row++) sum += at(row, i);
      expect(Math.abs(sum / n) / Math.sqrt(sigma[i]![i]! / n)).toBeLessThan(5.5);
      for (let j = 0; j <= i; j++) {
        let cross = 0;
        for (let row = 0; row < n; row++) cross += at(row, i) * at(row, j);
        // Var(z_i z_j) = Σ_ii Σ_jj + Σ_ij² (Isserlis 1918)
        const deviation = Math.sqrt((sigma[i]![i]! * sigma[j]![j]! + sigma[i]![j]! ** 2) / n);
        expect(Math.abs(cross / n - sigma[i]![j]!) / deviation).toBeLessThan(5.5);
      }
    }
  });
});

describe("Dirichlet", () => {
  const truth = (x: readonly number[], a: readonly number[]): number =>
    lgamma(a.reduce((sum, value) => sum + value, 0)) + x.reduce((sum, value, k) => sum - lgamma(a[k]!) + (a[k] === 1 ? 0 : (a[k]! - 1) * Math.log(value)), 0);

  it.each([[[2, 3, 0.5]], [[0.1, 0.1, 0.1]], [[30, 50, 20]], [[1, 1, 1]]])("has the textbook's density at concentration %j", (concentration) => {
    const xs = [[0.2, 0.3, 0.5], [0.9, 0.05, 0.05], [1e-6, 0.5, 0.499999]];
    logDensities("Dirichlet", { concentration }, xs).forEach((found, i) => expect(found).toBeCloseTo(truth(xs[i]!, concentration), 9));
    const rounded = xs.map((x) => x.map(Math.fround));
    logDensities("Dirichlet", { concentration: concentration.map(Math.fround) }, rounded, "f32").forEach((found, i) => {
      // x sums to 1 within 1e-7 only, and A times that is what the two formulas differ by.
      const expected = truth(rounded[i]!, concentration.map(Math.fround));
      expect(Math.abs(found - expected)).toBeLessThan(1e-5 * Math.max(Math.abs(expected), 0.1 * concentration.reduce((sum, value) => sum + value, 0)));
    });
  });

  it("integrates to 1 over the triangle", () => {
    const concentration = [2, 0.7, 1.5];
    const line = quadrature(0, 1, 1 / 10);
    const xs = line.x.flatMap((x) => line.x.map((v) => [x, (1 - x) * v, (1 - x) * (1 - v)]));
    const weights = line.x.flatMap((x, i) => line.x.map((_, j) => line.weight[i]! * line.weight[j]! * (1 - x)));
    const density = logDensities("Dirichlet", { concentration }, xs);
    let sum = 0;
    density.forEach((value, i) => { if (Number.isFinite(value)) sum += Math.exp(value) * weights[i]!; });
    expect(sum).toBeCloseTo(1, 5);
  });

  it("knows its boundary", () => {
    expect(logDensities("Dirichlet", { concentration: [2, 3, 4] }, [[0, 0.5, 0.5], [0.6, 0.6, -0.2], [0.5, 0.2, 0.2]])).toEqual([-Infinity, -Infinity, -Infinity]);
    expect(logDensities("Dirichlet", { concentration: [0.5, 3, 4] }, [[0, 0.5, 0.5]])).toEqual([Infinity]);
    expect(logDensities("Dirichlet", { concentration: [0.5, 3, 4] }, [[0, 0, 1]])).toEqual([-Infinity]);
    expect(logDensities("Dirichlet", { concentration: [1, 1, 1] }, [[0, 0, 1]])[0]).toBeCloseTo(Math.LN2, 12);
  });

  // Dvoretzky-Kiefer-Wolfowitz as in density.test.ts; each coordinate is a Beta.
  it.each([[[2, 3, 0.5]], [[0.02, 0.05, 0.03]]])("draws at concentration %j have Beta coordinates and sum to 1 (false alarm 3e-6)", (concentration) => {
    const n = 40_000;
    const total = concentration.reduce((sum, value) => sum + value, 0);
    const z = draws("Dirichlet", { concentration }, n, 3, { size: 3, precision: "f32" });
    concentration.forEach((alpha, k) => {
      const column = Array.from({ length: n }, (_, row) => z[row * 3 + k]!);
      expect(Math.min(...column)).toBeGreaterThan(0);
      for (const x of [0.01, 0.2, 0.5, 0.9]) {
        const line = quadrature(0, x);
        const cdf = line.x.reduce((sum, at, i) => sum + Math.exp(reference.beta(at, alpha, total - alpha)) * line.weight[i]!, 0);
        expect(Math.abs(column.filter((value) => value <= x).length / n - cdf)).toBeLessThan(Math.sqrt(Math.log(2e6) / (2 * n)));
      }
    });
    for (let row = 0; row < n; row++) expect(Math.abs(z[row * 3]! + z[row * 3 + 1]! + z[row * 3 + 2]! - 1)).toBeLessThan(1e-6);
  });

  it("states its mean and the entropy of the uniform", () => {
    expect(statistic("Dirichlet", { concentration: [1, 2, 5] }, "mean", [1, 3])).toEqual([0.125, 0.25, 0.625]);
    expect(statistic("Dirichlet", { concentration: [1, 1, 1] }, "entropy", [1, 3])![0]).toBeCloseTo(-Math.LN2, 12);
    // Of two coordinates: a Beta's.
    expect(statistic("Dirichlet", { concentration: [2.5, 1.5] }, "entropy", [1, 2])![0]).toBeCloseTo(statistic("Beta", { alpha: 2.5, beta: 1.5 }, "entropy")![0]!, 10);
  });
});

it("a Delta has all its mass at its value", () => {
  expect(logDensities("Delta", { value: 2.5 }, [2.5, 2.4])).toEqual([0, -Infinity]);
  expect([...draws("Delta", { value: 2.5 }, 3, 1)]).toEqual([2.5, 2.5, 2.5]);
  expect(statistic("Delta", { value: 2.5 }, "mean")).toEqual([2.5]);
});
