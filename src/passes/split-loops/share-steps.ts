import { TensorBuilder } from "../../ir/tensor/builder.js";
import { importProgram } from "../../ir/tensor/import-program.js";
import type { LoopOp, TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { canLeave, type Outside, outsideOf } from "./batch-rules.js";
import { saves } from "./choose.js";

/**
 * What is computed outside of a loop for all steps at once, though the loop has it step by step, becomes a stack of the loop: where it is one already, or where a stack costs less than to
 * compute it again. The loop back computes again what the loop forth did: its products, which `splitLoop` takes out, are found here.
 */
export function shareSteps(program: TensorProgram): TensorProgram {
  if (!program.nodes.some(({ op }) => op.kind === "loop")) return program;
  const b = new TensorBuilder({ simplify: false });
  const copies = importProgram(b, program);
  const present = new Map([...copies].map(([node, copy]) => [copy, node]));
  // Of each loop which nodes of its body are which nodes around it.
  const shared = new Map<TensorNode, ReadonlyMap<TensorNode, TensorNode>>();
  const given = new Set<TensorNode>();
  for (const loop of program.nodes) {
    if (loop.op.kind !== "loop" || loop.op.steps === 0) continue;
    const again = new Map([...ofAllSteps(b, loop.op, copies.get(loop)!)].flatMap(([node, copy]) => {
      const outer = present.get(copy);
      if (!outer || given.has(outer) || outer === loop || outer.op.kind === "loop-result") return [];
      if (!stackOf(loop.op as LoopOp, node) && !saves(node)) return [];
      given.add(outer);
      return [[node, outer] as const];
    }));
    if (again.size > 0) shared.set(loop, again);
  }
  return shared.size === 0 ? program : withStacks(program, shared);
}

const stackOf = ({ body, stacked }: LoopOp, node: TensorNode): string | undefined =>
  Array.from({ length: stacked }, (_, at) => `stack.${at}`).find((name) => body.outputs[name] === node);

/** The nodes of the body that depend on carries, each as it would be for all steps at once outside of `loop`, a node of `b`. */
function ofAllSteps(b: TensorBuilder, op: LoopOp, loop: TensorNode): Map<TensorNode, TensorNode> {
  const { carried, invariants, stacked, steps, body } = op;
  const known = new Map<TensorNode, Outside & { readonly carried: boolean }>();
  for (const node of body.nodes) {
    if (node.op.kind === "input") {
      const [what, number] = node.op.name.split(".") as [string, string];
      const at = Number(number);
      if (what === "carry") known.set(node, { node: b.loopResult(loop, carried + stacked + at), batched: true, carried: true });
      else if (what === "index") known.set(node, { node: b.iota(steps), batched: true, carried: false });
      else known.set(node, { node: loop.inputs[what === "scan" ? carried + invariants + at : carried + at]!, batched: what === "scan", carried: false });
      continue;
    }
    const inputs = node.inputs.map((input) => known.get(input));
    if (!inputs.every((input) => input !== undefined) || !canLeave(node, inputs.map(({ batched }) => batched))) continue;
    known.set(node, { ...outsideOf(b, node, inputs, steps), carried: inputs.some((input) => input.carried) });
  }
  return new Map([...known].flatMap(([node, value]) => (value.carried && node.op.kind !== "input" ? [[node, value.node] as const] : [])));
}

/** The program whose loops stack the nodes of their bodies that stand for others outside. */
function withStacks(program: TensorProgram, shared: ReadonlyMap<TensorNode, ReadonlyMap<TensorNode, TensorNode>>): TensorProgram {
  const b = new TensorBuilder({ simplify: false });
  const made = new Map<TensorNode, TensorNode>();
  const stands = new Map<TensorNode, TensorNode>();
  const more = new Map<TensorNode, number>();
  for (const node of program.nodes) {
    const inputs = node.inputs.map((input) => made.get(input)!);
    const copy = stands.get(node) ?? b.at(node.origin, () => b.inScope(node.scope, (): TensorNode => {
      if (node.op.kind === "loop") {
        const { op } = node;
        const again = [...(shared.get(node) ?? [])];
        const added = again.filter(([inner]) => !stackOf(op, inner)).map(([inner]) => inner);
        more.set(node, added.length);
        const names = new Map(added.map((inner, at) => [inner, `stack.${op.stacked + at}`]));
        const outputs = { ...op.body.outputs, ...Object.fromEntries([...names].map(([inner, name]) => [name, inner])) };
        const results = b.loopOf({ ...op, stacked: op.stacked + added.length, body: { ...op.body, outputs } }, inputs);
        for (const [inner, outer] of again) stands.set(outer, results.stacks[Number((names.get(inner) ?? stackOf(op, inner)!).slice("stack.".length))]!);
        return results.carries[0] ?? results.stacks[0]!;
      }
      if (node.op.kind !== "loop-result") return b.make(node.op, inputs, node.dtype, node.shape);
      // Histories are numbered after the stacks.
      const [loop] = node.inputs as [TensorNode];
      const { carried, stacked } = loop.op as LoopOp;
      return b.loopResult(inputs[0]!, node.op.result + (node.op.result >= carried + stacked ? more.get(loop)! : 0));
    }));
    made.set(node, node.name === undefined ? copy : b.named(copy, node.name));
  }
  return b.program(program.name, Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, made.get(node)!])));
}
