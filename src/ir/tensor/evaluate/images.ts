import type { Conv2dAttributes } from "../nodes.js";
import { sizeOf } from "./strided.js";
import type { EvaluateRule } from "./types.js";

interface Image {
  readonly count: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
}

function imageOf(shape: readonly number[]): Image {
  return { count: sizeOf(shape.slice(0, -3)), h: shape.at(-3)!, w: shape.at(-2)!, c: shape.at(-1)! };
}

/** Where the offset of a cell would stand: the cell is a zero of the padding. */
const padding = -1;

/**
 * Visits every pair of a cell of the large image x and a cell of the small image y that a filter cell joins:
 * y[n, oy, ox, :] meets x[n, oy·stride + ky·dilation − pad, …, :] under filter[ky, kx]. Offsets are of the first channel; `padded` visits the zeros around x too.
 */
function visitConv(x: Image, y: Image, kernel: readonly [number, number], op: Conv2dAttributes, visit: (xAt: number, yAt: number, cell: number) => void, padded = false): void {
  for (let n = 0; n < x.count; n++) {
    for (let oy = 0; oy < y.h; oy++) {
      for (let ox = 0; ox < y.w; ox++) {
        const yAt = ((n * y.h + oy) * y.w + ox) * y.c;
        for (let ky = 0; ky < kernel[0]; ky++) {
          const iy = oy * op.strides[0] + ky * op.dilation[0] - op.padding[0][0];
          for (let kx = 0; kx < kernel[1]; kx++) {
            const ix = ox * op.strides[1] + kx * op.dilation[1] - op.padding[1][0];
            if (iy >= 0 && iy < x.h && ix >= 0 && ix < x.w) visit(((n * x.h + iy) * x.w + ix) * x.c, yAt, ky * kernel[1] + kx);
            else if (padded) visit(padding, yAt, ky * kernel[1] + kx);
          }
        }
      }
    }
  }
}

/**
 * The pairs of `visitConv` from the side of x: every filter cell at which a cell of y could stand, with zeros around y (yAt = −1 there). The cells that a stride passes
 * over are none.
 */
function visitFromImage(x: Image, y: Image, kernel: readonly [number, number], op: Conv2dAttributes, visit: (xAt: number, yAt: number, cell: number) => void): void {
  for (let n = 0; n < x.count; n++) {
    for (let iy = 0; iy < x.h; iy++) {
      for (let ix = 0; ix < x.w; ix++) {
        for (let ky = 0; ky < kernel[0]; ky++) {
          const oy = (iy + op.padding[0][0] - ky * op.dilation[0]) / op.strides[0];
          if (!Number.isInteger(oy)) continue;
          for (let kx = 0; kx < kernel[1]; kx++) {
            const ox = (ix + op.padding[1][0] - kx * op.dilation[1]) / op.strides[1];
            if (!Number.isInteger(ox)) continue;
            const inside = oy >= 0 && oy < y.h && ox >= 0 && ox < y.w;
            visit(((n * x.h + iy) * x.w + ix) * x.c, inside ? ((n * y.h + oy) * y.w + ox) * y.c : padding, ky * kernel[1] + kx);
          }
        }
      }
    }
  }
}

/** The zeros of the padding are multiplied, as in XLA and PyTorch: 0 · ∞ is NaN. */
export const evaluateConv2d: EvaluateRule<"conv2d"> = (op, [x, filter], { shape, count, round }) => {
  const result = new Float64Array(count);
  const [from, to] = [imageOf(x!.shape), imageOf(shape)];
  const [a, f] = [x!.values, filter!.values];
  visitConv(from, to, [filter!.shape[0]!, filter!.shape[1]!], op, (xAt, yAt, cell) => {
    for (let i = 0, at = cell * from.c * to.c; i < from.c; i++) {
      const factor = xAt === padding ? 0 : a[xAt + i]!;
      for (let o = 0; o < to.c; o++, at++) result[yAt + o] = round(result[yAt + o]! + round(factor * f[at]!));
    }
  }, true);
  return result;
};

export const evaluateConv2dInputGradient: EvaluateRule<"conv2d-input-gradient"> = (op, [dy, filter], { shape, count, round }) => {
  const result = new Float64Array(count);
  const [to, from] = [imageOf(shape), imageOf(dy!.shape)];
  const [b, f] = [dy!.values, filter!.values];
  visitFromImage(to, from, [filter!.shape[0]!, filter!.shape[1]!], op, (xAt, yAt, cell) => {
    for (let i = 0, at = cell * to.c * from.c; i < to.c; i++) {
      let sum = result[xAt + i]!;
      for (let o = 0; o < from.c; o++, at++) sum = round(sum + round((yAt === padding ? 0 : b[yAt + o]!) * f[at]!));
      result[xAt + i] = sum;
    }
  });
  return result;
};

export const evaluateConv2dFilterGradient: EvaluateRule<"conv2d-filter-gradient"> = (op, [x, dy], { count, round }) => {
  const result = new Float64Array(count);
  const [large, small] = [imageOf(x!.shape), imageOf(dy!.shape)];
  const [a, b] = [x!.values, dy!.values];
  visitConv(large, small, op.filterSize, op, (xAt, yAt, cell) => {
    for (let i = 0, at = cell * large.c * small.c; i < large.c; i++) {
      const factor = xAt === padding ? 0 : a[xAt + i]!;
      for (let o = 0; o < small.c; o++, at++) result[at] = round(result[at]! + round(factor * b[yAt + o]!));
    }
  }, true);
  return result;
};

/** Cells outside the image count neither for the maximum nor for the mean. */
export const evaluatePool2d: EvaluateRule<"pool2d"> = (op, [x], { shape, count, round }) => {
  const [from, to] = [imageOf(x!.shape), imageOf(shape)];
  const max = op.function === "max";
  const result = new Float64Array(count).fill(max ? -Infinity : 0);
  const cells = new Float64Array(to.count * to.h * to.w);
  visitConv(from, to, op.window, { strides: op.strides, padding: op.padding, dilation: [1, 1] }, (xAt, yAt) => {
    cells[yAt / to.c]!++;
    for (let c = 0; c < to.c; c++) {
      const value = x!.values[xAt + c]!;
      result[yAt + c] = max ? Math.max(result[yAt + c]!, value) : round(result[yAt + c]! + value);
    }
  });
  if (!max) for (let i = 0; i < count; i++) result[i]! /= cells[Math.floor(i / to.c)]!;
  return result;
};

/** The adjoint of pool2d at x: of equal largest cells the first in the window, row by row, takes the gradient (as in TensorFlow); a NaN wins over numbers. */
export const evaluatePool2dGradient: EvaluateRule<"pool2d-gradient"> = (op, [x, dy], { shape, count, round }) => {
  const [to, from] = [imageOf(shape), imageOf(dy!.shape)];
  const [a, g] = [x!.values, dy!.values];
  const attributes = { strides: op.strides, padding: op.padding, dilation: [1, 1] } as const;
  const result = new Float64Array(count);
  if (op.function === "max") {
    const winners = new Int32Array(g.length).fill(-1);
    visitConv(to, from, op.window, attributes, (xAt, yAt) => {
      for (let c = 0; c < from.c; c++) {
        const [known, value] = [winners[yAt + c]!, a[xAt + c]!];
        if (known < 0 || value > a[known]! || (Number.isNaN(value) && !Number.isNaN(a[known]!))) winners[yAt + c] = xAt + c;
      }
    });
    winners.forEach((winner, i) => {
      if (winner >= 0) result[winner] = round(result[winner]! + g[i]!);
    });
    return result;
  }
  const cells = new Float64Array(from.count * from.h * from.w);
  visitConv(to, from, op.window, attributes, (_, yAt) => void cells[yAt / from.c]!++);
  visitConv(to, from, op.window, attributes, (xAt, yAt) => {
    for (let c = 0; c < from.c; c++) result[xAt + c] = round(result[xAt + c]! + round(g[yAt + c]! / cells[yAt / from.c]!));
  });
  return result;
};
