/** The set in which a value lies; part of every type. `unit` is the closed interval from 0 to 1. */
export type Support =
  | { readonly kind: "real" }
  | { readonly kind: "positive" }
  | { readonly kind: "nonnegative" }
  | { readonly kind: "unit" }
  | { readonly kind: "binary" }
  | { readonly kind: "index"; readonly size: number }
  | { readonly kind: "count" }
  | { readonly kind: "byte" }
  | { readonly kind: "angle" }
  | { readonly kind: "interval"; readonly low: number; readonly high: number }
  | { readonly kind: "simplex" }
  | { readonly kind: "ordered" }
  | { readonly kind: "cholesky" }
  | { readonly kind: "covariance" };

export type SupportKind = Support["kind"];

export const real: Support = { kind: "real" };
export const positive: Support = { kind: "positive" };
export const nonnegative: Support = { kind: "nonnegative" };
export const unit: Support = { kind: "unit" };
export const binary: Support = { kind: "binary" };
export const count: Support = { kind: "count" };
export const byte: Support = { kind: "byte" };
export const angle: Support = { kind: "angle" };
export const simplex: Support = { kind: "simplex" };
export const ordered: Support = { kind: "ordered" };
export const cholesky: Support = { kind: "cholesky" };
export const covariance: Support = { kind: "covariance" };
export const index = (size: number): Support => ({ kind: "index", size });

/** Number of trailing axes that the constraint binds together: 1 for `simplex`, 2 for `cholesky`, else 0. */
export function jointRank(support: Support): 0 | 1 | 2 {
  switch (support.kind) {
    case "simplex":
    case "ordered":
      return 1;
    case "cholesky":
    case "covariance":
      return 2;
    default:
      return 0;
  }
}

export function isDiscrete(support: Support): boolean {
  return support.kind === "binary" || support.kind === "index" || support.kind === "count" || support.kind === "byte";
}

/** How many values a finite support has for one element; undefined where it is infinite. */
export function cardinality(support: Support): number | undefined {
  if (support.kind === "binary") return 2;
  if (support.kind === "index") return support.size;
  if (support.kind === "byte") return 256;
  return undefined;
}

const wider: Record<Exclude<SupportKind, "index" | "interval">, readonly SupportKind[]> = {
  real: [],
  positive: ["nonnegative", "real"],
  nonnegative: ["real"],
  unit: ["nonnegative", "real"],
  binary: ["unit", "count", "byte", "nonnegative", "real"],
  count: ["nonnegative", "real"],
  byte: ["count", "nonnegative", "real"],
  angle: ["real"],
  simplex: ["unit", "nonnegative", "real"],
  ordered: ["real"],
  cholesky: ["real"],
  covariance: ["real"],
};

/** Whether every value of `inner` is one of `outer`. */
export function isSubset(inner: Support, outer: Support): boolean {
  if (outer.kind === "real") return true;
  if (inner.kind === "index") {
    if (outer.kind === "index") return inner.size <= outer.size;
    if (outer.kind === "binary") return inner.size <= 2;
    if (outer.kind === "byte") return inner.size <= 256;
    if (outer.kind === "unit") return inner.size <= 2;
    return outer.kind === "count" || outer.kind === "nonnegative";
  }
  if (inner.kind === "interval") {
    if (outer.kind === "interval") return inner.low >= outer.low && inner.high <= outer.high;
    if (outer.kind === "unit") return inner.low >= 0 && inner.high <= 1;
    if (outer.kind === "positive") return inner.low > 0;
    return outer.kind === "nonnegative" && inner.low >= 0;
  }
  if (outer.kind === "index") return inner.kind === "binary" && outer.size >= 2;
  if (outer.kind === "interval") return (inner.kind === "unit" || inner.kind === "binary" || inner.kind === "simplex") && outer.low <= 0 && outer.high >= 1;
  return inner.kind === outer.kind || wider[inner.kind].includes(outer.kind);
}

/** As a user writes it: `index(10)`. */
export function printSupport(support: Support): string {
  if (support.kind === "index") return `index(${support.size})`;
  if (support.kind === "interval") return `interval(${support.low}, ${support.high})`;
  return support.kind;
}
