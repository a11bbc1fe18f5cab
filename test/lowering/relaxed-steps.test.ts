import { describe, expect, it } from "vitest";
import { derivedGradient, gradient, lowerText, maxError, run } from "../support/lowered.js";

/** Labels of steps, relaxed, that a likelihood reads in the loop where they are drawn, in another loop, or one by one. */
const text = (likelihood: string, by: string): string => `
  const T = 3
  const K = 4
  param means: real[K] = 0
  param logits: real[T, K] = 0
  model m(x: real[T]) {
    each t in 1..T { z[t]: index(K) ~ Categorical(logits = zeros[K]) }
    ${likelihood}
  }
  guide m { each t in 1..T { z[t] ~ Categorical(logits = logits[t]) by ${by} } }
  train m { maximize elbo batch = 1 }
`;
const own = text("", "").replace("z[t]: index(K) ~ Categorical(logits = zeros[K]) }", "z[t]: index(K) ~ Categorical(logits = zeros[K])  x[t] ~ Normal(means[z[t]], 1) }");
const inputs = { means: [-1.5, -0.4, 0.6, 2], logits: [0.3, -0.2, 0.5, 0.1, -0.7, 0.9, 0.2, -0.1, 0.4, 0.8, -0.6, 0.2], x: [0.7, -1.1, 1.8] };
const options = { rows: 1, seed: 6 };

describe("relaxed labels", () => {
  // Guards the one-hot vector on its way through loops: a likelihood in another loop, over `z[1]`, `z[2]` … or over the whole array gives the guide the gradient that one beside
  // the draw does. A label alone has no gradient at all.
  it.each(["relaxation(0.7)", "straight_through"])("by %s keep their gradient wherever a step is read", (by) => {
    const beside = lowerText(own.replace("by ", `by ${by}`)).programs.train;
    const expected = derivedGradient(beside, "term.reconstruction.x", "logits", inputs, options);
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-2);
    for (const likelihood of ["each s in 1..T { x[s] ~ Normal(means[z[s]], 1) }", "each s in 1..T { x[s] ~ Normal(sum(means * one_hot(z[s])), 1) }", "k = z\n    each s in 1..T { x[s] ~ Normal(means[k[s]], 1) }"]) {
      const { train } = lowerText(text(likelihood, by)).programs;
      expect(maxError(derivedGradient(train, "term.reconstruction.x", "logits", inputs, options), expected)).toBeLessThan(1e-12);
      expect(maxError(gradient(train, "term.reconstruction.x", "logits", inputs, options), expected)).toBeLessThan(1e-7);
      expect(run(train, inputs, options)["term.reconstruction.x"]!.values[0]).toBeCloseTo(run(beside, inputs, options)["term.reconstruction.x"]!.values[0]!, 12);
    }
    const first = lowerText(text("each s in 1..T { x[s] ~ Normal(means[z[1]], 1) }", by)).programs.train;
    const ofFirst = derivedGradient(first, "term.reconstruction.x", "logits", inputs, options);
    expect(Math.max(...ofFirst.slice(0, 4).map(Math.abs))).toBeGreaterThan(1e-2);
    expect(ofFirst.slice(4).every((each) => each === 0)).toBe(true);
  });
});
