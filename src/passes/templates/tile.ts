import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr, Statement, Width } from "../../ir/kernel/nodes.js";
import type { Target, WriteAll, WriteOptions } from "./template.js";

export type Register = KernelExpr & { readonly kind: "name" };

/** A register tile: `rows` × `columns` vectors that are kept in registers while the summed axis runs. */
export interface TileSize {
  readonly rows: number;
  readonly columns: number;
}

/** Rows of a tile whose addresses have registers. */
const mostAddresses = 12;

/**
 * The tile that covers m rows and `vectors` columns in the fewest cycles, by a model of two multiply-adds or two loads a cycle and a
 * latency of four: cycles of one step = max(rows·columns / 2, (rows + columns) / 2, 4) and a little for the loop. Accumulators, a row of the
 * right operand and one broadcast must fit the registers. `side` is the number of right operands side by side.
 */
export function chooseTile(m: number, vectors: number, target: Target, side = 1, panelSteps = 0, noLonelyVector = false): TileSize & { readonly cycles: number } {
  // With four lanes loads cost as much as arithmetic, and the loop is nearly free.
  const short = target.lanes <= 4 && target.registers < 32;
  const { registers } = target;
  const overhead = short ? 0.15 : 0.5;
  const cost = (rows: number, columns: number) => {
    const n = columns * side;
    // A panel that does not fit the first cache streams from the second at about 32 bytes a cycle.
    const stream = panelSteps * n * target.lanes * 4 > target.l1Bytes ? (n * target.lanes * 4) / 32 : 0;
    // Each row has an address and a line of the cache of its own. With one column nothing hides those beyond the registers: on Zen 4, 196×16 over 196 takes 29 GFLOP/s with 30 rows, 49 with 14.
    const addresses = n === 1 && !short ? Math.max(0, rows - mostAddresses) / 2 : 0;
    return Math.max((rows * n) / 2, (rows + n) / 2, 4, stream) + overhead + addresses + (short ? 0.15 * (rows + n) : 0);
  };
  let best: TileSize = { rows: 1, columns: 1 };
  let least = Infinity;
  // `noLonelyVector`: the last panel must not be one vector, since that vector overlaps the one before, which then has to be in the same group.
  for (let columns = 1; columns <= vectors; columns++) {
    const n = columns * side;
    if (n + n + 1 > registers && columns > 1) break;
    if (noLonelyVector && vectors % columns === (columns === 1 ? 0 : 1)) continue;
    const most = Math.max(1, Math.min(m, Math.floor((registers - 1 - n) / n)));
    for (let rows = most; rows >= 1; rows--) {
      const [wholeM, restM] = [Math.floor(m / rows), m % rows];
      const [wholeN, restN] = [Math.floor(vectors / columns), vectors % columns];
      const over = (width: number) => wholeM * cost(rows, width) + (restM ? cost(restM, width) : 0);
      const total = wholeN * over(columns) + (restN ? over(restN) : 0);
      if (total < least * 0.999) [best, least] = [{ rows, columns }, total];
    }
  }
  return { ...best, cycles: least };
}

/** Tile and columns together: overlapping vectors where that costs little, else a last vector that leaves through memory. */
export function planTile(m: number, n: number, lanes: number, target: Target, options: WriteOptions, side = 1, panelSteps = 0): { tile: TileSize; plan: ColumnPlan } {
  const apart = planColumns(n, lanes, {});
  const free = chooseTile(m, apart.offsets.length, target, side, panelSteps);
  if (!options.repeatable || !apart.part || apart.offsets.length === 1) return { tile: free, plan: apart };
  const close = chooseTile(m, apart.offsets.length, target, side, panelSteps, true);
  return close.cycles < 1.1 * free.cycles ? { tile: close, plan: planColumns(n, lanes, options) } : { tile: free, plan: apart };
}

/** Accumulators of a tile, all zero. */
export function zeros(k: KernelBuilder, rows: number, columns: number, width: Width | readonly Width[]): Register[][] {
  return Array.from({ length: rows }, () =>
    Array.from({ length: columns }, (_, v) => k.variable(k.constant(0, "f32", typeof width === "string" ? width : width[v]!), "acc")));
}

/**
 * acc[r][v] += row(r) · column(v): columns are loaded once, each row is broadcast once. Turns are not unrolled further: it costs
 * WebAssembly a tenth (V8 runs out of registers) and gains C nothing.
 */
export function step(k: KernelBuilder, acc: readonly (readonly Register[])[], row: (r: number) => KernelExpr, column: (v: number) => KernelExpr): void {
  const columns = (acc[0] ?? []).map((_, v) => k.bind(column(v), "b"));
  const width: Width = columns.some((c) => c.width === "vector") ? "vector" : "scalar";
  acc.forEach((registers, r) => {
    // Named as a vector at once: a load that is broadcast is one instruction.
    const x = k.bind(k.widened(row(r), width), "a");
    registers.forEach((register, v) => k.set(register, k.multiplyAdd(x, columns[v]!, register)));
  });
}

/** Where a column of a tile goes: `at` is its first column in the result. */
export interface Column {
  readonly at: KernelExpr;
  readonly width: Width;
  /** Of a vector's lanes only `from` … `from + count − 1` are results: they leave through memory, one by one. */
  readonly part?: { readonly from: number; readonly count: number };
}

/** A tile that is computed: for each of the results side by side its registers, rows × columns. */
export interface FinishedTile {
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly registers: readonly (readonly (readonly Register[])[])[];
  /** Coordinates of (row, column) in the result. */
  readonly index: (row: KernelExpr, column: KernelExpr) => readonly KernelExpr[];
  /** `spillWords` words of this group's own. */
  readonly spill: KernelExpr;
}

/** Words that a group needs to let its tile leave through memory. */
export function spillWords(rows: number, columns: number, side: number, lanes: number): number {
  return rows * columns * side * lanes;
}

/**
 * Hands a tile to the epilogue. A short epilogue is written out for each register; a long one runs in a loop over the tile, which goes
 * through memory then (it stays in the first cache), so that the code does not grow with the tile.
 */
export function writeTile(k: KernelBuilder, tile: FinishedTile, write: WriteAll, heavy: boolean): void {
  const { rows, columns, registers, lanes } = { ...tile, lanes: k.lanes };
  const word = (h: number, r: KernelExpr, v: number, lane: KernelExpr) =>
    k.add(k.add(k.share(k.add(tile.spill, k.multiply(r, columns.length * lanes))), lane), (h * rows * columns.length + v) * lanes);
  const inMemory = (column: Column) => column.part !== undefined || (heavy && rows > 1);
  columns.forEach((column, v) => {
    if (!inMemory(column)) return;
    registers.forEach((ofResult, h) => ofResult.forEach((row, r) => k.store(word(h, k.integer(r), v, k.integer(0)), row[v]!)));
  });
  for (const [v, column] of columns.entries()) {
    if (inMemory(column)) continue;
    for (let r = 0; r < rows; r++) write(k, tile.index(k.integer(r), column.at), registers.map((ofResult) => ofResult[r]![v]!));
  }
  if (!columns.some(inMemory)) return;
  k.loop(0, rows, 1, (r) => {
    for (const [v, column] of columns.entries()) {
      if (!inMemory(column)) continue;
      const part = column.part;
      if (part) {
        k.loop(part.from, part.from + part.count, 1, (lane) =>
          write(k, tile.index(r, k.add(column.at, lane)), registers.map((_, h) => k.bind(k.load(word(h, r, v, lane)), "value"))), "lane");
      } else {
        const width = column.width;
        write(k, tile.index(r, column.at), registers.map((_, h) => k.bind(k.load(word(h, r, v, k.integer(0)), "f32", width), "value")));
      }
    }
  }, "r");
}

/** Whether an epilogue is too long to be repeated for each register of a tile. */
export function isHeavy(lanes: number, rank: number, side: number, write: WriteAll, width: Width = "vector"): boolean {
  const k = new KernelBuilder(lanes);
  const body = k.collect(() => {
    const index = Array.from({ length: rank }, (_, axis) => k.bind(k.add(k.group(), axis + 1)));
    const values = Array.from({ length: side }, () => k.variable(k.constant(0, "f32", width)));
    write(k, index, values);
  });
  return sizeOfStatements(body) > 120;
}

export function sizeOfStatements(body: readonly Statement[]): number {
  const size = (value: unknown): number =>
    Array.isArray(value) ? value.reduce((sum: number, each) => sum + size(each), 0)
    : value !== null && typeof value === "object" ? Object.values(value).reduce((sum: number, each) => sum + size(each), "kind" in value ? 1 : 0)
    : 0;
  return size(body);
}

/**
 * The columns of a result with n of them: whole vectors, then one for what is left. `overlap`: the last vector ends at n and covers some
 * columns twice; `part`: only some of its lanes count (it starts at n − lanes where there are so many, else it is padded).
 */
export interface ColumnPlan {
  readonly offsets: readonly number[];
  readonly part?: { readonly from: number; readonly count: number };
}

export function planColumns(n: number, lanes: number, options: WriteOptions): ColumnPlan {
  const [whole, rest] = [Math.floor(n / lanes), n % lanes];
  const offsets = Array.from({ length: whole }, (_, v) => v * lanes);
  if (rest === 0) return { offsets };
  if (whole === 0) return { offsets: [0], part: { from: 0, count: rest } };
  offsets.push(n - lanes);
  return options.repeatable ? { offsets } : { offsets, part: { from: lanes - rest, count: rest } };
}
