import type { Column, DrawOptions, Outputs, Value } from "../model.js";
import type { BoundData } from "./bind-data.js";
import type { RowProgram } from "./definition.js";
import type { RowRunner } from "./row-runner.js";

/** A program's outputs for all rows as plain data: columns where there is a value for each row, else values. */
export async function drawOutputs(runner: RowRunner, data: BoundData, program: RowProgram, { draw }: Required<Pick<DrawOptions, "draw">>): Promise<Outputs> {
  const columns = new Map<string, { values: Float32Array | Int32Array; shape: readonly number[] }>();
  const single = new Map<string, Value>();
  await runner.run({ program, step: draw, data }, (outputs, rows, first) => {
    for (const [name, { values, shape }] of Object.entries(outputs)) {
      if (runner.definition.sharedOutputs.includes(name)) {
        single.set(name, { values, shape });
        continue;
      }
      const size = values.length / rows;
      const column = columns.get(name) ?? { values: values instanceof Int32Array ? new Int32Array(data.rows * size) : new Float32Array(data.rows * size), shape: shape.slice(1) };
      columns.set(name, column);
      column.values.set(values, first * size);
    }
  });
  const all: [string, Column | Value][] = [...columns].map(([name, { values, shape }]) => [name, { rows: data.rows, values, shape }]);
  return Object.fromEntries([...all, ...single]);
}
