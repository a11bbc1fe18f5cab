import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { Conv2dAttributes } from "../../ir/tensor/nodes.js";
import { prepareImages } from "./conv-prepare.js";
import { inGroups, overElements } from "./groups.js";
import type { Operand, Template, TemplateContext, TemplateKernel, Write, WriteOptions } from "./template.js";
import { chooseTile, step, zeros } from "./tile.js";
import { product, unravel, wordOf } from "./views.js";

export interface Conv2dFilterGradientOptions extends WriteOptions {
  /** [...lead, h, w, in]. */
  readonly x: Operand;
  /** [...lead, h', w', out]. */
  readonly dy: Operand;
  readonly attributes: Conv2dAttributes;
  /** Result [kh, kw, in, out]. */
  readonly filterSize: readonly [number, number];
  readonly write: Write;
}

/**
 * Σ over images and pixels of x at each tap times dy: taps × input channels are the rows of a tile, output channels its vectors; with one
 * output channel the taps lie in the vectors and dy is broadcast. Pixels are split into fixed parts whose sums are added in order.
 */
export function conv2dFilterGradient(o: Conv2dFilterGradientOptions, context: TemplateContext): Template {
  const { target } = context;
  const { lanes } = target;
  const [kh, kw] = o.filterSize;
  const [h, w, c] = o.x.shape.slice(-3) as [number, number, number];
  const [height, width, n] = o.dy.shape.slice(-3) as [number, number, number];
  const { strides, dilation, padding } = o.attributes;
  const lead = o.x.shape.slice(0, -3);
  const lines = product(lead) * height;
  const before: TemplateKernel[] = [];
  const swapped = n === 1;
  // Border after the image: what the last tap needs.
  const border = {
    y: [padding[0][0], (height - 1) * strides[0] + (kh - 1) * dilation[0] + 1 - h - padding[0][0]] as const,
    x: [padding[1][0], (width - 1) * strides[1] + (kw - 1) * dilation[1] + 1 - w - padding[1][0]] as const,
  };
  // Taps next to each other form one run with their channels, unless they are spread by dilation.
  const merged = dilation[1] === 1;
  const run = merged ? kw * c : c;
  const outer = merged ? 1 : kw;
  const vectorsOf = (count: number) => Math.ceil(count / lanes);
  const x = prepareImages(o.x, border, swapped && run % lanes !== 0 ? lanes : 0, context, before);
  const dyDense = n % lanes === 0 && !swapped ? undefined : prepareImages(o.dy, { y: [0, 0], x: [0, 0] }, swapped ? 0 : lanes, context, before);
  const dyVector = (k: KernelBuilder, b: readonly KernelExpr[], flat: KernelExpr, y: KernelExpr, q: KernelExpr, at: KernelExpr) => dyDense
    ? k.load(wordOf(k, dyDense.base, [dyDense.row, n, 1], [flat, q, at]), "f32", swapped ? "scalar" : "vector")
    : o.dy.read(k, [...b, y, q, at], "vector");

  // Rows and vectors of a tile; rows are taps down × a piece of the run (swapped: taps down, with the run in vectors).
  const columns = swapped ? vectorsOf(run) : vectorsOf(n);
  const tile = chooseTile(swapped ? kh : kh * run, columns, target);
  const piece = swapped ? 1 : Math.min(run, Math.ceil(run / Math.ceil(run / tile.rows)));
  const down = swapped ? tile.rows : piece === run ? Math.max(1, Math.min(kh, Math.floor(tile.rows / run))) : 1;
  const downs = Math.ceil(kh / down);
  const pieces = swapped ? 1 : Math.ceil(run / piece);
  const panels = Math.ceil(columns / tile.columns);
  const tiles = downs * outer * pieces * panels;
  // Parts: enough for many threads, each with some hundred pixels, and what all tiles of a part read stays in the second cache.
  const operandBytes = 4 * (product(o.x.shape) + product(o.dy.shape));
  const wanted = Math.max(1, Math.min(Math.max(Math.ceil(64 / tiles), Math.ceil((2 * operandBytes) / target.l2Bytes)), lines, Math.floor((lines * width) / 128)));
  const chunk = Math.ceil(lines / wanted);
  const parts = Math.ceil(lines / chunk);
  // Part: [kh][outer][run][n], the axis of the vectors rounded up.
  const rowWords = swapped ? columns * lanes : columns * lanes * run;
  const partWords = kh * outer * rowWords;
  const partials = context.scratch(parts * partWords);

  const k = new KernelBuilder(lanes);
  const groups = inGroups(k, tiles * parts, (id) => {
    const [part, panel, d, j, at] = unravel(k, id, [parts, panels, downs, outer, pieces]) as [KernelExpr, KernelExpr, KernelExpr, KernelExpr, KernelExpr];
    const body = (rows: number, across: number, vectors: number) => {
      const [i0, r0, v0] = [k.share(k.multiply(d, down)), k.share(k.multiply(at, piece)), k.share(k.multiply(panel, tile.columns * lanes))];
      const acc = zeros(k, rows * across, vectors, "vector");
      const origin = k.share(k.add(k.add(k.multiply(i0, dilation[0] * x.row), k.multiply(j, dilation[1] * x.pixel)), swapped ? v0 : r0));
      const from = k.share(k.multiply(part, chunk));
      k.loop(from, k.share(k.min(k.add(from, chunk), lines)), 1, (line) => {
        const [flat, y] = unravel(k, line, [product(lead), height]) as [KernelExpr, KernelExpr];
        const b = unravel(k, flat, lead);
        const start = k.share(k.add(k.add(k.multiply(flat, x.image), k.multiply(y, strides[0] * x.row)), origin));
        k.loop(0, width, 1, (q) => {
          const word = (r: number, v: number) => wordOf(k, x.base + Math.floor(r / across) * dilation[0] * x.row + (r % across) + v * lanes, [1, strides[1] * x.pixel], [start, q]);
          if (swapped) {
            const g = k.bind(k.widened(k.bind(dyVector(k, b, line, y, q, k.integer(0)), "dy"), "vector"), "dy");
            acc.forEach((row, r) => row.forEach((register, v) => k.set(register, k.multiplyAdd(g, k.load(word(r, v), "f32", "vector"), register))));
          } else {
            step(k, acc, (r) => k.load(word(r, 0)), (v) => dyVector(k, b, line, y, q, k.add(v0, v * lanes)));
          }
        }, "q");
      }, "line");
      const store = k.share(k.add(k.add(k.multiply(part, partWords), k.multiply(k.add(k.multiply(i0, outer), j), rowWords)), swapped ? v0 : k.add(k.multiply(r0, columns * lanes), v0)));
      acc.forEach((row, r) => row.forEach((register, v) => k.store(
        k.add(store, partials + Math.floor(r / across) * outer * rowWords + (r % across) * columns * lanes + v * lanes), register)));
    };
    const branch = (size: number, whole: number, index: KernelExpr, count: number, then: (size: number) => void) => {
      const rest = size % whole;
      if (rest === 0) then(whole);
      else if (count === 1) then(rest);
      else k.when(k.compare("less", index, count - 1), () => then(whole), () => then(rest));
    };
    branch(kh, down, d, downs, (rows) => branch(swapped ? 1 : run, piece, at, pieces, (across) => branch(columns, tile.columns, panel, panels, (vectors) => body(rows, across, vectors))));
  });
  const flops = 2 * lines * width * kh * kw * c * n;
  before.push({ title: `conv2d filter gradient ${kh}×${kw}×${c}→${n}, ${parts} parts`, groups, body: k.body(), flops, bytes: operandBytes });

  const s = new KernelBuilder(lanes);
  const finalGroups = overElements(s, [kh, kw, c, n], (index, wide) => {
    const [i, j, from, to] = index as [KernelExpr, KernelExpr, KernelExpr, KernelExpr];
    const inRun = merged ? s.add(s.multiply(j, c), from) : from;
    const line = s.add(s.multiply(i, outer), merged ? s.integer(0) : j);
    const word = s.share(s.add(s.multiply(line, rowWords), swapped ? inRun : s.add(s.multiply(inRun, columns * lanes), to)));
    // Taps that are apart in the parts are apart in the result as well, but for one channel spread by dilation.
    const strided = wide === "vector" && swapped && !merged && c === 1;
    const value = (base: KernelExpr) => (strided ? s.gather(s.add(s.multiply(s.laneNumbers(), rowWords), base)) : s.load(base, "f32", wide));
    const total = s.variable(value(s.add(word, partials)), "sum");
    s.loop(1, parts, 1, (part) => s.set(total, s.add(total, value(s.add(s.add(word, s.multiply(part, partWords)), partials)))), "part");
    o.write(s, index, total);
  });
  return { title: `sum of ${parts} parts`, groups: finalGroups, body: s.body(), flops: parts * partWords, bytes: 4 * (parts * partWords + kh * kw * c * n), before };
}
