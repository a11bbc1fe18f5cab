import { InternalError } from "../../util/internal-error.js";
import { bodyInputName, loopInputNames } from "../../ir/tensor/loops.js";
import type { LoopOp, TensorNode } from "../../ir/tensor/nodes.js";

/** What of a loop is read: by the program around it, and by what is read of its body. */
export interface LoopUse {
  readonly op: LoopOp;
  /** The nodes that are its results, by their numbers. */
  readonly results: ReadonlyMap<number, TensorNode>;
  /** Carries, stacks and histories that are made. */
  readonly carries: readonly number[];
  readonly stacks: readonly number[];
  readonly histories: readonly number[];
  /** Body inputs that are read. */
  readonly inputs: ReadonlyMap<string, TensorNode>;
  /** Operands that are read. */
  readonly operands: ReadonlySet<number>;
}

/** The nodes that `outputs` need, and of their loops what they need: a loop may have operands and results that nothing reads. */
export function liveNodes(outputs: readonly TensorNode[]): { readonly live: ReadonlySet<TensorNode>; readonly loops: ReadonlyMap<TensorNode, LoopUse> } {
  const all = new Set(outputs);
  for (const node of all) for (const input of node.inputs) all.add(input);
  const live = new Set(outputs);
  const results = new Map<TensorNode, Map<number, TensorNode>>();
  const loops = new Map<TensorNode, LoopUse>();
  for (const node of outputs) if (node.op.kind === "loop") read(results, node, 0, node);
  // Users before operands.
  for (const node of [...all].sort((a, b) => b.id - a.id)) {
    if (!live.has(node)) continue;
    let inputs = node.inputs;
    if (node.op.kind === "loop") {
      const use = useOf(node.op, results.get(node) ?? new Map<number, TensorNode>());
      loops.set(node, use);
      inputs = inputs.filter((_, at) => use.operands.has(at));
    }
    for (const input of inputs) {
      live.add(input);
      if (input.op.kind !== "loop") continue;
      if (node.op.kind === "loop-result") read(results, input, node.op.result, node);
      else read(results, input, 0, input);
    }
  }
  return { live, loops };
}

function read(results: Map<TensorNode, Map<number, TensorNode>>, loop: TensorNode, result: number, node: TensorNode): void {
  results.set(loop, (results.get(loop) ?? new Map<number, TensorNode>()).set(result, node));
}

function useOf(op: LoopOp, results: ReadonlyMap<number, TensorNode>): LoopUse {
  const { carried, stacked, body } = op;
  const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => at).filter((at) => results.has(from + at));
  const [stacks, histories] = [numbers(carried, stacked), numbers(carried + stacked, carried)];
  const carries = new Set([...numbers(0, carried), ...histories]);
  const output = (name: string): TensorNode => {
    const node = body.outputs[name];
    if (!node) throw new InternalError(`the body of a loop has no output "${name}"`);
    return node;
  };
  // A carry that is read needs those of which it is made.
  for (let known = -1; known !== carries.size; ) {
    known = carries.size;
    const { live } = liveNodes([...carries].map((at) => output(`carry.${at}`)).concat(stacks.map((at) => output(`stack.${at}`))));
    const inputs = new Map([...live].filter((node) => node.op.kind === "input" && node.op.role === "loop").map((node) => [bodyInputName(node), node] as const));
    for (let at = 0; at < carried; at++) if (inputs.has(`carry.${at}`)) carries.add(at);
    if (known !== carries.size) continue;
    const operands = new Set(loopInputNames(op).flatMap((name, at) => (at < carried ? carries.has(at) : inputs.has(name)) ? [at] : []));
    return { op, results, carries: [...carries].sort((a, b) => a - b), stacks, histories, inputs, operands };
  }
  throw new InternalError("a loop's carries do not settle");
}
