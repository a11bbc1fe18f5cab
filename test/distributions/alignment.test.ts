import { describe, expect, it } from "vitest";
import { distributionNames, type DistributionName } from "../../src/distributions/names.js";
import { distributions } from "../../src/distributions/registry.js";
import type { Component } from "../../src/distributions/distribution.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, seededRandom, type InputValue, type Tensor } from "../../src/ir/tensor/evaluate.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { bindArguments, logDensities, valueDtype, type ArgumentValues } from "./harness.js";
import { cases } from "./references.js";

const vectors: Partial<Record<DistributionName, ArgumentValues>> = {
  Dirichlet: { concentration: [1, 2, 3] },
  MultivariateNormal: { mean: [0, 1, 2], factor: [[1], [0.5], [0.2]], diagonal: [1, 2, 3] },
  Delta: { value: 2 },
};

describe.each(distributionNames)("%s over the rows of a batch", (name) => {
  const distribution = distributions[name];
  const values = vectors[name] ?? cases.find((each) => each.name === name)!.args[0]!;
  const event = distribution.eventRank === 1 ? [3] : [];

  it("makes programs that verify, with as many results as rows", () => {
    const b = new TensorBuilder();
    const inputs: Record<string, InputValue> = {};
    const args = bindArguments(b, inputs, values, "", distribution);
    const shape = ["rows" as const, ...event];
    const draw = distribution.sample(b, "z", args, shape);
    expect(draw.shape).toEqual(shape);
    expect(draw.dtype).toBe(valueDtype(name, values));
    const density = distribution.logDensity(b, draw, args);
    expect(density.shape).toEqual(["rows"]);
    const entropy = distribution.entropy?.(b, args, shape);
    const mean = distribution.mean?.(b, args, shape);
    if (entropy) expect(entropy.shape).toEqual(["rows"]);
    if (mean) expect(mean.shape).toEqual(shape);
    const program = b.program("rows", { draw, density, ...(entropy && { entropy }), ...(mean && { mean }) });
    verify(program);
    const found = evaluate(program, { inputs, rows: 4, random: seededRandom(3) });
    expect(found["draw"]!.shape).toEqual([4, ...event]);
    // A draw lies in the support: its density is a number.
    expect([...found["density"]!.values].every(Number.isFinite)).toBe(true);
  });
});

describe("a mixture of vectors", () => {
  const weights = [0.25, 0.75];
  const means = [[0, 1, 2], [3, -1, 0.5]];
  const x = [0.5, 0.5, 1];

  /** One component for the whole vector, by coordinates or as a joint distribution. */
  function run(component: (b: TensorBuilder, mean: ReturnType<TensorBuilder["constant"]>) => Component) {
    const b = new TensorBuilder();
    const mean = b.constant(means.flat(), [1, 2, 3]);
    const args = { weights: b.constant(weights, [1, 2]), components: component(b, mean) };
    const rows = 20_000;
    const outputs = {
      density: distributions.Mixture.logDensity(b, b.constant(x, [1, 3]), args),
      draw: distributions.Mixture.sample(b, "z", args, [rows, 3]),
      mean: distributions.Mixture.mean!(b, args, [1, 3]),
    };
    const program = b.program("mixture", outputs);
    verify(program);
    const found: Record<string, Tensor> = evaluate(program, { inputs: {}, random: seededRandom(1) });
    return { found, rows };
  }

  const truth = Math.log(weights.reduce((sum, w, k) => sum + w * Math.exp(logDensities("MultivariateNormal", { mean: means[k]!, scale: [0.5, 0.5, 0.5] }, [x])[0]!), 0));

  it.each([
    ["Normals", (b: TensorBuilder, mean: ReturnType<TensorBuilder["constant"]>): Component => ({ distribution: distributions.Normal, args: { mean, scale: b.constant([0.5], [1, 1, 1]) }, eventRank: 1 })],
    ["MultivariateNormals", (b: TensorBuilder, mean: ReturnType<TensorBuilder["constant"]>): Component => ({ distribution: distributions.MultivariateNormal, args: { mean, scale: b.constant([0.5, 0.5, 0.5], [1, 1, 3]) }, eventRank: 1 })],
  ])("of %s draws one component for the whole vector", (_, component) => {
    const { found, rows } = run(component);
    expect(found["density"]!.shape).toEqual([1]);
    expect(found["density"]!.values[0]).toBeCloseTo(truth, 12);
    found["mean"]!.values.forEach((value, i) => expect(value).toBeCloseTo(0.25 * means[0]![i]! + 0.75 * means[1]![i]!, 12));
    // The nearest mean tells which component a draw came from; both coordinates must agree on it. Share by a z-score below 5.5: false alarm 4e-8.
    let first = 0;
    let mixed = 0;
    for (let row = 0; row < rows; row++) {
      const [a, c] = [found["draw"]!.values[row * 3]!, found["draw"]!.values[row * 3 + 1]!];
      if (a < 1.5) first++;
      if (a < 0.5 && c < -1) mixed++; // 1 in the first component's first coordinate, 4 deviations off in its second
    }
    expect(Math.abs(first / rows - 0.25) / Math.sqrt((0.25 * 0.75) / rows)).toBeLessThan(5.5);
    expect(mixed / rows).toBeLessThan(0.001);
  });
});
