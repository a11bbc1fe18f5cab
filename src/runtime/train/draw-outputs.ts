import type { Column, DrawOptions, Outputs, SampleOptions, Value } from "../model.js";
import type { BoundData } from "./bind-data.js";
import { isDiscreteSupport } from "../data/index.js";
import type { RowProgram } from "./definition.js";
import type { RowRunner } from "./row-runner.js";

/**
 * A program's outputs for all rows as plain data: columns where there is a value for each row, else values. Where rows have lengths of their own, a column of the data is missing
 * beyond them, as it is in files: −1 in draws of discrete ones, NaN in all else.
 */
export async function drawOutputs(runner: RowRunner, data: BoundData, program: RowProgram, { draw, batch, signal, onProgress }: Omit<SampleOptions, "inputs"> & Required<DrawOptions>): Promise<Outputs> {
  const columns = new Map<string, { values: Float32Array | Int32Array; shape: readonly number[] }>();
  const single = new Map<string, Value>();
  await runner.run({ program, step: draw, data, batch, signal }, (outputs, rows, first) => {
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
    onProgress?.(first + rows);
  });
  markPadding(columns, runner, data);
  const all: [string, Column | Value][] = [...columns].map(([name, { values, shape }]) => [name, { rows: data.rows, values, shape }]);
  return Object.fromEntries([...all, ...single]);
}

function markPadding(outputs: ReadonlyMap<string, { readonly values: Float32Array | Int32Array }>, { definition }: RowRunner, data: BoundData): void {
  for (const { name, length, support, shape } of definition.columns) {
    const lengths = length === undefined ? undefined : data.columns.find(({ plan }) => plan.name === length)?.bound?.values;
    if (!lengths) continue;
    for (const output of [name, `mean.${name}`]) {
      const values = outputs.get(output)?.values;
      if (!values) continue;
      const size = values.length / data.rows;
      const missing = output === name && isDiscreteSupport(support) ? -1 : NaN;
      for (let row = 0; row < data.rows; row++) values.fill(missing, row * size + lengths[row]! * (size / shape[0]!), (row + 1) * size);
    }
  }
}
