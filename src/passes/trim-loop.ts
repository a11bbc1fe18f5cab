import { TensorBuilder } from "../ir/tensor/builder.js";
import { importProgram } from "../ir/tensor/import-program.js";
import { bodyInputName, loopInputNames } from "../ir/tensor/loops.js";
import type { LoopOp, TensorNode } from "../ir/tensor/nodes.js";

/** The loop without the invariants and scanned arrays that its body does not read, so that nothing computes or keeps them; undefined where it reads all. Its results stay. */
export function trimLoop(b: TensorBuilder, op: LoopOp, inputs: readonly TensorNode[], { dtype, shape }: TensorNode): TensorNode | undefined {
  const read = new Set(op.body.inputs.map(bodyInputName));
  const names = loopInputNames(op);
  const kept = names.flatMap((name, at) => (name.startsWith("carry.") || read.has(name) ? [{ name, input: inputs[at]! }] : []));
  if (kept.length === names.length) return undefined;
  const invariants = kept.filter(({ name }) => name.startsWith("invariant."));
  const scans = kept.filter(({ name }) => name.startsWith("scan."));
  const renamed = new Map([...invariants.map(({ name }, at) => [name, `invariant.${at}`] as const), ...scans.map(({ name }, at) => [name, `scan.${at}`] as const)]);
  const inner = new TensorBuilder({ simplify: false });
  const made = importProgram(inner, op.body, {
    replace: (leaf) => {
      const name = leaf.op.kind === "input" ? renamed.get(leaf.op.name) : undefined;
      return name === undefined ? undefined : inner.input("loop", name, leaf.shape, leaf.dtype);
    },
  });
  const body = inner.program(op.body.name, Object.fromEntries(Object.entries(op.body.outputs).map(([name, node]) => [name, made.get(node)!])));
  return b.make({ ...op, invariants: invariants.length, scanned: scans.length, body }, kept.map(({ input }) => input), dtype, shape);
}
