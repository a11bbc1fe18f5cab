import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import type { TensorNode } from "../../src/ir/tensor/nodes.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { numbers } from "../codegen/support/operation-cases.js";
import { identity, inverse, matmul, plus, transpose, type Matrix } from "../support/linear-algebra.js";
import { expectGradients } from "./support/slopes.js";

/** Whole expressions whose gradients are in every textbook, and blocks of networks by central differences. */

const matrix = (rows: number, columns: number, seed: number): Matrix => Array.from({ length: rows }, (_, i) => numbers(rows * columns, -1, 1, seed).slice(i * columns, (i + 1) * columns));
const flat = (a: Matrix): number[] => a.flat();

function gradients(inputs: Readonly<Record<string, Matrix>>, loss: (b: TensorBuilder, at: Readonly<Record<string, TensorNode>>) => TensorNode): Record<string, number[]> {
  const b = new TensorBuilder();
  const nodes = Object.fromEntries(Object.entries(inputs).map(([name, a]) => [name, b.input("column", name, [a.length, a[0]!.length])]));
  const made = gradientsOf(b, loss(b, nodes), Object.values(nodes));
  const program = b.program("p", Object.fromEntries(Object.keys(nodes).map((name, at) => [name, made[at]!])));
  verify(program);
  const bound = Object.fromEntries(Object.entries(inputs).map(([name, a]) => [name, { values: flat(a), shape: [a.length, a[0]!.length] }]));
  return Object.fromEntries(Object.entries(evaluate(program, { inputs: bound })).map(([name, { values }]) => [name, [...values]]));
}
const expectClose = (got: readonly number[], expected: readonly number[]): void => expected.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 11));

describe("closed forms", () => {
  it("least squares: d ‖Xw − y‖² = 2 Xᵀ (Xw − y)", () => {
    const [x, w, y] = [matrix(5, 3, 1), matrix(3, 1, 2), matrix(5, 1, 3)];
    const got = gradients({ x, w, y }, (b, at) => b.sum(b.square(b.subtract(b.dot(at.x!, at.w!), at.y!))));
    const rest = plus(matmul(x, w), y.map((row) => row.map((value) => -value)));
    expectClose(got.w!, flat(matmul(transpose(x), rest)).map((value) => 2 * value));
    expectClose(got.y!, flat(rest).map((value) => -2 * value));
  });

  it("cross entropy of logits: p − one-hot", () => {
    const logits = matrix(4, 3, 7);
    const labels = [2, 0, 1, 1];
    const got = gradients({ logits }, (b, at) => b.negate(b.sum(b.gather(b.logSoftmax(at.logits!), b.constant(labels, [4], "i32"), 1))));
    const expected = logits.flatMap((row, i) => {
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      return row.map((value, j) => Math.exp(value) / total - (labels[i] === j ? 1 : 0));
    });
    expectClose(got.logits!, expected);
  });

  // d log det A = A⁻¹ and d yᵀA⁻¹y = −A⁻¹ y yᵀ A⁻¹; an element below the diagonal stands for its mirror too.
  it("a normal's density by Cholesky, in its covariance", () => {
    const root = matrix(4, 4, 5);
    const a = plus(matmul(root, transpose(root)), identity(4));
    const y = matrix(4, 1, 6);
    const got = gradients({ a, y }, (b, at) => {
      const lower = b.cholesky(at.a!);
      const diagonal = b.sum(b.select(b.equal(b.expandDims(b.iota(4), [1]), b.iota(4)), lower, 0), [1]);
      return b.add(b.multiply(2, b.sum(b.log(diagonal))), b.sum(b.square(b.triangularSolve(lower, at.y!))));
    });
    const precision = inverse(a).inverse;
    const solved = matmul(precision, y);
    const full = plus(precision, matmul(solved, transpose(solved)).map((row) => row.map((value) => -value)));
    expectClose(got.a!, full.flatMap((row, i) => row.map((value, j) => (i === j ? value : i > j ? 2 * value : 0))));
    expectClose(got.y!, flat(solved).map((value) => 2 * value));
  });

  it("the KL of normals: d/dμ = μ, d/d log σ = σ² − 1", () => {
    const [mu, logSigma] = [matrix(2, 3, 8), matrix(2, 3, 9)];
    const got = gradients({ mu, logSigma }, (b, { mu: m, logSigma: s }) =>
      b.multiply(0.5, b.sum(b.subtract(b.add(b.square(m!), b.exp(b.multiply(2, s!))), b.add(1, b.multiply(2, s!))))));
    expectClose(got.mu!, flat(mu));
    expectClose(got.logSigma!, flat(logSigma).map((value) => Math.exp(2 * value) - 1));
  });
});

describe("blocks of networks over symbolic rows, by central differences", () => {
  const x = { values: numbers(2 * 4 * 3, -1, 1, 1), shape: ["rows", 4, 3] as const };
  it("layer normalization", () => {
    expectGradients({
      inputs: { x, g: { values: numbers(3, 0.5, 1.5, 2), shape: [3] }, c: { values: numbers(3, -1, 1, 3), shape: [3] } }, differentiable: ["x", "g", "c"],
      build: (b, { x: at, g, c }) => {
        const centered = b.subtract(at!, b.mean(at!, [2], true));
        return b.add(b.multiply(b.divide(centered, b.sqrt(b.add(1e-5, b.mean(b.square(centered), [2], true)))), g!), c!);
      },
    });
  });
  it("attention", () => {
    expectGradients({
      inputs: { x, q: { values: numbers(6, -1, 1, 2), shape: [3, 2] }, k: { values: numbers(6, -1, 1, 3), shape: [3, 2] }, v: { values: numbers(9, -1, 1, 4), shape: [3, 3] } }, differentiable: ["x", "q", "k", "v"],
      build: (b, { x: at, q, k, v }) => b.dot(b.softmax(b.multiply(Math.SQRT1_2, b.dot(b.dot(at!, q!), b.dot(at!, k!), false, true))), b.dot(at!, v!)),
    });
  });
  it("batch statistics over the rows", () => {
    expectGradients({
      inputs: { x: { values: numbers(10, -1, 1, 5), shape: ["rows", 2] } }, differentiable: ["x"],
      build: (b, { x: at }) => {
        const centered = b.subtract(at!, b.mean(at!, [0]));
        return b.exp(b.divide(centered, b.sqrt(b.add(1e-3, b.mean(b.square(centered), [0])))));
      },
    });
  });
  it("an embedding per row of the data set, used twice", () => {
    expectGradients({
      inputs: { table: { values: numbers(10, -1, 1, 6), shape: ["dataset", 2] }, rowIndex: { values: [4, 0, 4], shape: ["rows"], dtype: "i32" } }, dataset: 5, differentiable: ["table"],
      build: (b, { table, rowIndex }) => b.multiply(b.gather(table!, rowIndex!), b.add(1, b.exp(b.gather(table!, rowIndex!)))),
    });
  });
});
