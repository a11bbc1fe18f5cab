import type { LoweredModel } from "../../ir/lowered-model.js";
import { TensorBuilder } from "../../ir/tensor/builder.js";
import { importProgram } from "../../ir/tensor/import-program.js";
import type { TensorProgram } from "../../ir/tensor/nodes.js";

export type RowProgram = "evaluate" | "importance" | "sample" | "infer" | "reconstruct" | "belief" | "rollout" | "imagine";
export const rowPrograms: readonly RowProgram[] = ["evaluate", "importance", "sample", "infer", "reconstruct", "belief", "rollout", "imagine"];

/**
 * A program over a chunk of rows with every size a number. Inputs beside parameters and columns: `rowIndex` where parameters are per row (their place in the chunk), and
 * `dataset`, the rows among which terms of global latents are divided. Undefined where the model has no such program.
 */
export function rowsProgram(lowered: LoweredModel, which: RowProgram, rows: number): { readonly program: TensorProgram; readonly rowsAxis: Readonly<Record<string, number>> } | undefined {
  const source = lowered.programs[which];
  if (!source) return undefined;
  const b = new TensorBuilder();
  const made = importProgram(b, source, {
    // Parameters per row: those of these rows.
    sizes: { rows, dataset: rows },
    replace: ({ op }) => {
      if (op.kind === "size" && op.of === "dataset") return b.input("scalar", "dataset", []);
      return op.kind === "input" && op.name === "anneal" ? b.scalar(1) : undefined;
    },
    op: ({ op, shape }) => ((op.kind === "random" || op.kind === "random-log-gamma") && shape.includes("rows") ? { ...op, chunked: true } : op),
  });
  const outputs = Object.fromEntries(Object.entries(source.outputs).flatMap(([name, node]) => {
    const output = made.get(node);
    return output ? [[name, output]] : [];
  }));
  return { program: b.program(which, outputs), rowsAxis: Object.fromEntries(Object.entries(source.outputs).map(([name, node]) => [name, node.shape.indexOf("rows")])) };
}
