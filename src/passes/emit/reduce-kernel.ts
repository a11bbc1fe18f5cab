import { KernelBuilder } from "../../ir/kernel/builder.js";
import { exp } from "../../ir/kernel/functions/exponential.js";
import { log } from "../../ir/kernel/functions/logarithm.js";
import type { ElementType, KernelExpr, Width } from "../../ir/kernel/nodes.js";
import type { ReduceFunction, TensorNode, TensorOp } from "../../ir/tensor/nodes.js";
import { countOf, staticShape } from "../static-shape.js";
import type { TemplateKernel } from "../templates/template.js";
import { type EmitContext, groupsFor } from "./context.js";
import { affine, type Coordinate, type Position, reshaped } from "./coordinate.js";
import { Expressions } from "./expressions.js";
import { longAxes, walk } from "./places.js";
import { writeResults } from "./results.js";

type Reduce = Extract<TensorOp, { readonly kind: "reduce" }>;

/** How values are folded: two-step functions (logsumexp) are made of these. */
export interface Fold {
  /** Of what is folded: bools are folded as i32. */
  readonly type: ElementType;
  readonly neutral: number;
  readonly combine: "add" | "multiply" | "min" | "max";
  readonly term: (k: KernelBuilder, value: KernelExpr) => KernelExpr;
}

const same = (_: KernelBuilder, value: KernelExpr): KernelExpr => value;
const least: Readonly<Record<ElementType, number>> = { f32: -Infinity, i32: -2147483648, u32: 0, bool: 0 };
const greatest: Readonly<Record<ElementType, number>> = { f32: Infinity, i32: 2147483647, u32: 4294967295, bool: 1 };

export function foldOf(name: ReduceFunction, type: ElementType): Fold {
  switch (name) {
    case "sum":
      return { type, neutral: 0, combine: "add", term: same };
    case "product":
      return { type, neutral: 1, combine: "multiply", term: same };
    case "max":
    case "logsumexp":
      return { type, neutral: least[type], combine: "max", term: same };
    case "min":
      return { type, neutral: greatest[type], combine: "min", term: same };
    case "all":
      return { type: "i32", neutral: 1, combine: "min", term: (k, value) => k.convert(value, "i32") };
    case "any":
      return { type: "i32", neutral: 0, combine: "max", term: (k, value) => k.convert(value, "i32") };
  }
}

/**
 * A reduction over any axes, with elementwise operands computed on the spot and elementwise users as epilogue. Where the last axis is reduced
 * and long, vectors run along it; else along the results, each lane folding its own. The order is fixed by the shape and the vector width.
 */
export function reduceKernel(context: EmitContext, op: Reduce): TemplateKernel {
  const { unit, places, target } = context;
  const anchor = unit.anchor!;
  const input = anchor.inputs[0]!;
  const shape = staticShape(input);
  const long = longAxes(shape);
  const kept = long.filter((axis) => !op.axes.includes(axis));
  const reduced = op.axes.filter((axis) => shape[axis] !== 1);
  const k = new KernelBuilder(target.lanes);
  const expressions = new Expressions(k, places, context.use, context.loops);
  const last = reduced.at(-1);
  /** Vectors along the reduced axis. */
  const along = last !== undefined && last === long.at(-1) && (shape[last]! >= target.lanes || countOf(kept.map((axis) => shape[axis]!)) < target.lanes) && op.function !== "product";
  const space = along ? flatOf(kept.map((axis) => shape[axis]!)) : kept.map((axis) => shape[axis]!);
  const keptShape = kept.map((axis) => shape[axis]!);
  const short = !along && space.length > 1 && space.at(-1)! < target.lanes;
  const walked = short ? flatOf(space) : space;

  const reducer: Reducer = { k, expressions, input, shape, reduced, along };
  const groups = walk(k, { space: walked, groups: groupsFor(countOf(shape) * context.cost), repeatable: !context.inPlace, vectors: !along }, (place, width) => {
    const at: Coordinate[] = shape.map(() => affine(k, 0));
    const whole: Position = { shape: walked, at: place.at };
    const coordinates = keptShape.length === walked.length ? place.at : reshaped(k, whole, keptShape).at;
    kept.forEach((axis, i) => (at[axis] = coordinates[i]!));
    writeResults(k, expressions, context, place, reduceAt(reducer, op.function, at, width));
  });
  return { title: `${op.function} over ${reduced.map((axis) => shape[axis]).join("×") || "1"}`, groups, body: k.body(), flops: countOf(shape) * context.flops, bytes: 0 };
}

const flatOf = (space: readonly number[]): readonly number[] => (space.length <= 1 ? space : [countOf(space)]);


interface Reducer {
  readonly k: KernelBuilder;
  readonly expressions: Expressions;
  readonly input: TensorNode;
  readonly shape: readonly number[];
  readonly reduced: readonly number[];
  readonly along: boolean;
}

function reduceAt(reducer: Reducer, name: ReduceFunction, at: readonly Coordinate[], width: Width): KernelExpr {
  const { k, input } = reducer;
  const folded = fold(reducer, foldOf(name, input.dtype), at, width);
  if (name === "all" || name === "any") return k.compare("not_equal", folded, 0);
  if (name !== "logsumexp") return folded;
  // max + log Σ exp(x − max); the maximum itself where it is not finite.
  const top = k.bind(folded, "top");
  const finite = k.bind(k.compare("less", k.unary("abs", top), Infinity), "finite");
  const shift = k.bind(k.select(finite, top, 0), "shift");
  const sum = fold(reducer, { type: "f32", neutral: 0, combine: "add", term: (b, value) => exp(b, b.bind(b.subtract(value, shift))) }, at, width);
  return k.select(finite, k.add(top, log(k, k.bind(sum))), top);
}

function fold({ k, expressions, input, shape, reduced, along }: Reducer, { type, neutral, combine, term }: Fold, at: readonly Coordinate[], width: Width): KernelExpr {
  const start = (wide: Width): KernelExpr & { readonly kind: "name" } => k.variable(k.constant(neutral, type, wide), "fold");
  const into = (register: KernelExpr & { readonly kind: "name" }, place: readonly Coordinate[]): void => {
    const value = term(k, k.bind(k.widened(expressions.value(input, { shape, at: place }), register.width)));
    k.set(register, k.binary(combine, register, value));
  };
  const placeWith = (place: readonly Coordinate[], axis: number, coordinate: Coordinate): Coordinate[] => place.map((each, i) => (i === axis ? coordinate : each));
  const nest = (axes: readonly number[], place: readonly Coordinate[], inner: (place: readonly Coordinate[]) => void): void => {
    const [axis, ...rest] = axes;
    if (axis === undefined) inner(place);
    else k.loop(0, shape[axis]!, 1, (i) => nest(rest, placeWith(place, axis, affine(k, i)), inner), "r");
  };
  if (!along) {
    const register = start(width);
    nest(reduced, at, (place) => into(register, place));
    return register;
  }
  const last = reduced.at(-1)!;
  const size = shape[last]!;
  const whole = size - (size % k.lanes);
  const vector = whole > 0 ? start("vector") : undefined;
  const rest = whole < size ? start("scalar") : undefined;
  nest(reduced.slice(0, -1), at, (place) => {
    if (vector) k.loop(0, whole, k.lanes, (i) => into(vector, placeWith(place, last, affine(k, i, 1, k.lanes))), "r");
    if (rest) k.loop(whole, size, 1, (i) => into(rest, placeWith(place, last, affine(k, i))), "r");
  });
  if (!vector) return rest ?? k.widened(k.constant(neutral, type), width);
  const lanes = k.reduceLanes(combine as "add" | "min" | "max", vector);
  return rest ? k.binary(combine, lanes, rest) : lanes;
}
