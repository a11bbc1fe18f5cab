import { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { simplify } from "./simplify.js";
import { shareSteps } from "./split-loops/share-steps.js";
import { splitLoop } from "./split-loops/split-loop.js";

/**
 * Takes out of the loops, those within first, what need not run step after step, and computes it once for all steps: what depends on no step before, what no later step needs, and sums
 * over the steps. Which of it is a matter of costs (`split-loops/choose.ts`). Values are unchanged up to the order of sums.
 */
export function splitLoops(program: TensorProgram): TensorProgram {
  if (!program.nodes.some(({ op }) => op.kind === "loop")) return program;
  let current = program;
  for (let round = 0; round < rounds; round++) {
    const split = apart(current);
    if (split === current) break;
    // What is now outside of a loop can be simpler there, and what it read of another loop may be read no more.
    current = simplify(split);
  }
  return current;
}

/** Rounds until nothing changes. */
const rounds = 6;

/** The program with its loops split; itself where nothing leaves any of them. */
function apart(program: TensorProgram): TensorProgram {
  const b = new TensorBuilder({ simplify: false });
  const made = new Map<TensorNode, TensorNode>();
  const results = new Map<TensorNode, (result: number) => TensorNode>();
  const reads = readResults(program);
  let changed = false;
  for (const node of program.nodes) {
    const inputs = node.inputs.map((input) => made.get(input)!);
    const copy = b.at(node.origin, () => b.inScope(node.scope, (): TensorNode | undefined => {
      if (node.op.kind === "loop-result") return results.get(node.inputs[0]!)!(node.op.result);
      if (node.op.kind !== "loop") return b.make(node.op, inputs, node.dtype, node.shape);
      const body = apart(node.op.body);
      const op = { ...node.op, body };
      const parts = splitLoop(b, op, inputs, reads.get(node)!);
      changed ||= parts !== undefined || body !== node.op.body;
      const whole = parts ? undefined : b.make(op, inputs, node.dtype, node.shape);
      results.set(node, parts ?? ((result) => b.loopResult(whole!, result)));
      return reads.get(node)!.has(0) ? results.get(node)!(0) : whole;
    }));
    if (!copy) continue;
    made.set(node, node.name === undefined ? copy : b.named(copy, node.name));
  }
  if (!changed) return program;
  return shareSteps(b.program(program.name, Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, made.get(node)!]))));
}

/** Of each loop the numbers of the results that something reads. */
function readResults(program: TensorProgram): Map<TensorNode, Set<number>> {
  const reads = new Map<TensorNode, Set<number>>(program.nodes.flatMap((node) => (node.op.kind === "loop" ? [[node, new Set<number>()] as const] : [])));
  for (const node of program.nodes) {
    if (node.op.kind === "loop-result") reads.get(node.inputs[0]!)!.add(node.op.result);
    else for (const input of node.inputs) reads.get(input)?.add(0);
  }
  for (const node of Object.values(program.outputs)) reads.get(node)?.add(0);
  return reads;
}
