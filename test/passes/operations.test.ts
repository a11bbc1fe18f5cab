import { describe, expect, it } from "vitest";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { binaryFunctions, comparisonFunctions, unaryFunctions, type TensorNode } from "../../src/ir/tensor/nodes.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import { randomGenerator } from "../../src/util/random-generator.js";
import { differences, runKernels, simtTarget, testTarget } from "./support.js";

type Make = (b: TensorBuilder, x: (shape: number[]) => TensorNode, positive: (shape: number[]) => TensorNode, index: (shape: number[], below: number) => TensorNode) => TensorNode;

const spd = (b: TensorBuilder, x: (shape: number[]) => TensorNode, n: number, count = 2): TensorNode => {
  const a = x([count, n, n]);
  return b.add(b.dot(a, a, true, false), b.select(b.equal(b.reshape(b.iota(n), [n, 1]), b.iota(n)), 3, 0));
};

/** What the random programs do not have, or have only in company. */
const cases: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(unaryFunctions.filter((name) => name !== "not" && name !== "erf_inverse" && name !== "normal_quantile").map((name) => [`unary ${name}`, (b, _x, positive) => b.unary(name, positive([9]))] as [string, Make])),
  "unary erf_inverse": (b, x) => b.unary("erf_inverse", b.multiply(x([9]), 0.9)),
  "unary normal_quantile": (b, _x, positive) => b.unary("normal_quantile", b.multiply(positive([9]), 0.3)),
  "unary not": (b, x) => b.not(b.less(x([9]), 0)),
  ...Object.fromEntries(binaryFunctions.filter((name) => name !== "gamma_derivative").map((name) => [`binary ${name}`, (b, _x, positive) => b.binary(name, positive([5, 1]), positive([7]))] as [string, Make])),
  ...Object.fromEntries(comparisonFunctions.map((name) => [`compare ${name}`, (b, x) => (name === "and" || name === "or" ? b.compare(name, b.less(x([5, 3]), 0), b.less(x([3]), 0)) : b.compare(name, x([5, 3]), x([3])))] as [string, Make])),
  "reduce all": (b, x) => b.reduce("all", b.less(x([3, 9]), 0.9), [1]),
  "reduce any": (b, x) => b.reduce("any", b.less(x([3, 9]), -0.9), [0]),
  "reduce product": (b, x) => b.reduce("product", x([3, 9]), [1]),
  "reduce logsumexp over the first and the last axis": (b, x) => b.logsumexp(x([3, 4, 9]), [0, 2]),
  "reduce a large array to one value": (b, x) => b.sum(x([70, 300])),
  "reduce to short rows": (b, x) => b.max(x([6, 9, 2]), [1]),
  "arg-min": (b, x) => b.make({ kind: "arg-reduce", function: "min", axis: 1 }, [x([4, 9])], "i32"),
  "random-log-gamma": (b, _x, positive) => b.randomLogGamma("g", positive([6])),
  cholesky: (b, x) => b.cholesky(spd(b, x, 5)),
  "triangular-solve": (b, x) => b.triangularSolve(b.cholesky(spd(b, x, 4)), x([2, 4, 5])),
  "triangular-solve transposed, one right side": (b, x) => b.triangularSolve(b.cholesky(spd(b, x, 4)), x([4, 1]), true),
  // More systems than a CPU's kernels have groups: each workgroup has memory of its own.
  "cholesky of many": (b, x) => b.cholesky(spd(b, x, 2, 150)),
  "triangular-solve of many": (b, x) => b.triangularSolve(b.cholesky(spd(b, x, 2)), x([150, 1, 2, 1])),
  "gather in batches": (b, x, _, index) => b.gather(x([3, 5, 4]), index([3, 2], 5), 1),
  // Columns of several operations side by side, as the gradient of slices of one product has them: walked part by part, also where parts are no whole vectors.
  "parts along the last axis": (b, x) => b.addAll([b.pad(b.tanh(x([5, 6])), [0, 0], [0, 27], 0), b.pad(b.exp(x([5, 9])), [0, 6], [0, 18], 0), b.pad(x([5, 18]), [0, 15], [0, 0], 0)]),
  "a concatenation along the last axis, and values that overlap it": (b, x) => b.add(b.concatenate([x([5, 17]), b.exp(x([5, 18]))], 1), b.pad(x([5, 10]), [0, 20], [0, 5], 0.5)),
  "parts along the last axis of a reshape": (b, x) => b.reshape(b.add(b.pad(x([2, 3, 16]), [0, 0, 0], [0, 0, 20], 0), b.pad(b.square(x([2, 3, 20])), [0, 0, 16], [0, 0, 0], 1)), [6, 36]),
  "pad that cuts": (b, x) => b.pad(x([5, 6]), [-1, 2], [1, -2], 0.5),
  "pool2d-gradient": (b, x) => b.make({ kind: "pool2d-gradient", function: "max", window: [2, 2], strides: [2, 1], padding: [[1, 0], [0, 1]] }, [x([2, 5, 5, 3]), x([2, 3, 5, 3])], "f32", [2, 5, 5, 3]),
  "dot in batches, both transposed": (b, x) => b.dot(x([2, 1, 7, 5]), x([3, 4, 7]), true, true),
  "conv2d with dilation": (b, x) => b.conv2d(x([2, 7, 6, 2]), x([2, 3, 2, 5]), { strides: [1, 1], padding: [[1, 0], [1, 1]], dilation: [2, 1] }),
  // Odd sizes against the stride: phases with fewer taps and fewer pixels.
  "conv2d-input-gradient, strides 2 and 3": (b, x) => b.conv2dInputGradient(x([2, 4, 3, 5]), x([3, 4, 2, 5]), [8, 8], { strides: [2, 3], padding: [[1, 1], [1, 0]], dilation: [1, 1] }),
  "conv2d-input-gradient, strides 2 and 1": (b, x) => b.conv2dInputGradient(x([1, 3, 5, 2]), x([4, 2, 9, 2]), [7, 6], { strides: [2, 1], padding: [[2, 1], [0, 0]], dilation: [1, 1] }),
  "conv2d-input-gradient with dilation and stride": (b, x) => b.conv2dInputGradient(x([1, 3, 4, 2]), x([2, 2, 3, 2]), [7, 6], { strides: [2, 1], padding: [[0, 0], [0, 0]], dilation: [2, 2] }),
  "an empty concatenation part": (b, x) => b.concatenate([b.sliceAxis(x([3, 4]), 1, 0, 0), x([3, 4])], 1),
  "a sum over nothing": (b, x) => b.sum(b.sliceAxis(x([3, 4]), 1, 0, 0), [1]),
  "integers: modulo and multiply": (b, _x, _p, index) => b.binary("modulo", b.multiply(index([9], 50), 7), b.scalar(5, "i32")),
  "select of bools": (b, x) => b.select(b.less(x([9]), 0), b.less(x([9]), 0.5), b.greater(x([9]), -0.5)),
};

describe("each operation alone", () => {
  for (const [name, make] of Object.entries(cases)) {
    it(name, () => {
      const next = randomGenerator(name);
      const inputs: Record<string, { values: number[]; shape: number[] }> = {};
      const b = new TensorBuilder();
      const fresh = (shape: number[], value: () => number, dtype: "f32" | "i32" = "f32"): TensorNode => {
        const id = `x${Object.keys(inputs).length}`;
        inputs[id] = { values: Array.from({ length: shape.reduce((n, dim) => n * dim, 1) }, value), shape };
        return b.input("column", id, shape, dtype);
      };
      const node = make(b, (shape) => fresh(shape, () => Math.fround(2 * next() - 1)), (shape) => fresh(shape, () => Math.fround(0.1 + 3 * next())), (shape, below) => fresh(shape, () => Math.floor(next() * below), "i32"));
      const program = b.program(name, { y: node });
      for (const target of [testTarget, simtTarget, { ...simtTarget, lanes: 16 }]) {
        for (const fusion of ["full", "none"] as const) {
          const { outputs, scheduled } = runKernels(program, { inputs }, { fusion, target });
          verifyKernels(scheduled.kernels);
          expect(differences(program, { inputs }, outputs, 1e-5), `${target.lanes} lanes, ${fusion}`).toEqual([]);
        }
      }
    });
  }
});
