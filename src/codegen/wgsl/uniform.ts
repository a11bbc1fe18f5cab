import type { KernelExpr } from "../../ir/kernel/nodes.js";
import { operandsOf } from "./scope.js";

/**
 * Whether WGSL's uniformity analysis sees that a scalar is the same for all lanes. It always is; but what was read from the arena, WGSL takes for
 * different. `names`: lets and loop variables of which it sees that they are.
 */
export function isSeenUniform(expr: KernelExpr, names: ReadonlySet<string>): boolean {
  switch (expr.kind) {
    case "name":
      return names.has(expr.name);
    case "load":
    case "gather":
    case "load-shared":
    case "lane-numbers":
      return false;
    case "reduce-lanes":
      return true;
    default:
      return operandsOf(expr).every((each) => isSeenUniform(each, names));
  }
}
