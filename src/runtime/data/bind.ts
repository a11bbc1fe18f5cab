import { LvmError } from "../error.js";
import { checkValues, type CheckedValues } from "./check-values.js";
import { elementCount, printShape, type HostColumn } from "./column.js";
import { printCount } from "./limits.js";
import { checkRowLengths, type RowLengths, withoutPadding, withRowLengths } from "./row-lengths.js";
import { printSupport, type ColumnSpec } from "./spec.js";
import { suggestName } from "./suggest.js";

/** A column that was matched to the model's and whose every value was checked. */
export interface BoundColumn extends CheckedValues {
  readonly name: string;
  readonly spec: ColumnSpec;
  readonly rows: number;
  /** Numbers in one row: the product of the model's shape. */
  readonly size: number;
  readonly origin: string;
}

export interface BindOptions {
  /** Columns that may be absent: what a command does not need, such as what `sample` draws. */
  readonly optional?: readonly string[];
}

/**
 * Matches data to a model's columns by name and checks number of rows, shape, type, support and missing values, before anything is trained.
 * Columns of the data that the model lacks are passed over unless the user named them one by one.
 *
 * Shapes fit when they are equal or have equally many elements (28×28 fits [784] and [28, 28, 1]). Bytes go to `unit` and to `real` of more
 * than one element as value / 255, to `binary` as grey levels (see `binarize`), elsewhere as they are; bytes that are all 0 or 1 are numbers.
 *
 * Where rows have lengths of their own, these are derived from the data unless it gives them (`withRowLengths`), and what lies beyond becomes zeros, unchecked.
 *
 * @throws LvmError LVM7020 missing column, LVM7021 extra column, LVM7022 shape, LVM7023 value, LVM7024 number of rows, LVM7025 missing values, LVM7027 rows that are missing in part,
 * LVM7028 lengths of rows
 */
export function bindColumns(specs: readonly ColumnSpec[], given: readonly HostColumn[], options: BindOptions = {}): BoundColumn[] {
  const columns = withRowLengths(specs, given);
  // Without the column that they are lengths of, it is that one which is missing.
  checkNames(specs, columns, [...(options.optional ?? []), ...specs.filter(({ lengthOf }) => lengthOf).map(({ name }) => name)]);
  const used = specs.flatMap((spec) => {
    const column = columns.find((candidate) => candidate.name === spec.name);
    return column === undefined ? [] : [{ spec, column }];
  });
  const first = used[0]?.column;
  const other = used.find(({ column }) => column.rows !== first?.rows)?.column;
  if (first !== undefined && other !== undefined) {
    throw new LvmError("LVM7024", `column ${first.name} has ${printCount(first.rows)} rows (${first.origin}) and column ${other.name} has ${printCount(other.rows)} (${other.origin})`, { facts: { columns: [first.name, other.name], rows: [first.rows, other.rows] }, help: "give all columns from the same rows, in the same order" });
  }
  if (first !== undefined && first.rows === 0) throw new LvmError("LVM7024", `column ${first.name} has no rows (${first.origin})`, { facts: { columns: [first.name], rows: [0] } });
  const lengths = new Map(used.filter(({ spec }) => spec.lengthOf).map(({ spec, column }) => [spec.name, checkRowLengths(spec, column)]));
  return used.map(({ spec, column }) => bindColumn(spec, column, spec.length === undefined ? undefined : lengths.get(spec.length)));
}

function checkNames(specs: readonly ColumnSpec[], columns: readonly HostColumn[], optional: readonly string[]): void {
  const given = columns.map((column) => column.name);
  const repeated = columns.find((column, i) => given.indexOf(column.name) !== i);
  if (repeated !== undefined) {
    const origins = columns.filter((column) => column.name === repeated.name).map((column) => column.origin);
    throw new LvmError("LVM7021", `column ${repeated.name} is given twice: ${origins.join(" and ")}`, { facts: { column: repeated.name, origins } });
  }
  const wanted = specs.map((spec) => spec.name);
  const free = given.filter((name) => !wanted.includes(name));
  const missing = specs.find((spec) => !given.includes(spec.name) && !optional.includes(spec.name));
  if (missing !== undefined) {
    const near = suggestName(missing.name, free);
    const have = given.length === 0 ? "no data is given" : `the data has ${given.join(", ")}`;
    throw new LvmError("LVM7020", `the model's column ${missing.name}: ${printSpec(missing)} is not in the data; ${have}`, {
      facts: { column: missing.name, available: given },
      help: near === undefined ? `give it by name: --data ${missing.name}=FILE` : `is it ${near}? Rename it, or give it by name: --data ${missing.name}=FILE`,
    });
  }
  const extra = columns.find((column) => column.named === true && !wanted.includes(column.name));
  if (extra !== undefined) {
    const near = suggestName(extra.name, wanted.filter((name) => !given.includes(name) || optional.includes(name)));
    throw new LvmError("LVM7021", `the model has no column ${extra.name} (${extra.origin}); it has ${specs.map((spec) => `${spec.name}: ${printSpec(spec)}`).join(", ")}`, {
      facts: { column: extra.name, available: wanted },
      ...(near === undefined ? {} : { help: `did you mean ${near}?` }),
    });
  }
}

function bindColumn(spec: ColumnSpec, column: HostColumn, lengths: RowLengths | undefined): BoundColumn {
  const size = elementCount(spec.shape);
  const found = elementCount(column.shape);
  if (size !== found) {
    throw new LvmError("LVM7022", `column ${spec.name}: the model takes ${printSpec(spec)}, ${countOf(size)}; a row of the data is ${printShape(column.shape)}${column.shape.length === 0 ? "" : `, ${countOf(found)}`} (${column.origin})`, {
      facts: { column: spec.name, expected: [...spec.shape], found: [...column.shape] },
      help: "change the size in the model, or the data",
    });
  }
  const most = spec.shape[0] ?? 1;
  const values = lengths ? checkValues(spec, withoutPadding(column, lengths, most), size, (row) => lengths[row]! * (size / most)) : checkValues(spec, column, size);
  return { name: spec.name, spec, rows: column.rows, size, origin: column.origin, ...values };
}

function countOf(n: number): string {
  return n === 1 ? "one number" : `${printCount(n)} numbers`;
}

/** As the model's file says it: `binary[28, 28]`, `index(10)?`. */
export function printSpec(spec: ColumnSpec): string {
  return `${printSupport(spec.support)}${spec.shape.length === 0 ? "" : `[${spec.shape.join(", ")}]`}${spec.partlyObserved ? "?" : ""}`;
}
