import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { renderC } from "../../src/codegen/c/index.js";
import { emitWasm } from "../../src/codegen/wasm/artifact.js";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import { binaryKernelFunctions } from "../../src/ir/kernel/functions/binary-functions.js";
import { arenaKey, logGammaAt, normalAt } from "../../src/ir/kernel/functions/random.js";
import { unaryKernelFunctions } from "../../src/ir/kernel/functions/unary-functions.js";
import type { Kernel, KernelExpr, KernelProgram } from "../../src/ir/kernel/nodes.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import { createNativeModule } from "../../src/runtime/node/native/index.js";
import { createWasmModule } from "../../src/runtime/wasm/index.js";
import { linear, sweep } from "./ulp.js";

const largest = 3.4028234663852886e38;
const xs = Float32Array.of(...sweep(-largest, largest, 601), ...linear(-20, 20, 201), ...linear(-1.2, 1.2, 101), ...linear(0.001, 10, 101), NaN, Infinity, -Infinity);
/** The same numbers in another order, for second operands. */
const ys = xs.map((_, i) => xs[(i * 389 + 17) % xs.length]!);
const count = xs.length;
const [first, second] = [8, 8 + count];

/** One kernel for each function, its results behind those of the one before. */
function everyFunction(lanes: number): KernelProgram {
  const kernels: Kernel[] = [];
  const add = (name: string, build: (k: KernelBuilder, x: KernelExpr, y: KernelExpr, index: KernelExpr) => KernelExpr): void => {
    const k = new KernelBuilder(lanes);
    const out = 8 + (2 + kernels.length) * count;
    k.vectorLoop(count, (i, width) => {
      const index = width === "vector" ? k.add(i, k.laneNumbers()) : i;
      const value = build(k, k.load(k.add(i, first), "f32", width), k.load(k.add(i, second), "f32", width), index);
      k.store(k.add(i, out), k.convert(value, "f32"));
    });
    kernels.push({ name: `k_${name}`, title: name, origins: [], groups: 1, body: k.body(), flops: 0, bytes: 0 });
  };
  for (const [name, of] of Object.entries(unaryKernelFunctions)) if (name !== "not") add(name, (k, x) => of(k, x));
  for (const [name, of] of Object.entries(binaryKernelFunctions)) add(name, (k, x, y) => of(k, x, y));
  add("draw_normal", (k, _x, _y, index) => normalAt(k, arenaKey(k, 5), index));
  add("draw_log_gamma", (k, x, _y, index) => logGammaAt(k, arenaKey(k, 6), index, k.unary("abs", x)));
  return { name: "functions", lanes, words: 8 + (2 + kernels.length) * count, kernels, functions: [] };
}

function fill(f32: Float32Array, u32: Uint32Array): void {
  u32.set([3, 12345, 67890]);
  f32.set(xs, first);
  f32.set(ys, second);
}

/** The bits of each kernel's results; all NaNs are one, as their bits are the machine's choice. */
function results(u32: Uint32Array, program: KernelProgram): Record<string, readonly number[]> {
  return Object.fromEntries(
    program.kernels.map(({ title }, i) => [title, Array.from(u32.subarray(8 + (2 + i) * count, 8 + (3 + i) * count), (word) => ((word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word))]),
  );
}

function reference(program: KernelProgram): Record<string, readonly number[]> {
  verifyKernels(program);
  const arena = new ArrayBuffer(program.words * 4);
  fill(new Float32Array(arena), new Uint32Array(arena));
  evaluateKernels(program, arena);
  return results(new Uint32Array(arena), program);
}

const differing = (got: Record<string, readonly number[]>, expected: Record<string, readonly number[]>): string[] =>
  Object.keys(expected).flatMap((name) => {
    const at = expected[name]!.findIndex((word, i) => word !== got[name]![i]);
    return at < 0 ? [] : [`${name}(${xs[at]}, ${ys[at]}): ${got[name]![at]!.toString(16)}, not ${expected[name]![at]!.toString(16)}`];
  });

const folder = mkdtempSync(join(tmpdir(), "lvmc-functions-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("kernel functions give the same bits on every device", () => {
  // Guards the promise that results do not depend on the device: the interpreter is the truth.
  it("wasm", async () => {
    const program = everyFunction(4);
    const module = await createWasmModule(await emitWasm(program), { threads: 1, relaxed: true });
    fill(module.arena.f32, module.arena.u32);
    module.run(1);
    const got = results(module.arena.u32.slice(), program);
    module.dispose();
    expect(differing(got, reference(program))).toEqual([]);
  });

  it.skipIf(spawnSync("cc", ["--version"]).status !== 0)("native", async () => {
    const program = everyFunction(16);
    const module = await createNativeModule(renderC(program), { threads: 1, cacheFolder: folder });
    fill(module.arena.f32, module.arena.u32);
    module.run(1);
    const got = results(module.arena.u32.slice(), program);
    module.dispose();
    expect(differing(got, reference(program))).toEqual([]);
  }, 120_000);
});
