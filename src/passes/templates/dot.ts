import { InternalError } from "../../util/internal-error.js";
import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import { dotAlongSum } from "./dot-along-sum.js";
import { dotBands, prefersBands } from "./dot-bands.js";
import { maxGroups } from "./groups.js";
import { packRight } from "./pack-right.js";
import type { Operand, Target, Template, TemplateContext, TemplateKernel, WriteAll, WriteOptions } from "./template.js";
import { type Column, isHeavy, planTile, spillWords, step, writeTile, zeros } from "./tile.js";
import { product, unravel } from "./views.js";
import { withBody } from "./with-body.js";

/** Result [...batch, m, n] of each right operand; batch axes broadcast. */
export interface DotOptions extends WriteOptions {
  /** [...batch, m, k], or [...batch, k, m] when transposed. Elements are read once for each panel of columns. */
  readonly left: Operand;
  /** [...batch, k, n], or [...batch, n, k] when transposed; all of one shape: heads that share the left operand side by side. */
  readonly rights: readonly Operand[];
  readonly transposeLeft: boolean;
  readonly transposeRight: boolean;
  /** One value for each right operand. */
  readonly write: WriteAll;
}

/** The sizes and accessors of a product, transpositions gone. */
export interface DotProblem extends WriteOptions {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: readonly number[];
  readonly side: number;
  readonly left: (k: KernelBuilder, batch: readonly KernelExpr[], row: KernelExpr, sum: KernelExpr, width?: "scalar" | "vector") => KernelExpr;
  readonly right: (k: KernelBuilder, h: number, batch: readonly KernelExpr[], sum: KernelExpr, column: KernelExpr, width: "scalar" | "vector") => KernelExpr;
  /** Neighbouring columns of the right operand are adjacent. */
  readonly columnsAdjacent: boolean;
  /** Neighbours along the summed axis are adjacent on both sides. */
  readonly sumAdjacent: boolean;
  /** Neighbours along the summed axis lie rows of the left operand apart. */
  readonly leftFar: boolean;
  /** The right operand is the same at every step of the loop around: packing it costs nothing. */
  readonly rightSteady: boolean;
  /** Batch axes of the right operand, aligned to `batch`: 1 where it repeats. */
  readonly rightBatch: readonly number[];
  readonly write: WriteAll;
}

/**
 * Σ_k left·right for every row and column.
 *
 * Columns lie in vectors, rows are broadcast, a register tile runs over k. The right operand is packed into panels first when its columns
 * are not adjacent or too few for a vector, unless m is small: packing costs about 0.8 cycles for each of its k·n elements. Where both
 * sides are adjacent along k the alternative is a tile of dot products along k (dot-along-sum.ts) at 2 log2(lanes) + 4 cycles for the
 * final sum of each of the m·n results; the cheaper is taken (measured on AVX-512: 400×784ᵀ packs in 90 µs, 12 cycles a result). When there are few tiles and k is long, k is split into fixed parts whose sums are
 * added in order by a second kernel. All choices depend on sizes and target alone, so the order of every sum is fixed.
 */
export function dot(options: DotOptions, context: TemplateContext): Template {
  return dotProblem(normalize(options), context);
}

export function dotProblem(p: DotProblem, context: TemplateContext): Template {
  const { lanes } = context.target;
  // Steps of a loop stream the whole of it again and again: panels lie one after the other there.
  if (p.rightSteady && p.m > 1 && p.n >= lanes && p.k >= lanes) return dotTiles(p, context, true, false);
  if (p.k >= lanes && p.sumAdjacent && preferSums(p, lanes)) return dotAlongSum(p, context);
  if (prefersBands(p, context.target)) return dotBands(p, context);
  const inPlace = p.columnsAdjacent && p.n >= lanes;
  const packs = inPlace ? p.m >= (context.target.packFrom ?? Infinity) && p.n >= 8 * lanes && p.k >= 64 : p.m >= 4;
  const scalar = !packs && !(p.columnsAdjacent && p.n >= lanes);
  return scalar ? dotTiles(p, context, false, true) : dotTiles(p, context, packs, false);
}

/** Cycles of the dot-product tile's final sums and leftovers against those of packing. */
function preferSums(p: DotProblem, lanes: number): boolean {
  if (p.columnsAdjacent && p.n >= lanes) return false;
  const outputs = product(p.batch) * p.m * p.n;
  const finalSums = outputs * (2 * Math.log2(lanes) + 4 + (p.k % lanes) / 2);
  const packing = product(p.rightBatch) * p.n * p.k * 0.8;
  const padded = Math.ceil(p.n / lanes) * lanes;
  const wasted = (outputs * p.k * (padded / p.n - 1)) / lanes / 2;
  return p.m < 4 || finalSums < packing + wasted;
}

function normalize(o: DotOptions): DotProblem {
  const right = o.rights[0];
  if (!right || o.rights.some((other) => other.shape.join() !== right.shape.join())) throw new InternalError("heads of different shapes");
  const [leftShape, rightShape] = [o.left.shape, right.shape];
  const [m, k] = o.transposeLeft ? [leftShape.at(-1)!, leftShape.at(-2)!] : [leftShape.at(-2)!, leftShape.at(-1)!];
  const [n, k2] = o.transposeRight ? [rightShape.at(-2)!, rightShape.at(-1)!] : [rightShape.at(-1)!, rightShape.at(-2)!];
  if (k !== k2) throw new InternalError(`dot of ${leftShape.join("×")} and ${rightShape.join("×")}`);
  const rank = Math.max(leftShape.length, rightShape.length) - 2;
  const aligned = (shape: readonly number[]) => [...Array<number>(rank - (shape.length - 2)).fill(1), ...shape.slice(0, -2)];
  const [leftBatch, rightBatch] = [aligned(leftShape), aligned(rightShape)];
  const batch = leftBatch.map((size, axis) => (size === 1 ? rightBatch[axis]! : size));
  const within = (shape: readonly number[], index: readonly KernelExpr[]): KernelExpr[] => {
    const own = shape.slice(0, -2);
    return own.map((size, axis) => (size === 1 ? zero : index[rank - own.length + axis]!));
  };
  const readLeft: DotProblem["left"] = (b, at, row, sum, width = "scalar") =>
    o.left.read(b, [...within(leftShape, at), ...(o.transposeLeft ? [sum, row] : [row, sum])], width);
  const readRight: DotProblem["right"] = (b, h, at, sum, column, width) =>
    o.rights[h]!.read(b, [...within(rightShape, at), ...(o.transposeRight ? [column, sum] : [sum, column])], width);
  const easy = (operand: Operand) => operand.contiguous !== false;
  const rightsEasy = o.rights.every(easy);
  if (n === 1 && m > 1 && o.rights.length === 1) {
    // One column: its neighbours run along m, so the sides change places: (left · right)ᵀ = rightᵀ · leftᵀ.
    return {
      m: 1, n: m, k, batch, side: 1, repeatable: o.repeatable,
      left: (b, at, _, sum, width = "scalar") => readRight(b, 0, at, sum, zero, width),
      right: (b, _, at, sum, column, width) => readLeft(b, at, column, sum, width),
      columnsAdjacent: easy(o.left) && (o.transposeLeft || k === 1),
      sumAdjacent: easy(o.left) && rightsEasy && !o.transposeLeft && k > 1,
      leftFar: false,
      rightSteady: o.left.steady === true,
      rightBatch: leftBatch,
      write: (b, index, values) => o.write(b, [...index.slice(0, -2), index.at(-1)!, index.at(-2)!], values),
    };
  }
  return {
    m, n, k, batch, side: o.rights.length, repeatable: o.repeatable, left: readLeft, right: readRight,
    columnsAdjacent: rightsEasy && n > 1 && (!o.transposeRight || k === 1),
    sumAdjacent: rightsEasy && easy(o.left) && k > 1 && !o.transposeLeft && (o.transposeRight || n === 1),
    leftFar: o.transposeLeft, rightSteady: o.rights.every((operand) => operand.steady === true), rightBatch, write: o.write,
  };
}

const zero: KernelExpr = { kind: "constant", value: 0, type: "i32", width: "scalar" };

/** Tiles of broadcast rows and vectors of columns (`scalar`: of single columns, for tiny matrices). */
function dotTiles(p: DotProblem, context: TemplateContext, packs: boolean, scalar: boolean): Template {
  const { target } = context;
  const lanes = scalar ? 1 : target.lanes;
  const { tile, plan } = planTile(p.m, p.n, lanes, target, p, p.side, p.k);
  const vectors = plan.offsets.length;
  const before: TemplateKernel[] = [];
  const packed = packs ? packRight(p, context, plan.offsets, tile.columns, before) : undefined;
  const [rowTiles, panels] = [Math.ceil(p.m / tile.rows), Math.ceil(vectors / tile.columns)];
  const batches = product(p.batch);
  const tiles = batches * panels * rowTiles;
  const splits = Math.max(chooseSplits(tiles, p.k), splitsForCache(p, target));
  const partWords = batches * p.side * p.m * p.n;
  const partials = splits > 1 ? context.scratch(splits * partWords) : 0;
  const total = tiles * splits;
  const perGroup = Math.ceil(total / maxGroups);
  const groups = Math.ceil(total / perGroup);
  const chunk = Math.ceil(p.k / splits);
  const rank = p.batch.length + 2;
  const result = [...p.batch, p.m, p.n];
  const heavy = splits === 1 && context.decide(() => isHeavy(target.lanes, rank, p.side, p.write, scalar ? "scalar" : "vector"));
  const spill = heavy || plan.part ? context.scratch(groups * spillWords(tile.rows, tile.columns, p.side, target.lanes)) : 0;

  const k = new KernelBuilder(target.lanes);
  const spillAt = k.add(k.multiply(k.group(), spillWords(tile.rows, tile.columns, p.side, target.lanes)), spill);

  const emit = (batch: readonly KernelExpr[], flatBatch: KernelExpr, part: KernelExpr, row0: KernelExpr, rows: number, firstVector: KernelExpr, columns: readonly Column[], panelWidth: number) => {
    const width = scalar ? "scalar" : "vector";
    const acc = zeros(k, rows, columns.length * p.side, width);
    const rightFlat = packed ? packed.batch(k, batch) : zero;
    const [from, to] = splits === 1 ? [zero, k.integer(p.k)] : [k.share(k.multiply(part, chunk)), k.share(k.min(k.add(k.multiply(part, chunk), chunk), p.k))];
    k.loop(from, to, 1, (sum) => step(
      k, acc,
      (r) => p.left(k, batch, k.add(row0, r), sum),
      (v) => {
        const [h, column] = [Math.floor(v / columns.length), v % columns.length];
        if (packed) return packed.read(k, h, rightFlat, firstVector, panelWidth, sum, column);
        return p.right(k, h, batch, sum, columns[column]!.at, width);
      },
    ), "k");
    const registers = Array.from({ length: p.side }, (_, h) => acc.map((row) => row.slice(h * columns.length, (h + 1) * columns.length)));
    const write: WriteAll = splits === 1 ? p.write : (_, index, values) => values.forEach((value, h) => {
      const word = k.add(k.share(k.add(k.multiply(part, partWords), k.multiply(flatBatch, p.side * p.m * p.n))), partials + h * p.m * p.n);
      k.store(k.add(k.add(word, k.multiply(index.at(-2)!, p.n)), index.at(-1)!), value);
    });
    writeTile(k, { rows, columns, registers, index: (r, c) => [...batch, k.add(row0, r), c], spill: spillAt }, write, heavy);
  };

  const oneTile = (id: KernelExpr) => {
    const [part, panel, rowTile, ...batch] = ((): KernelExpr[] => {
      // Row tiles are next to each other, so that a panel of the right operand stays in the cache.
      const [s, b, n, m] = unravel(k, id, [splits, batches, panels, rowTiles]);
      return [s!, n!, m!, b!, ...unravel(k, b!, p.batch)];
    })() as [KernelExpr, KernelExpr, KernelExpr, KernelExpr, ...KernelExpr[]];
    const [flatBatch, ...at] = batch as [KernelExpr, ...KernelExpr[]];
    const rowsOf = (columns: (firstVector: KernelExpr) => readonly Column[], firstVector: KernelExpr, width: number) => {
      const restRows = p.m % tile.rows;
      const whole = () => emit(at, flatBatch, part, k.multiply(rowTile, tile.rows), tile.rows, firstVector, columns(firstVector), width);
      const rest = () => emit(at, flatBatch, part, k.integer(p.m - restRows), restRows, firstVector, columns(firstVector), width);
      if (restRows === 0) whole();
      else if (rowTiles === 1) rest();
      else k.when(k.compare("less", rowTile, rowTiles - 1), whole, rest);
    };
    const regular = (firstVector: KernelExpr): Column[] =>
      Array.from({ length: tile.columns }, (_, v) => ({ at: k.add(k.multiply(firstVector, lanes), v * lanes), width: scalar ? "scalar" : "vector" }));
    // The last panel may be narrower, and its last vector may not be a whole new one.
    const lastFirst = (panels - 1) * tile.columns;
    const last = (): Column[] => plan.offsets.slice(lastFirst).map((offset, v, all) => ({
      at: k.integer(offset), width: scalar ? "scalar" : "vector", part: v === all.length - 1 ? plan.part : undefined,
    }));
    const lastIsRegular = vectors % tile.columns === 0 && p.n % lanes === 0;
    const dynamic = () => rowsOf(regular, k.share(k.multiply(panel, tile.columns)), tile.columns);
    const final = () => rowsOf(last, k.integer(lastFirst), vectors - lastFirst);
    if (lastIsRegular && panels > 1) dynamic();
    else if (panels === 1) final();
    else k.when(k.compare("less", panel, panels - 1), dynamic, final);
  };
  const body = () => {
    if (perGroup === 1) oneTile(k.group());
    else {
      const from = k.share(k.multiply(k.group(), perGroup));
      k.loop(from, k.share(k.min(k.add(from, perGroup), total)), 1, oneTile, "tile");
    }
    return k.body();
  };
  const flops = 2 * batches * p.side * p.m * p.n * p.k;
  const bytes = 4 * (batches * p.m * p.k + p.side * product(p.rightBatch) * p.k * p.n + batches * p.side * p.m * p.n);
  const facts = { title: `dot ${result.join("×")} over ${p.k}`, groups, flops, bytes };
  if (splits === 1) return withBody({ ...facts, before }, body);
  return { ...sumParts(p, context, splits, partials, partWords), before: [...before, withBody(facts, body)] };
}

/** Parts of a long sum, when there are too few tiles to keep many threads busy. */
function chooseSplits(tiles: number, k: number): number {
  if (tiles >= 16 || k < 1024) return 1;
  const wanted = Math.min(Math.ceil(32 / tiles), Math.floor(k / 256));
  const chunk = Math.ceil(k / wanted);
  return Math.ceil(k / chunk);
}

/**
 * Parts of a sum over rows that lie far apart (the gradient of a weight, over all rows and steps): a part of both operands stays in the caches while all tiles take it. Measured on Zen 4, 600×1800 over
 * 3200 in four parts: 68 ms a core instead of 149.
 */
function splitsForCache({ m, n, k, leftFar, side, batch }: DotProblem, { l2Bytes }: Target): number {
  const [words, result] = [m * k, side * m * n];
  if (!leftFar || product(batch) > 1 || 4 * words <= 2 * l2Bytes) return 1;
  // The parts' own sums take no more memory than twice what is read.
  const wanted = Math.min(Math.ceil((4 * words) / (2 * l2Bytes)), Math.floor(k / 256), Math.floor((2 * (words + side * k * n)) / result));
  return wanted < 2 ? 1 : Math.ceil(k / Math.ceil(k / wanted));
}

/** Adds the partial products in order and hands them to the epilogue. */
function sumParts(p: DotProblem, context: TemplateContext, splits: number, partials: number, partWords: number): TemplateKernel {
  const k = new KernelBuilder(context.target.lanes);
  const lines = product(p.batch) * p.m;
  const perGroup = Math.ceil(lines / maxGroups);
  const from = k.share(k.multiply(k.group(), perGroup));
  k.loop(from, k.share(k.min(k.add(from, perGroup), lines)), 1, (line) => {
    const index = unravel(k, line, [...p.batch, p.m]);
    const flatBatch = k.share(k.divide(line, p.m));
    k.vectorLoop(p.n, (column, width) => {
      const values = Array.from({ length: p.side }, (_, h) => {
        const word = k.add(k.add(k.add(k.multiply(flatBatch, p.side * p.m * p.n), k.multiply(index.at(-1)!, p.n)), column), partials + h * p.m * p.n);
        let sum = k.load(word, "f32", width);
        if (splits <= 8) {
          for (let s = 1; s < splits; s++) sum = k.add(sum, k.load(k.add(word, s * partWords), "f32", width));
          return k.bind(sum, "sum");
        }
        const total = k.variable(sum, "sum");
        k.loop(1, splits, 1, (s) => k.set(total, k.add(total, k.load(k.add(word, k.multiply(s, partWords)), "f32", width))), "s");
        return total;
      });
      p.write(k, [...index, column], values);
    }, "column");
  }, "line");
  const words = splits * partWords;
  return { title: `sum of ${splits} parts`, groups: Math.ceil(lines / perGroup), body: k.body(), flops: words, bytes: 4 * (words + partWords) };
}
