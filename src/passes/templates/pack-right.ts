import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { DotProblem } from "./dot.js";
import { inGroups } from "./groups.js";
import type { TemplateContext, TemplateKernel } from "./template.js";
import { flatten, product, unravel, wordOf } from "./views.js";

export interface Packed {
  readonly batch: (k: KernelBuilder, batch: readonly KernelExpr[]) => KernelExpr;
  readonly read: (k: KernelBuilder, h: number, batch: KernelExpr, firstVector: KernelExpr, panelWidth: number, sum: KernelExpr, column: number) => KernelExpr;
}

/** Copies the right operand into panels [...batch][panel][k][vectors of the panel], so that a tile reads words in a row; columns beyond n are 0. */
export function packRight(p: DotProblem, context: TemplateContext, offsets: readonly number[], panelColumns: number, before: TemplateKernel[]): Packed {
  const { lanes } = context.target;
  const vectors = offsets.length;
  const words = vectors * p.k * lanes;
  const batches = product(p.rightBatch);
  const base = context.scratch(batches * p.side * words);
  const place = { base, words, offsets, panelColumns };
  before.push(p.columnsAdjacent && p.n >= lanes ? packRows(p, lanes, place) : packColumns(p, lanes, place));
  return {
    batch: (b, index) => flatten(b, index, p.rightBatch),
    read: (b, side, flat, firstVector, panelWidth, sum, column) => b.load(
      wordOf(b, base + side * words + column * lanes, [p.side * words, p.k * lanes, panelWidth * lanes], [flat, firstVector, sum]), "f32", "vector"),
  };
}

interface PackedPlace {
  readonly base: number;
  /** Of one of the operands side by side. */
  readonly words: number;
  readonly offsets: readonly number[];
  readonly panelColumns: number;
}

/** Columns that are not adjacent: word by word, panel by panel. */
function packColumns(p: DotProblem, lanes: number, { base, words, offsets, panelColumns }: PackedPlace): TemplateKernel {
  const vectors = offsets.length;
  const batches = product(p.rightBatch);
  const k = new KernelBuilder(lanes);
  const kBlocks = Math.max(1, Math.min(Math.ceil(p.k / 64), Math.ceil(64 / (batches * p.side * vectors))));
  const block = Math.ceil(p.k / kBlocks);
  const blocks = Math.ceil(p.k / block);
  const [batchAt, h, vector, part] = unravel(k, k.group(), [batches, p.side, vectors, blocks]) as [KernelExpr, KernelExpr, KernelExpr, KernelExpr];
  const at = unravel(k, batchAt, p.rightBatch);
  // Panel of the vector, its width (the last is narrower), and the vector's place in it.
  const panel = k.share(k.divide(vector, panelColumns));
  const width = k.share(k.min(k.subtract(vectors, k.multiply(panel, panelColumns)), panelColumns));
  const target = k.share(k.add(k.add(k.multiply(k.add(k.multiply(batchAt, p.side), h), words), k.multiply(k.multiply(panel, panelColumns), p.k * lanes)), k.multiply(k.subtract(vector, k.multiply(panel, panelColumns)), lanes)));
  const copy = (side: number, at0: KernelExpr, valid: number) => {
    const from = k.share(k.multiply(part, block));
    k.loop(from, k.share(k.min(k.add(from, block), p.k)), 1, (sum) => {
      const word = k.share(k.add(target, k.multiply(k.multiply(sum, width), lanes)));
      for (let lane = 0; lane < lanes; lane++) {
        k.store(k.add(word, base + lane), lane < valid ? p.right(k, side, at, sum, k.add(at0, lane), "scalar") : k.constant(0));
      }
    }, "k");
  };
  const lastAt = offsets.at(-1)!;
  const ofSide = (side: number) => {
    const regular = () => copy(side, k.multiply(vector, lanes), lanes);
    const last = () => copy(side, k.integer(lastAt), Math.min(lanes, p.n));
    if (p.n % lanes === 0) regular();
    else if (vectors === 1) last();
    else k.when(k.compare("less", vector, vectors - 1), regular, last);
  };
  const sides = (side: number): void => {
    if (side === p.side - 1) ofSide(side);
    else k.when(k.compare("equal", h, side), () => ofSide(side), () => sides(side + 1));
  };
  sides(0);
  return { title: "pack right operand", independent: true, groups: batches * p.side * vectors * blocks, body: k.body(), flops: 0, bytes: 8 * batches * p.side * words };
}

/** Columns that are adjacent: a few rows at a time, so that what is read lies in a few long lines and what is written in runs. */
function packRows(p: DotProblem, lanes: number, { base, words, offsets, panelColumns }: PackedPlace): TemplateKernel {
  const vectors = offsets.length;
  const batches = product(p.rightBatch);
  const k = new KernelBuilder(lanes);
  const block = Math.min(8, Math.ceil(p.k / 8));
  const groups = inGroups(k, batches * p.side * Math.ceil(p.k / block), (id) => {
    const [batchAt, h, part] = unravel(k, id, [batches, p.side, Math.ceil(p.k / block)]) as [KernelExpr, KernelExpr, KernelExpr];
    const at = unravel(k, batchAt, p.rightBatch);
    const target = k.share(k.multiply(k.add(k.multiply(batchAt, p.side), h), words));
    const from = k.share(k.multiply(part, block));
    const to = k.share(k.min(k.add(from, block), p.k));
    const panel = (side: number, first: KernelExpr, places: readonly KernelExpr[]) => k.loop(from, to, 1, (sum) => {
      const word = k.share(k.add(k.add(target, k.multiply(first, p.k * lanes)), k.multiply(sum, places.length * lanes)));
      places.forEach((column, v) => k.store(k.add(word, base + v * lanes), p.right(k, side, at, sum, column, "vector")));
    }, "k");
    const ofSide = (side: number) => {
      // The last vector may overlap the one before; panels that hold it, and the narrower last one, are written out.
      const regular = Math.floor((p.n % lanes === 0 ? vectors : vectors - 1) / panelColumns);
      k.loop(0, regular, 1, (n) => {
        const first = k.share(k.multiply(n, panelColumns));
        panel(side, first, Array.from({ length: panelColumns }, (_, v) => k.add(k.multiply(first, lanes), v * lanes)));
      }, "panel");
      for (let first = regular * panelColumns; first < vectors; first += panelColumns) panel(side, k.integer(first), offsets.slice(first, first + panelColumns).map((offset) => k.integer(offset)));
    };
    const sides = (side: number): void => {
      if (side === p.side - 1) ofSide(side);
      else k.when(k.compare("equal", h, side), () => ofSide(side), () => sides(side + 1));
    };
    sides(0);
  });
  return { title: "pack right operand", independent: true, groups, body: k.body(), flops: 0, bytes: 8 * batches * p.side * words };
}
