import type { TensorNode } from "../ir/tensor/nodes.js";
import { countOf, staticShape, stridesOf } from "./static-shape.js";

/** A tensor that lies in memory as a run of another's elements: of `node`, from element `offset` on. */
export interface Run {
  readonly node: TensorNode;
  readonly offset: number;
}

/**
 * What an operand of a loop is a run of: through reshapes and slices of neighbours, as far as `stop` allows. The kernels of the body read it there, so that nothing is
 * copied.
 */
export function runOf(operand: TensorNode, stop: (node: TensorNode) => boolean): Run {
  let [node, offset] = [operand, 0];
  while (!stop(node)) {
    const { op, inputs } = node;
    if (op.kind === "reshape" || op.kind === "stop-gradient") node = inputs[0]!;
    else if (op.kind === "slice") {
      const [from, to] = [staticShape(inputs[0]!), staticShape(node)];
      // Whole but for one axis, in front of which there is no choice.
      const cut = from.findIndex((size, axis) => size !== to[axis]);
      if (cut >= 0 && !(countOf(to.slice(0, cut)) === 1 && from.slice(cut + 1).every((size, i) => size === to[cut + 1 + i]))) break;
      if (countOf(to) === 0) break;
      offset += op.starts.reduce((sum, start, axis) => sum + start * stridesOf(from)[axis]!, 0);
      node = inputs[0]!;
    } else break;
  }
  return { node, offset };
}

/** The one value of what is the same all over, where it is known: such an operand of a loop lies nowhere. */
export function fillOf({ op, inputs }: TensorNode): number | undefined {
  if (op.kind === "constant") return op.values.every((value) => Object.is(value, op.values[0])) ? (op.values[0] ?? 0) : undefined;
  return op.kind === "broadcast" || op.kind === "reshape" || op.kind === "stop-gradient" ? fillOf(inputs[0]!) : undefined;
}
