import { InternalError } from "../../util/internal-error.js";
import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { Conv2dAttributes } from "../../ir/tensor/nodes.js";
import type { Operand, Template, TemplateContext, Write } from "../templates/template.js";
import { product, unravel } from "../templates/views.js";
import { type Product, simtProduct } from "./product.js";

/** The products of the tensor IR as one matrix product each: dot, and convolutions whose image patches are the rows (implicit GEMM). */

interface Dot {
  readonly left: Operand;
  readonly rights: readonly Operand[];
  readonly transposeLeft: boolean;
  readonly transposeRight: boolean;
  readonly write: (k: KernelBuilder, index: readonly KernelExpr[], values: readonly KernelExpr[]) => void;
}

export function simtDot(o: Dot, context: TemplateContext): Template {
  const [leftShape, rightShape] = [o.left.shape, o.rights[0]!.shape];
  const [m, k] = o.transposeLeft ? [leftShape.at(-1)!, leftShape.at(-2)!] : [leftShape.at(-2)!, leftShape.at(-1)!];
  const [n, k2] = o.transposeRight ? [rightShape.at(-2)!, rightShape.at(-1)!] : [rightShape.at(-1)!, rightShape.at(-2)!];
  if (k !== k2) throw new InternalError(`dot of ${leftShape.join("×")} and ${rightShape.join("×")}`);
  const rank = Math.max(leftShape.length, rightShape.length) - 2;
  const aligned = (shape: readonly number[]) => [...Array<number>(rank - (shape.length - 2)).fill(1), ...shape.slice(0, -2)];
  const rightBatch = aligned(rightShape);
  const batch = aligned(leftShape).map((size, axis) => (size === 1 ? rightBatch[axis]! : size));
  const within = (b: KernelBuilder, shape: readonly number[], index: readonly KernelExpr[]): KernelExpr[] =>
    shape.slice(0, -2).map((size, axis, own) => (size === 1 ? b.integer(0) : index[rank - own.length + axis]!));
  const outputs = product(batch) * m * n;
  return simtProduct({
    title: `dot ${[...batch, m, n].join("×")} over ${k}`, batch, m, n, k, sides: o.rights.length,
    left: (b, at, row, sum) => o.left.read(b, [...within(b, leftShape, at), ...(o.transposeLeft ? [sum, row] : [row, sum])], "vector"),
    right: (b, side, at, sum, column) => o.rights[side]!.read(b, [...within(b, rightShape, at), ...(o.transposeRight ? [column, sum] : [sum, column])], "vector"),
    leftAlongSum: !o.transposeLeft, rightAlongSum: o.transposeRight,
    write: (b, at, row, column, values) => o.write(b, [...at, row, column], values),
    flops: 2 * outputs * k * o.rights.length, bytes: 4 * (product(leftShape) + o.rights.length * (product(rightShape) + outputs)),
  }, context);
}

interface Conv {
  readonly filter: Operand;
  readonly attributes: Conv2dAttributes;
  readonly write: Write;
}

/** A coordinate into 0 … size − 1, and whether it was there. */
function pinned(k: KernelBuilder, at: KernelExpr, size: number, low: boolean, high: boolean): { readonly at: KernelExpr; readonly inside: readonly KernelExpr[] } {
  const value = k.bind(at, "pixel");
  return { at: low || high ? k.bind(k.min(k.max(value, 0), size - 1), "pixel") : value, inside: [...(low ? [k.compare("greater_equal", value, 0)] : []), ...(high ? [k.less(value, size)] : [])] };
}

const all = (k: KernelBuilder, conditions: readonly KernelExpr[], value: KernelExpr): KernelExpr =>
  conditions.length === 0 ? value : k.select(conditions.reduce((a, b) => k.binary("and", a, b)), value, 0);

/** Pixels × output channels over taps × input channels. */
export function simtConv2d(o: Conv & { readonly x: Operand; readonly outputSize: readonly [number, number] }, context: TemplateContext): Template {
  const [kh, kw, c, n] = o.filter.shape as [number, number, number, number];
  const lead = o.x.shape.slice(0, -3);
  const m = product(lead) * product(o.outputSize);
  return simtProduct({
    ...convProduct(`conv2d ${kh}×${kw}×${c}→${n}`, m, n, kh * kw * c),
    left: (k, _, row, sum) => patch(k, o, o.x, o.outputSize, row, sum),
    right: (k, _, __, sum, column) => o.filter.read(k, [...unravel(k, sum, [kh, kw, c]), column], "vector"),
    leftAlongSum: true, rightAlongSum: false,
    write: (k, _, row, column, [value]) => o.write(k, [...unravel(k, row, [...lead, ...o.outputSize]), column], value!),
  }, context);
}

interface InputGradient extends Conv {
  readonly dy: Operand;
  readonly inputSize: readonly [number, number];
}

/**
 * The adjoint in x, also the transposed convolution: pixels of x × input channels over taps × output channels. Pixels whose taps are the same are a
 * product of their own, so that no zeros between strides are multiplied.
 */
export function simtConv2dInputGradient(o: InputGradient, context: TemplateContext): Template {
  const { strides, dilation } = o.attributes;
  return dilation.some((each) => each > 1) || strides.every((each) => each === 1) ? inputGradientOfTaps(o, context) : inputGradientByPhases(o, context);
}

/**
 * With stride s, pixel p of an axis meets the taps i ≡ p + padding (mod s): those of phase r are p = s q + (r − padding mod s), and its taps
 * i = r + s t meet windows ⌊(p + padding) / s⌋ − t.
 */
function inputGradientByPhases(o: InputGradient, context: TemplateContext): Template {
  const [kh, kw, n, c] = o.filter.shape as [number, number, number, number];
  const lead = o.dy.shape.slice(0, -3);
  const windows = o.dy.shape.slice(-3, -1) as [number, number];
  const { strides, padding } = o.attributes;
  const taps = [kh, kw] as const;
  const each = <T>(of: (axis: 0 | 1) => T): [T, T] => [of(0), of(1)];
  const pixels = each((a) => Math.ceil(o.inputSize[a] / strides[a]));
  const depth = each((a) => Math.ceil(taps[a] / strides[a]));
  const pixel = (k: KernelBuilder, a: 0 | 1, phase: KernelExpr, at: KernelExpr): KernelExpr => {
    const first = k.remainder(k.add(phase, strides[a] * padding[a][0] - padding[a][0]), strides[a]);
    return k.bind(k.add(k.multiply(at, strides[a]), first), "pixel");
  };
  const rowShape = [...lead, ...pixels];
  const m = product(rowShape);
  const sumShape = [...depth, c];
  return simtProduct({
    ...convProduct(`conv2d input gradient ${kh}×${kw}×${c}→${n}`, product(strides) * m, n, product(sumShape)),
    batch: [...strides], m,
    left: (k, phase, row, sum) => {
      const place = unravel(k, row, rowShape);
      const step = unravel(k, sum, sumShape);
      const at = each((a) => {
        const shifted = k.add(pixel(k, a, phase[a]!, place[lead.length + a]!), padding[a][0]);
        const window = pinned(k, k.subtract(k.divide(shifted, strides[a]), step[a]!), windows[a], true, true);
        const whole = taps[a] % strides[a] === 0 ? [] : [k.less(k.add(k.multiply(step[a]!, strides[a]), phase[a]!), taps[a])];
        return { at: window.at, inside: [...window.inside, ...whole.map((test) => widened(k, test))] };
      });
      return all(k, [...at[0].inside, ...at[1].inside], o.dy.read(k, [...place.slice(0, lead.length), at[0].at, at[1].at, step[2]!], "vector"));
    },
    right: (k, _, phase, sum, column) => {
      const step = unravel(k, sum, sumShape);
      const at = each((a) => pinned(k, k.add(k.multiply(step[a]!, strides[a]), phase[a]!), taps[a], false, taps[a] % strides[a] !== 0));
      return all(k, [...at[0].inside, ...at[1].inside], o.filter.read(k, [at[0].at, at[1].at, column, step[2]!], "vector"));
    },
    leftAlongSum: true, rightAlongSum: true,
    write: (k, phase, row, column, [value]) => {
      const place = unravel(k, row, rowShape);
      const at = each((a) => pixel(k, a, phase[a]!, place[lead.length + a]!));
      const inside = each((a) => (o.inputSize[a] % strides[a] === 0 ? [] : [widened(k, k.less(at[a], o.inputSize[a]))])).flat();
      const store = (): void => o.write(k, [...place.slice(0, lead.length), ...at, column], value!);
      if (inside.length === 0) store();
      else k.when(inside.reduce((x, y) => k.binary("and", x, y)), store);
    },
  }, context);
}

const widened = (k: KernelBuilder, test: KernelExpr): KernelExpr => k.widened(test, "vector");

function inputGradientOfTaps(o: InputGradient, context: TemplateContext): Template {
  const [kh, kw, n, c] = o.filter.shape as [number, number, number, number];
  const lead = o.dy.shape.slice(0, -3);
  const size = o.dy.shape.slice(-3, -1) as [number, number];
  const { strides, dilation, padding } = o.attributes;
  return simtProduct({
    ...convProduct(`conv2d input gradient ${kh}×${kw}×${c}→${n}`, product(lead) * product(o.inputSize), n, kh * kw * c),
    left: (k, _, row, sum) => {
      const place = unravel(k, row, [...lead, ...o.inputSize]);
      const tap = unravel(k, sum, [kh, kw, c]);
      // Windows whose tap lies on the pixel: those at (pixel + padding − tap · dilation) / stride, where that is whole.
      const axis = (a: 0 | 1) => {
        const shifted = k.bind(k.subtract(k.add(place[lead.length + a]!, padding[a][0]), k.multiply(tap[a]!, dilation[a])), "shifted");
        const stride = strides[a];
        const found = pinned(k, stride === 1 ? shifted : k.divide(k.max(shifted, 0), stride), size[a], false, true);
        const low = k.compare("greater_equal", shifted, 0);
        return { at: k.bind(k.max(found.at, 0), "window"), inside: [low, ...found.inside, ...(stride === 1 ? [] : [k.equal(k.remainder(k.max(shifted, 0), stride), 0)])] };
      };
      const [y, x] = [axis(0), axis(1)];
      return all(k, [...y.inside, ...x.inside], o.dy.read(k, [...place.slice(0, lead.length), y.at, x.at, tap[2]!], "vector"));
    },
    right: (k, _, __, sum, column) => {
      const [i, j, from] = unravel(k, sum, [kh, kw, c]) as [KernelExpr, KernelExpr, KernelExpr];
      return o.filter.read(k, [i, j, column, from], "vector");
    },
    leftAlongSum: true, rightAlongSum: true,
    write: (k, _, row, column, [value]) => o.write(k, [...unravel(k, row, [...lead, ...o.inputSize]), column], value!),
  }, context);
}

/** The adjoint in the filter: taps × input channels by output channels over pixels. */
export function simtConv2dFilterGradient(o: Omit<Conv, "filter"> & { readonly x: Operand; readonly dy: Operand; readonly filterSize: readonly [number, number] }, context: TemplateContext): Template {
  const [c, n] = [o.x.shape.at(-1)!, o.dy.shape.at(-1)!];
  const lead = o.dy.shape.slice(0, -3);
  const outputSize = o.dy.shape.slice(-3, -1) as [number, number];
  const taps = [...o.filterSize, c];
  return simtProduct({
    ...convProduct(`conv2d filter gradient ${o.filterSize.join("×")}×${c}→${n}`, product(taps), n, product(lead) * product(outputSize)),
    left: (k, _, row, sum) => patch(k, { ...o, filter: { shape: [...taps, n] } }, o.x, outputSize, sum, row),
    right: (k, _, __, sum, column) => o.dy.read(k, [...unravel(k, sum, [...lead, ...outputSize]), column], "vector"),
    leftAlongSum: false, rightAlongSum: false,
    write: (k, _, row, column, [value]) => o.write(k, [...unravel(k, row, taps), column], value!),
  }, context);
}

function convProduct(title: string, m: number, n: number, k: number): Pick<Product, "title" | "batch" | "m" | "n" | "k" | "sides" | "flops" | "bytes"> {
  return { title, batch: [], m, n, k, sides: 1, flops: 2 * m * n * k, bytes: 4 * (m * k / 9 + k * n + m * n) };
}

/** Element (tap, channel) of the patch of x under the window at a pixel of the result; padding is 0. */
function patch(k: KernelBuilder, { filter, attributes: { strides, dilation, padding } }: { readonly filter: { readonly shape: readonly number[] }; readonly attributes: Conv2dAttributes }, x: Operand, outputSize: readonly [number, number], pixel: KernelExpr, element: KernelExpr): KernelExpr {
  const [kh, kw, c] = filter.shape as [number, number, number];
  const lead = x.shape.slice(0, -3);
  const place = unravel(k, pixel, [...lead, ...outputSize]);
  const tap = unravel(k, element, [kh, kw, c]);
  const axis = (a: 0 | 1) => {
    const size = x.shape.at(a - 3)!;
    const reach = (outputSize[a] - 1) * strides[a] + ([kh, kw][a]! - 1) * dilation[a] - padding[a][0];
    return pinned(k, k.subtract(k.add(k.multiply(place[lead.length + a]!, strides[a]), k.multiply(tap[a]!, dilation[a])), padding[a][0]), size, padding[a][0] > 0, reach >= size);
  };
  const [y, w] = [axis(0), axis(1)];
  return all(k, [...y.inside, ...w.inside], x.read(k, [...place.slice(0, lead.length), y.at, w.at, tap[2]!], "vector"));
}
