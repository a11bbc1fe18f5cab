import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import { kernelBuilder, type Template, type TemplateContext, type TemplateKernel } from "../templates/template.js";
import { product, unravel } from "../templates/views.js";

/** Σ_k left·right for every row and column, each lane asking for elements of its own: coordinates are vectors. */
export interface Product {
  readonly title: string;
  readonly batch: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Right operands that share the left one. */
  readonly sides: number;
  /** Coordinates lie inside. */
  readonly left: (k: KernelBuilder, batch: readonly KernelExpr[], row: KernelExpr, sum: KernelExpr) => KernelExpr;
  readonly right: (k: KernelBuilder, side: number, batch: readonly KernelExpr[], sum: KernelExpr, column: KernelExpr) => KernelExpr;
  /** Neighbours along the sum are adjacent in memory, not those along rows or columns: lanes that load side by side follow it. */
  readonly leftAlongSum: boolean;
  readonly rightAlongSum: boolean;
  /** One value for each side, of each lane's row and column. */
  readonly write: (k: KernelBuilder, batch: readonly KernelExpr[], row: KernelExpr, column: KernelExpr, values: readonly KernelExpr[]) => void;
  readonly flops: number;
  readonly bytes: number;
}

/** Lanes stand in a square; each owns `own`² results of a tile, one in every `square` rows and columns. */
interface Tile {
  readonly square: number;
  readonly own: number;
  readonly size: number;
  /** Of the sum at a time. */
  readonly depth: number;
}

/** Workgroups that keep a large device busy. */
const enoughGroups = 256;

/**
 * A product in tiles that the lanes of a group load into their shared memory, each lane multiplying a square of registers. Tiles are as large as
 * leaves enough groups; where even small tiles are few and the sum is long it is cut into fixed parts that a second kernel adds in order. Vectors
 * (one row or column) are sums along k, a group for each result. Every choice depends on the sizes alone, so the order of every sum is fixed.
 */
export function simtProduct(p: Product, context: TemplateContext): Template {
  if (Math.min(p.m, p.n) === 1 && p.k >= context.target.lanes && p.sides === 1) return sumsAlong(p, context);
  const tile = chooseTile(p, context.target.lanes);
  const tiles = product(p.batch) * Math.ceil(p.m / tile.size) * Math.ceil(p.n / tile.size);
  const parts = tiles >= enoughGroups / 2 || p.k < 512 ? 1 : Math.min(Math.floor(p.k / 128), Math.ceil(enoughGroups / tiles));
  const chunk = Math.ceil(Math.ceil(p.k / parts) / tile.depth) * tile.depth;
  const used = Math.ceil(p.k / chunk);
  return used <= 1 ? tiled(p, tile, context) : inParts(p, tile, chunk, used, context);
}

function chooseTile({ batch, m, n, sides }: Product, lanes: number): Tile {
  const square = Math.sqrt(lanes);
  const fits = (own: number): boolean => {
    const size = own * square;
    const tiles = product(batch) * Math.ceil(m / size) * Math.ceil(n / size);
    // At most a third of the work is for nothing at the edges.
    const wasted = (Math.ceil(m / size) * size * Math.ceil(n / size) * size) / (m * n);
    return own * own * sides <= 64 && tiles >= enoughGroups / 2 && wasted < 1.5;
  };
  const own = [8, 4].find(fits) ?? (Math.min(m, n) > 2 * square ? 4 : 2);
  return { square, own, size: own * square, depth: 16 };
}

function tiled(p: Product, tile: Tile, context: TemplateContext): Template {
  const k = kernelBuilder(context.target);
  const { groups, shared } = writeTiles(k, p, tile, { chunk: p.k, parts: 1 }, (batch, row, column, values) => p.write(k, batch, row, column, values));
  return { title: p.title, groups, shared, body: k.body(), flops: p.flops, bytes: p.bytes, before: [] };
}

function inParts(p: Product, tile: Tile, chunk: number, parts: number, context: TemplateContext): Template {
  const results = product(p.batch) * p.m * p.n;
  const partials = context.scratch(parts * p.sides * results);
  const word = (k: KernelBuilder, part: KernelExpr, side: number, flat: KernelExpr) => k.add(k.add(k.share(k.multiply(part, p.sides * results)), flat), partials + side * results);
  const k = kernelBuilder(context.target);
  const { groups, shared } = writeTiles(k, p, tile, { chunk, parts }, (batch, row, column, values, part) => {
    const flat = k.bind(k.add(k.multiply(k.add(k.multiply(flatOf(k, batch, p.batch), p.m), row), p.n), column), "at");
    values.forEach((value, side) => k.store(k.widened(word(k, part, side, flat), "vector"), value));
  });
  const before: TemplateKernel = { title: `${p.title} in ${parts} parts`, groups, shared, body: k.body(), flops: p.flops, bytes: p.bytes };

  const c = kernelBuilder(context.target);
  const from = c.share(c.multiply(c.group(), c.lanes));
  c.lanesBelow(from, results, () => {
    const flat = c.share(c.add(from, c.laneNumbers()));
    const [batch, row, column] = unravel(c, flat, [product(p.batch), p.m, p.n]) as [KernelExpr, KernelExpr, KernelExpr];
    const values = Array.from({ length: p.sides }, (_, side) => {
      const sum = c.variable(c.load(c.add(from, partials + side * results), "f32", "vector"), "sum");
      c.loop(1, parts, 1, (part) => c.set(sum, c.add(sum, c.load(word(c, part, side, from), "f32", "vector"))), "part");
      return sum;
    });
    p.write(c, unravel(c, batch, p.batch), row, column, values);
  });
  return { title: `sum of ${parts} parts`, groups: Math.ceil(results / c.lanes), body: c.body(), flops: parts * results, bytes: 4 * (parts + 1) * results, before: [before] };
}

function flatOf(k: KernelBuilder, index: readonly KernelExpr[], sizes: readonly number[]): KernelExpr {
  return sizes.reduce<KernelExpr>((flat, size, axis) => (size === 1 ? flat : k.share(k.add(k.multiply(flat, size), index[axis]!))), k.integer(0));
}

type WritePart = (batch: readonly KernelExpr[], row: KernelExpr, column: KernelExpr, values: readonly KernelExpr[], part: KernelExpr) => void;

function writeTiles(k: KernelBuilder, p: Product, tile: Tile, { chunk, parts }: { readonly chunk: number; readonly parts: number }, write: WritePart): { groups: number; shared: number } {
  const { square, own, size, depth } = tile;
  const [down, across, batches] = [Math.ceil(p.m / size), Math.ceil(p.n / size), product(p.batch)];
  const [part, flatBatch, tileRow, tileColumn] = unravel(k, parts * batches * down * across === 1 ? k.integer(0) : k.group(), [parts, batches, down, across]) as [KernelExpr, KernelExpr, KernelExpr, KernelExpr];
  const batch = unravel(k, flatBatch, p.batch);
  const [row0, column0] = [k.share(k.multiply(tileRow, size)), k.share(k.multiply(tileColumn, size))];
  const from = k.share(k.multiply(part, chunk));
  const to = parts === 1 ? k.integer(p.k) : k.share(k.min(k.add(from, chunk), p.k));
  // A column of padding: lanes that follow the sum store in different banks.
  const stride = size + 1;
  const sideAt = (side: number): number => (side + 1) * depth * stride;
  const lane = k.share(k.laneNumbers());
  const [ty, tx] = [k.share(k.divide(lane, square)), k.share(k.remainder(lane, square))];
  const registers = Array.from({ length: p.sides }, () => Array.from({ length: own }, () => Array.from({ length: own }, () => k.variable(k.constant(0, "f32", "vector"), "acc"))));

  /** All lanes load a panel of `depth` by `size`; what is beyond the sum is 0. */
  const fill = (at: number, alongSum: boolean, start: KernelExpr, limit: number, first: KernelExpr, read: (place: KernelExpr, sum: KernelExpr) => KernelExpr): void => {
    for (let e = 0; e < depth * size; e += k.lanes) {
      const flat = k.share(k.add(lane, e));
      const [place, deep] = alongSum ? [k.share(k.divide(flat, depth)), k.share(k.remainder(flat, depth))] : [k.share(k.remainder(flat, size)), k.share(k.divide(flat, size))];
      const sum = k.bind(k.add(deep, start), "sum");
      const inside = p.k % depth === 0 ? undefined : k.bind(k.less(sum, p.k), "inside");
      const global = k.bind(k.add(place, first), "place");
      const value = read(limit % size === 0 ? global : k.bind(k.min(global, limit - 1), "place"), inside ? k.bind(k.min(sum, p.k - 1), "sum") : sum);
      k.storeShared(k.share(k.add(k.add(k.multiply(deep, stride), place), at)), inside ? k.select(inside, value, 0) : k.widened(value, "vector"));
    }
  };
  k.loop(from, to, depth, (start) => {
    k.barrier();
    fill(0, p.leftAlongSum, start, p.m, row0, (row, sum) => p.left(k, batch, row, sum));
    for (let side = 0; side < p.sides; side++) fill(sideAt(side), p.rightAlongSum, start, p.n, column0, (column, sum) => p.right(k, side, batch, sum, column));
    k.barrier();
    k.loop(0, depth, 1, (deep) => {
      const line = k.bind(k.multiply(deep, stride), "line");
      const left = Array.from({ length: own }, (_, i) => k.bind(k.loadShared(k.add(k.add(ty, i * square), line)), "a"));
      registers.forEach((tileOf, side) => {
        const right = Array.from({ length: own }, (_, j) => k.bind(k.loadShared(k.add(k.add(tx, j * square), k.add(line, sideAt(side)))), "b"));
        tileOf.forEach((accs, i) => accs.forEach((acc, j) => k.set(acc, k.multiplyAdd(left[i]!, right[j]!, acc))));
      });
    }, "deep");
  }, "k");

  // Results go through shared memory, some rows at a time: so they are written by neighbours side by side, and the epilogue's code stands once.
  const rows = Math.min(own, Math.max(1, Math.floor((2 * depth * stride) / (square * size * p.sides))));
  const slab = rows * square * size;
  for (let i0 = 0; i0 < own; i0 += rows) {
    const held = Math.min(rows, own - i0);
    k.barrier();
    registers.forEach((tileOf, side) => {
      for (let i = 0; i < held; i++) for (let j = 0; j < own; j++) k.storeShared(k.add(k.add(k.multiply(k.add(ty, i * square), size), tx), side * slab + j * square), tileOf[i0 + i]![j]!);
    });
    k.barrier();
    k.loop(0, held * square * size, k.lanes, (at) => {
      const flat = k.bind(k.add(at, lane), "flat");
      const row = k.bind(k.add(k.add(k.divide(flat, size), row0), i0 * square), "row");
      const column = k.bind(k.add(k.remainder(flat, size), column0), "column");
      const inside = [...(p.m % size === 0 ? [] : [k.less(row, p.m)]), ...(p.n % size === 0 ? [] : [k.less(column, p.n)])];
      const values = registers.map((_, side) => k.bind(k.loadShared(k.add(flat, side * slab)), "value"));
      const store = (): void => write(batch, row, column, values, part);
      if (inside.length === 0) store();
      else k.when(inside.reduce((a, b) => k.binary("and", a, b)), store);
    }, "e");
  }
  return { groups: parts * batches * down * across, shared: Math.max((p.sides + 1) * depth * stride, p.sides * slab) };
}

/** A group for each result; its lanes share the sum. */
function sumsAlong(p: Product, context: TemplateContext): Template {
  const k = kernelBuilder(context.target);
  const results = product(p.batch) * p.m * p.n;
  const [flatBatch, row, column] = unravel(k, results === 1 ? k.integer(0) : k.group(), [product(p.batch), p.m, p.n]).map((each) => k.widened(each, "vector")) as [KernelExpr, KernelExpr, KernelExpr];
  const batch = unravel(k, flatBatch, p.batch);
  const acc = k.variable(k.constant(0, "f32", "vector"), "acc");
  k.loop(0, p.k, k.lanes, (from) => k.lanesBelow(from, p.k, () => {
    const sum = k.share(k.add(from, k.laneNumbers()));
    k.set(acc, k.multiplyAdd(p.left(k, batch, row, sum), p.right(k, 0, batch, sum, column), acc));
  }), "k");
  const total = k.bind(k.reduceLanes("add", acc), "total");
  k.when(k.less(k.laneNumbers(), 1), () => p.write(k, batch, row, column, [k.widened(total, "vector")]));
  return { title: p.title, groups: results, body: k.body(), flops: p.flops, bytes: p.bytes, before: [] };
}
