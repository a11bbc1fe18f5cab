import type { Span } from "../../diagnostics/span.js";
import type { Distribution } from "../../distributions/distribution.js";
import type { Expr } from "../../ir/model/model.js";
import { dims, printType, type Size, type Type } from "../../types/type.js";
import type { Context } from "../context.js";
import { reportShapeMismatch } from "../shape-messages.js";

export interface ShapeQuestion {
  readonly distribution: Distribution;
  readonly exprs: ReadonlyMap<string, Expr>;
  readonly declared?: { readonly type: Type; readonly name: string; readonly declared: Span };
  /** Number of components, for a mixture's component: an axis in front of the site's. */
  readonly components?: Size;
  readonly span: Span;
}

export interface ShapeAnswer {
  /** Shape of a draw before it broadcasts over the declared one. */
  readonly shape: readonly Size[];
  /** Length of the vector parameters. */
  readonly vector?: Size;
}

/** An argument's axes: those of independent draws in front, its own behind. */
interface Part {
  readonly name: string;
  readonly expr: Expr;
  readonly lead: readonly Size[];
  readonly own: readonly Size[];
}

const equal = (left: readonly Size[], right: readonly Size[]): boolean => left.length === right.length && left.every((size, axis) => size.value === right[axis]?.value);

/**
 * The shape of a draw from the shapes of the arguments. Leading axes are equal among all that have any, and equal to the declared type's; vectors and
 * matrices agree on their length. A single number stands for any lead, and for a constant vector when something else fixes the length.
 */
export function fitShapes(context: Context, question: ShapeQuestion): ShapeAnswer | undefined {
  const { distribution, exprs, declared, components, span } = question;
  const parts: Part[] = [];
  for (const [name, expr] of exprs) {
    const rank = distribution.parameters.find((spec) => spec.name === name)?.eventRank ?? 0;
    const { shape } = expr.type;
    if (rank === 2 && shape.length < 2) return wrongRank(context, distribution, name, expr, "a matrix");
    const own = shape.length === 0 ? 0 : rank;
    if (own > shape.length) return wrongRank(context, distribution, name, expr, "a vector");
    parts.push({ name, expr, lead: shape.slice(0, shape.length - own), own: shape.slice(shape.length - own) });
  }
  const joint = distribution.name === "Mixture" ? 0 : distribution.eventRank;
  const site = declared?.type.shape;
  const wanted = declared && { span: declared.declared, text: `\`${declared.name}\` is ${printType(declared.type)}` };
  const independent = site?.slice(0, site.length - joint);
  if (site && site.length < joint) {
    context.error({ code: "LVM3004", message: "shape mismatch", span, label: `\`${distribution.name}\` draws vectors`, related: wanted ? [wanted] : [], help: `declare \`${declared?.name ?? "it"}\` with a size: \`${distribution.name === "Dirichlet" ? "simplex" : "real"}[K]\`` });
    return undefined;
  }
  const vector = fitVectors(context, parts, joint === 1 && site ? site[site.length - 1] : undefined, wanted);
  if (vector === "mismatch") return undefined;
  if (!vector && joint === 1) {
    context.error({ code: "LVM3004", message: `how long are the vectors of this \`${distribution.name}\`?`, span, label: "single numbers do not say", help: "give one parameter as a vector: `ones[K]`, or declare the type of the draw" });
    return undefined;
  }
  const lead = distribution.name === "Mixture" ? mixtureLead(context, parts) : fitLeads(context, parts, independent, wanted, components);
  if (!lead) return undefined;
  return { shape: joint === 1 && vector ? [...lead, vector] : lead, vector };
}

function wrongRank(context: Context, distribution: Distribution, name: string, expr: Expr, needs: string): undefined {
  const { shape } = expr.type;
  context.error({
    code: "LVM3024",
    message: `\`${name}\` of \`${distribution.name}\` is ${needs}`,
    span: expr.origin,
    label: shape.length === 0 ? "this is a single number" : `this is [${dims(expr.type).join(", ")}]`,
    help: needs === "a matrix" ? "give it as a matrix, or use a parameter that is a vector" : "give it as a vector: `ones[K]`",
  });
  return undefined;
}

type Wanted = { readonly span: Span; readonly text: string } | undefined;

/** The length on which vectors and matrices agree, and the declared type when a draw is a vector. */
function fitVectors(context: Context, parts: readonly Part[], declared: Size | undefined, wanted: Wanted): Size | undefined | "mismatch" {
  let known: { readonly size: Size; readonly place: Wanted } | undefined = declared && { size: declared, place: wanted };
  for (const part of parts) {
    const [size, second] = part.own;
    if (!size) continue;
    const square = part.expr.type.support.kind === "cholesky" || part.expr.type.support.kind === "covariance";
    if (square && second && second.value !== size.value) continue;
    if (known && known.size.value !== size.value) {
      reportShapeMismatch(context, {
        span: part.expr.origin,
        actual: part.expr.type,
        expected: { ...part.expr.type, shape: [...part.lead, known.size, ...(second ? [square ? known.size : second] : [])] },
        wanted: known.place,
      });
      return "mismatch";
    }
    known ??= { size, place: { span: part.expr.origin, text: `\`${part.name}\` has ${size.value}` } };
  }
  return known?.size;
}

function fitLeads(context: Context, parts: readonly Part[], independent: readonly Size[] | undefined, wanted: Wanted, components: Size | undefined): readonly Size[] | undefined {
  const whole = independent && (components ? [components, ...independent] : independent);
  let longest: Part | undefined;
  for (const part of parts) {
    if (part.lead.length === 0) continue;
    if (components && part.lead[0]?.value !== components.value) {
      mismatch(context, part, [components, ...part.lead.slice(1)], undefined, `the components of a \`Mixture\` stand along the first axis: ${components.value} of them`);
      return undefined;
    }
    const perComponent = components !== undefined && part.lead.length === 1;
    if (whole && !perComponent && !equal(part.lead, whole)) {
      mismatch(context, part, whole, wanted, components ? `the first axis is for the ${components.value} components` : undefined);
      return undefined;
    }
    if (!whole && longest && !perComponent && !(components && longest.lead.length === 1) && !equal(part.lead, longest.lead)) {
      mismatch(context, part, longest.lead, { span: longest.expr.origin, text: `\`${longest.name}\` is [${dims(longest.expr.type).join(", ")}]` });
      return undefined;
    }
    if (!longest || part.lead.length > longest.lead.length) longest = part;
  }
  return longest?.lead ?? [];
}

function mixtureLead(context: Context, parts: readonly Part[]): readonly Size[] | undefined {
  for (const part of parts) {
    if (part.lead.length === 0 && part.own.length > 0) continue;
    const scalar = part.own.length === 0;
    context.error({
      code: "LVM3024",
      message: `\`${part.name}\` of \`Mixture\` is one vector`,
      span: part.expr.origin,
      label: scalar ? "this is a single number" : `this is [${dims(part.expr.type).join(", ")}]`,
      help: scalar ? "give one weight for each component: `ones[K] / K`" : "draw in a loop, with one vector at each step: `each t in 1..T { … }`",
    });
    return undefined;
  }
  return [];
}

function mismatch(context: Context, part: Part, lead: readonly Size[], wanted: Wanted, note?: string): void {
  reportShapeMismatch(context, {
    span: part.expr.origin,
    actual: part.expr.type,
    expected: { ...part.expr.type, shape: [...lead, ...part.own] },
    wanted,
    notes: note ? [note] : [],
  });
}
