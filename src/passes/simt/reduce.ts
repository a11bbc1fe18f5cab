import { exp } from "../../ir/kernel/functions/exponential.js";
import { log } from "../../ir/kernel/functions/logarithm.js";
import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { TensorOp } from "../../ir/tensor/nodes.js";
import type { EmitContext } from "../emit/context.js";
import { affine, type Coordinate, type Position } from "../emit/coordinate.js";
import { Expressions } from "../emit/expressions.js";
import { unravelled, longAxes } from "../emit/places.js";
import { type Fold, foldOf } from "../emit/reduce-kernel.js";
import { writeResults } from "../emit/results.js";
import { countOf, staticShape } from "../static-shape.js";
import { kernelBuilder, type Template, type TemplateKernel } from "../templates/template.js";

type Reduce = Extract<TensorOp, { readonly kind: "reduce" }>;

/** Elements that a group folds before it is worth cutting the sum. */
const longFold = 2048;
const enoughGroups = 128;

/**
 * A reduction by workgroups. Lanes run along what is reduced, a group for each result, where that is long or results are few; else each lane folds
 * a result of its own. Few long folds are cut into fixed parts that a second kernel folds in order: a tree of two passes, the same on every run.
 */
export function simtReduce(context: EmitContext, op: Reduce): Template {
  const { unit, places, target } = context;
  const anchor = unit.anchor!;
  const input = anchor.inputs[0]!;
  const shape = staticShape(input);
  const long = longAxes(shape);
  const kept = long.filter((axis) => !op.axes.includes(axis));
  const reduced = long.filter((axis) => op.axes.includes(axis));
  const [keptShape, reducedShape] = [kept, reduced].map((axes) => axes.map((axis) => shape[axis]!)) as [number[], number[]];
  const [rows, length] = [countOf(keptShape), countOf(reducedShape)];
  const { lanes } = target;
  const along = op.function !== "product" && length > 1 && (rows < lanes || (reduced.at(-1) === long.at(-1) && shape[reduced.at(-1)!]! >= lanes / 2));
  const fold = foldOf(op.function, input.dtype);
  const groups = along ? rows : Math.ceil(rows / lanes);
  const longest = along ? longFold : 256;
  const parts = op.function === "logsumexp" || groups >= enoughGroups || length < 2 * longest ? 1 : Math.min(Math.floor(length / longest), Math.ceil(2 * enoughGroups / groups));
  const title = `${op.function} over ${reducedShape.join("×") || "1"}`;

  const read = (k: KernelBuilder, expressions: Expressions, keptAt: Position, reducedAt: Coordinate): KernelExpr => {
    const at: Coordinate[] = shape.map(() => affine(k, 0));
    const inner = unravelled(k, reducedAt, reducedShape);
    const outer = keptShape.length === keptAt.at.length ? keptAt.at : unravelled(k, keptAt.at[0]!, keptShape);
    kept.forEach((axis, i) => (at[axis] = outer[i]!));
    reduced.forEach((axis, i) => (at[axis] = inner[i]!));
    return k.bind(expressions.value(input, { shape, at }), "x");
  };
  /** Folds elements from … to − 1 of the results at `place`: along lanes into one value, or a value for each lane. */
  const folded = (k: KernelBuilder, expressions: Expressions, place: Position, by: Fold, from: KernelExpr, to: KernelExpr | number): KernelExpr => {
    const register = k.variable(k.constant(by.neutral, by.type, along || rows > 1 ? "vector" : "scalar"), "fold");
    const into = (at: Coordinate): void => k.set(register, k.binary(by.combine, register, by.term(k, k.widened(read(k, expressions, place, at), register.width))));
    if (!along) {
      k.loop(from, to, 1, (i) => into(affine(k, i)), "r");
      return register;
    }
    const end = k.integer(to);
    k.loop(from, end, lanes, (i) => {
      const run = (): void => into(affine(k, i, 1, lanes));
      if (end.kind === "constant") k.lanesBelow(i, end.value, run);
      else k.when(k.less(k.share(k.add(i, k.laneNumbers())), k.widened(end, "vector")), run);
    }, "r");
    return k.bind(k.reduceLanes(by.combine as "add" | "min" | "max", register), "folded");
  };
  /** One group for each result, or one lane. */
  const overResults = (k: KernelBuilder, group: KernelExpr, visit: (place: Position) => void): void => {
    if (along || rows === 1) return visit({ shape: [rows], at: [affine(k, rows === 1 ? 0 : group)] });
    const from = k.share(k.multiply(group, lanes));
    k.lanesBelow(from, rows, () => visit({ shape: [rows], at: [affine(k, from, 1, lanes)] }));
  };
  const finish = (k: KernelBuilder, expressions: Expressions, place: Position, value: KernelExpr): void => {
    const result = op.function === "all" || op.function === "any" ? k.compare("not_equal", value, 0) : value;
    writeResults(k, expressions, context, { shape: keptShape, at: unravelled(k, place.at[0]!, keptShape) }, result);
  };

  const k = kernelBuilder(target);
  const expressions = new Expressions(k, places, context.use, context.loops);
  if (parts === 1) {
    overResults(k, groups === 1 ? k.integer(0) : k.group(), (place) => {
      const total = folded(k, expressions, place, fold, k.integer(0), length);
      if (op.function !== "logsumexp") return finish(k, expressions, place, total);
      // max + log Σ exp(x − max); the maximum itself where it is not finite.
      const top = k.bind(total, "top");
      const finite = k.bind(k.compare("less", k.unary("abs", top), Infinity), "finite");
      const shift = k.bind(k.select(finite, top, 0), "shift");
      const sum = folded(k, expressions, place, { type: "f32", neutral: 0, combine: "add", term: (b, value) => exp(b, b.bind(b.subtract(value, shift))) }, k.integer(0), length);
      finish(k, expressions, place, k.select(finite, k.add(top, log(k, k.bind(sum))), top));
    });
    return { title, groups: Math.max(1, groups), body: k.body(), flops: countOf(shape) * context.flops, bytes: 0, before: [] };
  }
  const chunk = along ? Math.ceil(length / parts / lanes) * lanes : Math.ceil(length / parts);
  const used = Math.ceil(length / chunk);
  const partials = context.scratch(used * rows);
  const part = k.share(k.divide(k.group(), groups));
  overResults(k, k.share(k.remainder(k.group(), groups)), (place) => {
    const from = k.share(k.multiply(part, chunk));
    const total = folded(k, expressions, place, fold, from, k.share(k.min(k.add(from, chunk), length)));
    const [at] = place.at as [Coordinate & { readonly kind: "affine" }];
    k.store(k.add(k.add(k.share(k.multiply(part, rows)), at.base), partials), total);
  });
  const before: TemplateKernel = { title: `${title} in ${used} parts`, groups: groups * used, body: k.body(), flops: countOf(shape) * context.flops, bytes: 0 };

  const c = kernelBuilder(target);
  const combined = new Expressions(c, places, context.use, context.loops);
  // Parts of few results by lanes, of many by a lane for each result.
  const few = rows < lanes && op.function !== "product";
  const total = (index: KernelExpr): KernelExpr => {
    if (few) {
      const register = c.variable(c.constant(fold.neutral, fold.type, "vector"), "fold");
      c.vectorLoop(used, (i) => c.set(register, c.binary(fold.combine, register, c.gather(c.add(c.multiply(c.add(i, c.laneNumbers()), rows), c.add(index, partials)), fold.type))), "part");
      return c.bind(c.reduceLanes(fold.combine as "add" | "min" | "max", register), "folded");
    }
    const register = c.variable(c.load(c.add(index, partials), fold.type, "vector"), "fold");
    c.loop(1, used, 1, (i) => c.set(register, c.binary(fold.combine, register, c.load(c.add(c.add(c.multiply(i, rows), index), partials), fold.type, "vector"))), "part");
    return register;
  };
  const combineGroups = few ? rows : Math.ceil(rows / lanes);
  const group = combineGroups === 1 ? c.integer(0) : c.group();
  if (few) finish(c, combined, { shape: [rows], at: [affine(c, group)] }, total(group));
  else {
    const from = c.share(c.multiply(group, lanes));
    c.lanesBelow(from, rows, () => finish(c, combined, { shape: [rows], at: [affine(c, from, 1, lanes)] }, total(from)));
  }
  return { title, groups: combineGroups, body: c.body(), flops: used * rows, bytes: 4 * used * rows, before: [before] };
}
