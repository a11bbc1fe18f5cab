import { type Support, printSupport } from "./support.js";

/**
 * One size of a shape. `why` says which declaration fixed it (as an opaque reference that the checker resolves to a span), so a
 * shape message can name that declaration.
 */
export interface Size {
  readonly value: number;
  /** As the user wrote it: `LATENT`, `784`. */
  readonly text?: string;
  readonly why?: unknown;
}

/** The type of a value for one data row: a support and a shape. `simplex[K]` has shape [K], `cholesky[K]` has shape [K, K]. */
export interface Type {
  readonly support: Support;
  readonly shape: readonly Size[];
}

export function sizeOf(value: number, text?: string, why?: unknown): Size {
  return { value, text, why };
}

export function dims(type: Type): readonly number[] {
  return type.shape.map((size) => size.value);
}

export function elementCount(type: Type): number {
  return type.shape.reduce((product, size) => product * size.value, 1);
}

export function sameShape(left: Type, right: Type): boolean {
  return left.shape.length === right.shape.length && left.shape.every((size, axis) => size.value === right.shape[axis]!.value);
}

/** `real[20]`, `index(10)`, `cholesky[4]`. */
export function printType(type: Type): string {
  const square = type.support.kind === "cholesky" || type.support.kind === "covariance";
  const shown = square ? type.shape.slice(0, -1) : type.shape;
  return printSupport(type.support) + (shown.length > 0 ? `[${shown.map((size) => size.value).join(", ")}]` : "");
}
