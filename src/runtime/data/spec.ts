/** What a model says about one column of its data: emitted modules carry these. */
export interface ColumnSpec {
  readonly name: string;
  readonly support: ColumnSupport;
  /** The shape of one row's value; [] for a number. */
  readonly shape: readonly number[];
  /** Declared with `?`: some rows may lack it. */
  readonly partlyObserved: boolean;
  readonly role: "observed" | "input";
  /** Where rows have lengths of their own: the column that says how many of this one's steps, its first axis, a row has. */
  readonly length?: string;
  /** That column: whose steps it counts, and the most that there are. */
  readonly lengthOf?: { readonly column: string; readonly most: number };
}

/** The supports of src/types/support.ts, repeated: the run time imports nothing outside itself. */
export type ColumnSupport =
  | { readonly kind: "real" | "positive" | "nonnegative" | "unit" | "binary" | "count" | "byte" | "angle" | "simplex" | "ordered" | "cholesky" | "covariance" }
  | { readonly kind: "index"; readonly size: number }
  | { readonly kind: "interval"; readonly low: number; readonly high: number };

export function isDiscreteSupport(support: ColumnSupport): boolean {
  return support.kind === "binary" || support.kind === "index" || support.kind === "count" || support.kind === "byte";
}

export function printSupport(support: ColumnSupport): string {
  if (support.kind === "index") return `index(${support.size})`;
  if (support.kind === "interval") return `interval(${support.low}, ${support.high})`;
  return support.kind;
}
