import { InternalError } from "../../util/internal-error.js";
import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { Four, KernelExpr } from "../../ir/kernel/nodes.js";
import { product, unravel } from "../templates/views.js";
import type { Product } from "./product.js";
import { heightOf, lanesOf, lineOf, stageWords, type Tile, widthOf } from "./tiles.js";

export type WritePart = (batch: readonly KernelExpr[], row: KernelExpr, column: KernelExpr, values: readonly KernelExpr[], part: KernelExpr) => void;

/** How a kernel covers the sum: in parts of `chunk`, a multiple of the tile's depth; and in how many places panels lie in turn. */
export interface Cover {
  readonly chunk: number;
  readonly parts: number;
  readonly stages: 1 | 2;
}

type Variable = KernelExpr & { readonly kind: "name" };

const four = <T>(of: (at: number) => T): Four<T> => [of(0), of(1), of(2), of(3)];

/**
 * A group for each tile and part. Turn by turn its lanes load a panel of each operand into registers, multiply the panels that lie in shared memory
 * since the turn before, and put the new ones there: so loads are under way while there is something else to do.
 *
 * Shared memory is read by fours. A four holds places a quarter of the panel apart (p, p + S, p + 2S, p + 3S), so that lanes side by side load neighbours
 * from the arena, and store and read neighbouring fours: no bank is asked twice. Eight lanes stand side by side, then the next row of eight, so that 32
 * read eight fours of the right operand and four of the left.
 */
export function writeTiles(k: KernelBuilder, p: Product, tile: Tile, { chunk, parts, stages }: Cover, write: WritePart): { groups: number; shared: number } {
  const { down, across, rows, columns, depth } = tile;
  const [height, width] = [heightOf(tile), widthOf(tile)];
  const [tilesDown, tilesAcross, batches] = [Math.ceil(p.m / height), Math.ceil(p.n / width), product(p.batch)];
  const groups = parts * batches * tilesDown * tilesAcross;
  const [part, flatBatch, tileRow, tileColumn] = unravel(k, groups === 1 ? k.integer(0) : k.group(), [parts, batches, tilesDown, tilesAcross]) as [KernelExpr, KernelExpr, KernelExpr, KernelExpr];
  const batch = unravel(k, flatBatch, p.batch);
  const [row0, column0] = [k.share(k.multiply(tileRow, height)), k.share(k.multiply(tileColumn, width))];
  const from = k.share(k.multiply(part, chunk));
  const to = parts === 1 ? k.integer(p.k) : k.share(k.min(k.add(from, chunk), p.k));
  const lane = k.share(k.laneNumbers());
  const wide = Math.min(8, across);
  const ty = k.share(k.remainder(k.divide(lane, wide), down));
  const tx = k.share(k.add(k.remainder(lane, wide), across === wide ? 0 : k.multiply(k.divide(lane, wide * down), wide)));
  const sums = Array.from({ length: p.sides }, () => Array.from({ length: rows }, () => Array.from({ length: columns }, () => k.variable(k.constant(0, "f32", "vector"), "acc"))));

  const panel = (at: number, size: number, limit: number, first: KernelExpr, alongSum: boolean, read: (place: KernelExpr, sum: KernelExpr) => KernelExpr) => {
    const slots = (depth * size) / 4 / k.lanes;
    if (!Number.isInteger(slots) || k.lanes !== lanesOf(tile)) throw new InternalError(`${k.lanes} lanes for a panel of ${depth}×${size}`);
    const quarter = size / 4;
    const held = Array.from({ length: slots }, (_, slot) => {
      const flat = k.share(k.add(lane, slot * k.lanes));
      const [place, deep] = alongSum ? [k.share(k.divide(flat, depth)), k.share(k.remainder(flat, depth))] : [k.share(k.remainder(flat, quarter)), k.share(k.divide(flat, quarter))];
      return { place, deep, values: four((): Variable => k.variable(k.constant(0, "f32", "vector"), "next")) };
    });
    return {
      /** Four of a line, `deep` in the sum. */
      line: (deep: KernelExpr, stage: KernelExpr) => k.add(k.multiply(deep, lineOf(size)), k.add(stage, at)),
      /** What is beyond the sum is 0. */
      load: (start: KernelExpr): void => held.forEach(({ place, deep, values }) => {
        const sum = k.bind(k.add(deep, start), "sum");
        const inside = p.k % depth === 0 ? undefined : k.bind(k.less(sum, p.k), "inside");
        // Also where no lane is beyond it: so it is seen that loads touch no word that is stored, and barriers need not wait for them.
        const pinned = k.bind(k.min(sum, p.k - 1), "sum");
        values.forEach((value, j) => {
          const own = k.share(k.add(k.add(place, j * quarter), first));
          const loaded = read(limit % size === 0 ? own : k.share(k.min(own, limit - 1)), pinned);
          k.set(value, inside ? k.select(inside, loaded, 0) : loaded);
        });
      }),
      store: (stage: KernelExpr): void => held.forEach(({ place, deep, values }) => k.storeFour(k.add(k.share(k.add(k.add(k.multiply(deep, lineOf(size)), place), at)), stage), values)),
    };
  };
  const left = panel(0, height, p.m, row0, p.leftAlongSum, (row, sum) => p.left(k, batch, row, sum));
  const rights = Array.from({ length: p.sides }, (_, side) =>
    panel(depth * (lineOf(height) + side * lineOf(width)), width, p.n, column0, p.rightAlongSum, (column, sum) => p.right(k, side, batch, sum, column)));

  const multiply = (stage: KernelExpr): void => k.loop(0, depth, 1, (deep) => {
    const line = k.bind(left.line(deep, stage), "line");
    const a = rows === 1
      ? [k.bind(k.loadShared(k.add(k.share(k.add(k.multiply(k.remainder(ty, height / 4), 4), k.divide(ty, height / 4))), k.multiply(line, 4))), "a")]
      : Array.from({ length: rows / 4 }, (_, h) => k.loadFour(k.add(k.share(k.add(ty, h * down)), line), "a")).flat();
    rights.forEach((right, side) => {
      const own = k.bind(right.line(deep, stage), "line");
      const b = Array.from({ length: columns / 4 }, (_, h) => k.loadFour(k.add(k.share(k.add(tx, h * across)), own), "b")).flat();
      sums[side]!.forEach((line, i) => line.forEach((acc, j) => k.set(acc, k.multiplyAdd(a[i]!, b[j]!, acc))));
    });
  }, "deep");

  const stageFours = stageWords(tile, p.sides) / 4;
  // What stood before in this kernel may still be reading its own.
  if (stages === 2) k.barrier();
  // One turn more than there are panels: the first has nothing to multiply, the last nothing to load.
  k.loop(from, k.add(to, depth), depth, (start) => {
    const here = stages === 1 ? k.integer(0) : k.bind(k.multiply(k.remainder(k.divide(start, depth), 2), stageFours), "stage");
    k.when(k.less(start, to), () => [left, ...rights].forEach(({ load }) => load(start)));
    k.when(k.greater(start, from), () => multiply(stages === 1 ? here : k.bind(k.subtract(stageFours, here), "stage")));
    if (stages === 1) k.barrier();
    k.when(k.less(start, to), () => [left, ...rights].forEach(({ store }) => store(here)));
    k.barrier();
  }, "k");

  // Results go through shared memory, some rows of each lane at a time: so they are written by neighbours side by side, and the epilogue's code stands once.
  const row = down * width;
  const room = (stages * 4 * stageFours) / (row * p.sides);
  const held = Math.min(rows, 2 ** Math.max(0, Math.floor(Math.log2(room))));
  const slab = held * row;
  k.loop(0, rows, held, (i0) => {
    for (let first = 0; first < rows; first += held) {
      const store = (): void => sums.forEach((own, side) => own.slice(first, first + held).forEach((line, i) => {
        for (let h = 0; h < columns / 4; h++) k.storeFour(k.share(k.add(k.add(k.multiply(k.add(ty, i * down), width / 4), tx), h * across + side * (slab / 4))), four((j) => line[4 * h + j]!));
      }));
      if (held === rows) store();
      else k.when(k.equal(i0, first), store);
    }
    k.barrier();
    k.loop(0, slab, k.lanes, (at) => {
      const flat = k.bind(k.add(at, lane), "flat");
      const [line, place] = [k.bind(k.divide(flat, width), "line"), k.bind(k.remainder(flat, width), "place")];
      // Of neighbouring lanes as many follow each other in a row as fours do in a bank's width; the next take the fours' next words.
      const [quarter, run] = [width / 4, Math.min(8, width / 4)];
      const word = k.bind(k.remainder(k.divide(place, run), 4), "word");
      const fours = k.bind(k.add(k.remainder(place, run), run === quarter ? 0 : k.multiply(k.divide(place, 4 * run), run)), "four");
      const i = held === 1 ? i0 : k.bind(k.add(k.divide(line, down), i0), "i");
      const y = held === 1 ? line : k.remainder(line, down);
      const inTile = rows === 1 ? y : k.add(y, k.add(k.multiply(k.divide(i, 4), down), k.multiply(k.remainder(i, 4), height / 4)));
      const [ownRow, column] = [k.bind(k.add(inTile, row0), "row"), k.bind(k.add(k.add(fours, k.multiply(word, quarter)), column0), "column")];
      const inside = [...(p.m % height === 0 ? [] : [k.less(ownRow, p.m)]), ...(p.n % width === 0 ? [] : [k.less(column, p.n)])];
      const from4 = k.bind(k.add(k.add(k.multiply(line, width), k.multiply(fours, 4)), word), "at");
      const values = sums.map((_, side) => k.bind(k.loadShared(k.add(from4, side * slab)), "value"));
      const store = (): void => write(batch, ownRow, column, values, part);
      if (inside.length === 0) store();
      else k.when(inside.reduce((a, b) => k.binary("and", a, b)), store);
    }, "e");
    if (held < rows) k.barrier();
  }, "rows");
  return { groups, shared: Math.max(stages * 4 * stageFours, p.sides * slab) };
}
