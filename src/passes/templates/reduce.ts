import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { ElementType, KernelExpr, Width } from "../../ir/kernel/nodes.js";
import { inGroups, overElements } from "./groups.js";
import { type Template, type TemplateContext, type TemplateKernel, type WriteAll, type WriteOptions, vectorAxis } from "./template.js";
import type { Register } from "./tile.js";
import { flatten, product, unravel } from "./views.js";

export type Fold = "sum" | "product" | "max" | "min";

/** One pass over the reduced elements; `read` gives one value for each fold and sees what earlier stages found. */
export interface ReduceStage {
  readonly folds: readonly Fold[];
  /** Of the values; default f32 for each. */
  readonly types?: readonly ElementType[];
  readonly read: (k: KernelBuilder, index: readonly KernelExpr[], width: Width, totals: readonly KernelExpr[]) => readonly KernelExpr[];
}

export interface ReduceOptions extends WriteOptions {
  /** Of what is reduced. */
  readonly shape: readonly number[];
  readonly axes: readonly number[];
  /** In order: maximum then sum of exponentials, mean then squared deviations. */
  readonly stages: readonly ReduceStage[];
  /** Totals of all stages at coordinates of the kept axes. */
  readonly write?: WriteAll;
  /** Every element once more, with the totals of its row: softmax, normalization. Totals are scalars or as wide as asked. */
  readonly each?: (k: KernelBuilder, index: readonly KernelExpr[], totals: readonly KernelExpr[], width: Width) => void;
  readonly title?: string;
}

const identities: Readonly<Record<Fold, number>> = { sum: 0, product: 1, max: -Infinity, min: Infinity };

function identity(k: KernelBuilder, fold: Fold, type: ElementType, width: Width): KernelExpr {
  const value = identities[fold];
  if (type === "f32" || Number.isFinite(value)) return k.constant(value, type, width);
  const [least, most] = type === "u32" ? [0, 4294967295] : [-2147483648, 2147483647];
  return k.constant(value < 0 ? least : most, type, width);
}

function combine(k: KernelBuilder, fold: Fold, a: KernelExpr, b: KernelExpr): KernelExpr {
  return fold === "sum" ? k.add(a, b) : fold === "product" ? k.multiply(a, b) : fold === "max" ? k.max(a, b) : k.min(a, b);
}

/**
 * Reductions over any axes, several at once. Along the vector axis lanes are folded at the end of a row (up to four vectors side by side
 * in long rows); across it the columns of a block are folded side by side. Few but long rows are cut into fixed parts that a second
 * kernel combines in order. The order depends on the sizes and the target alone.
 */
export function reduce(o: ReduceOptions, context: TemplateContext): Template {
  const axis = vectorAxis(o.shape);
  const along = axis < 0 || o.axes.includes(axis);
  const kept = o.shape.map((_, i) => i).filter((i) => !o.axes.includes(i));
  const rows = product(kept.map((i) => o.shape[i]!));
  const length = product(o.axes.map((i) => o.shape[i]!));
  const independent = along ? rows : product(kept.filter((i) => i !== axis).map((i) => o.shape[i]!)) * Math.ceil(o.shape[axis]! / (4 * context.target.lanes));
  const workPerItem = along ? length : length * Math.min(o.shape[axis]!, 4 * context.target.lanes);
  const wanted = Math.min(Math.ceil(64 / Math.max(1, independent)), Math.floor(workPerItem / 4096));
  return independent < 16 && wanted > 1 ? reduceInParts(o, context, wanted) : reduceWhole(o, context);
}

interface Plan {
  readonly axis: number;
  readonly along: boolean;
  readonly kept: readonly number[];
  readonly keptShape: readonly number[];
  /** Reduced axes but for the vector axis: a unit is one setting of them (and a piece of the vector axis where that is cut). */
  readonly lineAxes: readonly number[];
  readonly lines: number;
  readonly pieces: number;
  readonly piece: number;
}

function planOf(o: ReduceOptions, lanes: number, cut: boolean): Plan {
  const axis = vectorAxis(o.shape);
  const along = axis >= 0 && o.axes.includes(axis);
  const kept = o.shape.map((_, i) => i).filter((i) => !o.axes.includes(i));
  const lineAxes = o.axes.filter((i) => i !== axis).sort((a, b) => a - b);
  const size = axis < 0 ? 1 : o.shape[axis]!;
  const piece = cut && along && size > 2048 ? Math.ceil(1024 / lanes) * lanes : size;
  return { axis, along, kept, keptShape: kept.map((i) => o.shape[i]!), lineAxes, lines: product(lineAxes.map((i) => o.shape[i]!)), pieces: along ? Math.ceil(size / Math.max(1, piece)) : 1, piece };
}

/** Coordinates in the operand from those of the kept axes, of the reduced ones, and of the vector axis. */
function coordinates(k: KernelBuilder, o: ReduceOptions, plan: Plan, kept: readonly KernelExpr[], line: KernelExpr, along?: KernelExpr): KernelExpr[] {
  const at = unravel(k, line, plan.lineAxes.map((i) => o.shape[i]!));
  return o.shape.map((_, i) => {
    if (plan.along && i === plan.axis) return along ?? k.integer(0);
    const own = plan.kept.indexOf(i);
    return own >= 0 ? kept[own]! : at[plan.lineAxes.indexOf(i)]!;
  });
}

/** Folds units from … to − 1 of one row (along) into scalars. */
function foldRow(k: KernelBuilder, o: ReduceOptions, plan: Plan, stage: ReduceStage, kept: readonly KernelExpr[], from: KernelExpr, to: KernelExpr, totals: readonly KernelExpr[]): KernelExpr[] {
  const { lanes } = k;
  const size = plan.axis < 0 ? 1 : o.shape[plan.axis]!;
  const types = stage.folds.map((_, i) => stage.types?.[i] ?? "f32");
  const vectors = size >= lanes && plan.along && !stage.folds.includes("product");
  const whole = vectors ? size - (size % lanes) : 0;
  const wide = whole >= 8 * lanes ? 4 : whole >= 2 * lanes ? 2 : 1;
  const scalars = stage.folds.map((fold, i) => k.variable(identity(k, fold, types[i]!, "scalar"), fold));
  const registers = vectors ? Array.from({ length: wide }, () => stage.folds.map((fold, i) => k.variable(identity(k, fold, types[i]!, "vector"), fold))) : [];
  const take = (into: readonly Register[], index: readonly KernelExpr[], width: Width) =>
    stage.read(k, index, width, totals).forEach((value, i) => k.set(into[i]!, combine(k, stage.folds[i]!, into[i]!, value)));
  k.loop(from, to, 1, (unit) => {
    const [line, part] = unravel(k, unit, [plan.lines, plan.pieces]) as [KernelExpr, KernelExpr];
    const cut = plan.pieces > 1;
    const start = cut ? k.share(k.multiply(part, plan.piece)) : k.integer(0);
    const end = cut ? k.share(k.min(k.add(start, plan.piece), whole)) : k.integer(whole);
    if (whole > 0) {
      const step = wide * lanes;
      const even = cut ? k.share(k.add(start, k.multiply(k.divide(k.max(k.subtract(end, start), 0), step), step))) : k.integer(whole - (whole % step));
      k.loop(start, even, step, (i) => registers.forEach((into, u) => take(into, coordinates(k, o, plan, kept, line, k.add(i, u * lanes)), "vector")), "i");
      if (wide > 1) k.loop(even, end, lanes, (i) => take(registers[0]!, coordinates(k, o, plan, kept, line, i), "vector"), "i");
    }
    const tail = () => k.loop(whole, size, 1, (i) => take(scalars, coordinates(k, o, plan, kept, line, i), "scalar"), "i");
    if (whole === size) return;
    if (cut) k.when(k.compare("equal", part, plan.pieces - 1), tail);
    else tail();
  }, "line");
  return stage.folds.map((fold, i) => {
    if (!vectors) return scalars[i]!;
    let all: KernelExpr = registers[0]![i]!;
    for (let u = 1; u < wide; u++) all = combine(k, fold, all, registers[u]![i]!);
    const folded = k.reduceLanes(fold === "sum" ? "add" : (fold as "max" | "min"), all);
    return k.bind(whole === size ? folded : combine(k, fold, folded, scalars[i]!), fold);
  });
}

/** Folds lines from … to − 1 of the columns that start at `columns` (across). */
function foldColumns(k: KernelBuilder, o: ReduceOptions, plan: Plan, stage: ReduceStage, kept: (column: KernelExpr) => readonly KernelExpr[], columns: readonly KernelExpr[], width: Width, from: KernelExpr, to: KernelExpr, totals: readonly (readonly KernelExpr[])[]): KernelExpr[][] {
  const registers = columns.map(() => stage.folds.map((fold, i) => k.variable(identity(k, fold, stage.types?.[i] ?? "f32", width), fold)));
  k.loop(from, to, 1, (line) => columns.forEach((column, c) => {
    stage.read(k, coordinates(k, o, plan, kept(column), line), width, totals[c]!).forEach((value, i) => k.set(registers[c]![i]!, combine(k, stage.folds[i]!, registers[c]![i]!, value)));
  }), "line");
  return registers;
}

/** Blocks of columns: whole blocks of `wide` vectors, then vectors and a tail. */
function overColumns(k: KernelBuilder, size: number, overlap: boolean, wide: number, items: number, each: (item: KernelExpr, columns: readonly KernelExpr[], width: Width) => void): number {
  const { lanes } = k;
  const [vectors, rest] = [Math.floor(size / lanes), size % lanes];
  const overlaps = overlap && rest > 0 && vectors > 0;
  // The overlapping vector is in one group with the one it overlaps.
  const blocks = overlaps ? Math.floor((vectors - 1) / wide) : Math.floor(vectors / wide);
  const left = vectors - blocks * wide;
  const hasLast = left > 0 || rest > 0;
  const last = (item: KernelExpr) => {
    if (left > 0) each(item, Array.from({ length: left }, (_, v) => k.integer((blocks * wide + v) * lanes)), "vector");
    if (overlaps) each(item, [k.integer(size - lanes)], "vector");
    else for (let at = vectors * lanes; at < size; at += 8) each(item, Array.from({ length: Math.min(8, size - at) }, (_, i) => k.integer(at + i)), "scalar");
  };
  const count = blocks + (hasLast ? 1 : 0);
  return inGroups(k, items * count, (id) => {
    const [item, block] = unravel(k, id, [items, count]) as [KernelExpr, KernelExpr];
    const regular = () => each(item, Array.from({ length: wide }, (_, v) => k.add(k.share(k.multiply(block, wide * lanes)), v * lanes)), "vector");
    if (blocks === 0) last(item);
    else if (!hasLast) regular();
    else k.when(k.compare("less", block, blocks), regular, () => last(item));
  });
}

/** Every row in one group, all stages in one kernel. */
function reduceWhole(o: ReduceOptions, context: TemplateContext): Template {
  const { lanes } = context.target;
  const plan = planOf(o, lanes, false);
  const k = new KernelBuilder(lanes);
  const none = k.integer(0);
  let groups: number;
  if (plan.along || plan.axis < 0) {
    groups = inGroups(k, product(plan.keptShape), (row) => {
      const kept = unravel(k, row, plan.keptShape);
      const totals: KernelExpr[] = [];
      for (const stage of o.stages) totals.push(...foldRow(k, o, plan, stage, kept, none, k.integer(plan.lines), totals));
      o.write?.(k, kept, totals);
      if (!o.each) return;
      k.loop(0, plan.lines, 1, (line) => {
        if (plan.axis < 0) return o.each!(k, coordinates(k, o, plan, kept, line), totals, "scalar");
        k.vectorLoop(o.shape[plan.axis]!, (i, width) => o.each!(k, coordinates(k, o, plan, kept, line, i), totals, width));
      }, "line");
    });
  } else {
    const place = plan.kept.indexOf(plan.axis);
    const outer = plan.keptShape.filter((_, i) => i !== place);
    const size = o.shape[plan.axis]!;
    const wide = Math.max(1, Math.min(4, Math.floor(size / lanes)));
    groups = overColumns(k, size, o.repeatable === true, wide, product(outer), (item, columns, width) => {
      const at = unravel(k, item, outer);
      const kept = (column: KernelExpr) => [...at.slice(0, place), column, ...at.slice(place)];
      const totals: KernelExpr[][] = columns.map(() => []);
      for (const stage of o.stages) foldColumns(k, o, plan, stage, kept, columns, width, none, k.integer(plan.lines), totals).forEach((found, c) => totals[c]!.push(...found));
      columns.forEach((column, c) => o.write?.(k, kept(column), totals[c]!));
      if (o.each) k.loop(0, plan.lines, 1, (line) => columns.forEach((column, c) => o.each!(k, coordinates(k, o, plan, kept(column), line), totals[c]!, width)), "line");
    });
  }
  return { title: o.title ?? "reduce", groups, body: k.body(), ...work(o), before: [] };
}

function work(o: ReduceOptions): { flops: number; bytes: number } {
  const folds = o.stages.reduce((sum, stage) => sum + stage.folds.length, 0);
  return { flops: folds * product(o.shape), bytes: 4 * (product(o.shape) * (o.stages.length + (o.each ? 1 : 0)) + product(o.shape.filter((_, i) => !o.axes.includes(i)))) };
}

/** Few long rows: every stage is a kernel of parts and one that combines them in order. */
function reduceInParts(o: ReduceOptions, context: TemplateContext, wanted: number): Template {
  const { lanes } = context.target;
  const plan = planOf(o, lanes, true);
  const units = plan.lines * plan.pieces;
  const chunk = Math.ceil(units / Math.min(units, wanted));
  const parts = Math.ceil(units / chunk);
  const rows = product(plan.keptShape);
  const kernels: TemplateKernel[] = [];
  const known: { base: number; type: ElementType }[] = [];
  /** Totals of earlier stages; neighbours along the vector axis when it is kept. */
  const totalsAt = (k: KernelBuilder, kept: readonly KernelExpr[], width: Width) =>
    known.map(({ base, type }) => k.bind(k.load(k.add(flatten(k, kept, plan.keptShape), base), type, plan.along || plan.axis < 0 ? "scalar" : width), "total"));
  const keptIndex = (index: readonly KernelExpr[]) => plan.kept.map((axis) => index[axis]!);

  o.stages.forEach((stage, number) => {
    const types = stage.folds.map((_, i) => stage.types?.[i] ?? "f32");
    const partials = context.scratch(parts * stage.folds.length * rows);
    const k = new KernelBuilder(lanes);
    const word = (part: KernelExpr, fold: number, flat: KernelExpr) => k.add(k.add(k.share(k.multiply(part, stage.folds.length * rows)), flat), partials + fold * rows);
    const range = (part: KernelExpr): [KernelExpr, KernelExpr] => {
      const from = k.share(k.multiply(part, chunk));
      return [from, k.share(k.min(k.add(from, chunk), units))];
    };
    let groups: number;
    if (plan.along || plan.axis < 0) {
      groups = inGroups(k, rows * parts, (id) => {
        const [row, part] = unravel(k, id, [rows, parts]) as [KernelExpr, KernelExpr];
        const kept = unravel(k, row, plan.keptShape);
        foldRow(k, o, plan, stage, kept, ...range(part), totalsAt(k, kept, "scalar")).forEach((value, i) => k.store(word(part, i, row), value));
      });
    } else {
      const place = plan.kept.indexOf(plan.axis);
      const outer = plan.keptShape.filter((_, i) => i !== place);
      const size = o.shape[plan.axis]!;
      groups = overColumns(k, size, true, Math.max(1, Math.min(4, Math.floor(size / lanes))), product(outer) * parts, (item, columns, width) => {
        const [rest, part] = unravel(k, item, [product(outer), parts]) as [KernelExpr, KernelExpr];
        const at = unravel(k, rest, outer);
        const kept = (column: KernelExpr) => [...at.slice(0, place), column, ...at.slice(place)];
        const totals = columns.map((column) => totalsAt(k, kept(column), width));
        foldColumns(k, o, plan, stage, kept, columns, width, ...range(part), totals).forEach((found, c) =>
          found.forEach((value, i) => k.store(word(part, i, flatten(k, kept(columns[c]!), plan.keptShape)), value)));
      });
    }
    kernels.push({ title: `${o.title ?? "reduce"} in ${parts} parts`, groups, body: k.body(), flops: stage.folds.length * product(o.shape), bytes: 4 * product(o.shape) });

    const last = number === o.stages.length - 1;
    const totals = stage.folds.map((_, i) => ({ base: last && !o.each ? 0 : context.scratch(rows), type: types[i]! }));
    const c = new KernelBuilder(lanes);
    const combineGroups = overElements(c, plan.keptShape, (kept, width) => {
      const earlier = known.map(({ base, type }) => c.load(c.add(flatten(c, kept, plan.keptShape), base), type, width));
      const flat = flatten(c, kept, plan.keptShape);
      const found = stage.folds.map((fold, i) => {
        const total = c.variable(c.load(c.add(flat, partials + i * rows), types[i]!, width), fold);
        c.loop(1, parts, 1, (part) => c.set(total, combine(c, fold, total, c.load(c.add(c.add(c.multiply(part, stage.folds.length * rows), flat), partials + i * rows), types[i]!, width))), "part");
        return total;
      });
      if (!last || o.each) found.forEach((value, i) => c.store(c.add(flat, totals[i]!.base), value));
      if (last) o.write?.(c, kept, [...earlier, ...found]);
    });
    kernels.push({ title: "combine parts", groups: combineGroups, body: c.body(), flops: stage.folds.length * parts * rows, bytes: 4 * stage.folds.length * parts * rows });
    known.push(...totals);
  });
  if (o.each) {
    const k = new KernelBuilder(lanes);
    const groups = overElements(k, o.shape, (index, width) => o.each!(k, index, totalsAt(k, keptIndex(index), width), width));
    kernels.push({ title: o.title ?? "normalize", groups, body: k.body(), flops: 0, bytes: 8 * product(o.shape) });
  }
  return { ...kernels.at(-1)!, before: kernels.slice(0, -1) };
}
