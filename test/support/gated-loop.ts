import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";

export interface GatedSizes {
  readonly steps: number;
  readonly rows: number;
  readonly inputs: number;
  readonly units: number;
}

/**
 * A gated recurrent unit (Cho et al. 2014, the reset gate after the product) over `x` [steps, rows, inputs] that predicts each x from its state, by the Bernoulli log likelihood of `o`:
 * its loss, and with `train` a step of gradient descent on its weights.
 */
export function gatedLoop({ steps, rows, inputs, units }: GatedSizes, { train = true }: { readonly train?: boolean } = {}): TensorProgram {
  const b = new TensorBuilder();
  const weights = {
    w: b.input("parameter", "w", [inputs, 3 * units]), u: b.input("parameter", "u", [units, 3 * units]), c: b.input("parameter", "c", [3 * units]), o: b.input("parameter", "o", [units, inputs]),
  };
  const given = Object.values(weights);
  const loss = b.loop({
    steps, carries: [b.full(0, [rows, units]), b.scalar(0)], invariants: given, scans: [b.input("column", "x", [steps, rows, inputs])],
    body: (k, step) => {
      const [h, total] = step.carries as [TensorNode, TensorNode];
      const [w, u, c, o] = step.invariants as [TensorNode, TensorNode, TensorNode, TensorNode];
      const x = step.scans[0]!;
      const logits = k.dot(h, o);
      const likelihood = k.sum(k.subtract(k.multiply(x, logits), k.softplus(logits)));
      const [fromInput, fromState] = [k.add(k.dot(x, w), c), k.dot(h, u)];
      const part = (all: TensorNode, at: number): TensorNode => k.sliceAxis(all, 1, at * units, units);
      const [z, r] = [0, 1].map((at) => k.sigmoid(k.add(part(fromInput, at), part(fromState, at)))) as [TensorNode, TensorNode];
      const n = k.tanh(k.add(part(fromInput, 2), k.multiply(r, part(fromState, 2))));
      return { carries: [k.add(k.multiply(z, h), k.multiply(k.subtract(1, z), n)), k.subtract(total, likelihood)] };
    },
  }).carries[1]!;
  if (!train) return b.program("gated", { loss });
  const gradients = gradientsOf(b, loss, given);
  return b.program("gated", { loss, ...Object.fromEntries(Object.keys(weights).map((name, at) => [`next.${name}`, b.subtract(given[at]!, b.multiply(0.01, gradients[at]!))])) });
}
