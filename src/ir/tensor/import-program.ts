import { TensorBuilder } from "./builder.js";
import { InternalError } from "../../util/internal-error.js";
import { boundDraws } from "./draw-order.js";
import type { Dim, Scope, Shape, TensorNode, TensorOp, TensorProgram } from "./nodes.js";

export interface ImportOptions {
  /** A node of `b` that stands for an input, or for a symbolic size, of the program; the bodies of loops keep theirs. */
  readonly replace?: (leaf: TensorNode) => TensorNode | undefined;
  /** Another operation of the same inputs, type and shape. */
  readonly op?: (node: TensorNode) => TensorOp;
  /** Another network call for one of the program's: two programs that become one have calls of the same numbers. */
  readonly scope?: (scope: Scope) => Scope;
  /** Numbers for the symbolic sizes; a symbol that is not named stays. */
  readonly sizes?: { readonly rows?: number; readonly dataset?: number };
}

/** Makes the nodes of a program again in `b`, with their names, origins and scopes: each old node with its new one. Adding to a finished program starts here. */
export function importProgram(b: TensorBuilder, program: TensorProgram, { replace, op, scope, sizes = {} }: ImportOptions = {}): Map<TensorNode, TensorNode> {
  const made = new Map<TensorNode, TensorNode>();
  const bind = (dim: Dim): Dim => (typeof dim === "number" ? dim : (sizes[dim] ?? dim));
  for (const node of program.nodes) {
    const replacement = node.inputs.length === 0 ? replace?.(node) : undefined;
    if (replacement) {
      made.set(node, replacement);
      continue;
    }
    const inputs = node.inputs.map((input) => {
      const known = made.get(input);
      if (!known) throw new InternalError(`node %${node.id} stands before its input %${input.id}`);
      return known;
    });
    const copy = b.at(node.origin, () => b.inScope(node.scope && scope ? scope(node.scope) : node.scope, () => bound(b, op ? { ...node, op: op(node) } : node, inputs, bind, (body) => importBody(body, { op, scope, sizes }))));
    made.set(node, node.name === undefined ? copy : b.named(copy, node.name));
  }
  return made;
}

/** The body of a loop, made again. */
function importBody(body: TensorProgram, options: ImportOptions): TensorProgram {
  const b = new TensorBuilder();
  const made = importProgram(b, body, options);
  return b.program(body.name, Object.fromEntries(Object.entries(body.outputs).map(([name, node]) => [name, made.get(node)!])));
}

function bound(b: TensorBuilder, node: TensorNode, inputs: readonly TensorNode[], bind: (dim: Dim) => Dim, within: (body: TensorProgram) => TensorProgram): TensorNode {
  const shape: Shape = node.shape.map(bind);
  if (node.op.kind === "size") {
    const size = bind(node.op.of);
    if (typeof size === "number") return b.scalar(size);
  }
  if (node.op.kind === "loop") return b.make({ ...node.op, body: within(node.op.body) }, inputs, node.dtype, shape);
  const op: TensorOp = node.op.kind === "slice" ? { ...node.op, sizes: node.op.sizes.map(bind) } : bind("rows") === "rows" ? node.op : boundDraws(node.op, node.shape);
  return b.make(op, inputs, node.dtype, shape);
}
