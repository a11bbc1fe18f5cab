import { InternalError } from "../util/internal-error.js";
import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode, TensorOpKind } from "../ir/tensor/nodes.js";
import { printShape } from "../ir/tensor/shapes.js";
import { reduceRules } from "./reduce-rules.js";
import { unaryRules } from "./unary-rules.js";
import type { VjpRule } from "./vjp-rule.js";
import { vjpRules } from "./vjp-rules.js";

/**
 * Reverse mode: d output / d x for each x of `wrt`, with x's shape, as nodes appended to `b`, the builder that made them all
 * (`importProgram` brings a finished program into one). `output` is an f32 scalar, `wrt` are f32 nodes of any kind; one on which `output` does not
 * depend has gradient 0. A gradient's nodes keep the origin and the network call of the node that they differentiate. Contributions are added
 * in a fixed order: from the last user of a value to the first, and by operand. Throws InternalError where a second derivative has no rule.
 */
export function gradientsOf(b: TensorBuilder, output: TensorNode, wrt: readonly TensorNode[]): TensorNode[] {
  if (output.dtype !== "f32" || output.shape.length > 0) throw new InternalError(`the gradient of ${output.dtype}${printShape(output.shape)}: only an f32 scalar has one`);
  for (const node of wrt) if (node.dtype !== "f32") throw new InternalError(`a gradient to %${node.id}, which is ${node.dtype}`);

  const active = activeNodes(output, new Set(wrt));
  const contributions = new Map<TensorNode, TensorNode[]>([[output, [b.scalar(1)]]]);
  const gradients = new Map<TensorNode, TensorNode>();
  const results = new Map<TensorNode, Map<number, TensorNode>>();
  for (const node of active) {
    const parts = contributions.get(node);
    const own = results.get(node);
    if (!parts && !own) continue;
    b.at(node.origin, () =>
      b.inScope(node.scope, () => {
        const g = b.addAll(parts ?? []);
        gradients.set(node, g);
        if (node.op.kind === "loop-result") {
          const loop = node.inputs[0]!;
          results.set(loop, (results.get(loop) ?? new Map<number, TensorNode>()).set(node.op.result, g));
          return;
        }
        const rule = vjpRules[node.op.kind] as VjpRule<TensorOpKind> | "none";
        if (rule === "none") return;
        const operands = rule({
          b, op: node.op, node, g, full: () => b.broadcast(g, node.shape), x: (at) => node.inputs[at]!,
          results: new Map([...(parts ? [[0, g] as const] : []), ...(own ?? [])]), isActive: (at) => active.has(node.inputs[at]!), gradientsOf,
        });
        operands.forEach((gradient, at) => {
          const input = node.inputs[at]!;
          if (!gradient || !active.has(input)) return;
          const known = contributions.get(input);
          if (known) known.push(gradient());
          else contributions.set(input, [gradient()]);
        });
      }),
    );
  }
  return wrt.map((node) => b.at(node.origin, () => b.broadcast(gradients.get(node) ?? b.scalar(0), node.shape)));
}

/** The nodes between `wrt` and the output along which a derivative flows, users before operands. */
function activeNodes(output: TensorNode, wrt: ReadonlySet<TensorNode>): ReadonlySet<TensorNode> {
  const reached = new Set<TensorNode>([output]);
  for (const node of reached) if (flows(node)) for (const input of node.inputs) if (input.dtype === "f32" || input.op.kind === "loop") reached.add(input);
  const ordered = [...reached].sort((a, b) => a.id - b.id);
  const depends = new Set<TensorNode>();
  for (const node of ordered) if (wrt.has(node) || (flows(node) && node.inputs.some((input) => depends.has(input)))) depends.add(node);
  return new Set(ordered.reverse().filter((node) => depends.has(node)));
}

/** Whether a derivative passes through the node at all. */
function flows({ op, dtype }: TensorNode): boolean {
  if (op.kind === "loop") return true; // its own dtype is that of its first result alone
  if (dtype !== "f32" || vjpRules[op.kind] === "none") return false;
  if (op.kind === "unary") return unaryRules[op.function] !== "none";
  if (op.kind === "reduce") return reduceRules[op.function] !== "none";
  return true;
}
