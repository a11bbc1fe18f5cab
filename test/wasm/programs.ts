import type { KernelExpr, KernelProgram } from "../../src/ir/kernel/nodes.js";
import { programOf } from "./support.js";

/** out[r] = Σ_c x[r, c], a row for each group: whole vectors, then the rest. */
export function rowSums(rows: number, columns: number): KernelProgram {
  const [x, out] = [4, 4 + rows * columns];
  return programOf(out + rows, [
    {
      groups: rows,
      title: "sum of x over columns",
      write: (b) => {
        const row = b.bind(b.multiply(b.group(), columns), "row");
        const [lanes, rest] = [b.variable(b.constant(0, "f32", "vector"), "lanes"), b.variable(b.constant(0), "rest")];
        b.vectorLoop(columns, (i, width) => {
          const value = b.load(b.add(b.add(row, i), x), "f32", width);
          if (width === "vector") b.set(lanes, b.add(lanes, value));
          else b.set(rest, b.add(rest, value));
        });
        b.store(b.add(b.group(), out), b.add(b.reduceLanes("add", lanes), rest));
      },
    },
  ]);
}

/** C = A B with one row of a and two vectors of columns in registers. */
export function matrixProduct(rows: number, inner: number, columns: number): KernelProgram {
  const [a, b0, c] = [4, 4 + rows * inner, 4 + rows * inner + inner * columns];
  const program = programOf(c + rows * columns, [
    {
      groups: rows,
      title: "C = A B",
      write: (b) => {
        const [row, out] = [b.bind(b.multiply(b.group(), inner), "row"), b.bind(b.multiply(b.group(), columns), "out")];
        b.loop(0, columns, 8, (j) => {
          const sums = [0, 4].map(() => b.variable(b.constant(0, "f32", "vector"), "sum"));
          b.loop(0, inner, 1, (k) => {
            const left = b.bind(b.widened(b.load(b.add(b.add(row, k), a)), "vector"), "a");
            sums.forEach((sum, v) => b.set(sum, b.multiplyAdd(left, b.load(b.add(b.add(b.multiply(k, columns), j), b0 + 4 * v), "f32", "vector"), sum)));
          }, "k");
          sums.forEach((sum, v) => b.store(b.add(b.add(out, j), c + 4 * v), sum));
        }, "j");
      },
    },
  ]);
  const source = { path: "models/vae.lvm", text: "network encoder(x: real[5])\n  h = dense(8)(x)\n  h\n" };
  return { ...program, kernels: program.kernels.map((kernel) => ({ ...kernel, origins: [{ source, start: 30, end: 45 }, { source, start: 0, end: 7 }] })) };
}

/** Integers, gathers, selects, a function: what elementwise kernels are made of. */
export function scaledNoise(count: number): KernelProgram {
  const [table, out] = [8, 40];
  return programOf(
    out + count,
    [
      {
        title: "table[hash(i)] where it is positive, else half of it",
        write: (b) => {
          const key = b.load(b.integer(1), "u32");
          b.vectorLoop(count, (i, width) => {
            const number = width === "vector" ? b.add(b.laneNumbers(), i) : i;
            const mixed = b.bind(b.binary("xor", b.multiply(b.convert(number, "u32"), 2654435761), key), "mixed");
            const index = b.convert(b.remainder(b.binary("shift_right", mixed, 7), 32), "i32");
            const value: KernelExpr = b.bind(width === "vector" ? b.gather(b.add(index, table)) : b.load(b.add(index, table)), "value");
            b.store(b.add(i, out), b.select(b.compare("greater", value, 0), b.min(value, 3), width === "vector" ? b.multiply(value, 0.5) : b.call("half", [value], "f32")));
          });
        },
      },
    ],
    [
      {
        name: "half",
        parameters: [{ name: "x", type: "f32" }],
        result: "f32",
        body: [],
        value: { kind: "binary", op: "multiply", left: { kind: "name", name: "x", type: "f32", width: "scalar" }, right: { kind: "constant", value: 0.5, type: "f32", width: "scalar" }, type: "f32", width: "scalar" },
      },
    ],
  );
}
