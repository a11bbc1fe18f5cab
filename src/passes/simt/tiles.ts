import { InternalError } from "../../util/internal-error.js";
import type { Target, WorkgroupLimits } from "../templates/template.js";
import { product } from "../templates/views.js";

/** Results of a workgroup: lanes stand `down` × `across`, each with `rows` × `columns` sums in registers. */
export interface Tile {
  readonly down: number;
  readonly across: number;
  /** 1, or a multiple of 4. */
  readonly rows: number;
  /** A multiple of 4. */
  readonly columns: number;
  /** Of the sum at a time. */
  readonly depth: number;
}

export const lanesOf = ({ down, across }: Tile): number => down * across;
export const heightOf = ({ down, rows }: Tile): number => down * rows;
export const widthOf = ({ across, columns }: Tile): number => across * columns;

/** Fours of a line of a panel: a four more than it holds, so that lanes that fill a panel along the sum store in different banks. */
export const lineOf = (size: number): number => size / 4 + 1;
/** Words of the panels that are multiplied at a time. */
export const stageWords = (tile: Tile, sides: number): number => 4 * tile.depth * (lineOf(heightOf(tile)) + sides * lineOf(widthOf(tile)));

/**
 * Tiles for workgroups of one, two and four times as many lanes as the target has (64), those first that multiply most for each word they read from shared
 * memory: 128×128, 128×64, 64×64, 128×32, 32×32, 64×16, 16×16.
 */
export function tilesOf(lanes: number): readonly Tile[] {
  const s = Math.sqrt(lanes);
  if (!Number.isInteger(Math.log2(s)) || s < 2) throw new InternalError(`no tiles for ${lanes} lanes`);
  const tile = (down: number, across: number, rows: number, columns: number, depth: number): Tile => ({ down, across, rows, columns, depth });
  return [tile(2 * s, 2 * s, 8, 8, 8), tile(2 * s, s, 8, 8, 8), tile(s, 2 * s, 8, 4, 8), tile(2 * s, s, 8, 4, 16), tile(s, s, 4, 4, 16), tile(2 * s, s / 2, 4, 4, 16), tile(2 * s, s / 2, 1, 4, 16)];
}

/** Workgroups of the target's lanes that keep a large device busy. */
export const enoughGroups = 256;

export interface TiledSizes {
  readonly batch: readonly number[];
  readonly m: number;
  readonly n: number;
  /** Right operands. */
  readonly sides: number;
}

export const tilesIn = ({ batch, m, n }: TiledSizes, tile: Tile): number => product(batch) * Math.ceil(m / heightOf(tile)) * Math.ceil(n / widthOf(tile));

/** A workgroup's limits, of a target that allows no more than its lanes as well. */
export const limitsOf = ({ lanes, workgroup }: Target): WorkgroupLimits => workgroup ?? { invocations: lanes, bytes: 16 << 10 };

/** Whether a device can run the tile: lanes, registers, and shared memory for panels and for a row of results of each lane. */
export function isAllowed(tile: Tile, sides: number, { invocations, bytes }: WorkgroupLimits): boolean {
  const words = Math.max(stageWords(tile, sides), tile.down * widthOf(tile) * sides);
  return lanesOf(tile) <= invocations && tile.rows * tile.columns * sides <= 64 && 4 * words <= bytes;
}

/**
 * The first tile that wastes less than a third of its work at the edges and leaves the device busy: half of `enoughGroups`, and of larger workgroups,
 * whose lanes wait for each other, as many lanes as twice `enoughGroups` have. Where there is none, results are few: a small one.
 */
export function chooseTile(sizes: TiledSizes, target: Target): Tile {
  const { m, n, sides } = sizes;
  const tiles = tilesOf(target.lanes);
  const limits = limitsOf(target);
  const fits = (tile: Tile): boolean => {
    const [groups, lanes] = [tilesIn(sizes, tile), lanesOf(tile)];
    const wasted = (Math.ceil(m / heightOf(tile)) * heightOf(tile) * Math.ceil(n / widthOf(tile)) * widthOf(tile)) / (m * n);
    const busy = lanes > target.lanes ? groups * lanes >= 2 * enoughGroups * target.lanes : groups >= enoughGroups / 2;
    return isAllowed(tile, sides, limits) && busy && wasted < 1.5;
  };
  const [square, , least] = tiles.slice(-3) as [Tile, Tile, Tile];
  return tiles.slice(0, -1).find(fits) ?? (Math.min(m, n) > widthOf(least) && isAllowed(square, sides, limits) ? square : least);
}

/** Panels that are filled while others are multiplied, 2 where two workgroups have room for that at the same time; else 1: filled when all lanes have multiplied it. */
export function stagesOf(tile: Tile, sides: number, { bytes }: WorkgroupLimits): 1 | 2 {
  return 2 * 2 * 4 * stageWords(tile, sides) <= bytes ? 2 : 1;
}
