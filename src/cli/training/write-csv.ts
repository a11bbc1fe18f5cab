export interface TableColumn {
  readonly name: string;
  readonly rows: number;
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Columns side by side; the elements of an array are `x_1, x_2, …`, as the reader of CSV takes them. Missing values are empty. */
export function writeCsv(columns: readonly TableColumn[]): string {
  const parts = columns.map((column) => ({ ...column, size: column.shape.reduce((product, each) => product * each, 1) }));
  const header = parts.flatMap(({ name, shape, size }) => (shape.length === 0 ? [name] : Array.from({ length: size }, (_, i) => `${name}_${i + 1}`)));
  const rows = Math.max(0, ...parts.map((part) => part.rows));
  const lines = [header.join(",")];
  for (let row = 0; row < rows; row++) {
    lines.push(parts.flatMap(({ values, size }) => Array.from({ length: size }, (_, i) => cell(values[row * size + i]))).join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** The shortest text that reads back as the same float32. */
function cell(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "";
  if (Number.isInteger(value)) return String(value);
  for (let digits = 6; digits <= 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === Math.fround(value)) return text;
  }
  return String(value);
}
