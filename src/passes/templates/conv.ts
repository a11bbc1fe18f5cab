import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { Conv2dAttributes } from "../../ir/tensor/nodes.js";
import { type Phase, forwardPhases, gradientPhases, prepareImages } from "./conv-prepare.js";
import { convSingleChannel } from "./conv-single-channel.js";
import { type Correlation, work } from "./correlation.js";
import { groupsOf, inGroups } from "./groups.js";
import type { Operand, Template, TemplateContext, TemplateKernel, Write, WriteOptions } from "./template.js";
import { type Column, chooseTile, isHeavy, planTile, spillWords, step, writeTile, zeros } from "./tile.js";
import { product, unravel, wordOf } from "./views.js";
import { withBody } from "./with-body.js";

export interface Conv2dOptions extends WriteOptions {
  /** [...lead, h, w, in]. */
  readonly x: Operand;
  /** [kh, kw, in, out]. */
  readonly filter: Operand;
  readonly attributes: Conv2dAttributes;
  /** Result [...lead, h', w', out]. */
  readonly outputSize: readonly [number, number];
  readonly write: Write;
}

/** conv2d as an implicit matrix product: pixels × output channels over taps × input channels. */
export function conv2d(o: Conv2dOptions, context: TemplateContext): Template {
  const [kh, kw, c, n] = o.filter.shape as [number, number, number, number];
  const [h, w] = o.x.shape.slice(-3, -1) as [number, number];
  const { strides, dilation, padding } = o.attributes;
  return correlate({
    images: o.x, lead: o.x.shape.slice(0, -3), c, n, size: o.outputSize, write: o.write, repeatable: o.repeatable,
    filter: (k, i, j, from, to) => o.filter.read(k, [i, j, from, to], "scalar"),
    y: forwardPhases(h, o.outputSize[0], kh, strides[0], dilation[0], padding[0][0]),
    x: forwardPhases(w, o.outputSize[1], kw, strides[1], dilation[1], padding[1][0]),
    title: `conv2d ${kh}×${kw}×${c}→${n}`,
  }, context);
}

export interface Conv2dInputGradientOptions extends WriteOptions {
  /** [...lead, h', w', out]. */
  readonly dy: Operand;
  /** [kh, kw, in, out]. */
  readonly filter: Operand;
  readonly attributes: Conv2dAttributes;
  /** Result [...lead, h, w, in]. */
  readonly inputSize: readonly [number, number];
  readonly write: Write;
}

/** The adjoint of conv2d in x, also the transposed convolution: a stride-1 correlation for each remainder of the stride, no zeros multiplied. */
export function conv2dInputGradient(o: Conv2dInputGradientOptions, context: TemplateContext): Template {
  const [kh, kw, n, c] = o.filter.shape as [number, number, number, number];
  const [h, w] = o.dy.shape.slice(-3, -1) as [number, number];
  const { strides, dilation, padding } = o.attributes;
  return correlate({
    images: o.dy, lead: o.dy.shape.slice(0, -3), c, n, size: o.inputSize, write: o.write, repeatable: o.repeatable,
    filter: (k, i, j, from, to) => o.filter.read(k, [i, j, to, from], "scalar"),
    y: gradientPhases(o.inputSize[0], h, kh, strides[0], dilation[0], padding[0][0]),
    x: gradientPhases(o.inputSize[1], w, kw, strides[1], dilation[1], padding[1][0]),
    title: `conv2d input gradient ${kh}×${kw}×${c}→${n}`,
  }, context);
}

function correlate(p: Correlation, context: TemplateContext): Template {
  return p.n === 1 && p.size[1] > 1 ? convSingleChannel(p, context) : convChannels(p, context);
}

/** Phases of equal extent run the same code; they differ in where they begin. */
interface PhaseClass {
  readonly y: Phase;
  readonly x: Phase;
  readonly members: readonly { readonly y: Phase; readonly x: Phase; readonly filterAt: number }[];
}

/** Vectors along the channels of the result; pixels (a piece of a row, or several rows) are broadcast. */
function convChannels(p: Correlation, context: TemplateContext): Template {
  const { target } = context;
  const { lanes } = target;
  const before: TemplateKernel[] = [];
  const images = prepareImages(p.images, { y: p.y.border, x: p.x.border }, 0, context, before);
  const plan = planTile(p.size[0] * p.size[1], p.n, lanes, target, p).plan;
  const vectors = plan.offsets.length;
  const classes = phaseClasses(p, vectors * lanes);
  const filterAt = packFilter(p, classes, plan.offsets, context, before);
  const batches = product(p.lead);
  const heavy = context.decide(() => isHeavy(lanes, p.lead.length + 3, 1, (b, index, [value]) => p.write(b, index, value!)));

  const layouts = classes.map((each) => {
    // Rows of the tile: pixels of one line, or of several short lines.
    const tile = chooseTile(each.y.count * each.x.count, vectors, target, 1, each.y.taps * each.x.taps * p.c, vectors > 1 && p.n % lanes !== 0 && !plan.part);
    const columns = Math.ceil(each.x.count / Math.ceil(each.x.count / tile.rows));
    const lines = columns === each.x.count ? Math.max(1, Math.min(each.y.count, Math.floor(tile.rows / columns))) : 1;
    const [down, across, panels] = [Math.ceil(each.y.count / lines), Math.ceil(each.x.count / columns), Math.ceil(vectors / tile.columns)];
    return { each, lines, columns, vectors: tile.columns, down, across, panels, tiles: each.members.length * batches * down * across * panels };
  });
  const total = layouts.reduce((sum, layout) => sum + layout.tiles, 0);
  const slot = Math.max(...layouts.map((layout) => spillWords(layout.lines * layout.columns, layout.vectors, 1, lanes)));
  const spill = heavy || plan.part ? context.scratch(groupsOf(total) * slot) : 0;
  const k = new KernelBuilder(lanes);
  const spillAt = k.add(k.multiply(k.group(), slot), spill);

  const emit = (layout: (typeof layouts)[number], id: KernelExpr) => {
    const { each } = layout;
    const [member, panel, b, ty, tx] = unravel(k, id, [each.members.length, layout.panels, batches, layout.down, layout.across]) as [KernelExpr, KernelExpr, KernelExpr, KernelExpr, KernelExpr];
    const lead = unravel(k, b, p.lead);
    const pick = (of: (m: PhaseClass["members"][number]) => number): KernelExpr => {
      const values = each.members.map(of);
      if (values.every((value) => value === values[0])) return k.integer(values[0]!);
      return k.share(values.slice(0, -1).reduceRight((other: KernelExpr, value, i) => k.select(k.compare("equal", member, i), k.integer(value), other), k.integer(values.at(-1)!)));
    };
    const origin = pick((m) => m.y.offset * images.row + m.x.offset * images.pixel);
    const filter = pick((m) => m.filterAt);
    const [firstY, firstX] = [pick((m) => m.y.first), pick((m) => m.x.first)];
    const tile = (lines: number, across: number, columns: readonly Column[], firstVector: KernelExpr) => {
      const acc = zeros(k, lines * across, columns.length, "vector");
      const [p0, q0] = [k.share(k.multiply(ty, layout.lines)), k.share(k.multiply(tx, layout.columns))];
      const at = [k.multiply(b, images.image), origin, k.multiply(p0, each.y.stride * images.row), k.multiply(q0, each.x.stride * images.pixel)].reduce((sum, term) => k.share(k.add(sum, term)));
      const filterWord = k.share(k.add(filter, k.multiply(firstVector, lanes)));
      const accumulate = (from: KernelExpr, under: KernelExpr, count: number) => k.loop(0, count, 1, (run) => step(
        k, acc,
        (r) => k.load(wordOf(k, images.base + Math.floor(r / across) * each.y.stride * images.row + (r % across) * each.x.stride * images.pixel, [1, 1], [from, run])),
        (v) => k.load(wordOf(k, filterAt + v * lanes, [1, vectors * lanes], [under, run]), "f32", "vector"),
      ), "run");
      k.loop(0, each.y.taps, 1, (i) => {
        const line = k.share(k.add(at, k.multiply(i, each.y.step * images.row)));
        const under = k.share(k.add(filterWord, k.multiply(i, each.x.taps * p.c * vectors * lanes)));
        // Taps next to each other continue each other's channels.
        if (each.x.step === 1 && images.pixel === p.c) accumulate(line, under, each.x.taps * p.c);
        else k.loop(0, each.x.taps, 1, (j) => accumulate(k.share(k.add(line, k.multiply(j, each.x.step * images.pixel))), k.share(k.add(under, k.multiply(j, p.c * vectors * lanes))), p.c), "j");
      }, "i");
      const index = (r: KernelExpr, column: KernelExpr) => {
        const [py, qx] = [k.add(p0, k.divide(r, across)), k.add(q0, k.remainder(r, across))];
        return [...lead, k.share(k.add(firstY, k.multiply(py, each.y.every))), k.share(k.add(firstX, k.multiply(qx, each.x.every))), column];
      };
      writeTile(k, { rows: lines * across, columns, registers: [acc], index, spill: spillAt }, (builder, at, [value]) => p.write(builder, at, value!), heavy);
    };
    const sized = (columns: readonly Column[], firstVector: KernelExpr) => {
      const branch = (size: number, whole: number, tileAt: KernelExpr, count: number, then: (size: number) => void) => {
        const rest = size % whole;
        if (rest === 0) then(whole);
        else if (count === 1) then(rest);
        else k.when(k.compare("less", tileAt, count - 1), () => then(whole), () => then(rest));
      };
      branch(each.y.count, layout.lines, ty, layout.down, (lines) => branch(each.x.count, layout.columns, tx, layout.across, (across) => tile(lines, across, columns, firstVector)));
    };
    const lastFirst = (layout.panels - 1) * layout.vectors;
    const final = () => sized(plan.offsets.slice(lastFirst).map((offset, v, all) => ({ at: k.integer(offset), width: "vector", part: v === all.length - 1 ? plan.part : undefined })), k.integer(lastFirst));
    const regular = () => {
      const first = k.share(k.multiply(panel, layout.vectors));
      sized(Array.from({ length: layout.vectors }, (_, v) => ({ at: k.add(k.multiply(first, lanes), v * lanes), width: "vector" })), first);
    };
    if (layout.panels === 1) final();
    else if (vectors % layout.vectors === 0 && p.n % lanes === 0) regular();
    else k.when(k.compare("less", panel, layout.panels - 1), regular, final);
  };
  const body = () => {
    inGroups(k, total, (id) => {
      const dispatch = (c: number, start: number): void => {
        const layout = layouts[c]!;
        const own = () => emit(layout, k.share(k.subtract(id, start)));
        if (c === layouts.length - 1) own();
        else k.when(k.compare("less", id, start + layout.tiles), own, () => dispatch(c + 1, start + layout.tiles));
      };
      dispatch(0, 0);
    });
    return k.body();
  };
  return withBody({ title: p.title, groups: groupsOf(total), ...work(p), before }, body);
}

function phaseClasses(p: Correlation, tapWords: number): PhaseClass[] {
  const classes = new Map<string, { y: Phase; x: Phase; members: { y: Phase; x: Phase; filterAt: number }[] }>();
  let filterAt = 0;
  for (const y of p.y.phases) {
    for (const x of p.x.phases) {
      const key = [y.count, y.taps, y.step, x.count, x.taps, x.step].join();
      const known = classes.get(key) ?? { y, x, members: [] };
      known.members.push({ y, x, filterAt });
      classes.set(key, known);
      filterAt += y.taps * x.taps * p.c * tapWords;
    }
  }
  return [...classes.values()];
}

/** The filter in the order of use, [phase][tap y][tap x][c][n]; lanes beyond n are 0. Gives its first word. */
function packFilter(p: Correlation, classes: readonly PhaseClass[], offsets: readonly number[], context: TemplateContext, before: TemplateKernel[]): number {
  const { lanes } = context.target;
  const width = offsets.length * lanes;
  const members = classes.flatMap((each) => each.members);
  const words = members.reduce((sum, m) => sum + m.y.taps * m.x.taps * p.c * width, 0);
  const base = context.scratch(words);
  const k = new KernelBuilder(lanes);
  const jobs = members.filter((m) => m.y.taps * m.x.taps > 0);
  const totals = jobs.map((m) => m.y.taps * m.x.taps * p.c);
  const groups = inGroups(k, totals.reduce((a, b) => a + b, 0), (id) => {
    const dispatch = (at: number, start: number): void => {
      const m = jobs[at]!;
      const own = () => {
        const line = k.share(k.subtract(id, start));
        const [ty, tx, c] = unravel(k, line, [m.y.taps, m.x.taps, p.c]) as [KernelExpr, KernelExpr, KernelExpr];
        const i = k.share(k.add(k.multiply(ty, m.y.filterStep), m.y.filter));
        const j = k.share(k.add(k.multiply(tx, m.x.filterStep), m.x.filter));
        const word = k.share(k.multiply(line, width));
        const whole = Math.floor(p.n / lanes) * lanes;
        k.loop(0, whole, 1, (n) => k.store(k.add(k.add(word, n), base + m.filterAt), p.filter(k, i, j, c, n)), "n");
        if (whole === p.n) return;
        const last = offsets.at(-1)!;
        k.loop(0, Math.min(lanes, p.n), 1, (n) => k.store(k.add(k.add(word, n), base + m.filterAt + width - lanes), p.filter(k, i, j, c, k.add(n, last))), "n");
        k.loop(Math.min(lanes, p.n), lanes, 1, (n) => k.store(k.add(k.add(word, n), base + m.filterAt + width - lanes), k.constant(0)), "n");
      };
      if (at === jobs.length - 1) own();
      else k.when(k.compare("less", id, start + totals[at]!), own, () => dispatch(at + 1, start + totals[at]!));
    };
    dispatch(0, 0);
  });
  if (groups > 0) before.push({ title: "pack filter", independent: true, groups, body: k.body(), flops: 0, bytes: 8 * words });
  return base;
}
