import type { Column, ModelProgram } from "./model.js";

/** What a column has to do with `where length(x) <= T`: its steps end with the row, as the column `length` says; or it is that column, and counts the steps of `lengthOf`. */
export interface ColumnLength {
  readonly length?: string;
  readonly lengthOf?: { readonly column: string; readonly most: number };
}

export function columnLength({ length, columns }: Pick<ModelProgram, "length" | "columns">, { name, type }: Pick<Column, "name" | "type">): ColumnLength {
  if (!length) return {};
  const of = columns.find((column) => length.column === `length(${column.name})`);
  if (name === length.column) return of ? { lengthOf: { column: of.name, most: length.most } } : {};
  return type.shape[0]?.value === length.most ? { length: length.column } : {};
}
