import { describe, expect, it } from "vitest";
import { constrain } from "../../src/distributions/bijectors.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import { constrainValues } from "../../src/runtime/train/constrain.js";
import { compiledModel } from "../codegen/support/load-emitted.js";

/** Guards the parameters that programs read against the bijections that the compiler uses (whose own truth is in test/distributions). */

const supports = [
  { kind: "real" }, { kind: "positive" }, { kind: "nonnegative" }, { kind: "unit" }, { kind: "interval", low: -2, high: 5 }, { kind: "angle" }, { kind: "ordered" }, { kind: "simplex" }, { kind: "cholesky" }, { kind: "covariance" },
] as const;

describe("parameters on the scale of the model file", () => {
  it.each(supports.map((support) => [support.kind, support] as const))("%s as the compiler's bijection", (_kind, support) => {
    for (const size of [1, 3, 6, 10]) {
      const values = Array.from({ length: 2 * size }, (_, at) => Math.sin(3 * at + size));
      const b = new TensorBuilder();
      const expected = evaluate(b.program("p", { x: constrain(b, b.constant(values, [2, size]), support) }), { inputs: {} })["x"]!;
      const found = constrainValues(values, [2, size], support);
      expect(found.shape).toEqual(expected.shape);
      found.values.forEach((value, at) => expect(value).toBeCloseTo(expected.values[at]!, 5));
    }
  });

  it("are what `parameters({ constrained: true })` gives; without it they are as stored", async () => {
    const text = `
param scale: positive = 2
param weights: simplex[3] = [0.2, 0.3, 0.5]
param factor: cholesky[2] = [[1, 0], [0.5, 2]]
model m(x: real[2]) {
  k: index(3) ~ Categorical(probs = weights)
  x ~ MultivariateNormal([1, 2, 3][k] * [1, scale], cholesky = factor)
}
guide m { marginalize k }
`;
    const model = await compiledModel(text)({ device: "tfjs-cpu" });
    const found = await model.parameters({ constrained: true });
    const rounded = (name: string): readonly number[] => [...(found[name]?.values ?? [])].map((value) => Number(value.toFixed(5)));
    expect([rounded("scale"), rounded("weights"), rounded("factor")]).toEqual([[2], [0.2, 0.3, 0.5], [1, 0, 0.5, 2]]);
    expect([found["weights"]?.shape, found["factor"]?.shape]).toEqual([[3], [2, 2]]);
    expect((await model.parameters())["scale"]?.values[0]).toBeCloseTo(Math.log(2), 6);
    model.dispose();
  });
});
