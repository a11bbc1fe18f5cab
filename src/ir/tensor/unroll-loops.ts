import { InternalError } from "../../util/internal-error.js";
import { TensorBuilder } from "./builder.js";
import { drawsOfSteps } from "./draw-order.js";
import { bodyInputName, loopInputNames } from "./loops.js";
import type { Dim, LoopOp, Shape, TensorNode, TensorOp, TensorProgram } from "./nodes.js";

type Draws = Extract<TensorOp, { readonly kind: "random" | "random-log-gamma" }>;
/** The draws of a random node of this shape and these operands, where the nodes now stand. */
type Draw = (op: Draws, shape: Shape, inputs: readonly TensorNode[]) => TensorNode;

/** Whether any node of the program is a loop. */
export function hasLoops(program: TensorProgram): boolean {
  return program.nodes.some(({ op }) => op.kind === "loop");
}

/**
 * The same program with every step of every loop written out: what a loop means without loops, for tests and for shrinking a program that fails. Values are the same, draws included. A step's Gamma
 * draws are a slice of as many as all steps have, by the parameters of this step: a draw depends on its own parameter and place alone.
 * @param most nodes to write out for loops
 * @throws InternalError where that is not enough
 */
export function unrollLoops(program: TensorProgram, most = 20_000): TensorProgram {
  if (!hasLoops(program)) return program;
  const b = new TensorBuilder();
  let count = 0;
  const unrolled = (nodes: readonly TensorNode[], given: ReadonlyMap<string, TensorNode>, draw: Draw, depth: number): Map<TensorNode, TensorNode> => {
    const made = new Map<TensorNode, TensorNode>();
    const results = new Map<TensorNode, (result: number) => TensorNode>();
    for (const node of nodes) {
      if (depth > 0 && ++count > most) throw new InternalError(`program ${program.name}: its loops are more than ${most} operations`);
      const inputs = node.inputs.map((input) => made.get(input)!);
      const { op, dtype, shape } = node;
      const copy = b.at(node.origin, () => b.inScope(node.scope, (): TensorNode => {
        if (op.kind === "input" && given.has(op.name)) return given.get(op.name)!;
        if (op.kind === "random" || op.kind === "random-log-gamma") return draw(op, shape, inputs);
        if (op.kind === "loop") {
          results.set(node, steps(op, inputs, draw, depth));
          return results.get(node)!(0);
        }
        return op.kind === "loop-result" ? results.get(node.inputs[0]!)!(op.result) : b.make(op, inputs, dtype, shape);
      }));
      made.set(node, node.name === undefined || depth > 0 ? copy : b.named(copy, node.name));
    }
    return made;
  };
  const steps = (op: LoopOp, inputs: readonly TensorNode[], draw: Draw, depth: number): ((result: number) => TensorNode) => {
    const { carried, invariants, stacked } = op;
    const names = loopInputNames(op);
    const needed = new Set(op.body.inputs.map(bodyInputName));
    let carries = inputs.slice(0, carried);
    const stacks: TensorNode[][] = [];
    const histories: TensorNode[][] = [];
    for (let step = 0; step < op.steps; step++) {
      const index = op.reverse ? op.steps - 1 - step : step;
      const at = (array: TensorNode): TensorNode => b.reshape(b.sliceAxis(array, 0, index, 1), array.shape.slice(1));
      const given = new Map<string, TensorNode>([["index", b.scalar(index, "i32")]]);
      names.forEach((name, i) => needed.has(name) && given.set(name, i < carried ? carries[i]! : i < carried + invariants ? inputs[i]! : at(inputs[i]!)));
      const drawn: Draw = (random, shape, parameters) => {
        const all = [op.steps as Dim, ...shape];
        return at(draw(drawsOfSteps(random), all, parameters.map((each) => b.broadcast(each, all))));
      };
      const made = unrolled(op.body.nodes, given, drawn, depth + 1);
      histories[index] = carries;
      stacks[index] = Array.from({ length: stacked }, (_, i) => made.get(op.body.outputs[`stack.${i}`]!)!);
      carries = carries.map((_, i) => made.get(op.body.outputs[`carry.${i}`]!)!);
    }
    const stack = (parts: readonly (readonly TensorNode[])[], i: number): TensorNode => b.concatenate(parts.map((each) => b.expandDims(each[i]!, [0])), 0);
    return (result) => {
      if (result < carried) return carries[result]!;
      return result < carried + stacked ? stack(stacks, result - carried) : stack(histories, result - carried - stacked);
    };
  };
  const made = unrolled(program.nodes, new Map(), (op, shape, inputs) => b.make(op, inputs, "f32", shape), 0);
  return b.program(program.name, Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, made.get(node)!])));
}
