import type { Expr } from "../../ir/model/model.js";
import type { Support } from "../../types/support.js";

/**
 * The interval in which a value lies: what supports are inferred with. `open`: `low` itself is not taken (positive numbers are 0 < x).
 * Only scalars of a value; joint constraints (simplex, cholesky) do not survive arithmetic.
 */
export interface Range {
  readonly low: number;
  readonly high: number;
  readonly open: boolean;
  readonly integer: boolean;
}

export const anything: Range = { low: -Infinity, high: Infinity, open: false, integer: false };

export const range = (low: number, high: number, flags: { readonly open?: boolean; readonly integer?: boolean } = {}): Range => ({
  low,
  high,
  open: flags.open ?? false,
  integer: flags.integer ?? false,
});

export function rangeOfSupport(support: Support): Range {
  switch (support.kind) {
    case "positive":
      return range(0, Infinity, { open: true });
    case "nonnegative":
      return range(0, Infinity);
    case "unit":
    case "simplex":
      return range(0, 1);
    case "binary":
      return range(0, 1, { integer: true });
    case "index":
      return range(0, support.size - 1, { integer: true });
    case "count":
      return range(0, Infinity, { integer: true });
    case "byte":
      return range(0, 255, { integer: true });
    case "interval":
      return range(support.low, support.high);
    default:
      return anything;
  }
}

/** The range of an expression: exact for numbers and constant arrays. */
export function rangeOf(expr: Expr): Range {
  if (expr.kind === "number") return range(expr.value, expr.value, { integer: Number.isInteger(expr.value) });
  if (expr.kind === "constant") return rangeOfValues(expr.values);
  if (expr.kind === "loop-variable") return range(expr.plate.from, expr.plate.from + expr.plate.size - 1, { integer: !expr.plate.continuous });
  return rangeOfSupport(expr.type.support);
}

export function rangeOfValues(values: readonly number[]): Range {
  let [low, high, integer] = [Infinity, -Infinity, true];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    integer &&= Number.isInteger(value);
  }
  return range(low, high, { integer });
}

/** The narrowest support of the language that holds a range. */
export function supportOfRange({ low, high, open, integer }: Range): Support {
  if (low > 0 || (low === 0 && open)) {
    return low > 0 && Number.isFinite(high) && high > low ? { kind: "interval", low, high } : { kind: "positive" };
  }
  if (low === 0) {
    if (integer) return { kind: high <= 1 ? "binary" : high <= 255 ? "byte" : "count" };
    if (high === 1) return { kind: "unit" };
    return Number.isFinite(high) && high > 0 ? { kind: "interval", low, high } : { kind: "nonnegative" };
  }
  return Number.isFinite(low) && Number.isFinite(high) && high > low ? { kind: "interval", low, high } : { kind: "real" };
}

/** 0 · ∞ is 0 here: the product of bounds, of which an infinite one is only a limit. */
const times = (left: number, right: number): number => (left === 0 || right === 0 ? 0 : left * right);

const strictlyPositive = (each: Range): boolean => each.low > 0 || (each.low === 0 && each.open);

export function add(left: Range, right: Range): Range {
  const low = left.low + right.low;
  const open = (left.open && left.low === 0) || (right.open && right.low === 0);
  return range(low, left.high + right.high, { open, integer: left.integer && right.integer });
}

export function negate(each: Range): Range {
  return range(-each.high + 0, -each.low + 0, { integer: each.integer });
}

export function subtract(left: Range, right: Range): Range {
  return range(left.low - right.high, left.high - right.low, { integer: left.integer && right.integer });
}

export function multiply(left: Range, right: Range): Range {
  const corners = [times(left.low, right.low), times(left.low, right.high), times(left.high, right.low), times(left.high, right.high)];
  const low = Math.min(...corners);
  const open = low === 0 && strictlyPositive(left) && strictlyPositive(right);
  return range(low, Math.max(...corners), { open, integer: left.integer && right.integer });
}

export function reciprocal(each: Range): Range {
  if (!strictlyPositive(each)) return each.low >= 0 ? range(1 / each.high, Infinity) : anything;
  return range(1 / each.high, each.low === 0 ? Infinity : 1 / each.low, { open: each.high === Infinity });
}

export function divide(left: Range, right: Range): Range {
  return multiply({ ...left, integer: false }, { ...reciprocal(right), integer: false });
}

export function power(base: Range, exponent: Range): Range {
  const fixed = exponent.low === exponent.high ? exponent.low : undefined;
  if (fixed !== undefined && Number.isInteger(fixed) && fixed > 0 && fixed % 2 === 0) return square(base, fixed);
  if (strictlyPositive(base)) {
    if (fixed !== undefined && fixed > 0) return range(base.low ** fixed, base.high ** fixed, { open: base.low === 0 });
    if (base.high <= 1 && exponent.low >= 0) return range(0, 1, { open: true });
    return range(0, Infinity, { open: true });
  }
  if (base.low >= 0) return fixed !== undefined && fixed > 0 ? range(base.low ** fixed, base.high ** fixed, { integer: base.integer && Number.isInteger(fixed) }) : range(0, Infinity);
  return anything;
}

export function square(each: Range, exponent = 2): Range {
  const far = Math.max(Math.abs(each.low), Math.abs(each.high)) ** exponent;
  const near = each.low <= 0 && each.high >= 0 ? 0 : Math.min(Math.abs(each.low), Math.abs(each.high)) ** exponent;
  return range(near, far, { open: near === 0 && each.low === 0 && each.open, integer: each.integer });
}

export function absolute(each: Range): Range {
  const far = Math.max(Math.abs(each.low), Math.abs(each.high));
  const near = each.low <= 0 && each.high >= 0 ? 0 : Math.min(Math.abs(each.low), Math.abs(each.high));
  return range(near, far, { open: near === 0 && each.low === 0 && each.open, integer: each.integer });
}

export function minimum(left: Range, right: Range): Range {
  const low = Math.min(left.low, right.low);
  const open = low === 0 && strictlyPositive(left) && strictlyPositive(right);
  return range(low, Math.min(left.high, right.high), { open, integer: left.integer && right.integer });
}

export function maximum(left: Range, right: Range): Range {
  const low = Math.max(left.low, right.low);
  const open = low === 0 && (strictlyPositive(left) || strictlyPositive(right));
  return range(low, Math.max(left.high, right.high), { open, integer: left.integer && right.integer });
}

/** The range that holds both. */
export function join(left: Range, right: Range): Range {
  const low = Math.min(left.low, right.low);
  return range(low, Math.max(left.high, right.high), { open: low === 0 && strictlyPositive(left) && strictlyPositive(right), integer: left.integer && right.integer });
}

/** A rising function on a range; the image of an open 0 may be closed, so `open` is given. */
export function rising(each: Range, map: (value: number) => number, open = false): Range {
  const [low, high] = [map(each.low), map(each.high)];
  return range(Number.isNaN(low) ? -Infinity : low, Number.isNaN(high) ? Infinity : high, { open });
}

/** The sum of `terms` values of a range each. */
export function sum(each: Range, terms: number): Range {
  return range(times(each.low, terms), times(each.high, terms), { open: each.open, integer: each.integer });
}
