import { lineOf } from "../diagnostics/span.js";
import type { TensorProgram } from "../ir/tensor/nodes.js";

/**
 * All that a tensor program is, as text: programs with the same text become the same kernels, titles and lines included. For people there is
 * `ir/tensor/print.ts`, which leaves out what is long.
 */
export function programKey(program: TensorProgram): string {
  const lines = program.nodes.map(({ op, inputs, dtype, shape, origin, name, scope }) => {
    const attributes = op.kind === "loop" ? { ...op, body: programKey(op.body) } : op;
    return JSON.stringify([attributes, inputs.map(({ id }) => id), dtype, shape, origin && [origin.source.path, lineOf(origin)], name, scope], exactNumber);
  });
  return [program.name, ...program.inputs.map(({ id }) => id), JSON.stringify(Object.entries(program.outputs).map(([name, { id }]) => [name, id])), ...lines].join("\n");
}

/** JSON has no ±∞, NaN and −0. */
function exactNumber(_: string, value: unknown): unknown {
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)) ? `number ${Object.is(value, -0) ? "-0" : value}` : value;
}
