import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { InternalError } from "../util/internal-error.js";
import { asNumber } from "./elementwise.js";
import type { LayerCall } from "./layers.js";
import { aligned, type AxisName, unionAxes, type Value } from "./value.js";

/**
 * A cell's two products, x · kernel + bias and state · recurrent, each with the compiler axes of its operand. They are kept apart: the first does not depend on the step
 * before, so that it can be one product for all steps; all gates are one product each.
 */
interface Cell {
  readonly b: TensorBuilder;
  readonly axes: readonly AxisName[];
  readonly state: TensorNode;
  /** Gate `at` of the input's product, and of the state's, ready to be added. */
  readonly fromInput: (at: number) => TensorNode;
  readonly fromState: (at: number) => TensorNode;
}

function cellOf(call: LayerCall, weight: (role: string) => TensorNode, rows: 1 | 2): Cell {
  const { b, space } = call.context;
  const [state, x] = call.args.map((arg) => asNumber(call.context, arg));
  if (!state || !x) throw new InternalError(`${call.expr.layer} takes a state and an input`);
  const axes = unionAxes(space, [state, x]);
  const units = Number(state.node.shape.at(-1));
  const output = rows === 1 ? state.node : rowOf(b, state.node, 0);
  const gates = (node: TensorNode, of: Value) => (at: number): TensorNode => aligned(b, { node: b.sliceAxis(node, node.shape.length - 1, at * units, units), axes: of.axes }, axes, 1);
  return {
    b, axes, state: aligned(b, state, axes, rows),
    fromInput: gates(b.add(rowsTimes(b, x.node, weight("kernel")), weight("bias")), x), fromState: gates(rowsTimes(b, output, weight("recurrent")), state),
  };
}

/** x · W of vectors along the last axis. */
function rowsTimes(b: TensorBuilder, x: TensorNode, weights: TensorNode): TensorNode {
  if (x.shape.length > 1) return b.dot(x, weights);
  const product = b.dot(b.expandDims(x, [0]), weights);
  return b.reshape(product, [product.shape[1]!]);
}

/** Row `at` of the last two axes. */
function rowOf(b: TensorBuilder, node: TensorNode, at: number): TensorNode {
  return b.reshape(b.sliceAxis(node, node.shape.length - 2, at, 1), [...node.shape.slice(0, -2), node.shape.at(-1)!]);
}

export function lowerRnn(call: LayerCall, weight: (role: string) => TensorNode): Value {
  const { b, axes, fromInput, fromState } = cellOf(call, weight, 1);
  return { node: b.unary(call.expr.attributes["activation"] === "relu" ? "relu" : "tanh", b.add(fromInput(0), fromState(0))), axes };
}

export function lowerGru(call: LayerCall, weight: (role: string) => TensorNode): Value {
  const { b, axes, state, fromInput, fromState } = cellOf(call, weight, 1);
  const gate = (at: number): TensorNode => b.sigmoid(b.add(fromInput(at), fromState(at)));
  const candidate = b.unary("tanh", b.add(fromInput(2), b.multiply(gate(0), b.add(fromState(2), weight("recurrent_bias")))));
  return { node: b.add(candidate, b.multiply(gate(1), b.subtract(state, candidate))), axes };
}

export function lowerLstm(call: LayerCall, weight: (role: string) => TensorNode): Value {
  const { b, axes, state, fromInput, fromState } = cellOf(call, weight, 2);
  const gate = (at: number): TensorNode => b.add(fromInput(at), fromState(at));
  const memory = b.add(b.multiply(b.sigmoid(gate(1)), rowOf(b, state, 1)), b.multiply(b.sigmoid(gate(0)), b.unary("tanh", gate(2))));
  const output = b.multiply(b.sigmoid(gate(3)), b.unary("tanh", memory));
  const row = (node: TensorNode): TensorNode => b.expandDims(node, [node.shape.length - 1]);
  return { node: b.concatenate([row(output), row(memory)], output.shape.length - 1), axes };
}
