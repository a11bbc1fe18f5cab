import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import type { Kernel, KernelExpr, KernelFunction, KernelProgram } from "../../src/ir/kernel/nodes.js";
import { hostVectorWidth } from "../../src/runtime/node/native/index.js";

/** Tests that need a C compiler are skipped, visibly, where there is none. */
export const hasCompiler: boolean = await hostVectorWidth().then(
  () => true,
  () => false,
);

export function kernel(name: string, groups: number, lanes: number, write: (b: KernelBuilder) => void, extra: Partial<Kernel> = {}): Kernel {
  const b = new KernelBuilder(lanes);
  write(b);
  return { name, title: name, origins: [], groups, body: b.body(), flops: 0, bytes: 0, ...extra };
}

export function program(lanes: number, words: number, kernels: readonly Kernel[], functions: readonly KernelFunction[] = [], name = "test"): KernelProgram {
  return { name, lanes, words, kernels, functions };
}

/** c = a·b for row-major a [m, k] and b [k, n]: tiles of 6 rows and 4 vectors in registers, a group for each band of rows. */
export function matmul(lanes: number, [m, k, n]: readonly [number, number, number], [a, b, c]: readonly [number, number, number], tile = 6, vectors = 4): Kernel {
  const width = vectors * lanes;
  const rows = Math.floor(m / tile);
  return kernel(
    "matmul",
    rows,
    lanes,
    (w) => {
      const row = w.bind(w.multiply(w.group(), tile), "row");
      w.loop(0, n, width, (column) => {
        const sums = Array.from({ length: tile }, () => Array.from({ length: vectors }, () => w.variable(w.constant(0, "f32", "vector"), "sum")));
        w.loop(0, k, 1, (i) => {
          const right = Array.from({ length: vectors }, (_, v) => w.bind(w.load(w.add(w.add(w.multiply(i, n), column), b + v * lanes), "f32", "vector"), "b"));
          for (let r = 0; r < tile; r++) {
            const left = w.bind(w.load(w.add(w.add(w.multiply(w.add(row, r), k), i), a)), "a");
            for (let v = 0; v < vectors; v++) w.set(sums[r]![v]!, w.multiplyAdd(left, right[v] as KernelExpr, sums[r]![v]!));
          }
        });
        for (let r = 0; r < tile; r++) for (let v = 0; v < vectors; v++) w.store(w.add(w.add(w.multiply(w.add(row, r), n), column), c + v * lanes), sums[r]![v]!);
      });
    },
    { title: "matrix product", flops: 2 * m * k * n, bytes: 4 * (m * k + k * n + m * n) },
  );
}
