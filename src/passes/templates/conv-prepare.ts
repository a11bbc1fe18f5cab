import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import { inGroups } from "./groups.js";
import type { Operand, TemplateContext, TemplateKernel } from "./template.js";
import { product, rowMajor, unravel } from "./views.js";

/** An image batch with room around it, so that no tap of a filter leaves it. Word of (b, y, x, c) = base + b·image + y·row + x·pixel + c. */
export interface Prepared {
  readonly base: number;
  readonly image: number;
  readonly row: number;
  readonly pixel: number;
}

export interface Border {
  /** Zeros before and after each axis; negative amounts cut. */
  readonly y: readonly [number, number];
  readonly x: readonly [number, number];
}

/**
 * x [...lead, h, w, c] with its border of zeros. A dense operand that needs none is used where it lies; else it is copied once, at most
 * (h + border)·(w + border)·c words an image and `slack` words for vectors that start at the last.
 */
export function prepareImages(x: Operand, border: Border, slack: number, context: TemplateContext, before: TemplateKernel[]): Prepared {
  const [h, w, c] = x.shape.slice(-3) as [number, number, number];
  const lead = x.shape.slice(0, -3);
  const batches = product(lead);
  const dense = x.view && x.view.type === "f32" && x.view.strides.every((stride, axis) => x.shape[axis] === 1 || stride === rowMajor(x.shape)[axis]);
  if (dense && slack === 0 && border.y[0] <= 0 && border.x[0] <= 0 && border.y[1] <= 0 && border.x[1] <= 0) {
    return { base: x.view!.base - (border.y[0] * w + border.x[0]) * c, image: h * w * c, row: w * c, pixel: c };
  }
  const [height, width] = [h + border.y[0] + border.y[1], w + border.x[0] + border.x[1]];
  const prepared = { image: height * width * c, row: width * c, pixel: c };
  const base = context.scratch(batches * prepared.image + slack);
  const k = new KernelBuilder(context.target.lanes);
  const zeros = (from: KernelExpr, count: KernelExpr | number) =>
    k.loop(0, count, 1, (i) => k.store(k.add(k.add(from, i), base), k.constant(0)), "i");
  // Lines of the result: inside the image zeros, a copy, zeros; outside zeros. Empty pictures and cuts fall out of the bounds.
  const [firstRow, lastRow] = [Math.max(0, border.y[0]), Math.max(0, Math.min(height, h + border.y[0]))];
  const [firstPixel, lastPixel] = [Math.max(0, border.x[0]), Math.max(0, Math.min(width, w + border.x[0]))];
  const fill = (from: KernelExpr, count: number) => {
    const whole = count - (count % k.lanes);
    k.loop(0, whole, k.lanes, (i) => k.store(k.add(k.add(from, i), base), k.constant(0, "f32", "vector")), "i");
    k.loop(whole, count, 1, (i) => k.store(k.add(k.add(from, i), base), k.constant(0)), "i");
  };
  const groups = inGroups(k, batches * height, (line) => {
    const [b, y] = unravel(k, line, [batches, height]) as [KernelExpr, KernelExpr];
    const start = k.share(k.multiply(line, prepared.row));
    const inside = () => {
      const index = [...unravel(k, b, lead), k.share(k.subtract(y, border.y[0]))];
      fill(start, firstPixel * c);
      if (c === 1) {
        const width = lastPixel - firstPixel;
        k.vectorLoop(width, (i, wide) => k.store(k.add(k.add(start, i), base + firstPixel), x.read(k, [...index, k.add(i, firstPixel - border.x[0]), k.integer(0)], w > 1 ? wide : "scalar")), "x");
      } else {
        k.loop(firstPixel, lastPixel, 1, (pixel) => k.vectorLoop(c, (channel, wide) =>
          k.store(k.add(k.add(k.share(k.add(start, k.multiply(pixel, c))), channel), base), x.read(k, [...index, k.subtract(pixel, border.x[0]), channel], wide)), "c"), "x");
      }
      fill(k.share(k.add(start, lastPixel * c)), (width - lastPixel) * c);
    };
    const outside = () => fill(start, prepared.row);
    if (firstRow === 0 && lastRow === height) inside();
    else if (firstRow >= lastRow) outside();
    else k.when(k.compare("less", y, firstRow), outside, () => (lastRow === height ? inside() : k.when(k.compare("less", y, lastRow), inside, outside)));
    if (slack) k.when(k.compare("equal", line, batches * height - 1), () => zeros(k.integer(batches * prepared.image), slack));
  });
  before.push({ title: "images with borders", independent: true, groups, body: k.body(), flops: 0, bytes: 4 * (batches * h * w * c + batches * prepared.image) });
  return { base, ...prepared };
}

/**
 * Taps of one axis for the outputs first, first + every, … (`count` of them): output t sees the prepared coordinates
 * t·stride + offset + tap·step under filter row `filter + tap·filterStep`, for tap = 0 … taps − 1.
 */
export interface Phase {
  readonly first: number;
  readonly every: number;
  readonly count: number;
  readonly taps: number;
  readonly stride: number;
  readonly offset: number;
  readonly step: number;
  readonly filter: number;
  readonly filterStep: number;
}

/** conv2d along one axis: one phase; the border is the padding. */
export function forwardPhases(size: number, output: number, kernel: number, stride: number, dilation: number, low: number): { phases: Phase[]; border: [number, number] } {
  const needed = (output - 1) * stride + (kernel - 1) * dilation + 1;
  return {
    phases: [{ first: 0, every: 1, count: output, taps: kernel, stride, offset: 0, step: dilation, filter: 0, filterStep: 1 }],
    border: [low, needed - size - low],
  };
}

/**
 * The adjoint along one axis, an image of `size` from dy of `small`: y[p] meets x[p·stride + i·dilation − low], so output s·t + r sees
 * dy at t + (r + low − i·dilation) / s for the taps i where that is whole: one stride-1 correlation for each remainder r.
 */
export function gradientPhases(size: number, small: number, kernel: number, stride: number, dilation: number, low: number): { phases: Phase[]; border: [number, number] } {
  const phases: Phase[] = [];
  for (let r = 0; r < Math.min(stride, size); r++) {
    const taps: number[] = [];
    for (let i = kernel - 1; i >= 0; i--) if ((r + low - i * dilation) % stride === 0) taps.push(i);
    const offsets = taps.map((i) => (r + low - i * dilation) / stride);
    phases.push({
      first: r, every: stride, count: Math.ceil((size - r) / stride), taps: taps.length, stride: 1,
      offset: offsets[0] ?? 0, step: taps.length > 1 ? offsets[1]! - offsets[0]! : 1,
      filter: taps[0] ?? 0, filterStep: taps.length > 1 ? taps[1]! - taps[0]! : -1,
    });
  }
  const used = phases.filter((phase) => phase.taps > 0);
  const lowest = Math.min(0, ...used.map((phase) => phase.offset));
  const highest = Math.max(small - 1, ...used.map((phase) => phase.count - 1 + phase.offset + (phase.taps - 1) * phase.step));
  return { phases: phases.map((phase) => ({ ...phase, offset: phase.offset - lowest })), border: [-lowest, highest - (small - 1)] };
}
