import { describe, expect, it } from "vitest";
import { distributions } from "../../src/distributions/registry.js";
import { differentiate } from "../../src/ir/tensor/evaluate.js";
import { gammaDerivative } from "../../src/util/math/gamma-derivative.js";
import { gammaQuantileLog } from "../../src/util/math/gamma-quantile.js";
import { build, draws, expectation, logDensities, pieces, type ArgumentValues } from "./harness.js";
import { cases, type DistributionCase } from "./references.js";
import { reverse } from "./reverse.js";

/** Their programs have an axis of categories, which the scalar reverse mode of these tests does not follow. */
const withAxis: readonly string[] = ["Categorical", "Mixture"];

function densityProgram({ name }: DistributionCase, values: ArgumentValues) {
  const { b, args, inputs } = build(name, values);
  const x = b.input("column", "x", [1]);
  return { inputs, program: b.program("density", { density: distributions[name].logDensity(b, x, args) }) };
}

/** Some points where the density is positive, and not on a kink. */
function pointsInside({ range }: DistributionCase): number[] {
  if (typeof range === "number") return [0, 1, range - 1].filter((x) => x < range);
  const low = Number.isFinite(range[0]!) ? range[0]! : -3;
  const high = Number.isFinite(range.at(-1)!) ? range.at(-1)! : 6;
  return [0.031, 0.27, 0.63, 0.94].map((share) => low + share * (high - low));
}

describe.each(cases.filter(({ name }) => !withAxis.includes(name)).map((each) => [`${each.name} ${JSON.stringify(each.args[0])}`, each] as const))("gradients of %s", (_, each) => {
  it("are those of central differences inside the support", () => {
    for (const values of each.args) {
      const { program, inputs } = densityProgram(each, values);
      for (const x of pointsInside(each)) {
        const bound = { ...inputs, x: { values: [x], shape: [1] } };
        const found = reverse(program, bound);
        for (const name of Object.keys(inputs)) {
          if (name === "total" && each.name === "Binomial") continue; // a count
          const truth = differentiate(program, { inputs: bound }, "density", name).values[0]!;
          if (!(Math.abs((found[name] ?? 0) - truth) <= 2e-5 * Math.max(1, Math.abs(truth)))) expect.fail(`∂/∂${name} at ${x} of ${JSON.stringify(values)}: ${found[name]}, not ${truth}`);
        }
      }
    }
  });

  it("are never NaN, also in float32, at the edges, outside and far out", () => {
    const hostile = [...each.outside, ...(each.edges ?? []).map(([x]) => x), -1e30, -1e6, -1, 0, 1e-30, 0.5, 1, 2, 1e6, 1e15];
    for (const values of each.args) {
      const { program, inputs } = densityProgram(each, values);
      for (const x of hostile) {
        const found = reverse(program, { ...inputs, x: { values: [x], shape: [1] } }, "f32");
        const bad = Object.entries(found).filter(([name, value]) => Number.isNaN(value) && !(name === "x" && typeof each.range === "number"));
        if (bad.length > 0) expect.fail(`${each.name} ${JSON.stringify(values)} at ${x}: ${JSON.stringify(bad)}`);
      }
    }
  });
});

/** A bounded function of a draw, so that every mean exists. */
const f = (z: number): number => Math.tanh(0.7 * z - 0.3);

describe.each(cases.filter(({ smooth }) => smooth).map((each) => [`${each.name} ${JSON.stringify(each.args[0])}`, each] as const))("draws of %s", (_, each) => {
  // Beyond 5.5 standard errors with probability 4e-8 each; a gradient that is wrong by 11 standard errors, about 10 %, is missed below 1e-7.
  it.each(each.smooth!)("carry the gradient of E f(z) to %s (false alarm 4e-8)", (parameter) => {
    const base = each.args.find((values) => parameter in values)!;
    const n = 3000;
    const step = 1e-4;
    const moved = (by: number): ArgumentValues => ({ ...base, [parameter]: (base[parameter] as number) + by });
    const [above, below] = [step, -step].map((by) => draws(each.name, moved(by), n, 23, { gamma: "inverse" }).map(f));
    const slopes = above!.map((value, i) => (value - below![i]!) / (2 * step));
    const mean = slopes.reduce((sum, value) => sum + value, 0) / n;
    const deviation = Math.sqrt(slopes.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n / n);
    const [up, down] = [step, -step].map((by) => {
      const shifted = (each.range as readonly number[]).map((point) => (parameter === "low" && point === base["low"]) || (parameter === "high" && point === base["high"]) ? point + by : point);
      const nodes = pieces(shifted);
      return expectation(nodes, logDensities(each.name, moved(by), nodes.x), f);
    });
    const truth = (up! - down!) / (2 * step);
    expect(Math.abs(mean - truth) / deviation).toBeLessThan(5.5);
    expect(deviation).toBeLessThan(0.1);
  });
});

it("the implicit derivative of a Gamma is that of its quantile (what engines use in place of differencing)", () => {
  for (const alpha of [0.05, 0.5, 1, 3, 40]) {
    for (const u of [0.01, 0.3, 0.7, 0.99]) {
      const z = Math.exp(gammaQuantileLog(alpha, u));
      const step = 1e-5 * alpha;
      const truth = (gammaQuantileLog(alpha + step, u) - gammaQuantileLog(alpha - step, u)) / (2 * step);
      expect(gammaDerivative(alpha, z) / z / truth).toBeCloseTo(1, 6);
    }
  }
});
