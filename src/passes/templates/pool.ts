import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr, Width } from "../../ir/kernel/nodes.js";
import type { Padding2d } from "../../ir/tensor/nodes.js";
import { inGroups } from "./groups.js";
import { kernelBuilder, type Operand, type Template, type TemplateContext, type Write } from "./template.js";
import { product, unravel } from "./views.js";

export interface Pool2dOptions {
  /** [...lead, h, w, c]. */
  readonly x: Operand;
  readonly function: "max" | "mean";
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: Padding2d;
  /** Result [...lead, h', w', c]. */
  readonly outputSize: readonly [number, number];
  readonly write: Write;
}

type Axis = 0 | 1;
type Window = Pick<Pool2dOptions, "window" | "strides" | "padding">;

/** First and end of the cells that window `at` has inside an axis of `size`. */
function cells(k: KernelBuilder, o: Window, axis: Axis, size: number, at: KernelExpr): [KernelExpr, KernelExpr] {
  const start = k.share(k.subtract(k.multiply(at, o.strides[axis]), o.padding[axis][0]));
  return [k.share(k.max(start, 0)), k.share(k.min(k.add(start, o.window[axis]), size))];
}

/** Visits every pixel; channels in vectors where there are enough, one by one in images of one channel. */
function overPixels(k: KernelBuilder, shape: readonly number[], each: (lead: readonly KernelExpr[], y: KernelExpr, x: KernelExpr, c: KernelExpr, width: Width) => void): number {
  const lead = shape.slice(0, -3);
  const [h, w, c] = shape.slice(-3) as [number, number, number];
  return inGroups(k, product(lead) * h, (line) => {
    const [b, y] = unravel(k, line, [product(lead), h]) as [KernelExpr, KernelExpr];
    const at = unravel(k, b, lead);
    k.loop(0, w, 1, (x) => k.vectorLoop(c, (channel, width) => each(at, y, x, channel, width), "c"), "x");
  });
}

/** Largest or mean value of the cells of each window that lie inside the image. */
export function pool2d(o: Pool2dOptions, context: TemplateContext): Template {
  const [h, w, c] = o.x.shape.slice(-3) as [number, number, number];
  const shape = [...o.x.shape.slice(0, -3), ...o.outputSize, c];
  const k = kernelBuilder(context.target);
  const groups = overPixels(k, shape, (lead, p, q, channel, width) => {
    const [[y0, y1], [x0, x1]] = [cells(k, o, 0, h, p), cells(k, o, 1, w, q)];
    const found = k.variable(k.constant(o.function === "max" ? -Infinity : 0, "f32", width), "pool");
    k.loop(y0, y1, 1, (y) => k.loop(x0, x1, 1, (x) => {
      const value = o.x.read(k, [...lead, y, x, channel], width);
      k.set(found, o.function === "max" ? k.max(found, value) : k.add(found, value));
    }, "x"), "y");
    const count = () => k.convert(k.multiply(k.subtract(y1, y0), k.subtract(x1, x0)), "f32");
    o.write(k, [...lead, p, q, channel], o.function === "max" ? found : k.bind(k.divide(found, count()), "mean"));
  });
  const work = product(shape) * o.window[0] * o.window[1];
  return { title: `${o.function} pool ${o.window.join("×")}`, groups, body: k.body(), flops: work, bytes: 4 * (product(o.x.shape) + product(shape)), before: [] };
}

export interface Pool2dGradientOptions extends Omit<Pool2dOptions, "outputSize"> {
  /** [...lead, h', w', c]. */
  readonly dy: Operand;
}

/**
 * The adjoint at x, gathered: each cell asks the windows that hold it. For `max` a window gives to the first of its largest cells, and a
 * NaN wins over numbers. The result has the shape of x.
 */
export function pool2dGradient(o: Pool2dGradientOptions, context: TemplateContext): Template {
  const [h, w] = o.x.shape.slice(-3, -1) as [number, number];
  const [height, width2] = o.dy.shape.slice(-3, -1) as [number, number];
  const k = kernelBuilder(context.target);
  const flops = product(o.dy.shape) * o.window[0] * o.window[1];
  const bytes = 4 * (2 * product(o.x.shape) + product(o.dy.shape));
  const apart = ([0, 1] as const).every((axis) => o.window[axis] === o.strides[axis] && o.padding[axis].every((cells) => cells === 0));
  if (o.function === "mean" && apart && h === height * o.window[0] && w === width2 * o.window[1]) {
    // Each cell has one window, and each window all of its cells.
    const groups = overPixels(k, o.x.shape, (lead, y, x, channel, width) => {
      const at = [...lead, k.share(k.divide(y, o.window[0])), k.share(k.divide(x, o.window[1])), channel];
      o.write(k, [...lead, y, x, channel], k.bind(k.multiply(o.dy.read(k, at, width), 1 / (o.window[0] * o.window[1])), "share"));
    });
    return { title: `mean pool gradient ${o.window.join("×")}`, groups, body: k.body(), flops, bytes, before: [] };
  }
  const windows = (axis: Axis, at: KernelExpr, count: number): [KernelExpr, KernelExpr] => {
    const shifted = k.share(k.add(at, o.padding[axis][0]));
    const [stride, reach] = [o.strides[axis], o.window[axis]];
    const first = k.divide(k.add(k.max(k.subtract(shifted, reach - 1), 0), stride - 1), stride);
    return [k.share(first), k.share(k.min(k.add(k.divide(shifted, stride), 1), count))];
  };
  const groups = overPixels(k, o.x.shape, (lead, y, x, channel, width) => {
    const [[p0, p1], [q0, q1]] = [windows(0, y, height), windows(1, x, width2)];
    const total = k.variable(k.constant(0, "f32", width), "gradient");
    const own = k.share(k.add(k.multiply(y, w), x));
    k.loop(p0, p1, 1, (p) => k.loop(q0, q1, 1, (q) => {
      const [[y0, y1], [x0, x1]] = [cells(k, o, 0, h, p), cells(k, o, 1, w, q)];
      const g = k.bind(o.dy.read(k, [...lead, p, q, channel], width), "dy");
      if (o.function === "mean") {
        k.set(total, k.add(total, k.divide(g, k.convert(k.multiply(k.subtract(y1, y0), k.subtract(x1, x0)), "f32"))));
        return;
      }
      const best = k.variable(o.x.read(k, [...lead, y0, x0, channel], width), "best");
      const winner = k.variable(k.widened(k.add(k.multiply(y0, w), x0), width), "winner");
      k.loop(y0, y1, 1, (r) => k.loop(x0, x1, 1, (s) => {
        const value = k.bind(o.x.read(k, [...lead, r, s, channel], width), "cell");
        const better = k.bind(beats(k, "greater", value, best), "better");
        k.set(best, k.select(better, value, best));
        k.set(winner, k.select(better, k.widened(k.add(k.multiply(r, w), s), width), winner));
      }, "s"), "r");
      k.set(total, k.add(total, k.select(k.compare("equal", winner, own), g, 0)));
    }, "q"), "p");
    o.write(k, [...lead, y, x, channel], total);
  });
  return { title: `${o.function} pool gradient ${o.window.join("×")}`, groups, body: k.body(), flops: o.function === "max" ? flops * o.window[0] * o.window[1] : flops, bytes, before: [] };
}

/** `value` replaces `best`: it is beyond it, or the first NaN. */
export function beats(k: KernelBuilder, op: "greater" | "less", value: KernelExpr, best: KernelExpr): KernelExpr {
  const beyond = k.compare(op, value, best);
  if (value.type !== "f32") return beyond;
  const firstNaN = k.binary("and", k.compare("not_equal", value, value), k.compare("equal", best, best));
  return k.binary("or", beyond, firstNaN);
}
