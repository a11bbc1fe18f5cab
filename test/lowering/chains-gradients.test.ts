import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import type { LoweredModel } from "../../src/ir/lowered-model.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import type { TensorProgram } from "../../src/ir/tensor/nodes.js";
import { randomGenerator } from "../../src/util/random-generator.js";
import { bindings, lowerText, maxError, run, someParameters } from "../support/lowered.js";

/**
 * Guards recurrent cells and the gradients of their loops: values against PyTorch's and against the formulas written again, gradients of bounds against central
 * differences in float64, over 1 to 1,000 steps.
 */

const units = 3;
const inputs = 2;
type Cell = "rnn" | "gru" | "lstm";
const gates: Readonly<Record<Cell, number>> = { rnn: 1, gru: 3, lstm: 4 };
const stateOf = (cell: Cell): string => (cell === "lstm" ? `2, ${units}` : String(units));

/** A guide whose means are the cell's states: `infer` gives them back. */
function statesText(cell: Cell, steps: number): string {
  return `const T = ${steps}
network next(h: real[${stateOf(cell)}], x: real[${inputs}]) -> (after: real[${stateOf(cell)}]) { after = ${cell}(h, x) }
model m(x: real[T, ${inputs}]) {
  each t in 1..T { z[t]: real[${stateOf(cell)}] ~ Normal(0, 1)  x[t] ~ Normal(sum(z[t]), 1) }
}
guide m {
  h[0] = zeros[${stateOf(cell)}]
  chain t in 1..T { h[t] = next(h[t - 1], x[t]) }
  each t in 1..T { z[t] ~ Normal(h[t], 1) }
}`;
}

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

/** The definitions, one sequence, written for plain numbers: every state [output] or [output, cell]. Weights as [inputs, gates · units]. */
function states(cell: Cell, weights: Readonly<Record<string, readonly number[]>>, x: readonly (readonly number[])[]): number[][] {
  const wide = gates[cell] * units;
  const product = (v: readonly number[], name: string, at: number): number => v.reduce((sum, each, i) => sum + each * weights[name]![i * wide + at]!, 0);
  let h = new Array<number>(units).fill(0);
  let c = new Array<number>(units).fill(0);
  return x.map((now) => {
    const before = h;
    const fromInput = (gate: number, unit: number): number => product(now, "kernel", gate * units + unit) + weights["bias"]![gate * units + unit]!;
    const fromState = (gate: number, unit: number): number => product(before, "recurrent", gate * units + unit);
    const gate = (which: number, unit: number): number => fromInput(which, unit) + fromState(which, unit);
    if (cell === "rnn") h = before.map((_, unit) => Math.tanh(gate(0, unit)));
    if (cell === "gru") {
      h = before.map((old, unit) => {
        const candidate = Math.tanh(fromInput(2, unit) + sigmoid(gate(0, unit)) * (fromState(2, unit) + weights["recurrent_bias"]![unit]!));
        const keep = sigmoid(gate(1, unit));
        return keep * old + (1 - keep) * candidate;
      });
    }
    if (cell === "lstm") {
      c = c.map((old, unit) => sigmoid(gate(1, unit)) * old + sigmoid(gate(0, unit)) * Math.tanh(gate(2, unit)));
      h = c.map((memory, unit) => sigmoid(gate(3, unit)) * Math.tanh(memory));
      return [...h, ...c];
    }
    return h;
  });
}

/** Parameters by role: `next.gru_1.kernel` → kernel. */
const roles = (lowered: LoweredModel, of: (role: string) => readonly number[]): Record<string, readonly number[]> => Object.fromEntries(lowered.parameters.map(({ name }) => [name, of(name.split(".").at(-1)!)]));

describe.each(["rnn", "gru", "lstm"] as const)("%s", (cell) => {
  it.each([1, 2, 7, 1000])("has the states of its definition over %i steps, in each row", (steps) => {
    const lowered = lowerText(statesText(cell, steps));
    const parameters = someParameters(lowered, 2);
    const x = Array.from({ length: 2 }, (_, row) => Array.from({ length: steps }, (_, t) => [Math.sin(t + 5 * row), Math.cos(0.3 * t * (row + 1))]));
    const found = run(lowered.programs.infer!, { ...parameters, x: x.flat(2) }, { rows: 2 })["mean.z"]!;
    const weights = Object.fromEntries(lowered.parameters.map(({ name }) => [name.split(".").at(-1)!, parameters[name]!]));
    expect(found.shape).toEqual([2, steps, ...(cell === "lstm" ? [2, units] : [units])]);
    // Stable maps: rounding does not grow over the steps.
    expect(maxError(found.values, x.flatMap((sequence) => states(cell, weights, sequence).flat()))).toBeLessThan(1e-12);
  });

  it("agrees with torch.nn, and so does its gradient", () => {
    const steps = 5;
    const lowered = lowerText(statesText(cell, steps));
    const fill = (count: number, phase: number): number[] => Array.from({ length: count }, (_, i) => 0.6 * Math.sin(1.3 * i + phase));
    const wide = gates[cell] * units;
    const transposed = (from: number, phase: number): number[] => {
      const weight = fill(wide * from, phase);
      return Array.from({ length: from * wide }, (_, i) => weight[(i % wide) * from + Math.floor(i / wide)]!);
    };
    const [ofInput, ofState] = [fill(wide, 0.3), fill(wide, 0.4)];
    // PyTorch has two biases wherever one would do; of a GRU's candidate both are needed.
    const bias = ofInput.map((value, i) => value + (cell === "gru" && i >= 2 * units ? 0 : ofState[i]!));
    const parameters = roles(lowered, (role) => ({ kernel: transposed(inputs, 0.1), recurrent: transposed(units, 0.2), bias, recurrent_bias: ofState.slice(2 * units) })[role]!);
    const x = Array.from({ length: steps * inputs }, (_, i) => Math.cos(0.7 * i));
    const program = lowered.programs.infer!;
    const b = new TensorBuilder();
    const made = importProgram(b, program, { sizes: { rows: 1 } });
    const mean = made.get(program.outputs["mean.z"]!)!;
    const output = cell === "lstm" ? b.sliceAxis(mean, 2, 0, 1) : mean;
    const recurrent = program.inputs.find(({ op }) => op.kind === "input" && op.name.endsWith(".recurrent"))!;
    const [gradient] = gradientsOf(b, b.sum(b.square(output)), [made.get(recurrent)!]);
    const found = evaluate(b.program("torch", { output, gradient: gradient! }), bindings(program, { ...parameters, x }, { rows: 1 }));
    expect(maxError(found["output"]!.values, torch[cell].output)).toBeLessThan(1e-13);
    // Theirs is [gates · units, units].
    expect(maxError(found["gradient"]!.values, Array.from({ length: units * wide }, (_, i) => torch[cell].gradient[(i % wide) * units + Math.floor(i / wide)]!))).toBeLessThan(1e-13);
  });
});

/**
 * PyTorch 2.13.0, float64: for torch.nn.RNN, GRU and LSTM of 2 inputs and 3 units, entry i (row-major) of weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 being
 * 0.6 sin(1.3 i + p) with p = 0.1, 0.2, 0.3, 0.4, and x = cos(0.7 i) of shape [5, 1, 2]:
 *
 *   out, _ = net(x); (out * out).sum().backward(); print(out.flatten().tolist(), net.weight_hh_l0.grad.flatten().tolist())
 */
const torch: Readonly<Record<Cell, { readonly output: readonly number[]; readonly gradient: readonly number[] }>> = {
  rnn: {
    output: [0.727356544245484, 0.801884934577747, -0.127473603684629, 0.580787604089158, 0.6092297645054, 0.544974606553852, 0.331234614315621, 0.736650862749433, 0.545678583720786, 0.793910075026779, 0.546028994777985, 0.427972972427636, 0.914779424226968, 0.380468413457936, 0.293991318768466],
    gradient: [1.468692039729118, 1.722657628759956, 0.713357793128685, 1.780859496046052, 1.990129483804006, 0.943428876611186, 1.567726110156907, 1.764638174750612, 0.88192161877589],
  },
  gru: {
    output: [0.295924088510315, -0.016289064591761, -0.077733717872483, 0.671988086428215, -0.099600663343856, -0.288026499441934, 0.796699205061378, 0.05549814076359, -0.579387387407004, 0.379668086457385, 0.366403388055905, -0.658533223137681, 0.087409399976546, 0.388145585750811, -0.649479265402373],
    gradient: [
      -0.018735841309418, -0.003271628097741, 0.018886515718158, 0.056021985103914, 0.02087875944548, -0.060334607786416, 0.061640274948973, 0.001608438539258, -0.034096750208111, -0.00057509666008, 0.011607952643243, -0.023424139537565, -0.075152385696015, -0.00396331952361, 0.051468462314472,
      -0.507335432498239, 0.045121980008595, 0.235677710938844, 0.564974485527839, 0.035749061233362, -0.381650868388502, 0.227408938763422, 0.133083460763872, -0.320165437294159, -0.304667540686072, -0.009254558939937, 0.177696964682054,
    ],
  },
  lstm: {
    output: [0.085291020830916, -0.019431052097008, -0.165183648342129, 0.173941331254365, -0.089405082094611, -0.41464594363699, 0.211887557400059, 0.054280908272598, -0.603710477461547, 0.136033312780622, 0.291374136800611, -0.564133085946862, 0.041896261321177, 0.282595548231618, -0.443156875776465],
    gradient: [
      0.012086846708149, -0.003470270583026, -0.028966453321041, 0.017623040600558, 0.014320053886643, -0.057051522644238, 0.04488262066431, -0.007965281481571, -0.108305508587575, 0.003933771808975, -0.000509875782334, -0.009761331623936, 0.004211139214679, 0.008300564752455, -0.016896827259415, 0.032556001045114,
      -0.00345217582495, -0.083044071720034, 0.014706185735132, 0.003245995960292, -0.040870402060709, 0.099519277271407, 0.067960786220202, -0.314316069201453, -0.030632209732109, 0.000211559189014, 0.074417425395579, 0.016739371676164, -0.002553612517122, -0.041012089129337, 0.010983328495383, 0.00678997059969,
      -0.033838919770971, 0.107428765484241, 0.057950287140368, -0.3241072396396,
    ],
  },
};

/** Bounds whose guides run a cell: forwards over the data, backwards (smoothing), and over their own draws. */
const bounds: Readonly<Record<string, (cell: Cell) => string>> = {
  "forwards over data": (cell) => guided(cell, `
  h[0] = start
  chain t in 1..T { h[t] = next(h[t - 1], x[t]) }
  each t in 1..T { q = head(${outputOf(cell, "h[t]")})  z[t] ~ Normal(q.mean, q.scale) }`),
  "backwards over data": (cell) => guided(cell, `
  h[T + 1] = start
  chain t in T..1 { h[t] = next(h[t + 1], x[t]) }
  each t in 1..T { q = head(${outputOf(cell, "h[t]")})  z[t] ~ Normal(q.mean, q.scale) }`),
  "over its own draws": (cell) => guided(cell, `
  h[0] = start
  chain t in 1..T { q = head(${outputOf(cell, "h[t - 1]")})  z[t] ~ Normal(q.mean + x[t], q.scale)  h[t] = next(h[t - 1], z[t]) }`),
};

const outputOf = (cell: Cell, state: string): string => (cell === "lstm" ? `first(${state})` : state);

function guided(cell: Cell, guide: string): string {
  return `const T = 1
param start: real[${stateOf(cell)}] = normal(0, 1)
network next(h: real[${stateOf(cell)}], x: real[${inputs}]) -> (after: real[${stateOf(cell)}]) { after = ${cell}(h, x) }
${cell === "lstm" ? `network first(s: real[2, ${units}]) -> (output: real[${units}]) { output = s[1] }` : ""}
network head(h: real[${units}]) -> (mean: real[${inputs}], scale: positive[${inputs}]) { mean = h |> dense(${inputs})  scale = h |> dense(${inputs}) |> softplus }
model m(x: real[T, ${inputs}]) {
  each t in 1..T { z[t]: real[${inputs}] ~ Normal(0, 1)  x[t] ~ Normal(z[t], 0.7) }
}
guide m {${guide}
}`;
}

describe.each(Object.entries(bounds))("the gradient of a bound with a cell %s", (way, text) => {
  // `T..1` with T = 1 is `1..1`, which goes up.
  it.each((["rnn", "gru", "lstm"] as const).flatMap((cell) => [...(way === "backwards over data" ? [] : [1]), 2, 7, 1000].map((steps) => [cell, steps] as const)))("%s over %i steps", (cell, steps) => {
    const lowered = lowerText(text(cell), "test.lvm", { T: String(steps) });
    const rows = steps > 100 ? 1 : 2;
    const given = { ...someParameters(lowered, rows), x: Array.from({ length: rows * steps * inputs }, (_, i) => Math.sin(1.7 * i)), anneal: 1 };
    const { program, wrt } = withGradients(lowered.programs.train);
    const bound = bindings(program, given, { rows, seed: 2 });
    const found = evaluate(program, bound);
    const next = randomGenerator(`${cell} ${steps}`);
    const loss = (moved: typeof given): number => run(lowered.programs.train, moved, { rows, seed: 2 })["loss"]!.values[0]!;
    // All parameters of a role at once along a random direction: an error in any entry shows.
    for (const name of wrt) {
      const start = given[name as "x"];
      const direction = start.map(() => 2 * next() - 1);
      const at = (by: number): number => loss({ ...given, [name]: start.map((value, i) => value + by * direction[i]!) });
      const difference = (at(1e-5) - at(-1e-5)) / 2e-5;
      const slope = direction.reduce((sum, each, i) => sum + each * found[`d.${name}`]!.values[i]!, 0);
      // The loss is a sum over the steps, so its rounding grows with it.
      expect(Math.abs(slope - difference) / (1e-3 * steps + Math.abs(difference)), `${name}: ${slope} for ${difference}`).toBeLessThan(1e-6);
    }
    // After the last draw a state is read by nothing.
    const still = wrt.filter((name) => found[`d.${name}`]!.values.every((value) => value === 0));
    expect(still).toEqual(way === "over its own draws" && steps === 1 ? wrt.filter((name) => name.startsWith("next.")) : []);
  });
});

function withGradients(program: TensorProgram): { readonly program: TensorProgram; readonly wrt: readonly string[] } {
  const b = new TensorBuilder();
  const made = importProgram(b, program);
  const parameters = program.inputs.filter(({ op }) => op.kind === "input" && op.role === "parameter");
  const wrt = parameters.map(({ op }) => (op.kind === "input" ? op.name : ""));
  const gradients = gradientsOf(b, made.get(program.outputs["loss"]!)!, parameters.map((node) => made.get(node)!));
  return { wrt, program: b.program("gradients", Object.fromEntries(gradients.map((node, at) => [`d.${wrt[at]!}`, node]))) };
}
