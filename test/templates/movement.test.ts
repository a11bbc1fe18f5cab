import { describe, expect, it } from "vitest";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import type { DType, TensorNode, TensorOp } from "../../src/ir/tensor/nodes.js";
import { pool2d, pool2dGradient } from "../../src/passes/templates/pool.js";
import { argReduce, cumulativeSum, gather, scatterAdd } from "../../src/passes/templates/rows.js";
import type { Operand, Target, Template, TemplateContext, Write } from "../../src/passes/templates/template.js";
import { cholesky, triangularSolve } from "../../src/passes/templates/triangular.js";
import { denseView, viewOperand } from "../../src/passes/templates/views.js";
import { Arena, epilogue, expectClose, integer, normals, pick, produced, rng, runTemplate, targets } from "./harness.js";

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

interface Given { readonly values: ArrayLike<number>; readonly shape: readonly number[]; readonly dtype?: DType }

/** The template's result beside what `evaluate` says the operation means, in float64. */
function check(what: string, op: TensorOp, given: readonly Given[], shape: readonly number[], dtype: DType, target: Target,
  build: (operands: readonly Operand[], write: Write, context: TemplateContext) => Template, scale = 5, isProduced = false): void {
  const inputs: TensorNode[] = given.map(({ shape: own, dtype: type = "f32" }, id) => ({ id, op: { kind: "input", role: "column", name: `x${id}` }, inputs: [], dtype: type, shape: own }));
  const node: TensorNode = { id: inputs.length, op, inputs, dtype, shape };
  const expected = evaluate({ name: "t", nodes: [...inputs, node], inputs, outputs: { y: node } }, {
    inputs: Object.fromEntries(given.map(({ values, shape: own }, i) => [`x${i}`, { values: Float64Array.from(values), shape: own }])),
  } as Parameters<typeof evaluate>[1])["y"]!;
  const arena = new Arena();
  const operands = given.map(({ values, shape: own, dtype: type = "f32" }) => (isProduced && type === "f32" ? produced : viewOperand)(arena.input(values, own, type)));
  const output = denseView(arena.reserve(product(shape)), shape, dtype);
  const template = build(operands, epilogue("store", output), arena.context(target));
  let actual;
  try { actual = runTemplate(arena, template, target.lanes, output); } catch (error) { throw new Error(`${what}: ${String(error)}`, { cause: error }); }
  expectClose(actual, expected.values, scale, what);
}

describe("pools, rows and small matrices", () => {
  for (const target of targets) {
    // Guards: windows that overlap, leave gaps or hang over the edge; ties and NaN in the maximum's gradient.
    it(`pool2d and its gradient, lanes ${target.lanes}`, () => {
      const random = rng(target.lanes);
      for (let trial = 0; trial < 40; trial++) {
        const window = [integer(random, 1, 3), integer(random, 1, 3)] as const;
        // Windows side by side that fill the image are a case of their own.
        const tiled = trial % 4 === 0;
        const [h, w] = [0, 1].map((axis) => (tiled ? window[axis]! * integer(random, 1, 4) : integer(random, 2, 9))) as [number, number];
        const c = pick(random, [1, 3, 4, 8, 17, 20]);
        const lead = pick(random, [[], [2], [1, 2]]);
        const strides = tiled ? window : ([integer(random, 1, 3), integer(random, 1, 3)] as const);
        // Every window has a cell inside.
        const padding = tiled ? ([[0, 0], [0, 0]] as const) : [0, 1].map((axis) => [integer(random, 0, window[axis]! - 1), integer(random, 0, window[axis]! - 1)] as const) as unknown as readonly [readonly [number, number], readonly [number, number]];
        const size = (full: number, axis: 0 | 1) => Math.floor((full + padding[axis][0] + padding[axis][1] - window[axis]) / strides[axis]) + 1;
        const outputSize: [number, number] = [size(h, 0), size(w, 1)];
        if (outputSize[0] < 1 || outputSize[1] < 1) continue;
        const fn = pick(random, ["max", "mean"] as const);
        const shape = [...lead, h, w, c];
        const ties = random() < 0.5;
        const x = normals(random, product(shape)).map((v) => (ties ? Math.round(v) : v));
        if (trial % 7 === 0) x[integer(random, 0, x.length - 1)] = NaN;
        const attributes = { function: fn, window, strides, padding };
        const what = `pool ${JSON.stringify({ shape, ...attributes })}`;
        check(what, { kind: "pool2d", ...attributes }, [{ values: x, shape }], [...lead, ...outputSize, c], "f32", target,
          ([a], write, context) => pool2d({ x: a!, ...attributes, outputSize, write }, context), 5, trial % 2 === 0);
        const small = [...lead, ...outputSize, c];
        check(`${what} gradient`, { kind: "pool2d-gradient", ...attributes }, [{ values: x, shape }, { values: normals(random, product(small)), shape: small }], shape, "f32", target,
          ([a, dy], write, context) => pool2dGradient({ x: a!, dy: dy!, ...attributes, write }, context), 5, trial % 2 === 0);
      }
    });
    it(`gather and scatter-add, lanes ${target.lanes}`, () => {
      const random = rng(target.lanes + 1);
      for (let trial = 0; trial < 40; trial++) {
        const batch = pick(random, [[], [], [2], [3, 2]]);
        const many = pick(random, [[], [5], [3, 4], [40]]);
        const rest = pick(random, [[], [1], [7], [20], [3, 8], [33, 1]]);
        const n = integer(random, 1, 12);
        const table = { values: normals(random, product([...batch, n, ...rest])), shape: [...batch, n, ...rest] };
        const indices = { values: Array.from({ length: product([...batch, ...many]) }, () => integer(random, -2, n + 1)), shape: [...batch, ...many], dtype: "i32" as const };
        const shape = [...batch, ...many, ...rest];
        check(`gather ${shape.join("×")}`, { kind: "gather", batchDims: batch.length }, [table, indices], shape, "f32", target,
          ([a, b], write, context) => gather({ table: a!, indices: b!, batchDims: batch.length, write }, context));
        check(`scatter-add ${shape.join("×")}`, { kind: "scatter-add", batchDims: batch.length } as TensorOp, [indices, { values: normals(random, product(shape)), shape }], table.shape, "f32", target,
          ([a, b], write, context) => scatterAdd({ indices: a!, updates: b!, type: "f32", shape: table.shape, batchDims: batch.length, write }, context), 40);
      }
    });
    it(`cumulative sums and arg-reduce along any axis, lanes ${target.lanes}`, () => {
      const random = rng(target.lanes + 2);
      for (let trial = 0; trial < 40; trial++) {
        const shape = Array.from({ length: integer(random, 1, 3) }, () => pick(random, [1, 2, 5, 8, 20, 33]));
        const axis = integer(random, 0, shape.length - 1);
        const x = normals(random, product(shape)).map((v) => Math.round(2 * v) / 2);
        if (trial % 3 === 0) x[integer(random, 0, x.length - 1)] = NaN;
        const [exclusive, reverse] = [random() < 0.5, random() < 0.5];
        const what = `${shape.join("×")} along ${axis}`;
        check(`cumulative ${what} ${exclusive} ${reverse}`, { kind: "cumulative-sum", axis, exclusive, reverse }, [{ values: x, shape }], shape, "f32", target,
          ([a], write, context) => cumulativeSum({ x: a!, type: "f32", axis, exclusive, reverse, write }, context), 40);
        const fn = pick(random, ["max", "min"] as const);
        check(`arg ${fn} ${what}`, { kind: "arg-reduce", function: fn, axis }, [{ values: x, shape }], shape.filter((_, i) => i !== axis), "i32", target,
          ([a], write, context) => argReduce({ x: a!, type: "f32", axis, function: fn, write: (k, index, value) => write(k, index, value) }, context), 0);
      }
    });
    it(`cholesky and triangular solves, lanes ${target.lanes}`, () => {
      const random = rng(target.lanes + 3);
      for (const [n, columns, leadA, leadB] of [[1, 1, [], []], [3, 1, [5], [5]], [4, 20, [2], []], [7, 3, [], [3]], [6, 33, [2, 1], [3]], [5, 5, [200], [200]]] as const) {
        const lower = (scale: number) => {
          const matrices = product(leadA);
          const values = new Float32Array(matrices * n * n);
          for (let b = 0; b < matrices; b++) for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) values[b * n * n + i * n + j] = i === j ? 1 + random() : (random() - 0.5) * scale;
          return values;
        };
        const l = lower(1);
        const a = new Float32Array(l.length);
        for (let b = 0; b < product(leadA); b++) for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < n; p++) sum += l[b * n * n + i * n + p]! * l[b * n * n + j * n + p]!;
          a[b * n * n + i * n + j] = sum;
        }
        check(`cholesky ${n}`, { kind: "cholesky" }, [{ values: a, shape: [...leadA, n, n] }], [...leadA, n, n], "f32", target, ([x], write, context) => cholesky({ a: x!, write }, context));
        const rank = Math.max(leadA.length, leadB.length);
        const aligned = (lead: readonly number[]) => [...Array<number>(rank - lead.length).fill(1), ...lead];
        const lead = aligned(leadA).map((size, i) => Math.max(size, aligned(leadB)[i]!));
        for (const transpose of [false, true]) {
          check(`solve ${n}×${columns} ${transpose}`, { kind: "triangular-solve", transpose }, [{ values: l, shape: [...leadA, n, n] }, { values: normals(random, product([...leadB, n, columns])), shape: [...leadB, n, columns] }],
            [...lead, n, columns], "f32", target, ([x, b], write, context) => triangularSolve({ lower: x!, b: b!, transpose, write }, context), 50);
        }
      }
    });
  }
  it("a matrix that is not positive definite gives NaN", () => {
    const arena = new Arena();
    const output = denseView(arena.reserve(4), [2, 2]);
    const template = cholesky({ a: viewOperand(arena.input([1, 2, 2, 1], [2, 2])), write: epilogue("store", output) }, arena.context(targets[0]!));
    expect(Array.from(runTemplate(arena, template, 4, output))).toEqual([1, 0, 2, NaN]);
  });
});
