import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { annealing, learningRate } from "../../src/runtime/train/schedule.js";
import { compiledModel } from "../codegen/support/load-emitted.js";
import { trainAll } from "./support.js";

/** Guards the update rules against their papers' formulas, computed here in float64. */

// −log p = Σ (a − x)²/2 with x = 3 in every row: the gradient with respect to a is a − 3.
const text = (optimizer: string, more = ""): string => `
param a: real = 1

model quadratic(x: real) {
  x ~ Normal(a, 1)
}

train quadratic {
  maximize likelihood
  optimizer = ${optimizer}
  batch = 4
  epochs = 1000
  ${more}
}
`;
const data = { x: { rows: 4, values: new Float32Array(4).fill(3), shape: [] } };

async function after(source: string, steps: number): Promise<number> {
  const model = await compiledModel(source)({ device: "tfjs-wasm", seed: 1 });
  await trainAll(model, data, { steps });
  const value = (await model.parameters())["a"]?.values[0] ?? NaN;
  model.dispose();
  return value;
}

function adam(steps: number, rate: (step: number) => number, options: { decay?: number; clip?: number } = {}): number {
  let [a, m, v] = [1, 0, 0];
  for (let t = 1; t <= steps; t++) {
    let g = a - 3;
    if (options.clip !== undefined) g *= options.clip / Math.max(Math.abs(g), options.clip);
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    a = a * (1 - rate(t - 1) * (options.decay ?? 0)) - (rate(t - 1) * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
  }
  return a;
}

describe("optimizers", () => {
  it("Adam (Kingma & Ba 2015, algorithm 1)", async () => {
    expect(await after(text("adam(rate = 0.05)"), 25)).toBeCloseTo(adam(25, () => 0.05), 5);
  });

  it("AdamW (Loshchilov & Hutter 2019, algorithm 2)", async () => {
    expect(await after(text("adamw(rate = 0.05, decay = 0.1)"), 25)).toBeCloseTo(adam(25, () => 0.05, { decay: 0.1 }), 5);
  });

  it("SGD with momentum", async () => {
    let [a, velocity] = [1, 0];
    for (let t = 0; t < 10; t++) {
      velocity = 0.9 * velocity + (a - 3);
      a -= 0.01 * velocity;
    }
    expect(await after(text("sgd(rate = 0.01, momentum = 0.9)"), 10)).toBeCloseTo(a, 5);
  });

  it("clipping by global norm", async () => {
    expect(await after(text("adam(rate = 0.05)", "clip = 0.5"), 10)).toBeCloseTo(adam(10, () => 0.05, { clip: 0.5 }), 5);
  });
});

describe("schedules", () => {
  it("cosine: linear warm-up, half way at half time, the end afterwards", () => {
    const plan = { kind: "cosine", value: 1, end: 0.1, steps: 110, warmup: 10 } as const;
    expect(learningRate(plan, 0)).toBeCloseTo(0.1);
    expect(learningRate(plan, 9)).toBeCloseTo(1);
    expect(learningRate(plan, 60)).toBeCloseTo(0.55);
    expect(learningRate(plan, 110)).toBeCloseTo(0.1);
    expect(learningRate(plan, 1000)).toBeCloseTo(0.1);
    // Another peak keeps the shape.
    expect(learningRate(plan, 60, 2)).toBeCloseTo(1.1);
  });

  it("linear and exponential", () => {
    expect(learningRate({ kind: "linear", value: 1, end: 0, steps: 10, warmup: 0 }, 5)).toBeCloseTo(0.5);
    expect(learningRate({ kind: "exponential", value: 1, factor: 0.5, every: 10 }, 20)).toBeCloseTo(0.25);
  });

  it("annealing rises to 1 and stays; cycles repeat it", () => {
    expect([0, 50, 100, 200].map((step) => annealing({ steps: 100, cycles: 1 }, step))).toEqual([0, 0.5, 1, 1]);
    expect([0, 12.5, 25, 40, 50, 75, 100].map((step) => annealing({ steps: 100, cycles: 2 }, step))).toEqual([0, 0.5, 1, 1, 0, 1, 1]);
    expect(annealing({ steps: 0, cycles: 1 }, 0)).toBe(1);
  });

  it("cyclical(steps, cycles): `steps` is the whole schedule (Fu et al. 2019, equation 6, with R = 1/2)", () => {
    const [T, M, R] = [1000, 4, 0.5];
    for (let t = 1; t <= T; t++) {
      const tau = ((t - 1) % Math.ceil(T / M)) / (T / M);
      expect(annealing({ steps: T, cycles: M }, t - 1), `step ${t}`).toBeCloseTo(tau <= R ? tau / R : 1, 12);
    }
    expect(annealing({ steps: T, cycles: M }, T)).toBe(1);
    // The checker's message and both documents say the same.
    const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
    expect(read("test/errors/anneal-without-steps.txt")).toContain("the length of the whole schedule is not given");
    expect(read("test/errors/anneal-without-steps.txt")).toContain("`anneal = cyclical(1000, 4)`: four cycles of 250 steps each");
    expect(read("docs/language.md")).toContain("`cyclical(1000, 4)` is four cycles within 1000 steps");
    expect(read("docs/objectives.md")).toContain("a cycle has S / c steps");
  });
});
