import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import type { ElementType, KernelExpr, KernelProgram, Statement } from "../../src/ir/kernel/nodes.js";
import { expressionsOf } from "./count-operations.js";

type Build = (k: KernelBuilder, ...args: KernelExpr[]) => KernelExpr;

/** A program that applies a function to columns of the arena (from word 4 on) and stores the results behind them. */
export function elementwiseProgram(build: Build, columns: readonly ElementType[], count: number, lanes = 256): KernelProgram {
  const k = new KernelBuilder(lanes);
  k.vectorLoop(count, (i, width) => {
    const args = columns.map((type, c) => k.load(k.add(i, 4 + c * count), type, width));
    k.store(k.add(i, 4 + columns.length * count), build(k, ...args));
  });
  const kernel = { name: "k0", title: "", origins: [], groups: 1, body: k.body(), flops: 0, bytes: 0 };
  return { name: "test", lanes, words: 4 + (columns.length + 1) * count, kernels: [kernel], functions: [] };
}

/** The function on each element of float32 columns, by the interpreter. */
export function applyFunction(build: Build, ...columns: readonly Float32Array[]): Float32Array {
  const count = columns[0]!.length;
  const program = elementwiseProgram(build, columns.map(() => "f32"), count);
  const arena = new ArrayBuffer(program.words * 4);
  columns.forEach((column, c) => new Float32Array(arena).set(column, 4 + c * count));
  evaluateKernels(program, arena);
  return new Float32Array(arena, (4 + columns.length * count) * 4, count);
}

/** How many operations one call costs: every expression node but constants, names and loads. Branches that are rarely taken apart. */
export function operationCount(build: Build, columns: number): { readonly always: number; readonly rare: number } {
  const k = new KernelBuilder(4);
  const args = Array.from({ length: columns }, (_, c) => k.load(k.constant(c, "i32"), "f32", "vector"));
  k.store(k.constant(0, "i32"), build(k, ...args));
  const count = (statements: readonly Statement[]): number =>
    statements.reduce((sum, statement) => sum + expressionsOf(statement).filter(({ kind }) => kind !== "constant" && kind !== "name" && kind !== "load").length, 0);
  const inside = (statements: readonly Statement[]): number =>
    statements.reduce((sum, s) => sum + (s.kind === "if" ? count(s.then) + inside(s.then) : s.kind === "for" ? count(s.body) + inside(s.body) : 0), 0);
  return { always: count(k.body()), rare: inside(k.body()) };
}
