import { describe, expect, it } from "vitest";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";

// Groups as workgroups of a GPU: lanes may rest, store anywhere, share memory, and see each other's words after barriers only.

const lanes = 8;

function programOf(words: number, groups: number, write: (k: KernelBuilder) => void, shared = 0): KernelProgram {
  const k = new KernelBuilder(lanes, true);
  write(k);
  return { name: "test", lanes, simt: true, words, functions: [], kernels: [{ name: "kernel_0", title: "test", origins: [], groups, body: k.body(), flops: 0, bytes: 0, shared }] };
}

function run(program: KernelProgram, fill: (words: Float32Array) => void = () => undefined): Float32Array {
  verifyKernels(program);
  const arena = new ArrayBuffer(4 * program.words);
  fill(new Float32Array(arena));
  evaluateKernels(program, arena, { races: true });
  return new Float32Array(arena);
}

describe("groups whose lanes are invocations", () => {
  it("cover a count that is no multiple of the lanes, and touch nothing beyond", () => {
    const program = programOf(24, 1, (k) => k.vectorLoop(11, (i) => k.store(k.add(i, 12), k.add(k.load(i, "f32", "vector"), 1))));
    const after = run(program, (words) => words.fill(5));
    expect([...after]).toEqual([...Array(12).fill(5), ...Array(11).fill(6), 5]);
  });

  it("let some lanes rest: registers keep their value, both branches run for their own lanes", () => {
    const program = programOf(16, 1, (k) => {
      const v = k.variable(k.constant(1, "f32", "vector"));
      k.when(k.less(k.laneNumbers(), 3), () => k.set(v, k.constant(2, "f32", "vector")), () => k.set(v, k.constant(3, "f32", "vector")));
      k.store(k.integer(0), v);
    });
    expect([...run(program).slice(0, 8)]).toEqual([2, 2, 2, 3, 3, 3, 3, 3]);
  });

  it("reverse through shared memory, with a barrier between", () => {
    const write = (barrier: boolean) => (k: KernelBuilder) => {
      k.storeShared(k.laneNumbers(), k.load(k.multiply(k.group(), lanes), "f32", "vector"));
      if (barrier) k.barrier();
      const from = k.subtract(k.constant(lanes - 1, "i32", "vector"), k.laneNumbers());
      k.store(k.add(k.add(k.multiply(k.group(), lanes), 16), k.laneNumbers()), k.loadShared(from));
    };
    const after = run(programOf(32, 2, write(true), lanes), (words) => words.set(Array.from({ length: 16 }, (_, i) => i)));
    expect([...after.slice(16)]).toEqual([7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8]);
    expect(() => run(programOf(32, 2, write(false), lanes))).toThrow(/with no barrier between/);
  });

  it("bring four words at once, and see who wrote each of them", () => {
    const write = (barrier: boolean) => (k: KernelBuilder) => {
      const own = k.convert(k.laneNumbers(), "f32");
      k.storeFour(k.laneNumbers(), [own, k.add(own, 100), k.add(own, 200), k.add(own, 300)]);
      if (barrier) k.barrier();
      const four = k.loadFour(k.subtract(k.constant(lanes - 1, "i32", "vector"), k.laneNumbers()));
      k.store(k.integer(0), k.add(four[0], four[3]));
      k.store(k.integer(8), k.loadShared(k.add(k.multiply(k.laneNumbers(), 4), 2)));
    };
    const after = run(programOf(16, 1, write(true), 4 * lanes));
    expect([...after]).toEqual([...Array.from({ length: 8 }, (_, l) => 300 + 2 * (7 - l)), ...Array.from({ length: 8 }, (_, l) => 200 + l)]);
    expect(() => run(programOf(16, 1, write(false), 4 * lanes))).toThrow(/with no barrier between/);
    expect(() => run(programOf(16, 1, write(true), 4 * lanes - 4))).toThrow(/outside the group's 28 words/);
    expect(() => run(programOf(16, 1, write(true), 4 * lanes + 1))).toThrow(/not used by fours/);
    expect(() => run(programOf(16, 1, (k) => (write(true)(k), k.storeShared(k.laneNumbers(), k.constant(0, "f32", "vector"))), 4 * lanes))).toThrow(/stored alone/);
  });

  it("have as many lanes as their kernel says", () => {
    const k = new KernelBuilder(16, true);
    k.store(k.integer(0), k.convert(k.laneNumbers(), "f32"));
    const program = programOf(16, 1, () => undefined);
    expect([...run({ ...program, kernels: [{ ...program.kernels[0]!, lanes: 16, body: k.body() }] })]).toEqual(Array.from({ length: 16 }, (_, l) => l));
    expect(() => verifyKernels({ ...program, kernels: [{ ...program.kernels[0]!, lanes: 12 }] })).toThrow(/12 lanes are not a power of two/);
    expect(() => verifyKernels({ ...program, simt: undefined, kernels: [{ ...program.kernels[0]!, lanes: 16, shared: undefined }] })).toThrow(/lanes are not invocations/);
  });

  it("may not read what another lane wrote without a barrier", () => {
    const write = (barrier: boolean) => (k: KernelBuilder) => {
      k.store(k.integer(0), k.convert(k.laneNumbers(), "f32"));
      if (barrier) k.barrier();
      k.store(k.integer(8), k.load(k.integer(3)));
    };
    expect(run(programOf(16, 1, write(true)))[8]).toBe(3);
    expect(() => run(programOf(16, 1, write(false)))).toThrow(/lane -1 reads word 3, which lane 3 wrote/);
  });

  it("may not do what concerns all lanes where some rest", () => {
    const inside = (write: (k: KernelBuilder) => void) => () => verifyKernels(programOf(16, 1, (k) => k.when(k.less(k.laneNumbers(), 3), () => write(k))));
    expect(inside((k) => k.store(k.integer(0), k.constant(1)))).toThrow(/a scalar is stored where some lanes rest/);
    expect(inside((k) => k.barrier())).toThrow(/a barrier where some lanes rest/);
    expect(inside((k) => k.store(k.integer(0), k.reduceLanes("add", k.constant(1, "f32", "vector"))))).toThrow(/where some lanes rest/);
  });

  it("are refused where lanes are registers", () => {
    const program = { ...programOf(16, 1, (k) => k.barrier()), simt: undefined };
    expect(() => verifyKernels(program)).toThrow(/lanes are not invocations/);
  });
});
