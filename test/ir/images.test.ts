import { describe, expect, it } from "vitest";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, seededRandom } from "../../src/ir/tensor/evaluate.js";
import type { Conv2dAttributes } from "../../src/ir/tensor/nodes.js";
import { samePadding } from "../../src/ir/tensor/shape-rules.js";
import { verify } from "../../src/ir/tensor/verify.js";

const settings: readonly (Conv2dAttributes & { size: [number, number]; kernel: [number, number] })[] = [
  { size: [5, 4], kernel: [3, 3], strides: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] },
  { size: [5, 6], kernel: [3, 2], strides: [2, 2], padding: [samePadding(5, 3, 2), samePadding(6, 2, 2)], dilation: [1, 1] },
  { size: [7, 7], kernel: [3, 3], strides: [2, 3], padding: [[1, 0], [2, 1]], dilation: [2, 1] },
  { size: [4, 4], kernel: [4, 4], strides: [2, 2], padding: [[1, 1], [1, 1]], dilation: [1, 1] },
  { size: [6, 5], kernel: [1, 1], strides: [3, 2], padding: [[0, 0], [0, 0]], dilation: [1, 1] },
];
const [batch, channels, outputs] = [2, 3, 2];

function draw(name: string, shape: readonly number[]): { values: Float64Array; shape: readonly number[] } {
  return { values: seededRandom(11).normal(name, shape.reduce((a, b) => a * b, 1)), shape };
}

function inner(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

for (const { size, kernel, ...attributes } of settings) {
  describe(`conv2d ${JSON.stringify({ size, kernel, ...attributes })}`, () => {
    const b = new TensorBuilder();
    const x = b.input("column", "x", ["rows", ...size, channels]);
    const filter = b.input("parameter", "filter", [...kernel, channels, outputs]);
    const y = b.conv2d(x, filter, attributes);
    const dy = b.input("column", "dy", y.shape);
    const program = b.program("conv", {
      y,
      dx: b.conv2dInputGradient(dy, filter, size, attributes),
      dfilter: b.conv2dFilterGradient(x, dy, kernel, attributes),
    });
    const inputs = { x: draw("x", [batch, ...size, channels]), filter: draw("f", [...kernel, channels, outputs]), dy: draw("dy", [batch, ...(y.shape.slice(1) as number[])]) };
    const result = evaluate(program, { inputs });

    it("is what its definition says: y[n, p, q, o] = Σ x[n, p s + i d − pad, …, c] filter[i, j, c, o]", () => {
      verify(program);
      const [h, w] = y.shape.slice(1, 3) as [number, number];
      const at = (n: number, p: number, q: number, c: number): number =>
        p < 0 || q < 0 || p >= size[0] || q >= size[1] ? 0 : inputs.x.values[((n * size[0] + p) * size[1] + q) * channels + c]!;
      for (let n = 0; n < batch; n++) {
        for (let p = 0; p < h; p++) {
          for (let q = 0; q < w; q++) {
            for (let o = 0; o < outputs; o++) {
              let sum = 0;
              for (let i = 0; i < kernel[0]; i++) {
                for (let j = 0; j < kernel[1]; j++) {
                  for (let c = 0; c < channels; c++) {
                    const [row, column] = [p * attributes.strides[0] + i * attributes.dilation[0] - attributes.padding[0][0], q * attributes.strides[1] + j * attributes.dilation[1] - attributes.padding[1][0]];
                    sum += at(n, row, column, c) * inputs.filter.values[((i * kernel[1] + j) * channels + c) * outputs + o]!;
                  }
                }
              }
              expect(result.y!.values[((n * h + p) * w + q) * outputs + o]).toBeCloseTo(sum, 12);
            }
          }
        }
      }
    });

    it("its gradients are its adjoints: ⟨conv(x, f), dy⟩ = ⟨x, dx⟩ = ⟨f, df⟩", () => {
      const expected = inner(result.y!.values, inputs.dy.values);
      expect(inner(inputs.x.values, result.dx!.values)).toBeCloseTo(expected, 11);
      expect(inner(inputs.filter.values, result.dfilter!.values)).toBeCloseTo(expected, 11);
    });
  });
}

// Guards the meaning that other libraries give to padding: zeros that are multiplied.
describe("an ∞ in the filter of a padded convolution", () => {
  const attributes: Conv2dAttributes = { strides: [1, 1], padding: [[0, 0], [1, 1]], dilation: [1, 1] };
  const ones = { values: [1, 1, 1], shape: [1, 3, 1] };
  const filter = { values: [Infinity, 1, 1], shape: [1, 3, 1, 1] };
  it("gives NaN where it meets the padding, in every direction", () => {
    const b = new TensorBuilder();
    const [x, f] = [b.input("column", "x", [1, 3, 1]), b.input("parameter", "f", [1, 3, 1, 1])];
    const program = b.program("padding", { y: b.conv2d(x, f, attributes), dx: b.conv2dInputGradient(x, f, [1, 3], attributes), df: b.conv2dFilterGradient(x, b.log(b.subtract(x, 1)), [1, 3], attributes) });
    const { y, dx, df } = evaluate(program, { inputs: { x: ones, f: filter } });
    expect([...y!.values]).toEqual([NaN, Infinity, Infinity]);
    expect([...dx!.values]).toEqual([Infinity, Infinity, NaN]);
    expect([...df!.values]).toEqual([NaN, -Infinity, NaN]);
  });
});

describe("leading axes", () => {
  it("any number of them is a batch; none is one image", () => {
    const b = new TensorBuilder();
    const plain: Conv2dAttributes = { strides: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] };
    const values = [...seededRandom(1).normal("x", 2 * 3 * 3)];
    const filter = b.constant([1, 2, 3, 4], [2, 2, 1, 1]);
    const two = b.conv2d(b.constant(values, [2, 1, 3, 3, 1]), filter, plain);
    const last = b.conv2d(b.constant(values.slice(9), [3, 3, 1]), filter, plain);
    const result = evaluate(b.program("p", { two, last }), { inputs: {} });
    expect(result.two!.shape).toEqual([2, 1, 2, 2, 1]);
    expect(result.two!.values.slice(4)).toEqual(result.last!.values);
  });
});

describe("cholesky and triangular solve", () => {
  it("L Lᵀ = A, L x = b and Lᵀ x = b on random batches with broadcasting", () => {
    const b = new TensorBuilder();
    const n = 5;
    const root = b.input("column", "root", [3, n, n]);
    const a = b.add(b.dot(root, root, false, true), b.constant(Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)), [n, n]));
    const lower = b.cholesky(a);
    const right = b.input("column", "right", [n, 2]);
    const [x, xt] = [b.triangularSolve(lower, right), b.triangularSolve(lower, right, true)];
    const program = b.program("p", { a, back: b.dot(lower, lower, false, true), right: b.broadcast(right, [3, n, 2]), lx: b.dot(lower, x), ltx: b.dot(lower, xt, true) });
    verify(program);
    const result = evaluate(program, { inputs: { root: draw("root", [3, n, n]), right: draw("right", [n, 2]) } });
    result.a!.values.forEach((value, i) => expect(result.back!.values[i]).toBeCloseTo(value, 11));
    result.right!.values.forEach((value, i) => {
      expect(result.lx!.values[i]).toBeCloseTo(value, 11);
      expect(result.ltx!.values[i]).toBeCloseTo(value, 11);
    });
  });
});
