import { frozenName } from "../../ir/model/stages.js";
import type { ModelProgram, Stage } from "../../ir/model/model.js";
import type { TensorBuilder } from "../../ir/tensor/builder.js";
import { importProgram } from "../../ir/tensor/import-program.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";

export type Outputs = Readonly<Record<string, TensorNode>>;

/**
 * Makes a program again in `b`, with values for columns that it would be given. `frozenOf`: its parameters are those of a model that is trained before, under the names that they have with it.
 * @returns its outputs in `b`
 */
export function within(b: TensorBuilder, program: TensorProgram, columns: Outputs, frozenOf?: Pick<ModelProgram, "name">): Outputs {
  // Calls of networks are numbered in each program by itself.
  const before = frozenOf ? firstCall : 0;
  const made = importProgram(b, program, {
    replace: ({ op, shape, dtype }) => {
      if (op.kind !== "input") return undefined;
      if (op.role === "parameter" && frozenOf) return b.input("parameter", frozenName(frozenOf, op.name), shape, dtype);
      return op.role === "column" ? columns[op.name] : undefined;
    },
    scope: ({ network, call }) => ({ network, call: call + before }),
  });
  return Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, made.get(node)!]));
}

/** More calls of networks than a program has. */
const firstCall = 1 << 20;

/** Streams of the first stage's draws in a program of the second. */
export function streamsOf(program: string, { model }: Pick<Stage, "model">): string {
  return program === "train" ? `${model.name}.` : `${program}.${model.name}.`;
}
