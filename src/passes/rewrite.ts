import { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";

/** What a node becomes, given its operands as they became; undefined where it stays as it is. */
export type Rule = (node: TensorNode, inputs: readonly TensorNode[], builder: TensorBuilder) => TensorNode | undefined;

/**
 * A program rebuilt node by node. Equal nodes become one and unneeded ones vanish on the way (the builder shares equal expressions);
 * origins, names and scopes are kept. The bodies of loops are rebuilt as well.
 */
export function rewrite(program: TensorProgram, rule: Rule): TensorProgram {
  const builder = new TensorBuilder({ simplify: false });
  const became = new Map<TensorNode, TensorNode>();
  for (const node of program.nodes) {
    const inputs = node.inputs.map((input) => became.get(input)!);
    // Loops: their bodies first, by the same rule.
    const whole: TensorNode = node.op.kind === "loop" ? { ...node, op: { ...node.op, body: rewrite(node.op.body, rule) } } : node;
    const made = builder.at(node.origin, () =>
      builder.inScope(node.scope, () => rule(whole, inputs, builder) ?? builder.make(whole.op, inputs, node.dtype, node.shape)));
    if (node.name !== undefined) builder.named(made, node.name);
    became.set(node, made);
  }
  const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, became.get(node)!]));
  const rebuilt = builder.program(program.name, outputs);
  // Inputs keep their order, and those that nothing needs any more keep their place in the interface's absence.
  return rebuilt;
}
