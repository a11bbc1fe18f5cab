import { LvmError } from "../error.js";
import type { HostColumn } from "./column.js";
import { printCount } from "./limits.js";
import { isDiscreteSupport, printSupport, type ColumnSpec, type ColumnSupport } from "./spec.js";

/** Values in the form in which minibatches are gathered from them. */
export interface CheckedValues {
  /** Missing is NaN in a Float32Array and -1 in an Int32Array. */
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** What a stored value is multiplied by when it is gathered: 1/255 for grey levels, else 1. */
  readonly scale: number;
  /** The column is `binary` and its values are grey levels: probabilities, to be made 0 or 1 by `binarize`. */
  readonly grey: boolean;
  /** Rows that lack the value: wholly, for a row that lacks a part is refused. */
  readonly missingRows: number;
}

/**
 * Checks every value against the column's type and brings it into the form for training.
 * @param within how many of a row's numbers count, where rows have lengths of their own; what follows is not looked at
 * @throws LvmError LVM7023 with the first bad row and value, LVM7025 where something is missing that must not be, LVM7027 where a row is
 * missing in part
 */
export function checkValues(spec: ColumnSpec, column: HostColumn, size: number, within: (row: number) => number = () => size): CheckedValues {
  const bytes = column.values instanceof Uint8Array;
  const discrete = isDiscreteSupport(spec.support);
  const levels = bytes && (spec.support.kind === "unit" || spec.support.kind === "binary" || (spec.support.kind === "real" && size > 1)) && column.values.some((value) => value > 1);
  if (bytes && (levels || spec.support.kind === "byte" || spec.support.kind === "real" || spec.support.kind === "nonnegative" || spec.support.kind === "count")) {
    return { values: column.values, scale: levels ? 1 / 255 : 1, grey: levels && spec.support.kind === "binary", missingRows: 0 };
  }
  // Grey levels from 16-bit images are already probabilities.
  const grey = spec.support.kind === "binary" && column.values instanceof Float32Array && column.values.some((value) => value > 0 && value < 1);
  const rule = grey ? rules.unit() : ruleOf(spec.support);
  const missingRows = checkEach(spec, column, size, rule, discrete && !grey, within);
  checkRows(spec, column, size, within);
  if (discrete && !grey && column.values instanceof Float32Array) return { values: Int32Array.from(column.values, (value) => (Number.isNaN(value) ? -1 : value)), scale: 1, grey, missingRows };
  return { values: column.values, scale: 1, grey, missingRows };
}

/** Whether a value lies in the support, and what to say when it does not. */
interface Rule {
  readonly holds: (value: number) => boolean;
  readonly wants: string;
}

const slack = 1e-6;

const rules = {
  real: () => ({ holds: () => true, wants: "a finite number" }),
  positive: () => ({ holds: (v) => v > 0, wants: "above 0" }),
  nonnegative: () => ({ holds: (v) => v >= 0, wants: "0 or more" }),
  unit: () => ({ holds: (v) => v >= 0 && v <= 1, wants: "from 0 to 1" }),
  binary: () => ({ holds: (v) => v === 0 || v === 1, wants: "0 or 1, or a grey level from 0 to 1" }),
  index: ({ size }) => ({ holds: (v) => Number.isInteger(v) && v >= 0 && v < size, wants: `a whole number from 0 to ${size - 1}` }),
  count: () => ({ holds: (v) => Number.isInteger(v) && v >= 0, wants: "a whole number, 0 or more" }),
  byte: () => ({ holds: (v) => Number.isInteger(v) && v >= 0 && v <= 255, wants: "a whole number from 0 to 255" }),
  angle: () => ({ holds: (v) => v >= -Math.PI - slack && v <= 2 * Math.PI + slack, wants: "an angle in radians from -π to 2π" }),
  interval: ({ low, high }) => ({ holds: (v) => v >= low && v <= high, wants: `from ${low} to ${high}` }),
  simplex: () => ({ holds: (v) => v >= 0 && v <= 1 + slack, wants: "a share from 0 to 1" }),
  ordered: () => ({ holds: () => true, wants: "a finite number" }),
  cholesky: () => ({ holds: () => true, wants: "a finite number" }),
  covariance: () => ({ holds: () => true, wants: "a finite number" }),
} satisfies { readonly [K in ColumnSupport["kind"]]: (support: Extract<ColumnSupport, { kind: K }>) => Rule };

function ruleOf(support: ColumnSupport): Rule {
  if (support.kind === "index") return rules.index(support);
  if (support.kind === "interval") return rules.interval(support);
  return (rules[support.kind] as () => Rule)();
}

/** @returns the number of rows with something missing */
function checkEach(spec: ColumnSpec, column: HostColumn, size: number, rule: Rule, discrete: boolean, within: (row: number) => number): number {
  const { values } = column;
  // In integers -1 stands for missing, but only where the column may be partly observed.
  const marksMissing = spec.partlyObserved && discrete && values instanceof Int32Array;
  let missingRows = 0;
  for (let row = 0; row < column.rows; row++) {
    const count = within(row);
    let lacking = 0;
    for (let i = row * size; i < row * size + count; i++) {
      const value = values[i]!;
      if (Number.isNaN(value) || (marksMissing && value === -1)) {
        if (!spec.partlyObserved) throw missingValue(spec, column, i, size);
        lacking++;
      } else if (value === Infinity || value === -Infinity || !rule.holds(value)) {
        throw badValue(spec, column, i, size, value, rule.wants);
      }
    }
    if (lacking === 0) continue;
    // A value is there or missing as a whole.
    if (lacking < count) throw partlyMissing(spec, column, row, size, { lacking, of: count });
    missingRows++;
  }
  return missingRows;
}

function missingValue(spec: ColumnSpec, column: HostColumn, element: number, size: number): LvmError {
  const what = column.missing === "marked" ? "has no value" : "is not a number (NaN)";
  const help = spec.length === undefined ? `declare the column as partly observed, \`${spec.name}: ${printSupport(spec.support)}?\`, or leave such rows out` : "only steps at the end of a row may be missing, all of their numbers; steps in between are known";
  return new LvmError("LVM7025", `column ${spec.name}: ${place(column, element, size)} ${what}, and the model takes every row's`, { facts: { column: spec.name, row: Math.floor(element / size) }, help });
}

/** The model infers a missing value from all else: it has no place for one of which a part is known. */
function partlyMissing(spec: ColumnSpec, column: HostColumn, row: number, size: number, { lacking, of }: { readonly lacking: number; readonly of: number }): LvmError {
  const isMissing = (value: number): boolean => Number.isNaN(value) || (column.values instanceof Int32Array && value === -1);
  const entry = column.values.subarray(row * size, (row + 1) * size).findIndex(isMissing);
  return new LvmError("LVM7027", `column ${spec.name}: ${place(column, row * size + entry, size)} has no value, and ${printCount(of - lacking)} of the ${printCount(of)} numbers of this row have one`, {
    facts: { column: spec.name, row, element: entry, missing: lacking, of },
    help: `a row of \`${spec.name}\` is observed or missing as a whole: fill the row in, leave all of it out, or make its parts columns of their own`,
  });
}

/** Constraints that bind a row's numbers together. A missing row is not judged. */
function checkRows(spec: ColumnSpec, column: HostColumn, size: number, within: (row: number) => number): void {
  const { kind } = spec.support;
  if (kind !== "simplex" && kind !== "ordered" && kind !== "cholesky" && kind !== "covariance") return;
  const inner = spec.shape.at(-1) ?? 1;
  const block = kind === "simplex" || kind === "ordered" ? inner : inner * inner;
  const { values } = column;
  for (let start = 0; start < values.length; start += block) {
    if (start % size >= within(Math.floor(start / size))) continue;
    const part = values.subarray(start, start + block);
    if (part.some((value) => Number.isNaN(value))) continue;
    const fault = faults[kind](part, inner);
    if (fault !== undefined) throw new LvmError("LVM7023", `column ${spec.name}: ${place(column, start, size)} ${fault}; the model takes ${printSupport(spec.support)}[${spec.shape.join(", ")}]`, { facts: { column: spec.name, row: Math.floor(start / size) } });
  }
}

const faults: Record<"simplex" | "ordered" | "cholesky" | "covariance", (part: Float32Array | Int32Array | Uint8Array, n: number) => string | undefined> = {
  simplex(part) {
    let sum = 0;
    for (const value of part) sum += value;
    return Math.abs(sum - 1) > 1e-4 ? `sums to ${sum.toPrecision(6)}, not to 1` : undefined;
  },
  ordered(part) {
    for (let i = 1; i < part.length; i++) if (part[i]! <= part[i - 1]!) return `does not increase: ${part[i - 1]} is followed by ${part[i]}`;
    return undefined;
  },
  cholesky(part, n) {
    for (let i = 0; i < n; i++) {
      if (part[i * n + i]! <= 0) return `has ${part[i * n + i]} on its diagonal, which must be above 0`;
      for (let j = i + 1; j < n; j++) if (part[i * n + j] !== 0) return `has ${part[i * n + j]} above its diagonal, which must be 0`;
    }
    return undefined;
  },
  covariance(part, n) {
    const factor = Float64Array.from(part);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        if (Math.abs(part[i * n + j]! - part[j * n + i]!) > 1e-5 * (1 + Math.abs(part[i * n + j]!))) return "is not symmetric";
        let sum = factor[i * n + j]!;
        for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
        if (i === j && !(sum > 0)) return "is not positive definite";
        factor[i * n + j] = i === j ? Math.sqrt(sum) : sum / factor[j * n + j]!;
      }
    }
    return undefined;
  },
};

function badValue(spec: ColumnSpec, column: HostColumn, element: number, size: number, value: number, wants: string): LvmError {
  const help: string | undefined =
    spec.support.kind === "index" && value === spec.support.size ? "labels count from 0: subtract 1" : spec.support.kind === "unit" && value > 1 && value <= 255 ? "grey levels from 0 to 255 are scaled by themselves when the file holds bytes (uint8)" : undefined;
  return new LvmError("LVM7023", `column ${spec.name}: ${place(column, element, size)} is ${value}; the model takes ${printSupport(spec.support)}: ${wants}`, { facts: { column: spec.name, row: Math.floor(element / size), value: String(value) }, ...(help === undefined ? {} : { help }) });
}

/** `row 3, element 5 (data.csv, column 2)`; rows and elements count from 0 as in the arrays. */
function place(column: HostColumn, element: number, size: number): string {
  const row = Math.floor(element / size);
  return `row ${printCount(row)}${size === 1 ? "" : `, element ${element % size}`} (${column.origin})`;
}
