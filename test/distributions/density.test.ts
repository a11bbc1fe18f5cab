import { describe, expect, it } from "vitest";
import { distributionNames } from "../../src/distributions/names.js";
import { counts, draws, expectation, logDensities, pieces, statistic } from "./harness.js";
import { cases, type DistributionCase } from "./references.js";

/** Tested apart, in joint.test.ts: their values are vectors, or one point. */
const elsewhere = ["Dirichlet", "MultivariateNormal", "Delta"];

/** Their samplers take a hundred random numbers for each draw. */
const costly: readonly string[] = ["Binomial", "Poisson", "NegativeBinomial"];

const nodesOf = ({ range }: DistributionCase) => (typeof range === "number" ? counts(range) : pieces(range));
const label = ({ name, args }: DistributionCase): string => `${name} ${JSON.stringify(args[0])}`;

it("every distribution has a case", () => {
  const known = new Set<string>([...cases.map((each) => each.name), ...elsewhere]);
  expect(distributionNames.filter((name) => !known.has(name))).toEqual([]);
});

describe.each(cases.map((each) => [label(each), each] as const))("%s", (_, each) => {
  const { name, args, range } = each;
  const nodes = nodesOf(each);
  const discrete = typeof range === "number";

  it("sums or integrates to 1 in every parameterization", () => {
    for (const values of args) expect(expectation(nodes, logDensities(name, values, nodes.x), () => 1)).toBeCloseTo(1, each.heavy ? 6 : 7);
  });

  it("is the textbook's density in every parameterization, in float64", () => {
    for (const values of args) {
      const found = logDensities(name, values, nodes.x);
      nodes.x.forEach((x, i) => {
        const truth = each.logDensity(x);
        // Where the textbook's formula itself is a number; it overflows or cancels far out.
        if (!Number.isFinite(truth) || Math.abs(truth) > 1e5 || (!discrete && Math.abs(x) < 1e-10)) return;
        if (Math.abs(found[i]! - truth) > 1e-8 * Math.max(1, Math.abs(truth))) expect.fail(`${name} at ${x}: ${found[i]}, not ${truth}`);
      });
    }
  });

  it("is right to 1e-5 in float32, against float64 at the same rounded arguments", () => {
    for (const values of args) {
      const at = nodes.x.map(Math.fround).filter((x) => discrete || (Number.isFinite(each.logDensity(x)) && Math.abs(each.logDensity(x)) < 1e3 && Math.abs(x) > 1e-10));
      const found = logDensities(name, values, at, "f32");
      const truth = logDensities(name, values, at, "f64");
      at.forEach((x, i) => {
        if (found[i] === truth[i]) return;
        if (!(Math.abs(found[i]! - truth[i]!) <= 1e-5 * Math.max(1, Math.abs(truth[i]!)))) expect.fail(`${name} ${JSON.stringify(values)} at ${x}: ${found[i]}, not ${truth[i]}`);
      });
    }
  });

  it("is −∞ outside the support and right on its boundary", () => {
    for (const values of args) {
      if (each.outside.length > 0) {
        const outside = valuesFor(name, each.outside);
        expect(logDensities(name, values, outside)).toEqual(outside.map(() => -Infinity));
        expect(logDensities(name, values, outside, "f32")).toEqual(outside.map(() => -Infinity));
      }
      for (const [x, truth] of each.edges ?? []) {
        const [found] = logDensities(name, values, [x]);
        if (Number.isFinite(truth)) expect(found).toBeCloseTo(truth, 10);
        else expect(found).toBe(truth);
      }
      expect(logDensities(name, values, valuesFor(name, [-1e30, -5, 0, 1, 5, 1e30]), "f32").filter(Number.isNaN)).toEqual([]);
    }
  });

  it("trusting the type of x changes nothing inside", () => {
    const inside = nodes.x.filter((_x, i) => nodes.weight[i]! > 1e-10 && Math.abs(nodes.x[i]!) < 1e6);
    for (const values of args) expect(logDensities(name, values, inside, "f64", true)).toEqual(logDensities(name, values, inside));
  });

  it("states its mean and entropy", () => {
    for (const values of args) {
      const density = logDensities(name, values, nodes.x);
      const entropy = statistic(name, values, "entropy");
      if (entropy) expect(entropy[0]).toBeCloseTo(expectation(nodes, density, (_x, i) => -density[i]!), 6);
      const mean = each.heavy ? undefined : statistic(name, values, "mean");
      if (mean) expect(mean[0]!).toBeCloseTo(expectation(nodes, density, (x) => x), 5);
    }
  });

  // Dvoretzky-Kiefer-Wolfowitz: P(sup |F_n − F| > ε) ≤ 2 exp(−2nε²) = 1e-6, false alarm; a sampler whose distribution function is off by 2ε = 0.027 (0.054 for
  // the counts) at a point looked at is missed with probability below 1e-6.
  it("draws from its density (false alarm 1e-6 each)", () => {
    const n = costly.includes(name) ? 10_000 : 40_000;
    const allowed = Math.sqrt(Math.log(2e6) / (2 * n));
    for (const [which, values] of args.entries()) {
      for (const precision of which === 0 ? (["f64", "f32"] as const) : (["f32"] as const)) {
        const sorted = draws(name, values, n, 17 + which, { precision }).slice().sort();
        const points = [...new Set(Array.from({ length: 60 }, (_, i) => sorted[Math.floor(((i + 0.5) * n) / 60)]!))];
        let worst = 0;
        for (const x of points) {
          const below = discrete ? counts(x + 1) : pieces([...range.filter((point) => point < x), x], 1 / 12);
          const cdf = expectation(below, below.x.length > 0 ? logDensities(name, values, below.x) : [], () => 1);
          worst = Math.max(worst, Math.abs(countBelow(sorted, x) / n - cdf));
        }
        if (worst > allowed) expect.fail(`${name} ${JSON.stringify(values)} ${precision}: distance ${worst} > ${allowed}`);
      }
    }
  });
});

/** Labels are integers in programs. */
function valuesFor(name: string, xs: readonly number[]): number[] {
  return name === "Categorical" ? xs.filter((x) => Math.abs(x) < 1e9) : [...xs];
}

function countBelow(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
