import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { Range } from "./ranges.js";

/** `index` = `base` + `constant` words, with base ≥ 0. */
export interface SplitIndex {
  readonly base: KernelExpr | undefined;
  readonly constant: number;
}

/** Offsets stay below this, so that engines need no bounds checks beyond their guard pages (V8 reserves at least 2 GiB behind memory). */
const maximalOffset = 2 ** 28;

/**
 * Takes the constant part out of an index, for the `offset=` of the instruction. An effective address is u32(base) + offset without wrapping,
 * so this is right only where the base is proven not to be negative and not to wrap: `rangeOf` is interval arithmetic over group numbers,
 * loop bounds and lets. Where it proves nothing (an index that was loaded from the arena), the index stays whole.
 */
export function splitIndex(index: KernelExpr, rangeOf: (expr: KernelExpr) => Range): SplitIndex {
  const { base, constant } = split(index, rangeOf);
  if (constant < 0 || constant >= maximalOffset) return { base: index, constant: 0 };
  if (base === undefined || rangeOf(base).low >= 0) return { base, constant };
  return { base: index, constant: 0 };
}

/** Sums and products are only taken apart where no intermediate wraps. */
function split(expr: KernelExpr, rangeOf: (expr: KernelExpr) => Range): SplitIndex {
  const whole = { base: expr, constant: 0 };
  if (expr.type !== "i32") return whole;
  if (expr.kind === "constant") return { base: undefined, constant: expr.value };
  if (expr.kind === "splat") {
    const inner = split(expr.value, rangeOf);
    return inner.constant === 0 ? whole : { base: inner.base && { ...expr, value: inner.base }, constant: inner.constant };
  }
  if (expr.kind !== "binary" || !isExact(expr, rangeOf)) return whole;
  const join = (left: KernelExpr | undefined, right: KernelExpr | undefined): KernelExpr | undefined =>
    left === undefined ? (expr.op === "subtract" ? whole.base : right) : right === undefined ? left : { ...expr, left, right };
  const [a, b] = [split(expr.left, rangeOf), split(expr.right, rangeOf)];
  switch (expr.op) {
    case "add":
      return a.constant === 0 && b.constant === 0 ? whole : { base: join(a.base, b.base), constant: a.constant + b.constant };
    case "subtract":
      // c − x keeps its constant: the rest would be negative.
      if (a.base === undefined || (a.constant === 0 && b.constant === 0)) return whole;
      return { base: join(a.base, b.base), constant: a.constant - b.constant };
    case "multiply": {
      if (b.base === undefined && a.base !== undefined && a.constant !== 0) return scaled(a, b.constant, expr.right);
      if (a.base === undefined && b.base !== undefined && b.constant !== 0) return scaled(b, a.constant, expr.left);
      return whole;
    }
    default:
      return whole;
  }

  /** (base + constant) · factor */
  function scaled(side: SplitIndex, factor: number, factorExpr: KernelExpr): SplitIndex {
    return { base: { ...expr, kind: "binary", op: "multiply", left: side.base as KernelExpr, right: factorExpr }, constant: side.constant * factor };
  }
}

/** True where interval arithmetic shows that the operation does not wrap: its range is not all of i32. */
function isExact(expr: KernelExpr, rangeOf: (expr: KernelExpr) => Range): boolean {
  const { low, high } = rangeOf(expr);
  return low > -(2 ** 31) || high < 2 ** 31 - 1;
}
