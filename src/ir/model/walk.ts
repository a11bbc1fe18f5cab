import { type DistributionCall, type Expr, isDistributionCall } from "./model.js";

/** An expression and all its parts. */
export function* exprsWithin(expr: Expr): Generator<Expr> {
  const stack: Expr[] = [expr];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    if (next.kind === "step" || next.kind === "position" || next.kind === "slice") stack.push(next.target);
    else if (next.kind === "gather") stack.push(next.target, next.index);
    else if (next.kind === "apply" || next.kind === "layer" || next.kind === "call") stack.push(...next.args);
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
