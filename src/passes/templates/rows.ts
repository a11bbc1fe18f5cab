import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { ElementType, KernelExpr, Width } from "../../ir/kernel/nodes.js";
import { inGroups, overElements } from "./groups.js";
import { beats } from "./pool.js";
import { kernelBuilder, type Operand, type Template, type TemplateContext, type Write } from "./template.js";
import { flatten, product, unravel } from "./views.js";

export interface GatherOptions {
  /** [...batch, n, ...rest]. */
  readonly table: Operand;
  /** i32 [...batch, ...many]. */
  readonly indices: Operand;
  readonly batchDims: number;
  /** At [...batch, ...many, ...rest]. */
  readonly write: Write;
}

/** Rows of a table; an index outside is clamped. Rows are copied in vectors; single elements one by one. */
export function gather(o: GatherOptions, context: TemplateContext): Template {
  const rest = o.table.shape.slice(o.batchDims + 1);
  const shape = [...o.indices.shape, ...rest];
  const size = o.table.shape[o.batchDims]!;
  const k = kernelBuilder(context.target);
  const each = (index: readonly KernelExpr[], width: Width) => {
    const at = index.slice(0, o.indices.shape.length);
    const row = clampedIndex(k, o.indices, at, size);
    o.write(k, index, o.table.read(k, [...index.slice(0, o.batchDims), row, ...index.slice(at.length)], width));
  };
  const groups = product(rest) > 1 ? overElements(k, shape, each) : inGroups(k, product(shape), (flat) => each(unravel(k, flat, shape), "scalar"));
  return { title: "gather rows", groups, body: k.body(), flops: 0, bytes: 4 * (2 * product(shape) + product(o.indices.shape)), before: [] };
}

function clampedIndex(k: KernelBuilder, indices: Operand, at: readonly KernelExpr[], size: number): KernelExpr {
  return k.bind(k.min(k.max(indices.read(k, at, "scalar"), 0), size - 1), "row");
}

export interface ScatterAddOptions {
  /** i32 [...batch, ...many]. */
  readonly indices: Operand;
  /** [...batch, ...many, ...rest]. */
  readonly updates: Operand;
  readonly type: ElementType;
  /** [...batch, n, ...rest]. */
  readonly shape: readonly number[];
  readonly batchDims: number;
  readonly write: Write;
}

/** Adds updates at their rows: each group owns some rows of the result and takes the updates that hit them in order. */
export function scatterAdd(o: ScatterAddOptions, context: TemplateContext): Template {
  const size = o.shape[o.batchDims]!;
  const [batch, rest, many] = [o.shape.slice(0, o.batchDims), o.shape.slice(o.batchDims + 1), o.indices.shape.slice(o.batchDims)];
  const [batches, width, count] = [product(batch), product(rest), product(many)];
  const sums = context.scratch(batches * size * width);
  // Every group reads all indices: no more groups than pay for it.
  const blocks = Math.max(1, Math.min(size, Math.ceil(32 / Math.max(1, batches))));
  const block = Math.ceil(size / blocks);
  const owned = Math.ceil(size / block);
  const k = kernelBuilder(context.target);
  const groups = inGroups(k, batches * owned, (id) => {
    const [b, part] = unravel(k, id, [batches, owned]) as [KernelExpr, KernelExpr];
    const at = unravel(k, b, batch);
    const from = k.share(k.multiply(part, block));
    const to = k.share(k.min(k.add(from, block), size));
    const word = (row: KernelExpr) => k.add(k.multiply(k.add(k.multiply(b, size), row), width), sums);
    k.loop(from, to, 1, (row) => k.vectorLoop(width, (i, wide) => k.store(k.add(word(row), i), k.constant(0, o.type, wide)), "c"), "row");
    k.barrier();
    k.loop(0, count, 1, (update) => {
      const place = [...at, ...unravel(k, update, many)];
      const row = clampedIndex(k, o.indices, place, size);
      const mine = k.binary("and", k.compare("greater_equal", row, from), k.compare("less", row, to));
      k.when(mine, () => overInner(k, rest, (inner, wide) => {
        const target = k.bind(k.add(word(row), flatten(k, inner, rest)), "at");
        k.store(target, k.add(k.load(target, o.type, wide), o.updates.read(k, [...place, ...inner], wide)));
      }));
    }, "update");
    k.loop(from, to, 1, (row) => overInner(k, rest, (inner, wide) => {
      const value = k.load(k.add(word(row), flatten(k, inner, rest)), o.type, wide);
      o.write(k, [...at, row, ...inner], k.bind(value, "sum"));
    }), "row");
  });
  const updates = product(o.updates.shape);
  return { title: "scatter add", groups, body: k.body(), flops: updates, bytes: 4 * (updates + 3 * product(o.shape)), before: [] };
}

/** Every element of the axes of a row, in vectors along its last axis that has more than one. */
function overInner(k: KernelBuilder, shape: readonly number[], each: (index: readonly KernelExpr[], width: Width) => void): void {
  let axis = shape.length - 1;
  while (axis > 0 && shape[axis] === 1) axis--;
  const first = shape.map(() => k.integer(0));
  // Of one element: by one lane, which sees its own stores.
  if (axis < 0 || product(shape) === 1) return k.simt ? k.lanesBelow(k.integer(0), 1, () => each(first, "vector")) : each(first, "scalar");
  const outer = shape.slice(0, axis);
  const tail = shape.slice(axis + 1).map(() => k.integer(0));
  k.loop(0, product(outer), 1, (line) => {
    const lead = unravel(k, line, outer);
    k.vectorLoop(shape[axis]!, (i, width) => each([...lead, i, ...tail], width), "c");
  }, "line");
}

export interface LineOptions {
  readonly x: Operand;
  readonly type: ElementType;
  readonly axis: number;
  readonly write: Write;
}

/** Visits each line along `axis`, several at once in vectors when they lie side by side; `at(i)` are the coordinates of its element i. */
function overLines(k: KernelBuilder, shape: readonly number[], axis: number, each: (at: (i: KernelExpr) => KernelExpr[], width: Width) => void): number {
  const others = shape.map((size, i) => (i === axis ? 1 : size));
  let vector = shape.length - 1;
  while (vector > 0 && shape[vector] === 1) vector--;
  const at = (index: readonly KernelExpr[]) => (i: KernelExpr) => index.map((own, a) => (a === axis ? i : own));
  if (vector !== axis) return overElements(k, others, (index, width) => each(at(index), width));
  return inGroups(k, product(others), (flat) => each(at(unravel(k, flat, others)), "scalar"));
}

/** Running sums along an axis, of what comes before (and of the element itself unless `exclusive`), from the end when `reverse`. */
export function cumulativeSum(o: LineOptions & { readonly exclusive: boolean; readonly reverse: boolean }, context: TemplateContext): Template {
  const k = kernelBuilder(context.target);
  const length = o.x.shape[o.axis]!;
  const groups = overLines(k, o.x.shape, o.axis, (at, width) => {
    const sum = k.variable(k.constant(0, o.type, width), "sum");
    k.loop(0, length, 1, (step) => {
      const index = at(o.reverse ? k.share(k.subtract(length - 1, step)) : step);
      const value = k.bind(o.x.read(k, index, width), "x");
      if (!o.exclusive) k.set(sum, k.add(sum, value));
      o.write(k, index, o.exclusive ? k.bind(k.add(sum, zeroOf(k, o.type, width)), "before") : sum);
      if (o.exclusive) k.set(sum, k.add(sum, value));
    }, "i");
  });
  return { title: "cumulative sum", groups, body: k.body(), flops: product(o.x.shape), bytes: 8 * product(o.x.shape), before: [] };
}

const zeroOf = (k: KernelBuilder, type: ElementType, width: Width) => k.constant(0, type, width);

/** i32 position of the first of the largest (smallest) elements of each line, at coordinates without `axis`; the first NaN wins. */
export function argReduce(o: LineOptions & { readonly function: "max" | "min" }, context: TemplateContext): Template {
  const k = kernelBuilder(context.target);
  const length = o.x.shape[o.axis]!;
  const groups = overLines(k, o.x.shape, o.axis, (at, width) => {
    const best = k.variable(o.x.read(k, at(k.integer(0)), width), "best");
    const place = k.variable(k.constant(0, "i32", width), "place");
    k.loop(1, length, 1, (i) => {
      const value = k.bind(o.x.read(k, at(i), width), "x");
      const better = k.bind(beats(k, o.function === "max" ? "greater" : "less", value, best), "better");
      k.set(best, k.select(better, value, best));
      k.set(place, k.select(better, k.widened(i, width), place));
    }, "i");
    o.write(k, at(k.integer(0)).filter((_, axis) => axis !== o.axis), place);
  });
  return { title: `arg ${o.function}`, groups, body: k.body(), flops: product(o.x.shape), bytes: 4 * product(o.x.shape), before: [] };
}
