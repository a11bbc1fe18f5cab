import { describe, expect, it } from "vitest";
import { moments, reduceOp, softmax } from "../../src/passes/templates/softmax.js";
import { reduce } from "../../src/passes/templates/reduce.js";
import type { Target } from "../../src/passes/templates/template.js";
import { denseView, readView, storeView, viewOperand } from "../../src/passes/templates/views.js";
import { Arena, epilogue, expectClose, integer, normals, pick, produced, rng, runTemplate, targets } from "./harness.js";

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

/** Elements of each row (kept coordinates in order) and of which row each element is. */
function rowsOf(shape: readonly number[], axes: readonly number[]): { rows: number[][]; of: Int32Array; kept: number[] } {
  const kept = shape.filter((_, i) => !axes.includes(i));
  const rows: number[][] = Array.from({ length: product(kept) }, () => []);
  const of = new Int32Array(product(shape));
  for (let at = 0; at < of.length; at++) {
    let [rest, row, stride] = [at, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const coordinate = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
      if (axes.includes(axis)) continue;
      row += coordinate * stride;
      stride *= shape[axis]!;
    }
    rows[row]!.push(at);
    of[at] = row;
  }
  return { rows, of, kept };
}

const folds = {
  sum: (v: number[]) => v.reduce((a, b) => a + b, 0),
  product: (v: number[]) => v.reduce((a, b) => a * b, 1),
  max: (v: number[]) => Math.max(...v),
  min: (v: number[]) => Math.min(...v),
  logsumexp: (v: number[]) => {
    const top = Math.max(...v);
    return Number.isFinite(top) ? top + Math.log(v.reduce((a, b) => a + Math.exp(b - top), 0)) : top;
  },
};

function checkReduce(shape: readonly number[], axes: readonly number[], fn: keyof typeof folds, target: Target, mode: "store" | "accumulate", isProduced: boolean, seed: number): void {
  const data = normals(rng(seed), product(shape));
  const { rows, kept } = rowsOf(shape, axes);
  const arena = new Arena();
  const x = (isProduced ? produced : viewOperand)(arena.input(data, shape));
  const output = mode === "store" ? denseView(arena.reserve(rows.length), kept) : arena.input(new Float32Array(rows.length).fill(1), kept);
  const template = reduceOp({ x, type: "f32", axes, function: fn, write: epilogue(mode, output), repeatable: mode === "store" }, arena.context(target));
  const what = `${fn} of ${shape.join("×")} over ${axes.join()} lanes ${target.lanes} ${mode}`;
  let actual;
  try { actual = runTemplate(arena, template, target.lanes, output); } catch (error) { throw new Error(`${what}: ${String(error)}`, { cause: error }); }
  const values = rows.map((row) => folds[fn](row.map((at) => data[at]!)));
  const scale = rows.map((row) => 1 + (fn === "sum" ? row.reduce((sum, at) => sum + Math.abs(data[at]!), 0) : 0));
  expectClose(actual, mode === "store" ? values : values.map((v) => 2 * v + 1), scale, what);
}

const axesOf = (random: () => number, rank: number) => Array.from({ length: rank }, (_, i) => i).filter(() => random() < 0.5);

describe("reductions", () => {
  for (const target of targets) {
    // Guards: every set of axes, size class and function; no race, nothing unwritten read.
    it(`random shapes and axes, lanes ${target.lanes}`, () => {
      const random = rng(target.lanes);
      for (let trial = 0; trial < 80; trial++) {
        const shape = Array.from({ length: integer(random, 1, 4) }, () => pick(random, [1, 2, 3, 5, 8, 10, 17, 20, 33]));
        if (product(shape) > 20000) continue;
        checkReduce(shape, axesOf(random, shape.length), pick(random, ["sum", "max", "min", "product", "logsumexp"] as const), target, pick(random, ["store", "accumulate"] as const), random() < 0.3, trial);
      }
    });
    it(`long rows are cut into parts, lanes ${target.lanes}`, () => {
      for (const mode of ["store", "accumulate"] as const) {
        checkReduce([30011], [0], "sum", target, mode, false, 1);
        checkReduce([130, 127], [0, 1], "sum", target, mode, false, 2);
        checkReduce([1000, 35], [0], "sum", target, mode, false, 3);
        checkReduce([40, 25, 20], [0, 1], "max", target, mode, false, 4);
        checkReduce([3, 9001], [1], "logsumexp", target, mode, false, 5);
        checkReduce([2, 900, 20], [1], "logsumexp", target, mode, false, 6);
      }
    });
    it(`softmax and log-softmax along any axis, lanes ${target.lanes}`, () => {
      for (const [shape, axis] of [[[7, 10], 1], [[7, 10], 0], [[3, 33, 5], 1], [[2, 40], 1], [[1, 9000], 1], [[900, 20], 0], [[20], 0], [[4, 1], 1]] as const) {
        for (const log of [false, true]) {
          const data = normals(rng(3), product(shape)).map((v) => 3 * v);
          const arena = new Arena();
          const x = viewOperand(arena.input(data, shape));
          const output = denseView(arena.reserve(data.length), shape);
          const template = softmax({ x, axis, log, write: (k, index, value) => storeView(k, output, index, value) }, arena.context(target));
          const actual = runTemplate(arena, template, target.lanes, output);
          const { rows, of } = rowsOf(shape, [axis]);
          const totals = rows.map((row) => folds.logsumexp(row.map((at) => data[at]!)));
          expectClose(actual, Array.from(data, (v, at) => (log ? v - totals[of[at]!]! : Math.exp(v - totals[of[at]!]!))), log ? 10 : 1, `softmax ${shape.join("×")} along ${axis}`);
        }
      }
    });
    it(`mean and variance with a normalizing second pass, lanes ${target.lanes}`, () => {
      for (const [shape, axes] of [[[6, 40], [1]], [[50, 20], [0]], [[3, 5, 7, 4], [0, 1, 2]], [[700, 33], [0]], [[2, 9000], [1]]] as const) {
        const data = normals(rng(4), product(shape)).map((v) => v + 5);
        const arena = new Arena();
        const x = viewOperand(arena.input(data, shape));
        const output = denseView(arena.reserve(data.length), shape);
        const { rows, of, kept } = rowsOf(shape, axes);
        const means = denseView(arena.reserve(rows.length), kept);
        const template = moments({
          x, axes, write: (k, index, mean) => storeView(k, means, index, mean),
          each: (k, index, mean, variance, width) => storeView(k, output, index, k.divide(k.subtract(readView(x.view!)(k, index, width), mean), k.unary("sqrt", variance))),
        }, arena.context(target));
        const actual = runTemplate(arena, template, target.lanes, output);
        const mean = rows.map((row) => folds.sum(row.map((at) => data[at]!)) / row.length);
        const deviation = rows.map((row, r) => Math.sqrt(folds.sum(row.map((at) => (data[at]! - mean[r]!) ** 2)) / row.length));
        expectClose(actual, Array.from(data, (v, at) => (v - mean[of[at]!]!) / deviation[of[at]!]!), 5, `moments ${shape.join("×")}`);
      }
    });
  }
  it("infinities and NaN, all and any, integers", () => {
    const target = targets[0]!;
    const run = (data: ArrayLike<number>, type: "f32" | "i32" | "bool", fn: "logsumexp" | "max" | "all" | "any" | "sum", outType: "f32" | "i32") => {
      const arena = new Arena();
      const rows = data.length / 6;
      const x = viewOperand(arena.input(data, [rows, 6], type));
      const output = denseView(arena.reserve(rows), [rows], outType);
      const template = reduceOp({ x, type, axes: [1], function: fn, write: (k, index, value) => storeView(k, output, index, value) }, arena.context(target));
      return Array.from(runTemplate(arena, template, 4, output));
    };
    const inf = Infinity;
    const special = [-inf, -inf, -inf, -inf, -inf, -inf, 1, inf, 2, 3, 4, 5, 1, 2, NaN, 3, 4, 5, 1, 2, 3, 4, 5, NaN, -inf, 0, -inf, -inf, -inf, -inf];
    expect(run(special, "f32", "logsumexp", "f32")).toEqual([-inf, inf, NaN, NaN, 0]);
    expect(run(special, "f32", "max", "f32")).toEqual([-inf, inf, NaN, NaN, 0]);
    expect(run([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], "bool", "all", "i32")).toEqual([1, 0, 0]);
    expect(run([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], "bool", "any", "i32")).toEqual([1, 1, 0]);
    expect(run([1, 2, 3, 4, 5, 6, -7, 1, 1, 1, 1, 1], "i32", "sum", "i32")).toEqual([21, -2]);
  });
  it("several folds share one pass", () => {
    const data = normals(rng(8), 5 * 37);
    const arena = new Arena();
    const x = arena.input(data, [5, 37]);
    const output = denseView(arena.reserve(37), [37]);
    const template = reduce({
      shape: [5, 37], axes: [0], stages: [{ folds: ["sum", "max"], read: (k, index, width) => { const v = k.bind(readView(x)(k, index, width)); return [v, k.multiply(v, v)]; } }],
      write: (k, index, [sum, top]) => storeView(k, output, index, k.add(sum!, top!)),
    }, arena.context(targets[1]!));
    const expected = Array.from({ length: 37 }, (_, j) => [0, 1, 2, 3, 4].reduce((a, i) => a + data[i * 37 + j]!, 0) + Math.max(...[0, 1, 2, 3, 4].map((i) => data[i * 37 + j]! ** 2)));
    expectClose(runTemplate(arena, template, 8, output), expected, 5);
  });
});
