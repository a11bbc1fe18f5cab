import type { BoundData } from "./bind-data.js";
import type { ModelTables, RowProgram } from "./definition.js";

/** A program's output on the host. Booleans are 0 and 1 in an Int32Array. */
export interface HostOutput {
  readonly values: Float32Array | Int32Array;
  readonly shape: readonly number[];
}
export type HostOutputs = Readonly<Record<string, HostOutput | undefined>>;

export interface RowRequest {
  readonly program: RowProgram;
  /** Which draws of the program's streams. */
  readonly step: number;
  readonly data: BoundData;
  /** Outputs that are needed; all by default. */
  readonly wanted?: ReadonlySet<string>;
  readonly batch?: number;
  readonly signal?: AbortSignal;
}

/** How an engine answers questions about rows: it runs a program over all of them in order, some at a time. */
export interface RowRunner {
  readonly definition: ModelTables;
  /** Rows of the training data, among which the terms of global latents are divided; undefined before any was seen. */
  readonly dataset: number | undefined;
  has(program: RowProgram): boolean;
  /** `visit` gets what was computed of rows `first` to `first + rows - 1`; the arrays are its own. */
  run(request: RowRequest, visit: (outputs: Readonly<Record<string, HostOutput>>, rows: number, first: number) => void): Promise<void>;
}
