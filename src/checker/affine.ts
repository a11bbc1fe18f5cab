import type { Expr, Plate } from "../ir/model/model.js";
import { exprsWithin, steppedReference } from "../ir/model/walk.js";
import { functionRules } from "./functions/function-rules.js";

/** factor_t · x_{t−1} + offset_t at every step of a plate, in float64. */
export interface Affine {
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

export type AffineOrNot = { readonly affine: Affine } | { readonly problem: "parameters" | "data" | "not-linear" | "other-step"; readonly at: Expr };

/** What a scalar expression of constants and the variable of one loop is at each of the loop's steps; undefined for any other expression. */
export function valuesOverLoop(expr: Expr): readonly number[] | undefined {
  let plate: Plate | undefined;
  for (const part of exprsWithin(expr)) {
    if (part.kind !== "step" && part.kind !== "loop-variable") continue;
    if (plate && plate.name !== part.plate.name) return undefined;
    plate = part.plate;
  }
  const found = plate && !plate.continuous && affineOf(expr, plate);
  return found && "affine" in found ? found.affine.offset : undefined;
}

/** The numbers that a loop's variable takes. */
export function stepsOf({ from, size }: Plate): readonly number[] {
  return Array.from({ length: size }, (_, at) => from + at);
}

/** A scalar expression of `t`, constants and the step before of a variable, as numbers at each of `times`, the values of `t`; or the part that is something else. */
export function affineOf(expr: Expr, plate: Plate, times: readonly number[] = stepsOf(plate), state?: { readonly name: string; readonly before: number }): AffineOrNot {
  const all = (value: number): number[] => times.map(() => value);
  const each = (value: (t: number) => number): Affine => ({ factor: all(0), offset: times.map(value) });
  const read = steppedReference(expr);
  if (read && read.reference.to.kind === "site" && state?.name === read.reference.to.name) {
    const own = read.steps.length === 1 && read.steps[0]!.plate.name === plate.name && read.steps[0]!.offset === state.before;
    return own ? { affine: { factor: all(1), offset: all(0) } } : { problem: "other-step", at: expr };
  }
  switch (expr.kind) {
    case "number":
      return { affine: each(() => expr.value) };
    case "loop-variable":
      return { affine: each((t) => t) };
    case "step": {
      if (expr.target.kind !== "constant" || expr.target.type.shape.length !== 1) break;
      const { values } = expr.target;
      return { affine: each((t) => values[t + expr.offset - 1] ?? 0) };
    }
    case "position":
      if (expr.target.kind === "constant" && expr.target.type.shape.length === 1) {
        const value = expr.target.values[expr.at] ?? 0;
        return { affine: each(() => value) };
      }
      break;
    case "apply": {
      const parts = expr.args.map((arg) => affineOf(arg, plate, times, state));
      const wrong = parts.find((part) => !("affine" in part));
      if (wrong) return wrong;
      const args = parts.map((part) => (part as { readonly affine: Affine }).affine);
      return combined(expr, args);
    }
    case "reference":
      return { problem: expr.to.kind === "parameter" ? "parameters" : "data", at: expr };
    case "call":
    case "layer":
      return { problem: "parameters", at: expr };
    default:
      break;
  }
  return { problem: "not-linear", at: expr };
}

function combined(expr: Extract<Expr, { readonly kind: "apply" }>, args: readonly Affine[]): AffineOrNot {
  const [left, right] = args;
  const isFree = ({ factor }: Affine): boolean => factor.every((each) => each === 0);
  const zip = (a: readonly number[], b: readonly number[], by: (a: number, b: number) => number): number[] => a.map((each, at) => by(each, b[at]!));
  if (args.every(isFree)) {
    const { fold } = functionRules[expr.function];
    if (!fold || !left) return { problem: "not-linear", at: expr };
    return { affine: { factor: left.factor, offset: left.offset.map((_, at) => fold(...args.map((arg) => arg.offset[at]!))) } };
  }
  if (expr.function === "negate" && left) return { affine: { factor: left.factor.map((each) => -each), offset: left.offset.map((each) => -each) } };
  if (!left || !right) return { problem: "not-linear", at: expr };
  const by = (scale: Affine, of: Affine, operation: (a: number, b: number) => number): AffineOrNot => ({ affine: { factor: zip(of.factor, scale.offset, operation), offset: zip(of.offset, scale.offset, operation) } });
  switch (expr.function) {
    case "add":
      return { affine: { factor: zip(left.factor, right.factor, (a, b) => a + b), offset: zip(left.offset, right.offset, (a, b) => a + b) } };
    case "subtract":
      return { affine: { factor: zip(left.factor, right.factor, (a, b) => a - b), offset: zip(left.offset, right.offset, (a, b) => a - b) } };
    case "multiply":
      if (isFree(left)) return by(left, right, (a, b) => a * b);
      return isFree(right) ? by(right, left, (a, b) => a * b) : { problem: "not-linear", at: expr };
    case "divide":
      return isFree(right) ? by(right, left, (a, b) => a / b) : { problem: "not-linear", at: expr };
    default:
      return { problem: "not-linear", at: expr };
  }
}
