import { type DistributionCall, type Expr, isDistributionCall } from "./model.js";

/** The expressions directly inside an expression. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "step":
    case "position":
    case "slice":
      return [expr.target];
    case "gather":
      return [expr.target, expr.index];
    case "apply":
    case "layer":
    case "call":
      return expr.args;
    default:
      return [];
  }
}

/** An expression and all its parts. */
export function* exprsWithin(expr: Expr): Generator<Expr> {
  const stack: Expr[] = [expr];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    stack.push(...partsOf(next));
  }
}

/** The expressions of a distribution's arguments, those of its components included. */
export function argumentsOf(call: DistributionCall): readonly Expr[] {
  return Object.values(call.args).flatMap((arg) => (isDistributionCall(arg) ? argumentsOf(arg) : [arg]));
}

type Reference = Extract<Expr, { readonly kind: "reference" }>;
type StepExpr = Extract<Expr, { readonly kind: "step" }>;

/** `x[s - 1, t]` of a name: the reference and the steps taken into it, the first axis first. */
export interface SteppedReference {
  readonly reference: Reference;
  readonly steps: readonly Pick<StepExpr, "plate" | "offset">[];
}

/** A name, or a name with loop variables in brackets; undefined for every other expression. */
export function steppedReference(expr: Expr): SteppedReference | undefined {
  const steps: StepExpr[] = [];
  let at = expr;
  for (; at.kind === "step"; at = at.target) steps.unshift(at);
  return at.kind === "reference" ? { reference: at, steps } : undefined;
}
