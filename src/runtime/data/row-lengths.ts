import { LvmError } from "../error.js";
import { elementCount, type HostColumn } from "./column.js";
import { printCount } from "./limits.js";
import { isDiscreteSupport, type ColumnSpec } from "./spec.js";

/** `where length(x) <= T`: how many steps each row has. */
export type RowLengths = Int32Array;

/**
 * The columns with the lengths of rows that they do not give: a row of `x` ends where all its steps from there on are missing (every number NaN, or −1 in a discrete
 * column). A partly observed row that is missing as a whole has all its steps.
 * @throws LvmError LVM7028 for a row without steps
 */
export function withRowLengths(specs: readonly ColumnSpec[], columns: readonly HostColumn[]): readonly HostColumn[] {
  const derived = specs.flatMap((spec): HostColumn[] => {
    const { lengthOf } = spec;
    if (!lengthOf || columns.some(({ name }) => name === spec.name)) return [];
    const column = columns.find(({ name }) => name === lengthOf.column);
    const of = specs.find(({ name }) => name === lengthOf.column);
    // Of another shape: that is told where it is bound.
    if (!column || !of || elementCount(column.shape) !== elementCount(of.shape)) return [];
    return [{ name: spec.name, rows: column.rows, shape: [], values: lengthsOf(of, column, lengthOf.most), origin: column.origin, missing: "none" }];
  });
  return derived.length === 0 ? columns : [...columns, ...derived];
}

function lengthsOf(spec: ColumnSpec, { rows, values, origin }: HostColumn, most: number): RowLengths {
  const lengths = new Int32Array(rows).fill(most);
  if (values instanceof Uint8Array) return lengths;
  const size = elementCount(spec.shape);
  const marked = isDiscreteSupport(spec.support);
  for (let row = 0; row < rows; row++) {
    let end = (row + 1) * size;
    while (end > row * size && (Number.isNaN(values[end - 1]!) || (marked && values[end - 1] === -1))) end--;
    lengths[row] = Math.ceil((end - row * size) / (size / most));
    if (lengths[row]! > 0) continue;
    if (!spec.partlyObserved) throw new LvmError("LVM7028", `column ${spec.name}: row ${printCount(row)} has no step: all ${printCount(most)} are missing (${origin})`, { facts: { column: spec.name, row }, help: "leave such rows out: a row has at least one step" });
    lengths[row] = most;
  }
  return lengths;
}

/** @throws LvmError LVM7028 for a length that is not a whole number from 1 to the most */
export function checkRowLengths({ name, lengthOf }: ColumnSpec, { values, origin }: HostColumn): RowLengths {
  const most = lengthOf?.most ?? Infinity;
  const row = values.findIndex((value) => !(Number.isInteger(value) && value >= 1 && value <= most));
  if (row >= 0) {
    throw new LvmError("LVM7028", `column ${name}: row ${printCount(row)} (${origin}) is ${values[row]}; a length is a whole number from 1 to ${printCount(most)}`, {
      facts: { column: name, row, value: String(values[row]), most },
      help: values[row]! > most ? "give the model room for it (`--set T=…`, if that is its constant), or cut the row" : "leave rows without steps out",
    });
  }
  return Int32Array.from(values);
}

/** The column with zeros where rows have ended: whatever pads the data is neither checked nor seen. */
export function withoutPadding(column: HostColumn, lengths: RowLengths, most: number): HostColumn {
  const size = elementCount(column.shape);
  const { values } = column;
  let cleared: typeof values | undefined;
  for (let row = 0; row < column.rows; row++) {
    const end = row * size + lengths[row]! * (size / most);
    if (end === (row + 1) * size) continue;
    cleared ??= values.slice();
    cleared.fill(0, end, (row + 1) * size);
  }
  return cleared ? { ...column, values: cleared } : column;
}
