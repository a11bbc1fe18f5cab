/** One column of data as a reader hands it over, before it is matched to a model. */
export interface HostColumn {
  readonly name: string;
  readonly rows: number;
  /** The shape of one row's value: [] for a number, [28, 28] for an image. */
  readonly shape: readonly number[];
  /** rows × shape, row after row. Uint8Array is byte data (grey levels); truth values and integers are Int32Array. */
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** Where it is from, for messages: `train-images-idx3-ubyte.gz`, `data.csv, column 3`. */
  readonly origin: string;
  /** "marked": a missing value is NaN in a Float32Array and -1 in an Int32Array that is otherwise non-negative. */
  readonly missing: "none" | "marked";
  /** The user named this column for a source of its own (`--data x=…`), so that a model without it is a mistake. */
  readonly named?: boolean;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** `[28, 28]`, or `a number` for []. */
export function printShape(shape: readonly number[]): string {
  return shape.length === 0 ? "a number" : `[${shape.join(", ")}]`;
}
