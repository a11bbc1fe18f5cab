import type { Column, DrawOptions, Outputs, Value } from "../model.js";
import type { BoundData } from "./batch.js";
import type { Program } from "./definition.js";
import { eachBatch } from "./evaluate.js";
import type { ModelState } from "./state.js";

/** A program's outputs for all rows as plain data: columns where there is a value for each row, else values. */
export async function drawOutputs(state: ModelState, data: BoundData, program: Program<never, never, never>, use: string, options: DrawOptions): Promise<Outputs> {
  const columns = new Map<string, { values: Float32Array | Int32Array; shape: number[] }>();
  const single = new Map<string, Value>();
  const draw = options.draw ?? state.draws++;
  await eachBatch(state, data, program, use, draw, {}, async (outputs, rows, first) => {
    for (const [name, tensor] of Object.entries(outputs)) {
      const values = plain(await tensor.data());
      if (state.definition.sharedOutputs.includes(name)) {
        single.set(name, { values, shape: tensor.shape });
        continue;
      }
      const size = tensor.size / rows;
      const column = columns.get(name) ?? { values: values instanceof Int32Array ? new Int32Array(data.rows * size) : new Float32Array(data.rows * size), shape: tensor.shape.slice(1) };
      columns.set(name, column);
      column.values.set(values, first * size);
    }
  });
  const all: [string, Column | Value][] = [...columns].map(([name, { values, shape }]) => [name, { rows: data.rows, values, shape }]);
  return Object.fromEntries([...all, ...single]);
}

function plain(values: Float32Array | Int32Array | Uint8Array): Float32Array | Int32Array {
  return values instanceof Uint8Array ? Int32Array.from(values) : values;
}
