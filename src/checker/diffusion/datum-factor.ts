import type { Expr } from "../../ir/model/model.js";
import type { FunctionName } from "../../ir/model/functions.js";
import { exprsWithin, partsOf } from "../../ir/model/walk.js";

/** The factor of the datum in an expression that is a multiple of it, as an expression; or the part that makes it something else. */
export type DatumFactor = { readonly factor: Expr } | { readonly problem: string; readonly at: Expr };

/** s of `s * x[0]`. Every factor is a single number. */
export function datumFactor(expr: Expr, name: string): DatumFactor {
  const isDatum = (each: Expr): boolean => each.kind === "position" && each.at === 0 && each.target.kind === "reference" && each.target.to.kind === "site" && each.target.to.name === name;
  const isFree = (each: Expr): boolean => [...exprsWithin(each)].every((part) => !isDatum(part));
  const scalar = (each: Expr): Expr | undefined => (each.type.shape.length === 0 ? each : undefined);
  const factorOf = (each: Expr): DatumFactor => {
    if (isDatum(each)) return { factor: { kind: "number", value: 1, type: { support: { kind: "positive" }, shape: [] }, origin: each.origin } };
    if (isFree(each)) return { problem: "the mean is not a multiple of the datum", at: each };
    const notLinear: DatumFactor = { problem: "the mean is not linear in the datum", at: each };
    if (each.kind !== "apply") return notLinear;
    const [left, right] = partsOf(each);
    if (each.function === "negate" && left) return then(factorOf(left), (factor) => ({ factor: apply("negate", [factor]) }));
    if (!left || !right) return notLinear;
    switch (each.function) {
      case "add":
      case "subtract":
        return then(factorOf(left), (a) => then(factorOf(right), (b) => ({ factor: apply(each.function, [a, b]) })));
      case "multiply":
      case "divide": {
        const [of, by] = isFree(left) && each.function === "multiply" ? [right, left] : [left, right];
        if (!isFree(by)) return notLinear;
        if (!scalar(by)) return { problem: "the factor of the datum is one number", at: by };
        return then(factorOf(of), (factor) => ({ factor: factor.kind === "number" && factor.value === 1 && each.function === "multiply" ? by : apply(each.function, [factor, by]) }));
      }
      default:
        return notLinear;
    }
  };
  return factorOf(expr);
}

function then(found: DatumFactor, next: (factor: Expr) => DatumFactor): DatumFactor {
  return "problem" in found ? found : next(found.factor);
}

/** A function of real numbers, with the place of its first argument. */
export function apply(name: FunctionName, args: readonly [Expr, ...Expr[]]): Expr {
  return { kind: "apply", function: name, args, attributes: {}, type: { support: { kind: "real" }, shape: [] }, origin: args[0].origin };
}
