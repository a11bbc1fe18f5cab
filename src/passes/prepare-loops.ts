import { TensorBuilder } from "../ir/tensor/builder.js";
import { drawsOfSteps } from "../ir/tensor/draw-order.js";
import { importProgram } from "../ir/tensor/import-program.js";
import type { LoopOp, Shape, TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { rewrite } from "./rewrite.js";

/**
 * Takes out of the bodies of loops what does not depend on the steps before: draws become a scanned array of all of them (but for those of a Gamma, whose parameter may
 * depend on what was before), arrays of constants invariants; a scanned array that repeats along its steps is an invariant. Values are unchanged.
 */
export function prepareLoops(program: TensorProgram): TensorProgram {
  if (!program.nodes.some(({ op }) => op.kind === "loop")) return program;
  return rewrite(program, ({ op, dtype, shape }, inputs, b) => (op.kind === "loop" ? prepared(b, op, inputs).carriesFirst(dtype, shape) : undefined));
}

/** The loop with its draws and constants given from outside. Bodies within it are prepared already: `rewrite` goes from the inside out. */
function prepared(b: TensorBuilder, op: LoopOp, inputs: readonly TensorNode[]): { readonly carriesFirst: (dtype: TensorNode["dtype"], shape: Shape) => TensorNode } {
  const [invariants, scans]: [TensorNode[], TensorNode[]] = [[], []];
  const inner = new TensorBuilder({ simplify: false });
  const before = op.carried + op.invariants;
  const repeated = new Map(inputs.slice(before).flatMap((input, at) => {
    const once = onceAlongSteps(b, input);
    return once ? [[`scan.${at}` as string, once] as const] : [];
  }));
  const made = importProgram(inner, op.body, {
    replace: (leaf) => {
      const once = leaf.op.kind === "input" ? repeated.get(leaf.op.name) : undefined;
      if (once) return inner.broadcast(inner.input("loop", `invariant.${op.invariants + invariants.push(once) - 1}`, once.shape, once.dtype), leaf.shape);
      if (leaf.op.kind === "random") return inner.input("loop", `scan.${op.scanned + scans.push(b.make(drawsOfSteps(leaf.op), [], "f32", [op.steps, ...leaf.shape])) - 1}`, leaf.shape, "f32");
      if (leaf.op.kind !== "constant" || leaf.op.values.length <= 1) return undefined;
      return inner.input("loop", `invariant.${op.invariants + invariants.push(b.constant(leaf.op.values, leaf.shape, leaf.dtype)) - 1}`, leaf.shape, leaf.dtype);
    },
  });
  const body = inner.program(op.body.name, Object.fromEntries(Object.entries(op.body.outputs).map(([name, node]) => [name, made.get(node)!])));
  const whole: LoopOp = { ...op, invariants: op.invariants + invariants.length, scanned: op.scanned + scans.length, body };
  const operands = [...inputs.slice(0, before), ...invariants, ...inputs.slice(before), ...scans];
  return { carriesFirst: (dtype, shape) => b.make(whole, operands, dtype, shape) };
}

/** One slice of a scanned array all of whose slices are the same, as far as it is seen: a broadcast of it. */
function onceAlongSteps(b: TensorBuilder, { op, inputs, shape }: TensorNode): TensorNode | undefined {
  const [source] = inputs;
  if (op.kind !== "broadcast" || !source) return undefined;
  if (source.shape.length < shape.length) return source;
  return source.shape[0] === 1 && shape[0] !== 1 ? b.reshape(source, source.shape.slice(1)) : undefined;
}
