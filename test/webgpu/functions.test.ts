import { afterAll, describe, expect, it } from "vitest";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { binaryKernelFunctions } from "../../src/ir/kernel/functions/binary-functions.js";
import { arenaKey, logGammaAt, normalAt } from "../../src/ir/kernel/functions/random.js";
import { unaryKernelFunctions } from "../../src/ir/kernel/functions/unary-functions.js";
import type { Kernel, KernelExpr, KernelProgram } from "../../src/ir/kernel/nodes.js";
import { linear, sweep, ulpOf } from "../kernel/ulp.js";
import { closeGpu, missing, runReference, runWebGpu } from "./support.js";

afterAll(closeGpu);

const largest = 3.4028234663852886e38;
const xs = Float32Array.of(...sweep(-largest, largest, 601), ...linear(-20, 20, 201), ...linear(-1.2, 1.2, 101), ...linear(0.001, 10, 101), NaN, Infinity, -Infinity).map((x) => (Math.abs(x) < 2 ** -126 ? 0 : x));
const ys = xs.map((_, i) => xs[(i * 389 + 17) % xs.length]!);
const count = xs.length;
const lanes = 64;

/** One kernel for each function, its results behind those of the one before. */
function everyFunction(): KernelProgram {
  const kernels: Kernel[] = [];
  const add = (name: string, build: (k: KernelBuilder, x: KernelExpr, y: KernelExpr, index: KernelExpr) => KernelExpr): void => {
    const k = new KernelBuilder(lanes, true);
    const out = 8 + (2 + kernels.length) * count;
    k.vectorLoop(count, (i) => {
      const value = build(k, k.load(k.add(i, 8), "f32", "vector"), k.load(k.add(i, 8 + count), "f32", "vector"), k.add(i, k.laneNumbers()));
      k.store(k.add(i, out), k.convert(value, "f32"));
    });
    kernels.push({ name: `k_${name}`, title: name, origins: [], groups: 1, body: k.body(), flops: 0, bytes: 0 });
  };
  for (const [name, of] of Object.entries(unaryKernelFunctions)) if (name !== "not") add(name, (k, x) => of(k, x));
  for (const [name, of] of Object.entries(binaryKernelFunctions)) add(name, (k, x, y) => of(k, x, y));
  add("draw_normal", (k, _x, _y, index) => normalAt(k, arenaKey(k, 5), index));
  add("draw_log_gamma", (k, x, _y, index) => logGammaAt(k, arenaKey(k, 6), index, k.unary("abs", x)));
  return { name: "functions", lanes, simt: true, words: 8 + (2 + kernels.length) * count, kernels, functions: [] };
}

/** Where numbers on the way are subnormal, which WGSL may take for 0: they agree in nothing but that they are small. */
const onTheEdge: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  erf: (x) => Math.abs(x) < 1e-37,
  modulo: (x) => Math.abs(x) < 1e-25,
  // Draws that nobody draws: their density is subnormal.
  gamma_derivative: (x, y) => y > 1e30 || y < 1e-30 || Math.abs(x) > 1e15,
};

describe.skipIf(missing !== undefined)("elementary functions in WGSL", () => {
  // Guards that devices agree: what the interpreter gives, but for the last places that WGSL leaves to division and square root, and subnormal numbers.
  it("agree with the interpreter", async () => {
    const program = everyFunction();
    const fill = ({ f32, u32 }: { readonly f32: Float32Array; readonly u32: Uint32Array }): void => {
      u32.set([3, 12345, 67890]);
      f32.set(xs, 8);
      f32.set(ys, 8 + count);
    };
    const [got, expected] = [await runWebGpu(program, fill), runReference(program, fill)].map((words) => new Float32Array(words.buffer));
    const report: string[] = [];
    const wrong: string[] = [];
    program.kernels.forEach(({ title }, at) => {
      let [worst, where, differing] = [0, "", 0];
      for (let i = 0; i < count; i++) {
        const [a, b] = [got![8 + (2 + at) * count + i]!, expected![8 + (2 + at) * count + i]!];
        if (Object.is(a, b) || a === b) continue;
        differing++;
        const tiny = (Math.abs(a) < 2 ** -126 && Math.abs(b) < 2 ** -125) || onTheEdge[title]?.(xs[i]!, ys[i]!) === true;
        const error = tiny ? 0 : Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) / ulpOf(b) : Infinity;
        if (!(error <= worst)) [worst, where] = [error, `${title}(${xs[i]}, ${ys[i]}) = ${a}, not ${b}`];
      }
      report.push(`${title} ${worst} (${differing})`);
      if (!(worst <= 2)) wrong.push(`${where}: ${worst} ulp`);
    });
    console.log(`ulp from the interpreter (and how many of ${count} differ): ${report.join(", ")}`);
    expect(wrong).toEqual([]);
  }, 300_000);
});
