import { describe, expect, it } from "vitest";
import { dot } from "../../src/passes/templates/dot.js";
import type { Target } from "../../src/passes/templates/template.js";
import { denseView, storeView, viewOperand } from "../../src/passes/templates/views.js";
import { Arena, epilogue, expectClose, integer, normals, pick, produced, rng, runTemplate, targets } from "./harness.js";

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

interface Case {
  readonly m: number; readonly n: number; readonly k: number;
  readonly leftBatch: readonly number[]; readonly rightBatch: readonly number[];
  readonly tl: boolean; readonly tr: boolean;
  readonly epilogue: "store" | "accumulate"; readonly produced: boolean;
}

function check(c: Case, target: Target, seed: number): void {
  const random = rng(seed);
  const leftShape = [...c.leftBatch, ...(c.tl ? [c.k, c.m] : [c.m, c.k])];
  const rightShape = [...c.rightBatch, ...(c.tr ? [c.n, c.k] : [c.k, c.n])];
  const [a, b] = [normals(random, product(leftShape)), normals(random, product(rightShape))];
  const rank = Math.max(c.leftBatch.length, c.rightBatch.length);
  const aligned = (batch: readonly number[]) => [...Array<number>(rank - batch.length).fill(1), ...batch];
  const [lb, rb] = [aligned(c.leftBatch), aligned(c.rightBatch)];
  const batch = lb.map((size, i) => (size === 1 ? rb[i]! : size));
  const arena = new Arena();
  const [left, right] = [arena.input(a, leftShape), arena.input(b, rightShape)];
  const shape = [...batch, c.m, c.n];
  const output = c.epilogue === "store" ? denseView(arena.reserve(product(shape)), shape) : arena.input(new Float32Array(product(shape)).fill(1), shape);
  const write = epilogue(c.epilogue, output);
  const operand = c.produced ? produced : viewOperand;
  const template = dot({
    left: operand(left), rights: [operand(right)], transposeLeft: c.tl, transposeRight: c.tr, repeatable: c.epilogue === "store",
    write: (k, index, [value]) => write(k, index, value!),
  }, arena.context(target));
  const actual = runTemplate(arena, template, target.lanes, output);
  const expected = new Float64Array(product(shape));
  const scale = new Float64Array(product(shape));
  const offset = (at: number, own: readonly number[]) => {
    let [flat, rest, stride] = [0, at, 1];
    for (let axis = rank - 1; axis >= 0; axis--) {
      const coordinate = rest % batch[axis]!;
      rest = Math.floor(rest / batch[axis]!);
      if (own[axis] !== 1) flat += coordinate * stride;
      stride *= own[axis]!;
    }
    return flat;
  };
  for (let at = 0; at < product(batch); at++) {
    const [l, r] = [offset(at, lb) * c.m * c.k, offset(at, rb) * c.k * c.n];
    for (let i = 0; i < c.m; i++) for (let j = 0; j < c.n; j++) {
      let [sum, magnitude] = [0, 0];
      for (let s = 0; s < c.k; s++) {
        const term = a[l + (c.tl ? s * c.m + i : i * c.k + s)]! * b[r + (c.tr ? j * c.k + s : s * c.n + j)]!;
        sum += term;
        magnitude += Math.abs(term);
      }
      const to = (at * c.m + i) * c.n + j;
      expected[to] = c.epilogue === "store" ? sum : 2 * sum + 1;
      scale[to] = magnitude;
    }
  }
  expectClose(actual, expected, scale, `${JSON.stringify(c)} lanes ${target.lanes}`);
}

/** A machine that packs early, and whose cache is small: what WebAssembly does with large matrices. */
const packing: Target = { lanes: 4, registers: 15, l1Bytes: 32768, l2Bytes: 1 << 12, packFrom: 8, bandsFrom: 8 };
const nameOf = (target: Target) => `lanes ${target.lanes}${target.packFrom === undefined ? "" : ", packing"}`;

describe("dot", () => {
  // Guards: every transposition, size class, epilogue and prologue gives the product, reads nothing unwritten or outside, and has no race.
  for (const target of [...targets, packing]) {
    it(`random sizes, ${nameOf(target)}`, () => {
      const random = rng(target.lanes);
      for (let trial = 0; trial < 60; trial++) {
        const size = () => pick(random, [1, 2, 3, 5, 7, 8, 16, 20, 31, 33, 40]);
        const batches = pick(random, [[[], []], [[], []], [[3], []], [[], [2]], [[2, 1], [3]], [[2], [2]], [[1], [4]]] as const);
        check({
          m: size(), n: size(), k: size(), leftBatch: batches[0], rightBatch: batches[1], tl: random() < 0.5, tr: random() < 0.5,
          epilogue: random() < 0.5 ? "store" : "accumulate", produced: random() < 0.3,
        }, target, integer(random, 0, 1e9));
      }
    });
    it(`long sums are split into fixed parts, ${nameOf(target)}`, () => {
      for (const tl of [false, true]) for (const tr of [false, true]) {
        check({ m: 5, n: 20, k: 1101, leftBatch: [], rightBatch: [], tl, tr, epilogue: "accumulate", produced: false }, target, 5);
        check({ m: 1, n: 1, k: 1500, leftBatch: [], rightBatch: [], tl, tr, epilogue: "store", produced: false }, target, 5);
      }
      check({ m: 16, n: 32, k: 4000, leftBatch: [], rightBatch: [], tl: true, tr: false, epilogue: "store", produced: false }, target, 6);
      // Where the left operand's rows lie far apart, parts are what the second cache holds.
      const cut = { ...target, l2Bytes: 8 << 10 };
      check({ m: 37, n: 21, k: 1030, leftBatch: [], rightBatch: [], tl: true, tr: false, epilogue: "accumulate", produced: false }, cut, 7);
      check({ m: 37, n: 21, k: 1030, leftBatch: [], rightBatch: [], tl: true, tr: true, epilogue: "store", produced: true }, cut, 8);
    });
    it(`odd sizes of real models, ${nameOf(target)}`, () => {
      check({ m: 33, n: 127, k: 20, leftBatch: [], rightBatch: [], tl: false, tr: false, epilogue: "store", produced: false }, target, 1);
      check({ m: 12, n: 784, k: 7, leftBatch: [], rightBatch: [], tl: false, tr: false, epilogue: "accumulate", produced: false }, target, 2);
      check({ m: 100, n: 20, k: 16, leftBatch: [], rightBatch: [], tl: true, tr: false, epilogue: "accumulate", produced: true }, target, 3);
      check({ m: 64, n: 1, k: 33, leftBatch: [], rightBatch: [], tl: true, tr: true, epilogue: "accumulate", produced: false }, target, 4);
    });
    it(`heads side by side share the left operand, ${nameOf(target)}`, () => {
      const random = rng(9);
      for (const [m, n, k, tr] of [[13, 20, 30, false], [13, 20, 30, true], [3, 2, 5, false], [40, 3, 64, true], [40, 35, 10, false], [67, 33, 7, true]] as const) {
        const arena = new Arena();
        const [a, b, c] = [normals(random, m * k), normals(random, n * k), normals(random, n * k)];
        const shape = tr ? [n, k] : [k, n];
        const [left, first, second] = [arena.input(a, [m, k]), arena.input(b, shape), arena.input(c, shape)];
        const output = denseView(arena.reserve(m * n), [m, n]);
        const template = dot({
          left: viewOperand(left), rights: [viewOperand(first), viewOperand(second)], transposeLeft: false, transposeRight: tr,
          write: (kb, index, [x, y]) => storeView(kb, output, index, kb.subtract(x!, kb.multiply(y!, 3))),
        }, arena.context(target));
        const actual = runTemplate(arena, template, target.lanes, output);
        const expected = Float64Array.from({ length: m * n }, (_, at) => {
          const [i, j] = [Math.floor(at / n), at % n];
          let sum = 0;
          for (let s = 0; s < k; s++) sum += a[i * k + s]! * (b[tr ? j * k + s : s * n + j]! - 3 * c[tr ? j * k + s : s * n + j]!);
          return sum;
        });
        expectClose(actual, expected, 30, "heads");
      }
    });
  }
  // Guards results that are made in bands of rows (more than 1024 elements here) and right operands that are packed though they could be read in place: tails of
  // rows and columns, narrow last panels, epilogues that may run only once.
  it("results longer than the cache, and long panels", () => {
    let seed = 1;
    for (const m of [32, 37, 40, 800]) for (const n of [32, 36, 37, 43]) for (const tl of [false, true]) for (const tr of [false, true]) {
      const some = { m, n, leftBatch: [], rightBatch: [], tl, tr, epilogue: seed % 2 === 0 ? "store" : "accumulate", produced: seed % 3 === 0 } as const;
      check({ ...some, k: 9 }, packing, seed++);
      if (m < 100) check({ ...some, k: 70 }, packing, seed++);
    }
    const dotOf = (m: number, n: number, k: number, target: Target) => {
      const view = (shape: number[]) => viewOperand(denseView(0, shape));
      return dot({ left: view([m, k]), rights: [view([k, n])], transposeLeft: false, transposeRight: false, write: () => {} }, new Arena().context(target));
    };
    expect(dotOf(40, 36, 9, packing).before.map(({ title }) => title)).toEqual(["pack right operand"]);
    expect(dotOf(40, 36, 9, targets[0]!).before).toEqual([]);
  });
  it("keeps many groups busy without depending on the number of threads", () => {
    const arena = new Arena();
    const view = (shape: number[]) => viewOperand(denseView(arena.reserve(product(shape)), shape));
    const template = dot({ left: view([128, 784]), rights: [view([784, 400])], transposeLeft: false, transposeRight: false, write: () => {} }, arena.context(targets[2]!));
    expect(template.groups).toBeGreaterThanOrEqual(32);
    expect(template.flops).toBe(2 * 128 * 784 * 400);
  });
});
