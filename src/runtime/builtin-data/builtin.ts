import { deriveKey, runtimeSites, seedWords, type RandomKey } from "../random/index.js";
import type { HostColumn } from "../data/column.js";
import type { ColumnSupport } from "../data/spec.js";

/** Rows to learn from, or other rows of the same distribution. */
export type Split = "train" | "test";

/** A data set that is made by code: deterministic by seed, the same rows whatever is made before or after them. */
export interface BuiltinData {
  /** One paragraph: what it is, the true parameters, the source. */
  readonly doc: string;
  readonly parameters: readonly BuiltinParameter[];
  columns(args: readonly number[]): readonly ColumnInfo[];
  make(args: readonly number[], seed: number | bigint, split: Split): HostColumn[];
}

/** A whole number between `min` and `max`; without `default` it must be given. */
export interface BuiltinParameter {
  readonly name: string;
  readonly default?: number;
  readonly min: number;
  readonly max: number;
}

export interface ColumnInfo {
  readonly name: string;
  readonly support: ColumnSupport;
  readonly shape: readonly number[];
}

/** Keys of one data set: `world` for what both splits share (true parameters), `rows` for what differs. */
export function dataKeys(seed: number | bigint, data: number, split: Split): { readonly world: RandomKey; readonly rows: RandomKey } {
  const key = (step: number): RandomKey => ({ seed: seedWords(seed), site: runtimeSites.builtinData, step });
  return { world: key(3 * data), rows: deriveKey(key(3 * data + 1), split === "train" ? 0 : 1) };
}

export function column(name: string, rows: number, shape: readonly number[], values: HostColumn["values"], origin: string): HostColumn {
  return { name, rows, shape, values, origin, missing: "none" };
}
