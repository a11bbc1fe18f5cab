import { afterAll, describe, expect, it } from "vitest";
import { evaluateKernels, poisonedArena } from "../../src/ir/kernel/evaluate.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import { type Product, simtProduct, tiledProduct } from "../../src/passes/simt/product.js";
import { heightOf, isAllowed, lanesOf, limitsOf, type Tile, tilesOf, widthOf } from "../../src/passes/simt/tiles.js";
import { type Target, type Template, type TemplateContext, webgpuTargetOf, type WorkgroupLimits } from "../../src/passes/templates/template.js";
import { closeGpu, missing, runWebGpu } from "./support.js";

afterAll(closeGpu);

interface Sizes {
  readonly batch?: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly sides?: number;
  /** Operands lie transposed. */
  readonly turned?: boolean;
}

/** y_side[b, m, n] = 2 Σ_k left[b, m, k] right_side[b, k, n] + what was there. */
function programOf({ batch = 1, m, n, k, sides = 1, turned = false }: Sizes, target: Target, make: (p: Product, context: TemplateContext) => Template): { program: KernelProgram; fill: (words: Float32Array) => void; expected: Float32Array; out: number } {
  const left = 8;
  const rightAt = left + batch * m * k;
  const out = rightAt + sides * batch * k * n;
  let words = out + sides * batch * m * n;
  const results = words - out;
  const flat = (b: Parameters<Product["left"]>[0], of: Parameters<Product["left"]>[1][number], row: Parameters<Product["left"]>[2], rows: number, column: Parameters<Product["left"]>[2], columns: number, at: number) =>
    b.add(b.add(b.multiply(b.add(b.multiply(of, rows), row), columns), column), at);
  const p: Product = {
    title: "a product", batch: [batch], m, n, k, sides, flops: 0, bytes: 0, leftAlongSum: !turned, rightAlongSum: turned,
    left: (b, [of], row, sum) => b.gather(b.widened(turned ? flat(b, of!, sum, k, row, m, left) : flat(b, of!, row, m, sum, k, left), "vector")),
    right: (b, side, [of], sum, column) => b.gather(b.widened(turned ? flat(b, of!, column, n, sum, k, rightAt + side * batch * k * n) : flat(b, of!, sum, k, column, n, rightAt + side * batch * k * n), "vector")),
    write: (b, [of], row, column, values) => values.forEach((value, side) => {
      const at = b.bind(b.widened(flat(b, of!, row, m, column, n, out + side * batch * m * n), "vector"));
      b.store(at, b.multiplyAdd(value, 2, b.gather(at)));
    }),
  };
  const template = make(p, { target, scratch: (count) => (words += count) - count, decide: (look) => look() });
  const number = (at: number): number => ((Math.imul(at + 1, 0x9e3779b1) >>> 24) - 128) / 64;
  const expected = new Float32Array(results);
  const of = (at: number): number => Math.fround(number(at));
  for (let side = 0; side < sides; side++) for (let b = 0; b < batch; b++) for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let s = 0; s < k; s++) sum += of(left + (turned ? (b * k + s) * m + i : (b * m + i) * k + s)) * of(rightAt + side * batch * k * n + (turned ? (b * n + j) * k + s : (b * k + s) * n + j));
    const at = ((side * batch + b) * m + i) * n + j;
    expected[at] = 2 * sum + of(out + at);
  }
  const kernels = [...template.before, template].map((kernel, at) => ({ ...kernel, name: `k${at}`, origins: [] }));
  return { program: { name: "product", lanes: target.lanes, simt: true, words, functions: [], kernels }, fill: (arena) => { for (let at = 8; at < out + results; at++) arena[at] = number(at); }, expected, out };
}

/** By the interpreter, on memory that nothing wrote but the operands, watching for races. */
function interpreted({ program, fill, out, expected }: ReturnType<typeof programOf>): Float32Array {
  verifyKernels(program);
  const arena = poisonedArena(program.words);
  fill(new Float32Array(arena));
  new Uint32Array(arena).fill(0, 0, 8);
  evaluateKernels(program, arena, { races: true, poison: true });
  return new Float32Array(arena, 4 * out, expected.length).slice();
}

const ragged: readonly Sizes[] = [{ m: 37, n: 21, k: 19 }, { m: 37, n: 21, k: 16, turned: true }, { batch: 2, m: 16, n: 40, k: 33 }, { m: 5, n: 3, k: 1 }, { m: 9, n: 7, k: 600, turned: true }];
const limits: readonly WorkgroupLimits[] = [{ invocations: 256, bytes: 16 << 10 }, { invocations: 1024, bytes: 48 << 10 }];
const nameOf = (tile: Tile): string => `${heightOf(tile)}×${widthOf(tile)}`;

// The numbers have 8 bits and sums are short: float32 adds them exactly, in any order.
describe("products in tiles, by the interpreter", () => {
  for (const workgroup of limits) {
    const target: Target = { ...webgpuTargetOf(workgroup), lanes: 4 };
    for (const tile of tilesOf(4)) {
      it(`of ${nameOf(tile)} by ${lanesOf(tile)} lanes, ${workgroup.bytes >> 10} KiB`, () => {
        for (const sizes of ragged) {
          const made = programOf(sizes, target, (p, context) => tiledProduct(p, tile, context));
          const got = interpreted(made);
          expect(got, JSON.stringify(sizes)).toEqual(made.expected);
        }
      });
    }
  }

  it("of two right operands that share the left one, and of one row or column", () => {
    const target: Target = { ...webgpuTargetOf(), lanes: 4 };
    for (const sizes of [{ m: 13, n: 9, k: 21, sides: 2 }, { m: 300, n: 1, k: 9 }, { batch: 3, m: 1, n: 5, k: 2 }, { m: 1, n: 1, k: 3 }, { m: 2, n: 1, k: 50 }]) {
      const made = programOf(sizes, target, simtProduct);
      expect(interpreted(made), JSON.stringify(sizes)).toEqual(made.expected);
    }
  });
});

describe.skipIf(missing !== undefined)("products in tiles, on a device", () => {
  for (const workgroup of [limits[0]!, { invocations: 256, bytes: 32 << 10 }]) {
    for (const tile of tilesOf(64)) {
      it(`of ${nameOf(tile)} by ${lanesOf(tile)} lanes, ${workgroup.bytes >> 10} KiB`, { timeout: 120_000 }, async () => {
        const target = webgpuTargetOf(workgroup);
        expect(isAllowed(tile, 1, limitsOf(target))).toBe(true);
        for (const sizes of [{ m: 150, n: 137, k: 21 }, { m: 130, n: 70, k: 16, turned: true }]) {
          const made = programOf(sizes, target, (p, context) => tiledProduct(p, tile, context));
          const words = await runWebGpu(made.program, ({ f32 }) => made.fill(f32));
          expect(new Float32Array(words.buffer, 4 * made.out, made.expected.length).slice()).toEqual(made.expected);
        }
      });
    }
  }
});
