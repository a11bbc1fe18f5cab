import type { Expr } from "../../ir/model/model.js";
import { isSubset, type Support } from "../../types/support.js";
import { rangeOfSupport } from "../functions/ranges.js";

/** Whether one number lies in a support. */
export function containsNumber(support: Support, value: number): boolean {
  if (support.kind === "simplex" || support.kind === "ordered" || support.kind === "cholesky" || support.kind === "covariance") return false;
  const { low, high, open, integer } = rangeOfSupport(support);
  return value >= low && value <= high && !(open && value === low) && (!integer || Number.isInteger(value));
}

/** Whether every value that an expression can take lies in a support: numbers and constant arrays by their values, others by their type. */
export function accepts(support: Support, expr: Expr): boolean {
  if (support.kind === "real" && expr.type.support.kind !== "index") return true;
  if (expr.kind === "number" || (expr.kind === "constant" && support.kind !== "simplex" && support.kind !== "ordered")) {
    const values = expr.kind === "number" ? [expr.value] : expr.values;
    return values.every((value) => containsNumber(support, value));
  }
  if (expr.kind === "constant") return acceptsRows(support, expr.values, expr.type.shape[expr.type.shape.length - 1]?.value ?? 1);
  if (expr.type.support.kind === "index" && support.kind !== "index") return false;
  if (support.kind === "index") return expr.type.support.kind === "index" && expr.type.support.size <= support.size;
  return isSubset(expr.type.support, support);
}

/** Constant vectors along the last axis, against a joint support. */
function acceptsRows(support: Support, values: readonly number[], length: number): boolean {
  for (let at = 0; at < values.length; at += length) {
    const row = values.slice(at, at + length);
    if (support.kind === "simplex" && (row.some((value) => value < 0) || Math.abs(row.reduce((total, value) => total + value, 0) - 1) > 1e-6)) return false;
    if (support.kind === "ordered" && row.some((value, place) => place > 0 && value <= (row[place - 1] ?? -Infinity))) return false;
  }
  return true;
}

/** A whole number given where a label is asked for becomes one. */
export function asLabel(support: Support, expr: Expr): Expr {
  return support.kind === "index" && expr.kind === "number" ? { ...expr, type: { support, shape: expr.type.shape } } : expr;
}
