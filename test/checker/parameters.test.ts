import { describe, expect, it } from "vitest";
import { checkText } from "../support/check-file.js";

function init(declaration: string): unknown {
  const { value, diagnostics } = checkText("test.lvm", `param p: ${declaration}\nmodel m(x: real) {\n  h = sum(p)\n  x ~ Normal(h, 1)\n}\n`, ".");
  return diagnostics.length > 0 ? diagnostics.map(({ code }) => code) : value.programs[0]?.parameters[0]?.init;
}

describe("initial values of parameters", () => {
  // Guards: each way of writing an initial value, and the default inside each support.
  it.each([
    ["real[2] = 3", { kind: "constant", value: 3 }],
    ["real[2] = [1, 2]", { kind: "values", values: [1, 2] }],
    ["real[2] = ones[2] / 2", { kind: "values", values: [0.5, 0.5] }],
    ["real[2] = normal(0, 0.5)", { kind: "normal", mean: 0, scale: 0.5 }],
    ["real[2] = normal(scale = 2, mean = 1)", { kind: "normal", mean: 1, scale: 2 }],
    ["real[2] = uniform(-1/4, 1/4)", { kind: "uniform", low: -0.25, high: 0.25 }],
    ["real[2, 2] = identity", { kind: "identity" }],
    ["positive[2] = uniform(0, 1)", { kind: "uniform", low: 0, high: 1 }],
    ["simplex[4] = 1/4", { kind: "constant", value: 0.25 }],
    ["covariance[2] = [[2, 1], [1, 2]]", { kind: "values", values: [2, 1, 1, 2] }],
    ["real[2]", { kind: "normal", mean: 0, scale: 0.1 }],
    ["positive[2]", { kind: "constant", value: 1 }],
    ["unit[2]", { kind: "constant", value: 0.5 }],
    ["interval(1, 2)[2]", { kind: "constant", value: 1.5 }],
    ["simplex[4]", { kind: "constant", value: 0.25 }],
    ["ordered[3]", { kind: "values", values: [-1, 0, 1] }],
    ["cholesky[3]", { kind: "identity" }],
  ])("p: %s", (declaration, expected) => {
    expect(init(declaration)).toEqual(expected);
  });

  // Guards: values on or outside the boundary have no place on the unconstrained scale; random ones must stay inside.
  it.each(["unit[2] = 1", "unit[2] = uniform(0, 2)", "positive[2] = 0", "simplex[2] = [0.5, 0.6]", "ordered[2] = [1, 1]", "ordered[2] = 0", "cholesky[2] = [[1, 1], [0, 1]]", "covariance[2] = [[1, 2], [2, 1]]", "real[2] = identity", "real[2] = normal(0, 0)", "real[2] = normal(1)", "real[2] = uniform(1, 0)", "real[2] = [[1, 2]]", "real[2] = norml(0, 1)"])("p: %s is an error", (declaration) => {
    expect(init(declaration)).toEqual(["LVM3022"]);
  });
});
