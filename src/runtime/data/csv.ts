import { LvmError } from "../error.js";
import { scanCsv, type CsvRow } from "./csv-cells.js";
import type { HostColumn } from "./column.js";
import { defaultLimits, printCount, type ReadLimits } from "./limits.js";

/**
 * Reads CSV with a header: one column for each name; `x[1] x[2] …` or `x_1 x_2 …` are one vector column x. The delimiter is a comma, or the
 * semicolon or tab that stands in a header without commas. An empty cell is missing (NaN). A column whose cells are all whole numbers is int32.
 *
 * @throws LvmError LVM7009 with row, line and column
 */
export function readCsv(bytes: Uint8Array, file: string, limits: ReadLimits = defaultLimits): HostColumn[] {
  if (bytes.length > Math.min(limits.bytes, maxTextLength)) throw new LvmError("LVM7006", `${file}: ${printCount(bytes.length)} bytes of CSV; the limit is ${printCount(Math.min(limits.bytes, maxTextLength))}`, { facts: { file, found: bytes.length }, help: "save it as NPY or NPZ" });
  const text = decode(bytes, file);
  const header: string[] = [];
  let table = new Float64Array(1024);
  let filled = 0;
  let rows = 0;
  scanCsv(text, delimiterOf(text), file, (cells, place) => {
    if (place.row === 0) {
      header.push(...checkHeader(cells, file));
      return;
    }
    if (cells.length !== header.length) throw new LvmError("LVM7009", `${file}: row ${place.row} (line ${place.line}) has ${plural(cells.length, "cell")}; the header has ${header.length}`, { facts: { file, row: place.row, line: place.line, found: cells.length, expected: header.length } });
    if (filled + cells.length > table.length) {
      const longer = new Float64Array(2 * table.length + cells.length);
      longer.set(table);
      table = longer;
    }
    for (let column = 0; column < cells.length; column++) table[filled++] = parseCell(cells[column]!, header[column]!, column, place, file);
    rows++;
  });
  if (header.length === 0) throw new LvmError("LVM7009", `${file}: no header: the file is empty`, { facts: { file } });
  if (rows === 0) throw new LvmError("LVM7009", `${file}: a header and no rows`, { facts: { file } });
  return groupHeader(header).map(({ name, columns, vector }) => toColumn(table, header.length, rows, name, columns, vector, file));
}

function decode(bytes: Uint8Array, file: string): string {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  try {
    if (!utf16) return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Falls through to the message below.
  }
  throw new LvmError("LVM7009", `${file}: not UTF-8 text${utf16 ? ", but UTF-16" : ""}`, { facts: { file }, help: "save it as UTF-8" });
}

function delimiterOf(text: string): string {
  const end = text.search(/[\r\n]/);
  const header = end < 0 ? text : text.slice(0, end);
  if (header.includes(",")) return ",";
  if (header.includes("\t")) return "\t";
  return header.includes(";") ? ";" : ",";
}

function checkHeader(cells: readonly string[], file: string): string[] {
  const names = cells.map((cell) => cell.trim());
  const empty = names.indexOf("");
  if (empty >= 0) throw new LvmError("LVM7009", `${file}: column ${empty + 1} has no name in the header`, { facts: { file, row: 0, column: empty + 1 } });
  const seen = new Map<string, number>();
  names.forEach((name, i) => {
    const before = seen.get(name);
    if (before !== undefined) throw new LvmError("LVM7009", `${file}: columns ${before + 1} and ${i + 1} have the same name ${name}`, { facts: { file, row: 0, column: i + 1, name } });
    seen.set(name, i);
  });
  if (names.length > 1 && names.every((name) => numberPattern.test(name))) {
    throw new LvmError("LVM7009", `${file}: the first row holds numbers (${names.slice(0, 3).join(", ")} …), where the column names belong`, { facts: { file, row: 0 }, help: "write a first line with a name for each column" });
  }
  return names;
}

function parseCell(cell: string, name: string, column: number, place: CsvRow, file: string): number {
  const text = cell.trim();
  if (text === "") return NaN;
  const value = numberPattern.test(text) ? Number(text) : NaN;
  if (Number.isFinite(Math.fround(value))) return value;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  const what = Number.isNaN(value) ? "is not a number" : "does not fit into float32";
  throw new LvmError("LVM7009", `${file}: row ${place.row} (line ${place.line}), column ${name}: ${JSON.stringify(shown)} ${what}`, {
    facts: { file, row: place.row, line: place.line, column: column + 1, name, value: shown },
    help: "a missing value is an empty cell; numbers have a decimal point and no thousands separator",
  });
}

interface HeaderGroup {
  readonly name: string;
  /** The file's columns, in the order of the vector's elements. */
  readonly columns: readonly number[];
  readonly vector: boolean;
}

/** `x[1] x[2]` and `x_1 x_2` (from 0 or from 1, without a gap, in any order) are one vector; a lone `x_1` is a name like any other. */
function groupHeader(header: readonly string[]): HeaderGroup[] {
  const families = new Map<string, { base: string; bracket: boolean; members: Map<number, number> }>();
  header.forEach((name, column) => {
    const match = /^(.+?)(?:\[(\d{1,9})\]|_(\d{1,9}))$/.exec(name);
    if (match === null) return;
    const bracket = match[2] !== undefined;
    const key = `${bracket}:${match[1]}`;
    const family = families.get(key) ?? { base: match[1]!, bracket, members: new Map() };
    family.members.set(Number(match[2] ?? match[3]), column);
    families.set(key, family);
  });
  const groupOf = new Map<number, HeaderGroup>();
  for (const { base, bracket, members } of families.values()) {
    const first = members.has(0) ? 0 : 1;
    const columns = Array.from({ length: members.size }, (_, i) => members.get(first + i));
    const whole = columns.every((column) => column !== undefined);
    if (!whole || header.includes(base) || (members.size === 1 && !bracket)) continue;
    // `x[1]` and `x_1` side by side: the brackets are the vector.
    if (!bracket && families.has(`true:${base}`)) continue;
    const group = { name: base, columns: columns as number[], vector: true };
    for (const column of group.columns) groupOf.set(column, group);
  }
  const groups = header.map((name, column) => groupOf.get(column) ?? { name, columns: [column], vector: false });
  return groups.filter((group, i) => groups.indexOf(group) === i);
}

function toColumn(table: Float64Array, width: number, rows: number, name: string, columns: readonly number[], vector: boolean, file: string): HostColumn {
  const count = rows * columns.length;
  let missing = false;
  let whole = true;
  const floats = new Float32Array(count);
  for (let row = 0, at = 0; row < rows; row++) {
    for (const column of columns) {
      const value = table[row * width + column]!;
      if (Number.isNaN(value)) missing = true;
      else if (value !== (value | 0) || Object.is(value, -0)) whole = false;
      floats[at++] = value;
    }
  }
  const values = whole && !missing ? Int32Array.from({ length: count }, (_, i) => table[Math.floor(i / columns.length) * width + columns[i % columns.length]!]!) : floats;
  const place = columns.length === 1 ? `column ${columns[0]! + 1}` : `columns ${Math.min(...columns) + 1} to ${Math.max(...columns) + 1}`;
  return { name, rows, shape: vector ? [columns.length] : [], values, origin: `${file}, ${place}`, missing: missing ? "marked" : "none" };
}

function plural(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** The longest string that V8 makes is 2^29 - 24 characters. */
const maxTextLength = 2 ** 29 - 24;
