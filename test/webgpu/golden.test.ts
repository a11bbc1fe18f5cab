import { describe, expect, it } from "vitest";
import { renderWgsl } from "../../src/codegen/wgsl/index.js";
import type { KernelExpr, KernelProgram } from "../../src/ir/kernel/nodes.js";
import { programOf } from "./support.js";

/** C = A B by tiles in shared memory, then a row sum with a function: most of what kernels on a GPU are made of. */
function program(): KernelProgram {
  const x: KernelExpr = { kind: "name", name: "x", type: "f32", width: "scalar" };
  const half = { name: "half", parameters: [{ name: "x", type: "f32" }], result: "f32", body: [], value: { kind: "binary", op: "multiply", left: x, right: { kind: "constant", value: 0.5, type: "f32", width: "scalar" }, type: "f32", width: "scalar" } } as const;
  const [rows, inner, lanes] = [4, 32, 16];
  const [a, b0, c, out] = [4, 4 + rows * inner, 4 + rows * inner + inner * lanes, 4 + rows * inner + inner * lanes + rows * lanes];
  const source = { path: "models/vae.lvm", text: "network encoder(x: real[5])\n  h = dense(8)(x)\n  h\n" };
  const made = programOf(
    out + rows,
    [
      {
        title: "C = A B",
        groups: rows,
        shared: lanes,
        write: (k) => {
          const lane = k.laneNumbers();
          const row = k.bind(k.multiply(k.group(), inner), "row");
          const sum = k.variable(k.constant(0, "f32", "vector"), "sum");
          k.loop(0, inner, lanes, (at) => {
            k.storeShared(lane, k.load(k.add(k.add(row, at), a), "f32", "vector"));
            k.barrier();
            k.loop(0, lanes, 1, (i) => k.set(sum, k.multiplyAdd(k.loadShared(k.widened(i, "vector")), k.load(k.add(k.multiply(k.add(at, i), lanes), b0), "f32", "vector"), sum)));
            k.barrier();
          }, "at");
          k.store(k.add(k.multiply(k.group(), lanes), c), k.max(sum, 0));
        },
      },
      {
        title: "sum of C over columns, where it is a number",
        groups: rows,
        write: (k) => {
          const value = k.bind(k.load(k.add(k.multiply(k.group(), lanes), c), "f32", "vector"), "value");
          const total = k.reduceLanes("add", k.select(k.compare("equal", value, value), k.add(k.multiply(value, 3), 1), 0));
          k.when(k.less(k.load(k.integer(0), "i32"), 5), () => k.store(k.add(k.group(), out), k.call("half", [total], "f32")));
        },
      },
    ],
    { functions: [half], lanes },
  );
  return { ...made, kernels: made.kernels.map((kernel) => ({ ...kernel, origins: [{ source, start: 30, end: 45 }, { source, start: 0, end: 7 }] })) };
}

describe("WGSL", () => {
  // Guards the text that people read and that adapters compile: barriers, shared memory, the counter of steps, comments of the model's lines.
  it("of a product and a sum", async () => {
    await expect(renderWgsl(program()).join("\n")).toMatchFileSnapshot("goldens/product-and-sum.wgsl");
  });

  it("of a program whose lanes are registers is refused", () => {
    expect(() => renderWgsl({ ...program(), simt: undefined })).toThrow(/lanes .* are not invocations/);
  });
});
