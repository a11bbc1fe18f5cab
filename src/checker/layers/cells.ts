import type { Attributes } from "../../ir/model/model.js";
import type { Size } from "../../types/type.js";
import { sizeOf } from "../../types/type.js";
import type { CallParameter } from "../functions/function-rule.js";
import { realOf, wrongRank } from "../functions/shapes.js";
import type { LayerRule, Weight } from "./layer-rules.js";

/** Cells of recurrent networks: the state of the step before and an input give the state of this step. */

interface Cell {
  readonly doc: string;
  readonly gates: number;
  /** Rows of the state: an LSTM has two, its output and its cell. */
  readonly rows: 1 | 2;
  readonly parameters?: readonly CallParameter[];
  readonly attributes?: (words: Readonly<Record<string, unknown>>) => Attributes;
  readonly more?: (units: Size) => readonly Weight[];
  readonly bias: (units: number) => Weight["init"];
}

function cell({ doc, gates, rows, parameters = [], attributes, more, bias }: Cell): LayerRule {
  return {
    doc,
    parameters: [
      { name: "state", doc: rows === 1 ? "the state of the step before, a vector" : "the state of the step before, [2, units]: output and cell", kind: "value" },
      { name: "x", doc: "the input of this step, a vector; several are joined by `concat`", kind: "value" },
      ...parameters,
    ],
    type(call) {
      const [state, x] = call.args;
      if (!state || !x) return undefined;
      const { shape } = state.type;
      const units = shape[shape.length - 1];
      if (shape.length !== rows || !units || (rows === 2 && shape[0]?.value !== 2)) return wrongRank(call, state, rows === 1 ? "a vector" : "[2, units]", rows === 1 ? "begin the chain with a vector: `h[0] = zeros[64]`" : "begin the chain with both rows: `s[0] = zeros[2, 64]`");
      const [inputs] = x.type.shape;
      if (x.type.shape.length !== 1 || !inputs) return wrongRank(call, x, "a vector", x.type.shape.length === 0 ? "make a vector of one of it: `reshape(1)`" : "make a vector of it: `flatten`");
      const wide = sizeOf(gates * units.value);
      const weight = (role: string, from: Size): Weight => ({ role, shape: [from, wide], init: { kind: "lecun_uniform", fanIn: from.value }, trainable: true });
      return {
        type: realOf(shape),
        attributes: attributes?.(call.words) ?? {},
        weights: [weight("kernel", inputs), weight("recurrent", units), { role: "bias", shape: [wide], init: bias(units.value), trainable: true }, ...(more?.(units) ?? [])],
      };
    },
  };
}

const zero: Cell["bias"] = () => ({ kind: "constant", value: 0 });

export const rnn = cell({
  doc: "`rnn(state, x)`: tanh(kernelᵀ·x + recurrentᵀ·state + bias), the simple recurrent cell (Elman 1990).",
  gates: 1, rows: 1, bias: zero,
  parameters: [{ name: "activation", doc: '`"tanh"` or `"relu"`', kind: "choice", choices: ["tanh", "relu"], default: "tanh" }],
  attributes: (words) => ({ activation: String(words["activation"]) }),
});

export const gru = cell({
  doc: "`gru(state, x)`: gated recurrent unit (Cho et al. 2014), its reset gate after the product as in cuDNN: r, u = σ(…), n = tanh(kernelᵀ·x + bias + r (recurrentᵀ·state + recurrent_bias)), the next state u·state + (1 − u)·n.",
  gates: 3, rows: 1, bias: zero,
  more: (units) => [{ role: "recurrent_bias", shape: [units], init: { kind: "constant", value: 0 }, trainable: true }],
});

export const lstm = cell({
  doc: "`lstm(state, x)`: long short-term memory (Hochreiter & Schmidhuber 1997), with a forget gate whose bias begins at 1 (Gers et al. 2000). The state is [2, units]: `state[1]` is its output, `state[2]` its cell.",
  gates: 4, rows: 2,
  bias: (units) => ({ kind: "values", values: Array.from({ length: 4 * units }, (_, at) => (Math.floor(at / units) === 1 ? 1 : 0)) }),
});
