import { importProgram } from "../ir/tensor/import-program.js";
import { bodyInputName, loopInputNames, loopResults } from "../ir/tensor/loops.js";
import type { LoopOp, TensorNode } from "../ir/tensor/nodes.js";
import type { VjpRule } from "./vjp-rule.js";

/**
 * The gradient of a loop is a loop the other way. At each step it computes the body again from what the carries were (their histories), then by the body's own gradients
 *   dcarry ← (∂next/∂carry)ᵀ dnext + (∂stack/∂carry)ᵀ dstack + dhistory,   dinvariant ← dinvariant + …,   dscan[index] = …
 * so that only the carries are kept of the steps, not what is between them. A step draws again what it drew.
 */
export const loopRule: VjpRule<"loop"> = ({ b, op, node, results, isActive, gradientsOf }) => {
  const { steps, carried, stacked, body } = op;
  const names = loopInputNames(op);
  const needed = new Set(body.inputs.map(bodyInputName));
  const wanted = names.filter((name, at) => isActive(at) && node.inputs[at]!.dtype === "f32" && (at < carried || needed.has(name)));
  const live = liveCarries(op, wanted);
  const added = names.filter((name) => name.startsWith("invariant.") && wanted.includes(name));
  const sliced = names.filter((name) => name.startsWith("scan.") && wanted.includes(name));
  const kinds = loopResults(op);
  const full = (result: number): TensorNode => b.broadcast(results.get(result)!, kinds[result]!.shape);

  const backward = once(() => {
    const operandOf = (name: string): TensorNode => node.inputs[names.indexOf(name)]!;
    const start = live.map((at) => (results.has(at) ? full(at) : b.full(0, kinds[at]!.shape)));
    const sums = added.map((name) => b.full(0, operandOf(name).shape));
    const kept = Array.from({ length: carried }, (_, at) => at).filter((at) => needed.has(`carry.${at}`));
    const given = names.filter((name) => name.startsWith("invariant."));
    const scanned = names.filter((name) => name.startsWith("scan."));
    const stacks = Array.from({ length: stacked }, (_, at) => at).filter((at) => kinds[carried + at]!.dtype === "f32" && results.has(carried + at));
    const histories = live.filter((at) => results.has(carried + stacked + at));
    return b.loop({
      steps,
      reverse: !op.reverse,
      carries: [...start, ...sums],
      invariants: given.map(operandOf),
      scans: [
        ...kept.map((at) => b.loopResult(node, carried + stacked + at)), ...scanned.map(operandOf), ...stacks.map((at) => full(carried + at)), ...histories.map((at) => full(carried + stacked + at)),
      ],
      body: (inner, step) => {
        const scans = [...step.scans];
        const values = new Map<string, TensorNode>([["index", step.index]]);
        for (const at of kept) values.set(`carry.${at}`, scans.shift()!);
        for (const name of scanned) values.set(name, scans.shift()!);
        given.forEach((name, at) => values.set(name, step.invariants[at]!));
        const dstacks = new Map(stacks.map((at) => [at, scans.shift()!]));
        const dhistories = new Map(histories.map((at) => [at, scans.shift()!]));
        const made = importProgram(inner, body, { replace: (leaf) => (leaf.op.kind === "input" ? values.get(leaf.op.name) : undefined) });
        const output = (name: string): TensorNode => made.get(body.outputs[name]!)!;
        // The gradient of Σ output · d output is the product with the Jacobian's transpose.
        const total = inner.addAll([
          ...live.map((at, i) => inner.sum(inner.multiply(output(`carry.${at}`), step.carries[i]!))), ...stacks.map((at) => inner.sum(inner.multiply(output(`stack.${at}`), dstacks.get(at)!))),
        ]);
        const asked = [...live.map((at) => `carry.${at}`), ...added, ...sliced];
        const present = asked.filter((name) => needed.has(name));
        const found = gradientsOf(inner, total, present.map((name) => values.get(name)!));
        const gradient = (name: string): TensorNode => {
          const at = present.indexOf(name);
          if (at >= 0) return found[at]!;
          const { shape } = operandOf(name);
          return inner.full(0, name.startsWith("scan.") ? shape.slice(1) : shape);
        };
        return {
          carries: [
            ...live.map((at) => inner.addAll([gradient(`carry.${at}`), ...(dhistories.has(at) ? [dhistories.get(at)!] : [])])), ...added.map((name, at) => inner.add(step.carries[live.length + at]!, gradient(name))),
          ],
          stacks: sliced.map(gradient),
        };
      },
    });
  });

  return names.map((name) => {
    if (!wanted.includes(name)) return undefined;
    const at = live.indexOf(Number(name.slice("carry.".length)));
    if (name.startsWith("carry.")) return () => backward().carries[at]!;
    return () => (name.startsWith("scan.") ? backward().stacks[sliced.indexOf(name)]! : backward().carries[live.length + added.indexOf(name)]!);
  });
};

/** The carries through which a derivative to `wanted` flows: those that begin with one, and those that a step makes of one. */
function liveCarries({ body, carried }: LoopOp, wanted: readonly string[]): number[] {
  const live = new Set(wanted);
  for (let known = -1; known !== live.size; ) {
    known = live.size;
    const depends = new Set<TensorNode>();
    for (const node of body.nodes) if (node.op.kind === "input" ? live.has(node.op.name) : node.inputs.some((input) => depends.has(input))) depends.add(node);
    for (let at = 0; at < carried; at++) {
      const next = body.outputs[`carry.${at}`]!;
      if (next.dtype === "f32" && depends.has(next)) live.add(`carry.${at}`);
    }
  }
  return Array.from({ length: carried }, (_, at) => at).filter((at) => live.has(`carry.${at}`));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
