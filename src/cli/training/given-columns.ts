import { bindColumns, type ColumnSpec, printSpec } from "../../runtime/data/index.js";
import type { Columns } from "../../runtime/model.js";
import { suggest } from "../../diagnostics/suggest.js";
import { UsageError } from "../errors.js";

/**
 * `--given label=7`, `--given label=0,1,2` and `--given label=0..9`: values of columns that a model conditions on, which rows take in turn.
 * @returns for each column as many rows as are drawn
 * @throws UsageError where it is no such column or no number, LvmError LVM7023 where the column's type does not hold it
 */
export function givenColumns(specs: readonly ColumnSpec[], given: readonly string[], rows: number): Columns {
  const inputs = specs.filter(({ role, lengthOf }) => role === "input" && !lengthOf);
  const columns = new Map<string, NonNullable<Columns[string]>>();
  for (const text of given) {
    const [, name = "", list = ""] = /^\s*([A-Za-z_]\w*)\s*=(.*)$/s.exec(text) ?? [];
    if (name === "") throw new UsageError(`--given ${text}: this is not COLUMN=VALUE`, "write a column that the model conditions on, and its value: --given label=7");
    const spec = inputs.find((each) => each.name === name);
    if (!spec) throw unknownColumn(name, specs, inputs);
    if (spec.shape.length > 0) throw new UsageError(`--given ${name}: it is ${printSpec(spec)}, more than one number`, `give its rows as data: --data ${name}=FILE`);
    if (columns.has(name)) throw new UsageError(`--given ${name} is given twice`, `one list has all its values: --given ${name}=0,1`);
    const cycle = list.split(",").flatMap((part) => valuesOf(name, part.trim()));
    const whole = cycle.every(Number.isInteger);
    const values = Array.from({ length: rows }, (_, row) => cycle[row % cycle.length]!);
    const [bound] = bindColumns([spec], [{ name, rows, shape: [], values: whole ? Int32Array.from(values) : Float32Array.from(values), origin: `--given ${name}`, missing: "none", named: true }]);
    columns.set(name, { rows, shape: [], values: bound!.values });
  }
  return Object.fromEntries(columns);
}

/** `7`, `-0.5`, `0..9`. */
function valuesOf(name: string, text: string): readonly number[] {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (from !== undefined && to !== undefined && Number(to) >= Number(from) && Number(to) - Number(from) < 100_000) return Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => Number(from) + at);
  const value = text === "" ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new UsageError(`--given ${name}: ${text === "" ? "a value is missing" : `${text} is no number`}`, `write a number, several with commas, or a range: --given ${name}=0..9`);
  return [value];
}

function unknownColumn(name: string, specs: readonly ColumnSpec[], inputs: readonly ColumnSpec[]): UsageError {
  const names = inputs.map((each) => each.name);
  if (specs.some((spec) => spec.name === name && spec.role === "observed")) return new UsageError(`--given ${name}: the model draws ${name}, it does not condition on it`, names.length > 0 ? `it conditions on ${names.join(", ")}` : undefined);
  if (names.length === 0) return new UsageError(`--given ${name}: the model conditions on no column`);
  const near = suggest(name, names);
  return new UsageError(`--given ${name}: the model conditions on ${names.join(", ")}, and on no ${name}`, near === undefined ? undefined : `did you mean --given ${near}=…?`);
}
