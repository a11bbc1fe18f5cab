import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";

/** Drops the nodes, inputs among them, that no output needs. Nodes are kept as they are. */
export function removeDeadCode(program: TensorProgram): TensorProgram {
  const needed = new Set<TensorNode>(Object.values(program.outputs));
  for (const node of [...program.nodes].reverse()) if (needed.has(node)) for (const input of node.inputs) needed.add(input);
  const nodes = program.nodes.filter((node) => needed.has(node));
  return { ...program, nodes, inputs: nodes.filter((node) => node.op.kind === "input") };
}
