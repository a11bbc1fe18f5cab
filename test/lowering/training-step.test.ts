import { describe, expect, it } from "vitest";
import { evaluate, seededRandom } from "../../src/ir/tensor/evaluate.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { lowerTrainingStep, type TrainingStep } from "../../src/lowering/training-step.js";
import { gradient, lowerText, maxError, someParameters } from "../support/lowered.js";

const model = (settings: string): string => `
  param w: real[2] = 0
  param spread: positive = 1
  model m(x: real[2], y: real) {
    global bias: real ~ Normal(0, 1)
    y ~ Normal(w @ x + bias, spread)
  }
  guide m { auto mean_field bias }
  train m { maximize elbo batch = 2 ${settings} }
`;
const data = { x: [0.3, -1.2, 0.7, 0.1, -0.4, 0.9, 1.1, -0.2, 0.5, 0.6], y: [0.2, -0.7, 1.1, 0.4, -0.3] };
const order = [3, 0, 4, 1, 2];
const rows = 5;

type State = Record<string, number[]>;

function firstState(step: TrainingStep, parameters: State): State {
  const state: State = { ...parameters };
  for (const { name, shape, init } of step.slots) {
    state[name] = init === "zero" ? new Array<number>(shape.reduce<number>((product, dim) => product * (dim as number), 1)).fill(0) : [...parameters[init.copyOf]!];
  }
  return state;
}

/** Two minibatches as the host lays them out. */
const laidOut = order.slice(0, 4);
const sizes = { batch: 2, slots: 2, dataset: rows };

/** One step in float64, and the state after it. */
function advance(step: TrainingStep, state: State, at: number): State {
  const given: Record<string, readonly number[]> = { ...state, step: [at], rate: [1], dataset: [rows], "data.x": laidOut.flatMap((row) => data.x.slice(2 * row, 2 * row + 2)), "data.y": laidOut.map((row) => data.y[row]!), metrics: new Array<number>(step.metrics.length).fill(0) };
  const inputs = Object.fromEntries(
    step.program.inputs.map((node) => {
      const name = node.op.kind === "input" ? node.op.name : "";
      return [name, { values: given[name]!, shape: node.shape as number[] }];
    }),
  );
  const outputs = evaluate(step.program, { inputs, random: seededRandom(at + 1) });
  return Object.fromEntries(Object.entries(step.aliases).map(([output, input]) => [input, [...outputs[output]!.values]]));
}

describe("the training step as one program", () => {
  const cases: [string, string, (g: number[], s: { m: number[]; v: number[]; p: number[] }, t: number) => number[]][] = [
    ["adam", "optimizer = adam(rate = 0.1)", (g, s, t) => adam(g, s, t, 0.1, 0)],
    ["adamw", "optimizer = adamw(rate = 0.1, decay = 0.2)", (g, s, t) => adam(g, s, t, 0.1, 0.2)],
    ["sgd with momentum", "optimizer = sgd(rate = 0.05, momentum = 0.9)", (g, s) => {
      s.m = s.m.map((m, i) => 0.9 * m + g[i]!);
      return s.p.map((p, i) => p - 0.05 * s.m[i]!);
    }],
  ];
  /** Kingma & Ba 2015, algorithm 1, as it stands there; decay as in Loshchilov & Hutter 2019. */
  function adam(g: number[], s: { m: number[]; v: number[]; p: number[] }, t: number, rate: number, decay: number): number[] {
    s.m = s.m.map((m, i) => 0.9 * m + 0.1 * g[i]!);
    s.v = s.v.map((v, i) => 0.999 * v + 0.001 * g[i]! ** 2);
    return s.p.map((p, i) => p - rate * (s.m[i]! / (1 - 0.9 ** t) / (Math.sqrt(s.v[i]! / (1 - 0.999 ** t)) + 1e-8) + decay * p));
  }

  // Guards the whole step: minibatches in the epoch's order, the N/M scaling, draws, gradients and the update, against central differences of the
  // objective and the optimizers as the papers print them, for three steps.
  it.each(cases)("%s", (_, settings, update) => {
    const lowered = lowerText(model(settings));
    const step = lowerTrainingStep(lowered, sizes);
    verify(step.program);
    const parameters = someParameters(lowered, rows);
    let state = firstState(step, parameters);
    const byHand = Object.fromEntries(lowered.parameters.map(({ name }) => [name, { p: [...parameters[name]!], m: parameters[name]!.map(() => 0), v: parameters[name]!.map(() => 0) }]));
    for (let t = 0; t < 3; t++) {
      const at = [order[(t % 2) * 2]!, order[(t % 2) * 2 + 1]!];
      const inputs = { ...Object.fromEntries(Object.entries(byHand).map(([name, { p }]) => [name, p])), x: at.flatMap((row) => data.x.slice(2 * row, 2 * row + 2)), y: at.map((row) => data.y[row]!) };
      const gradients = Object.fromEntries(lowered.parameters.map(({ name }) => [name, gradient(lowered.programs.train, "loss", name, inputs, { rows: 2, dataset: rows, seed: t + 1 })]));
      state = advance(step, state, t);
      for (const { name } of lowered.parameters) {
        byHand[name]!.p = update(gradients[name]!, byHand[name]!, t + 1);
        expect(maxError(state[name]!, byHand[name]!.p), `${name} after step ${t + 1}`).toBeLessThan(2e-6);
      }
    }
  });

  // Guards clipping (the global norm of what SGD applies) and the moving average.
  it("clips by the global norm and averages", () => {
    const lowered = lowerText(model("optimizer = sgd(rate = 1) clip = 0.01 ema = 0.9"));
    const step = lowerTrainingStep(lowered, sizes);
    const parameters = someParameters(lowered, rows);
    const state = firstState(step, parameters);
    const after = advance(step, state, 0);
    const moved = lowered.parameters.flatMap(({ name }) => after[name]!.map((value, i) => value - parameters[name]![i]!));
    expect(Math.sqrt(moved.reduce((sum, value) => sum + value * value, 0))).toBeCloseTo(0.01, 10);
    expect(after["w/average"]![0]).toBeCloseTo(0.9 * parameters["w"]![0]! + 0.1 * after["w"]![0]!, 12);
  });
});
