import type { KernelExpr, Statement } from "../../src/ir/kernel/nodes.js";

function isExpr(value: unknown): value is KernelExpr {
  return typeof value === "object" && value !== null && "width" in value && "type" in value;
}

/** Every expression that a statement itself computes, without those of the statements inside it. */
export function expressionsOf(statement: Statement): KernelExpr[] {
  const found: KernelExpr[] = [];
  const visit = (expr: KernelExpr): void => {
    found.push(expr);
    for (const child of Object.values(expr)) {
      if (Array.isArray(child)) child.filter(isExpr).forEach(visit);
      else if (isExpr(child)) visit(child);
    }
  };
  Object.values(statement).filter(isExpr).forEach(visit);
  return found;
}
