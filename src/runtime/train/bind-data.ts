import { bindColumns, type BoundColumn, type HostColumn } from "../data/index.js";
import type { Columns } from "../model.js";
import type { ColumnPlan, ModelTables } from "./definition.js";

/** Data matched to a model's columns: checked, and ready to be gathered. */
export interface BoundData {
  readonly rows: number;
  readonly columns: readonly { readonly plan: ColumnPlan; readonly bound: BoundColumn | undefined }[];
}

/**
 * Matches plain columns to the model's, by name. Partly observed columns may be absent: they are missing in every row.
 * @throws LvmError LVM702x naming column, row and value
 */
export function bindData(definition: ModelTables, data: unknown, plans: readonly ColumnPlan[] = definition.columns): BoundData {
  const given = Object.entries((data ?? {}) as Columns).flatMap(([name, column]): HostColumn[] =>
    column && definition.columns.some((plan) => plan.name === name) ? [{ name, rows: column.rows, shape: column.shape, values: column.values, origin: "given columns", missing: "marked" }] : [],
  );
  const optional = plans.filter(({ partlyObserved }) => partlyObserved).map(({ name }) => name);
  const wanted = given.filter(({ name }) => plans.some((plan) => plan.name === name));
  const bound = bindColumns(plans, wanted, { optional });
  return { rows: bound[0]?.rows ?? 0, columns: plans.map((plan) => ({ plan, bound: bound.find(({ name }) => name === plan.name) })) };
}

/** Rows of input columns for sampling, repeated as often as needed; where lengths of rows are not given, they have all steps. */
export function repeatedRows(definition: ModelTables, rows: number, given: unknown): BoundData {
  const plans = definition.columns.filter(({ role }) => role === "input");
  if (plans.length === 0) return { rows, columns: [] };
  const bound = bindData(definition, given ?? {}, plans);
  const repeated = bound.columns.map(({ plan, bound: column }) => {
    if (!column) return { plan, bound: plan.lengthOf && fullLength(plan, plan.lengthOf.most, rows) };
    const length = rows * column.size;
    const values = column.values instanceof Uint8Array ? new Uint8Array(length) : column.values instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
    for (let row = 0; row < rows; row++) values.set(column.values.subarray((row % column.rows) * column.size, ((row % column.rows) + 1) * column.size), row * column.size);
    return { plan, bound: { ...column, rows, values } };
  });
  return { rows, columns: repeated };
}

function fullLength(spec: ColumnPlan, most: number, rows: number): BoundColumn {
  return { name: spec.name, spec, rows, size: 1, origin: "all steps", values: new Int32Array(rows).fill(most), scale: 1, grey: false, missingRows: 0 };
}

/** What stands for a value of a column that is absent as a whole: −1 for labels and counts, NaN else. */
export function missingValue({ dtype, support }: ColumnPlan): number {
  return dtype === "i32" || support.kind === "binary" || support.kind === "count" || support.kind === "byte" ? -1 : NaN;
}
