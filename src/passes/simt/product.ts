import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import { kernelBuilder, type Template, type TemplateContext, type TemplateKernel } from "../templates/template.js";
import { product, unravel } from "../templates/views.js";
import { chooseTile, enoughGroups, lanesOf, limitsOf, stagesOf, type Tile, tilesIn } from "./tiles.js";
import { type Cover, writeTiles } from "./write-tiles.js";

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

/**
 * A product in tiles (`chooseTile`): as large as leaves enough groups; where even small tiles are few and the sum is long it is cut into fixed parts that a
 * second kernel adds in order. One row or column is a sum for each lane, or for each group where sums are long. Every choice depends on sizes and on the
 * limits of workgroups alone, so the order of every sum is fixed.
 */
export function simtProduct(p: Product, context: TemplateContext): Template {
  const { lanes } = context.target;
  if (Math.min(p.m, p.n) === 1 && p.sides === 1) {
    // Lanes that share a sum meet in a tree at its end; where there are results for all lanes of a device, that is worth it for long sums only.
    const many = product(p.batch) * p.m * p.n >= 64 * lanes;
    return p.k >= (many ? 8 : 1) * lanes ? sumsAlong(p, context) : sumsEach(p, context);
  }
  return tiledProduct(p, chooseTile(p, context.target), context);
}

/** In tiles of one kind. */
export function tiledProduct(p: Product, tile: Tile, context: TemplateContext): Template {
  const tiles = tilesIn(p, tile);
  const parts = tiles >= enoughGroups / 2 || p.k < 512 ? 1 : Math.min(Math.floor(p.k / 128), Math.ceil(enoughGroups / tiles));
  const chunk = Math.ceil(Math.ceil(p.k / parts) / tile.depth) * tile.depth;
  const used = Math.ceil(p.k / chunk);
  const cover = { chunk, parts: Math.max(1, used), stages: stagesOf(tile, p.sides, limitsOf(context.target)) };
  return used <= 1 ? inOne(p, tile, cover, context) : inParts(p, tile, cover, context);
}

/** The lanes of a kernel of such tiles, as builders and kernels take them. */
const ownLanes = (tile: Tile, { target }: TemplateContext): number | undefined => (lanesOf(tile) === target.lanes ? undefined : lanesOf(tile));

function inOne(p: Product, tile: Tile, cover: Cover, context: TemplateContext): Template {
  const lanes = ownLanes(tile, context);
  const k = kernelBuilder(context.target, lanes);
  const { groups, shared } = writeTiles(k, p, tile, cover, (batch, row, column, values) => p.write(k, batch, row, column, values));
  return { title: p.title, groups, lanes, shared, body: k.body(), flops: p.flops, bytes: p.bytes, before: [] };
}

function inParts(p: Product, tile: Tile, cover: Cover, context: TemplateContext): Template {
  const { parts } = cover;
  const results = product(p.batch) * p.m * p.n;
  const partials = context.scratch(parts * p.sides * results);
  const word = (k: KernelBuilder, part: KernelExpr, side: number, flat: KernelExpr) => k.add(k.add(k.share(k.multiply(part, p.sides * results)), flat), partials + side * results);
  const lanes = ownLanes(tile, context);
  const k = kernelBuilder(context.target, lanes);
  const { groups, shared } = writeTiles(k, p, tile, cover, (batch, row, column, values, part) => {
    const flat = k.bind(k.add(k.multiply(k.add(k.multiply(flatOf(k, batch, p.batch), p.m), row), p.n), column), "at");
    values.forEach((value, side) => k.store(k.widened(word(k, part, side, flat), "vector"), value));
  });
  const before: TemplateKernel = { title: `${p.title} in ${parts} parts`, groups, lanes, shared, body: k.body(), flops: p.flops, bytes: p.bytes };

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

/** A lane for each result. */
function sumsEach(p: Product, context: TemplateContext): Template {
  const k = kernelBuilder(context.target);
  const results = product(p.batch) * p.m * p.n;
  const from = results <= k.lanes ? k.integer(0) : k.share(k.multiply(k.group(), k.lanes));
  k.lanesBelow(from, results, () => {
    const [flatBatch, row, column] = unravel(k, k.share(k.add(from, k.laneNumbers())), [product(p.batch), p.m, p.n]).map((each) => k.widened(each, "vector")) as [KernelExpr, KernelExpr, KernelExpr];
    const batch = unravel(k, flatBatch, p.batch);
    const acc = k.variable(k.constant(0, "f32", "vector"), "acc");
    k.loop(0, p.k, 1, (at) => {
      const sum = k.widened(at, "vector");
      k.set(acc, k.multiplyAdd(p.left(k, batch, row, sum), p.right(k, 0, batch, sum, column), acc));
    }, "k");
    p.write(k, batch, row, column, [acc]);
  });
  return { title: p.title, groups: Math.ceil(results / k.lanes), body: k.body(), flops: p.flops, bytes: p.bytes, before: [] };
}
