import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";

/** Every output a node of its own that is computed: an input, or a node that is two outputs, is passed on by a node that gives its value; in the body of a loop so is the result of another. */
export function separateOutputs(program: TensorProgram, inLoop = false): TensorProgram {
  const nodes = [...program.nodes];
  const used = new Set<TensorNode>();
  let id = nodes.reduce((most, node) => Math.max(most, node.id), -1);
  const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => {
    const plain = node.op.kind !== "input" && !(node.op.kind === "constant") && !used.has(node) && !(inLoop && (node.op.kind === "loop" || node.op.kind === "loop-result"));
    const output: TensorNode = plain ? node : { ...node, id: ++id, op: { kind: "stop-gradient" }, inputs: [node] };
    if (!plain) nodes.push(output);
    used.add(output);
    return [name, output];
  }));
  return { ...program, nodes, outputs };
}
