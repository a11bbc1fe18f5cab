import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import { arenaKey, logGammaAt, normalAt, normalPair, threefry, uniformAt, uniformPair, type Words } from "../../src/ir/kernel/functions/random.js";
import type { KernelExpr, KernelProgram, Width } from "../../src/ir/kernel/nodes.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import { createRandom, fillLogGamma, fillNormal, fillUniform } from "../../src/runtime/random/index.js";
import { ulpError } from "./ulp.js";

const known = new URL("../../../shared/data/known-answers/random123_kat_vectors", import.meta.url);
const seed = 0x1234_5678_9abc_def0n;
const [step, site, count] = [7, 3, 1003];

/** Fills words 16 … by element, vectors and then the rest. */
function fill(at: (k: KernelBuilder, key: Words, index: KernelExpr, width: Width) => KernelExpr, lanes = 8): { readonly values: Float32Array; readonly program: KernelProgram } {
  const k = new KernelBuilder(lanes);
  const key = arenaKey(k, site);
  k.vectorLoop(count, (i, width) => k.store(k.add(i, 16), at(k, key, width === "vector" ? k.add(i, k.laneNumbers()) : i, width)));
  return run(k, lanes);
}

function run(k: KernelBuilder, lanes: number): { readonly values: Float32Array; readonly program: KernelProgram } {
  const program = { name: "p", lanes, words: 16 + count + 1, functions: [], kernels: [{ name: "k", title: "", origins: [], groups: 1, body: k.body(), flops: 0, bytes: 0 }] };
  verifyKernels(program);
  const arena = new ArrayBuffer(program.words * 4);
  const random = createRandom(seed);
  new Uint32Array(arena).set([step, ...random.seed]);
  evaluateKernels(program, arena);
  return { values: new Float32Array(arena, 64, count), program };
}

const truth = (filler: (out: Float32Array, key: ReturnType<ReturnType<typeof createRandom>["key"]>) => void): Float32Array => {
  const out = new Float32Array(count);
  filler(out, createRandom(seed).key(site, step));
  return out;
};

describe("random numbers in kernels", () => {
  // Guards Threefry itself against Random123's own numbers.
  it.skipIf(!existsSync(known))("agree with the known answers of Random123", () => {
    const cases = readFileSync(known, "utf8").split("\n").filter((line) => line.startsWith("threefry2x32 20 ")).map((line) => line.trim().split(/\s+/).slice(2).map((word) => parseInt(word, 16)));
    expect(cases.length).toBeGreaterThanOrEqual(3);
    for (const [c0, c1, k0, k1, x, y] of cases as [number, number, number, number, number, number][]) {
      const k = new KernelBuilder(4);
      const words = threefry(k, { first: k0, second: k1 }, c0, c1);
      k.store(k.integer(0), words.first);
      k.store(k.integer(1), words.second);
      const arena = new ArrayBuffer(8);
      evaluateKernels({ name: "p", lanes: 4, words: 2, functions: [], kernels: [{ name: "k", title: "", origins: [], groups: 1, body: k.body(), flops: 0, bytes: 0 }] }, arena);
      expect([...new Uint32Array(arena)]).toEqual([x, y]);
    }
  });

  // Guards that a kernel draws what the run time draws for the same key, element by element, in any width.
  for (const lanes of [1, 4, 8]) {
    it(`uniforms are the run time's bits (${lanes} lanes)`, () => {
      expect(fill(uniformAt, lanes).values).toEqual(truth((out, key) => fillUniform(out, key)));
    });
  }

  it("normals are the run time's within 4 ulp, and the same for scalars and vectors", () => {
    const { values } = fill(normalAt);
    const expected = truth((out, key) => fillNormal(out, key));
    const worst = Math.max(...Array.from(values, (x, i) => ulpError(x, expected[i]!)));
    expect(worst).toBeLessThanOrEqual(4);
    expect(values).toEqual(fill(normalAt, 1).values);
  });

  it("pairs are the elements themselves", () => {
    for (const [pair, at] of [[uniformPair, uniformAt], [normalPair, normalAt]] as const) {
      const k = new KernelBuilder(4);
      const key = arenaKey(k, site);
      k.loop(0, Math.ceil(count / 2), 1, (block) => {
        const { first, second } = pair(k, key, block);
        k.store(k.add(k.multiply(block, 2), 16), first);
        k.store(k.add(k.multiply(block, 2), 17), second);
      });
      expect(run(k, 4).values).toEqual(fill(at).values);
    }
  });

  // Draws agree with the run time up to rounding: the same blocks are taken and the same rounds rejected.
  for (const alpha of [0.01, 0.3, 1, 4.5, 1000]) {
    it(`log-gamma draws are the run time's, alpha ${alpha}`, () => {
      const { values } = fill((k, key, index, width) => logGammaAt(k, key, index, k.widened(k.constant(alpha), width)));
      const expected = truth((out, key) => fillLogGamma(out, alpha, key));
      let different = 0;
      for (let i = 0; i < count; i++) if (!(Math.abs(values[i]! - expected[i]!) <= 2e-6 * Math.max(1, Math.abs(expected[i]!)))) different++;
      // A draw whose acceptance hangs on rounding may differ; none does for these keys.
      expect(different).toBe(0);
    });
  }

  it("a shape that is not positive gives NaN", () => {
    for (const alpha of [0, -1, NaN]) {
      const { values } = fill((k, key, index, width) => logGammaAt(k, key, index, k.widened(k.constant(alpha), width)));
      expect(values.every(Number.isNaN)).toBe(true);
    }
  });
});
