import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr, Width } from "../../ir/kernel/nodes.js";
import type { Phase } from "./conv-prepare.js";
import { type Correlation, work } from "./correlation.js";
import { groupsOf, inGroups } from "./groups.js";
import type { Template, TemplateContext, TemplateKernel } from "./template.js";
import { zeros } from "./tile.js";
import { product, unravel } from "./views.js";
import { withBody } from "./with-body.js";

/**
 * A correlation with one channel in its result, such as a decoder's last transposed convolution: vectors run along the width. The images
 * are first laid out with each channel's pixels in a row, [image][y][c][x mod stride][x div stride], with zeros around. A group makes some
 * rows in words of its own, remainder of the stride by remainder, from where the epilogue takes neighbours.
 */
export function convSingleChannel(p: Correlation, context: TemplateContext): Template {
  const { lanes, registers } = context.target;
  const before: TemplateKernel[] = [];
  const batches = product(p.lead);
  const stride = p.x.phases[0]!.stride;
  const widest = Math.max(...p.x.phases.map((phase) => phase.count));
  const across = Math.min(2, Math.ceil(widest / lanes));
  const line = Math.ceil(widest / (across * lanes)) * across * lanes;
  const reach = Math.max(0, ...p.x.phases.map((phase) => Math.floor((phase.offset + Math.max(0, phase.taps - 1) * phase.step) / stride)));
  const planar = preparePlanar(p, context, stride, line + reach, before);
  // Remainders with the same taps run together: they see the same pixels.
  const together = phasesTogether(p.x.phases, Math.max(1, Math.floor((registers - 4) / across / 2)));
  const mostTogether = Math.max(...together.map(([, members]) => members.length));
  const mostRows = Math.max(1, Math.min(8, Math.floor((registers - 4) / (across * mostTogether))));
  const everyX = p.x.phases[0]!.every;
  const phaseWords = line;
  const rowWords = p.x.phases.length * phaseWords;

  const layouts = p.y.phases.map((phase) => {
    const blocks = Math.ceil(phase.count / mostRows);
    const rows = Math.ceil(phase.count / blocks);
    return { phase, rows, blocks: Math.ceil(phase.count / rows), items: batches * Math.ceil(phase.count / rows) };
  });
  const total = layouts.reduce((sum, layout) => sum + layout.items, 0);
  const slot = Math.max(...layouts.map((layout) => layout.rows)) * rowWords;
  const spill = context.scratch(groupsOf(total) * slot);
  const k = new KernelBuilder(lanes);
  const own = k.share(k.add(k.multiply(k.group(), slot), spill));

  const block = (phase: (typeof layouts)[number]["phase"], b: KernelExpr, t0: KernelExpr, rows: number) => {
    for (const [x, members] of together) k.loop(0, Math.ceil(x.count / (across * lanes)) * across * lanes, across * lanes, (u) => {
      const acc = zeros(k, rows, across * members.length, "vector");
      const at = k.share(k.add(k.share(k.add(k.multiply(b, planar.image), k.multiply(k.add(k.multiply(t0, phase.stride), phase.offset), planar.row))), u));
      k.loop(0, phase.taps, 1, (i) => k.loop(0, p.c, 1, (c) => {
        const word = k.share(k.add(k.share(k.add(at, k.multiply(i, phase.step * planar.row))), k.multiply(c, planar.channel)));
        const filterI = k.share(k.add(k.multiply(i, phase.filterStep), phase.filter));
        const tap = (from: KernelExpr, j: KernelExpr, which: number) => {
          const f = k.bind(k.widened(p.filter(k, filterI, j, c, k.integer(0)), "vector"), "f");
          acc.forEach((row, r) => row.slice(which * across, (which + 1) * across).forEach((register, v) =>
            k.set(register, k.multiplyAdd(f, k.load(k.add(from, planar.base + r * phase.stride * planar.row + v * lanes), "f32", "vector"), register))));
        };
        const turn = (j: KernelExpr) => members.forEach((member, which) => {
          const own = p.x.phases[member]!;
          const filterJ = k.share(k.add(k.multiply(j, own.filterStep), own.filter));
          if (stride === 1) return tap(k.add(k.share(k.add(word, k.multiply(j, own.step))), own.offset), filterJ, which);
          const seen = own.offset + (j as { value: number }).value * own.step;
          tap(k.add(word, (seen % stride) * planar.remainder + Math.floor(seen / stride)), filterJ, which);
        });
        if (stride === 1) k.loop(0, x.taps, 1, turn, "j");
        else for (let j = 0; j < x.taps; j++) turn(k.integer(j));
      }, "c"), "i");
      acc.forEach((row, r) => row.forEach((register, v) =>
        k.store(k.add(k.share(k.add(own, u)), r * rowWords + members[Math.floor(v / across)]! * phaseWords + (v % across) * lanes), register)));
    }, "u");
    k.loop(0, rows, 1, (r) => {
      const y = k.share(k.add(k.multiply(k.add(t0, r), phase.every), phase.first));
      const index = [...unravel(k, b, p.lead), y];
      const from = k.share(k.add(own, k.multiply(r, rowWords)));
      const write = (x: KernelExpr, width: Width) => {
        const value = everyX === 1 ? k.load(k.add(from, x), "f32", width) : interleaved(k, from, x, width, everyX, phaseWords, p.size[1]);
        p.write(k, [...index, x, k.integer(0)], k.bind(value, "value"));
      };
      const [size, rest] = [p.size[1], p.size[1] % lanes];
      k.loop(0, size - rest, lanes, (x) => write(x, "vector"), "x");
      if (rest > 1 && size >= lanes && p.repeatable) write(k.integer(size - lanes), "vector");
      else k.loop(size - rest, size, 1, (x) => write(x, "scalar"), "x");
    }, "r");
  };
  const body = () => {
    inGroups(k, total, (id) => {
      const dispatch = (at: number, start: number): void => {
        const layout = layouts[at]!;
        const ownItem = () => {
          const [b, tile] = unravel(k, k.share(k.subtract(id, start)), [batches, layout.blocks]) as [KernelExpr, KernelExpr];
          const rest = layout.phase.count % layout.rows;
          const whole = () => block(layout.phase, b, k.share(k.multiply(tile, layout.rows)), layout.rows);
          const tail = () => block(layout.phase, b, k.integer(layout.phase.count - rest), rest);
          if (rest === 0) whole();
          else k.when(k.compare("less", tile, layout.blocks - 1), whole, tail);
        };
        if (at === layouts.length - 1) ownItem();
        else k.when(k.compare("less", id, start + layout.items), ownItem, () => dispatch(at + 1, start + layout.items));
      };
      dispatch(0, 0);
    });
    return k.body();
  };
  return withBody({ title: p.title, groups: groupsOf(total), ...work(p), before }, body);
}

/** Positions of phases of equal extent, at most so many at once, each set with its first. */
function phasesTogether(phases: readonly Phase[], most: number): [Phase, number[]][] {
  const sets: [Phase, number[]][] = [];
  phases.forEach((phase, i) => {
    const known = sets.find(([first, members]) => first.count === phase.count && first.taps === phase.taps && members.length < most);
    if (known) known[1].push(i);
    else sets.push([phase, [i]]);
  });
  return sets;
}

/** Pixel x of a row that is kept remainder by remainder. */
function interleaved(k: KernelBuilder, from: KernelExpr, x: KernelExpr, width: Width, every: number, phaseWords: number, size: number): KernelExpr {
  const pixel = width === "vector" ? k.add(x, k.laneNumbers()) : x;
  // x div every by a multiplication: exact while x · every < 65536, and vectors have no division.
  const quotient = size * every < 65536 && size < 32768
    ? k.binary("shift_right", k.multiply(pixel, Math.floor(65536 / every) + 1), k.widened(k.integer(16), pixel.width))
    : k.divide(pixel, every);
  const t = k.bind(quotient, "t");
  const word = k.add(k.add(k.multiply(k.subtract(pixel, k.multiply(t, every)), phaseWords), t), from);
  return width === "vector" ? k.gather(word) : k.load(word);
}

/** Word of channel c at column stride·u + ρ: base + image·b + row·y + channel·c + remainder·ρ + u. */
interface Planar {
  readonly base: number;
  readonly image: number;
  readonly row: number;
  readonly channel: number;
  readonly remainder: number;
}

function preparePlanar(p: Correlation, context: TemplateContext, stride: number, line: number, before: TemplateKernel[]): Planar {
  const [h, w] = p.images.shape.slice(-3, -1) as [number, number];
  const height = h + p.y.border[0] + p.y.border[1];
  const low = p.x.border[0];
  const [remainder, channel] = [line, line * stride];
  const row = channel * p.c;
  const batches = product(p.lead);
  const base = context.scratch(batches * height * row);
  const k = new KernelBuilder(context.target.lanes);
  const groups = inGroups(k, batches * height, (id) => {
    const [b, y] = unravel(k, id, [batches, height]) as [KernelExpr, KernelExpr];
    const start = k.share(k.multiply(id, row));
    const clear = (from: KernelExpr, first: number, last: number) => k.loop(first, last, 1, (u) => k.store(k.add(k.add(from, u), base), k.constant(0)), "u");
    const inside = () => {
      const index = [...unravel(k, b, p.lead), k.share(k.subtract(y, p.y.border[0]))];
      k.loop(0, p.c, 1, (c) => {
        for (let rho = 0; rho < stride; rho++) {
          const from = k.share(k.add(k.add(start, k.multiply(c, channel)), rho * remainder));
          // 0 ≤ stride·u + ρ − low < w
          const first = Math.min(line, Math.max(0, Math.ceil((low - rho) / stride)));
          const last = Math.max(first, Math.min(line, Math.ceil((w + low - rho) / stride)));
          clear(from, 0, first);
          k.loop(first, last, 1, (u) => k.store(k.add(k.add(from, u), base), p.images.read(k, [...index, k.add(k.multiply(u, stride), rho - low), c], "scalar")), "u");
          clear(from, last, line);
        }
      }, "c");
    };
    const outside = () => k.loop(0, row, 1, (i) => k.store(k.add(k.add(start, i), base), k.constant(0)), "i");
    const [firstRow, lastRow] = [Math.max(0, p.y.border[0]), Math.min(height, h + p.y.border[0])];
    if (firstRow === 0 && lastRow === height) inside();
    else k.when(k.compare("less", y, firstRow), outside, () => k.when(k.compare("less", y, lastRow), inside, outside));
  });
  before.push({ title: "images by channel", independent: true, groups, body: k.body(), flops: 0, bytes: 4 * (product(p.images.shape) + batches * height * row) });
  return { base, image: height * row, row, channel, remainder };
}
