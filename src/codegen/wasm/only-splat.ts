import type { KernelExpr } from "../../ir/kernel/nodes.js";

/** The names that are used, and only as the operand of `splat`. A name that two blocks give to different values counts as one. */
export function onlySplat(body: unknown): ReadonlySet<string> {
  const [splat, otherwise] = [new Set<string>(), new Set<string>()];
  // Nodes are plain data, so one walk serves all kinds.
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (node === null || typeof node !== "object") return;
    const expr = node as KernelExpr;
    if (expr.kind === "splat" && expr.value.kind === "name") splat.add(expr.value.name);
    else if (expr.kind === "name") otherwise.add(expr.name);
    else for (const child of Object.values(node)) if (typeof child === "object") visit(child);
  };
  visit(body);
  return new Set([...splat].filter((name) => !otherwise.has(name)));
}
