import type { KernelExpr, Statement } from "../../ir/kernel/nodes.js";
import { blocksOf } from "../../ir/kernel/statements.js";

/**
 * WGSL lets a device fuse a·b + c, and reorder sums, where the exact result would be the same ("reassociation and fusion"), and has no word that forbids it.
 * Elementary functions rely on roundings: of products that are added to something; of sums that something is subtracted from or that are subtracted,
 * which is how the rounding error of a sum is found; of sums to which a constant is added, a constant's lower part, and of products
 * with two constants. These pass through `exact`.
 */
export type Rounded = ReadonlyMap<string, "product" | "sum">;

/** Names that are given such values anywhere in a body. */
export function roundedNames(body: readonly Statement[]): Rounded {
  const names = new Map<string, "product" | "sum">();
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === "let" || statement.kind === "var" || statement.kind === "set") {
        const rounding = roundingOf(statement.value, names);
        // Sums in registers are running sums: there are no roundings to find.
        if (rounding === "product" || (rounding === "sum" && statement.kind === "let")) names.set(statement.name, rounding);
      }
      blocksOf(statement).forEach(visit);
    }
  };
  visit(body);
  return names;
}

export function roundingOf(expr: KernelExpr, names: Rounded): "product" | "sum" | undefined {
  if (expr.type !== "f32") return undefined;
  switch (expr.kind) {
    case "name":
      return names.get(expr.name);
    case "splat":
    case "unary":
      return expr.kind === "splat" || expr.op === "negate" || expr.op === "abs" ? roundingOf(expr.value, names) : undefined;
    case "select":
      return roundingOf(expr.yes, names) ?? roundingOf(expr.no, names);
    case "binary":
      if (expr.op === "add" || expr.op === "subtract") return "sum";
      return expr.op === "multiply" && !isPowerOfTwo(expr.left) && !isPowerOfTwo(expr.right) ? "product" : undefined;
    default:
      return undefined;
  }
}

/** A product with it is exact (but for the smallest numbers). */
export function isPowerOfTwo(expr: KernelExpr): boolean {
  if (expr.kind === "splat") return isPowerOfTwo(expr.value);
  return expr.kind === "constant" && expr.value !== 0 && Number.isInteger(Math.log2(Math.abs(expr.value)));
}
