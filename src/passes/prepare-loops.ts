import { TensorBuilder } from "../ir/tensor/builder.js";
import { drawsOfSteps } from "../ir/tensor/draw-order.js";
import { importProgram } from "../ir/tensor/import-program.js";
import type { LoopOp, Shape, TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { InternalError } from "../util/internal-error.js";
import { rewrite } from "./rewrite.js";

/**
 * Takes out of the bodies of loops what does not depend on the steps before: draws become a scanned array of all of them, arrays of constants invariants. Then a
 * body is kernels over memory and nothing else. Values are unchanged.
 *
 * @throws InternalError on a Gamma draw in a loop: its parameter may depend on the steps before
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
  const made = importProgram(inner, op.body, {
    replace: (leaf) => {
      if (leaf.op.kind === "random") return inner.input("loop", `scan.${op.scanned + scans.push(b.make(drawsOfSteps(leaf.op), [], "f32", [op.steps, ...leaf.shape])) - 1}`, leaf.shape, "f32");
      if (leaf.op.kind !== "constant" || leaf.op.values.length <= 1) return undefined;
      return inner.input("loop", `invariant.${op.invariants + invariants.push(b.constant(leaf.op.values, leaf.shape, leaf.dtype)) - 1}`, leaf.shape, leaf.dtype);
    },
  });
  if (op.body.nodes.some((node) => node.op.kind === "random-log-gamma")) throw new InternalError("a loop draws from a Gamma: such loops are not scheduled yet");
  const body = inner.program(op.body.name, Object.fromEntries(Object.entries(op.body.outputs).map(([name, node]) => [name, made.get(node)!])));
  const whole: LoopOp = { ...op, invariants: op.invariants + invariants.length, scanned: op.scanned + scans.length, body };
  const operands = [...inputs.slice(0, before), ...invariants, ...inputs.slice(before), ...scans];
  return { carriesFirst: (dtype, shape) => b.make(whole, operands, dtype, shape) };
}
