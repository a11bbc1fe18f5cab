import { loopInputNames } from "../../ir/tensor/loops.js";
import type { LoopOp, TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { broadcastShapes, sameDims } from "../../ir/tensor/shapes.js";

const elementwise = new Set(["binary", "compare", "select"]);

/**
 * The program without the broadcasts that TensorFlow.js does by itself: an operand of an elementwise operation keeps its own shape where
 * the result's does not change. The bodies of loops as well.
 */
export function leaveBroadcastsOut(program: TensorProgram): TensorProgram {
  const made = new Map<TensorNode, TensorNode>();
  const all: TensorNode[] = [];
  for (const node of program.nodes) {
    const inputs = node.inputs.map((input) => made.get(input) ?? input);
    if (elementwise.has(node.op.kind)) inputs.forEach((_, at) => (inputs[at] = narrowest(inputs, at, node)));
    const copy = { ...node, inputs, op: node.op.kind === "loop" ? { ...node.op, body: leaveBroadcastsOut(node.op.body) } : node.op };
    made.set(node, copy);
    all.push(copy);
  }
  return withoutUnneeded(program, all, made);
}

/**
 * The program with weights read where they are used: an invariant of a loop that is a parameter is that parameter in its body, as everything that is emitted sees the record of weights. So a
 * network is the same function inside a loop and outside.
 */
export function readWeights(program: TensorProgram, given: ReadonlyMap<string, TensorNode> = new Map()): TensorProgram {
  const made = new Map<TensorNode, TensorNode>();
  for (const node of program.nodes) {
    const inputs = node.inputs.map((input) => made.get(input) ?? input);
    const parameter = node.op.kind === "input" && node.op.role === "loop" ? given.get(node.op.name) : undefined;
    // Parameters of the body keep the places of the inputs that they replace.
    const read = parameter && { ...parameter, id: node.id };
    made.set(node, read ?? { ...node, inputs, op: node.op.kind === "loop" ? { ...node.op, body: readWeights(node.op.body, parametersOf(node.op, inputs)) } : node.op });
  }
  return withoutUnneeded(program, [...made.values()], made);
}

function parametersOf(op: LoopOp, inputs: readonly TensorNode[]): Map<string, TensorNode> {
  return new Map(loopInputNames(op).flatMap((name, at) => {
    const input = inputs[at];
    return name.startsWith("invariant.") && input?.op.kind === "input" && input.op.role === "parameter" ? [[name, input] as const] : [];
  }));
}

function withoutUnneeded(program: TensorProgram, all: readonly TensorNode[], made: ReadonlyMap<TensorNode, TensorNode>): TensorProgram {
  const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, made.get(node) ?? node]));
  const needed = new Set<TensorNode>();
  const pending = Object.values(outputs);
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    pending.push(...node.inputs);
  }
  const nodes = all.filter((node) => needed.has(node));
  return { name: program.name, nodes, inputs: nodes.filter((node) => node.op.kind === "input"), outputs };
}

function narrowest(inputs: readonly TensorNode[], at: number, node: TensorNode): TensorNode {
  let operand = inputs[at] as TensorNode;
  for (;;) {
    const inner = operand.inputs[0];
    if (!inner || !spreads(operand, inner)) return operand;
    const shapes = inputs.map((input, i) => (i === at ? inner.shape : input.shape));
    if (!sameDims(shapes.reduce(broadcastShapes), node.shape)) return operand;
    operand = inner;
  }
}

/** Whether the node only repeats `inner`, or puts axes of size 1 in front of it. */
function spreads(node: TensorNode, inner: TensorNode): boolean {
  if (node.op.kind === "broadcast") return true;
  const extra = node.shape.length - inner.shape.length;
  return node.op.kind === "reshape" && extra > 0 && node.shape.slice(0, extra).every((dim) => dim === 1) && sameDims(node.shape.slice(extra), inner.shape);
}
